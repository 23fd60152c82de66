//! Which pages may read what: the configured origins, on the paths that are meant for clients, without credentials.

use http::Method;

use crate::running::{Answered, Running, gateway};

const PAGE: &str = "https://chat.example.com";
const FOREIGN: &str = "https://evil.example.com";
const HEALTH: &str = "/api/websocket/health";

async fn running() -> Running {
    gateway(|config| config.listen.allowed_origins = vec![PAGE.to_owned()]).await
}

async fn preflight(gateway: &Running, path: &str, origin: &str) -> Answered {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    gateway.request(Method::OPTIONS, path, &headers, "").await
}

fn names(answer: &Answered) -> Option<&str> {
    let name = answer.headers.get("access-control-allow-origin");
    name.and_then(|value| value.to_str().ok())
}

#[tokio::test]
async fn a_listed_page_may_read_and_a_foreign_one_may_not() {
    let gateway = running().await;
    for path in [HEALTH, "/api/websocket/stats", "/ws/stats", "/api/v1/ws/stats"] {
        for (origin, named) in [(PAGE, Some(PAGE)), (FOREIGN, None), ("null", None)] {
            let answer = gateway.request(Method::GET, path, &[("origin", origin)], "").await;
            assert_eq!((answer.status.as_u16(), names(&answer)), (200, named), "{path} {origin}");
            assert_eq!(answer.headers["vary"], "origin");
        }
        let plain = gateway.get(path).await;
        assert_eq!((names(&plain), &plain.headers["vary"]), (None, &"origin".parse().unwrap()));
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_listed_pages() {
    let gateway = running().await;
    let answer = preflight(&gateway, HEALTH, PAGE).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
    assert_eq!(names(&answer), Some(PAGE));
    for (name, value) in [
        ("access-control-allow-methods", "GET, HEAD"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-max-age", "600"),
        ("vary", "origin"),
    ] {
        assert_eq!(answer.headers[name], value, "{name}");
    }
    let foreign = preflight(&gateway, HEALTH, FOREIGN).await;
    assert_eq!((foreign.status.as_u16(), names(&foreign)), (403, None));
    assert_eq!(foreign.json()["code"], "origin_not_allowed");
    assert_eq!(foreign.headers["vary"], "origin");
}

#[tokio::test]
async fn any_origin_is_named_and_never_a_star_nor_with_credentials() {
    let gateway = gateway(|config| config.listen.allowed_origins = vec!["*".to_owned()]).await;
    for answer in [
        preflight(&gateway, HEALTH, FOREIGN).await,
        gateway.request(Method::GET, HEALTH, &[("origin", FOREIGN)], "").await,
    ] {
        assert_eq!(names(&answer), Some(FOREIGN));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn what_is_for_servers_is_for_no_page() {
    let gateway = running().await;
    for path in ["/api/v1/publish", "/api/v1/connections", "/metrics", "/livez", "/nowhere"] {
        let answer = preflight(&gateway, path, PAGE).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}");
        assert_eq!(names(&answer), None, "{path}");
    }
    let options = gateway.request(Method::OPTIONS, HEALTH, &[], "").await;
    assert_eq!(options.status, 405, "without a page this is no preflight");
}

#[tokio::test]
async fn a_refusal_can_be_read_by_the_page_that_it_is_for() {
    let gateway = gateway(|config| {
        config.listen.allowed_origins = vec![PAGE.to_owned()];
        config.rate_limit.api =
            Some(tidegate::config::Quota { max_requests: 1, ..Default::default() });
    })
    .await;
    preflight(&gateway, HEALTH, PAGE).await;
    for status in [200, 429] {
        let answer = gateway.request(Method::GET, HEALTH, &[("origin", PAGE)], "").await;
        assert_eq!((answer.status.as_u16(), names(&answer)), (status, Some(PAGE)));
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("ratelimit") && exposed.contains("retry-after"), "{exposed}");
    }
}
