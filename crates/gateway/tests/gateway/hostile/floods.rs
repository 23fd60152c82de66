//! Many connections, many handshakes, and races for the last place.

use std::time::Duration;

use serde_json::json;
use tidegate_testkit::client::{Client, Incoming};
use tokio::net::TcpStream;

use super::{Before, UPGRADE, clock, connect, connect_from, exchange, field, rest};
use crate::running::{gateway, token, with_tokens};

#[tokio::test]
async fn a_thousand_connections_that_never_speak_are_cut_off_and_hinder_nobody() {
    let gateway =
        gateway(|config| config.listen.header_timeout = Duration::from_millis(1500)).await;
    let before = Before::of(&gateway).await;
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(connect(&gateway).await);
    }
    let began = clock();
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "message", "content": 1 })).await;
    client.expect("message").await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    for stream in &mut silent {
        assert_eq!(rest(stream).await, "");
    }
    drop((silent, client));
    before.assert_restored(&gateway).await;
}

#[tokio::test]
async fn sessions_that_never_say_who_they_are_end_in_time() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.auth.auth_timeout = Duration::from_millis(300);
    })
    .await;
    let before = Before::of(&gateway).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(Client::connect(&gateway.ws("/ws")).await);
    }
    assert_eq!(gateway.get("/api/websocket/stats").await.json()["active_connections"], 0);
    for client in &mut silent {
        assert_eq!(client.close_frame().await.expect("a close frame").0, 4001);
    }
    drop(silent);
    before.assert_restored_without_a_client(&gateway).await;
}

/// A handshake with this token on a connection that lives on.
async fn handshake(stream: &mut TcpStream, token: &str) -> (u16, String, String) {
    exchange(stream, &format!("{UPGRADE}Authorization: Bearer {token}\r\n\r\n")).await
}

#[tokio::test]
async fn a_flood_of_bad_tokens_costs_few_signatures_and_shuts_nobody_else_out() {
    let gateway = gateway(|config| {
        with_tokens(config);
        config.listen.max_handshakes_per_second_per_ip = 20;
        config.listen.max_handshakes_per_second = 1000;
    })
    .await;
    let before = Before::of(&gateway).await;
    let bad = token(json!({ "sub": "42" })) + "x";
    let began = clock();
    let (mut judged, mut limited) = (0, 0);
    let mut stream = connect_from(&gateway, 2).await;
    for _ in 0..1000 {
        match handshake(&mut stream, &bad).await {
            (401, ..) => judged += 1,
            (429, head, body) => {
                limited += 1;
                assert_eq!(field(&head, "retry-after"), Some("1"), "{head}");
                assert_eq!(field(&head, "ratelimit-policy"), Some(r#""handshakes";q=20;w=1"#));
                assert!(body.contains("rate_limited"), "{body}");
            }
            (status, ..) => panic!("{status}"),
        }
    }
    let seconds = began.elapsed().as_secs() + 1;
    assert!((20..=20 * (seconds + 1)).contains(&judged), "{judged} in {seconds} s");
    // From another address, a good token is taken at once.
    drop(gateway.user("42").await);
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert_eq!(stats["refused"]["token"], judged);
    assert_eq!(stats["refused"]["handshakes"], limited);
    drop(stream);
    before.assert_restored_without_a_client(&gateway).await;
}

#[tokio::test]
async fn an_address_has_its_connections_and_no_more() {
    let gateway = gateway(|config| config.pool.max_connections_per_ip = 3).await;
    let before = Before::of(&gateway).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        inside.push(gateway.client().await);
    }
    let refused = Client::connect_with(&gateway.ws("/ws"), &[], &[]).await.unwrap_err();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(String::from_utf8_lossy(&refused.body).contains("too_many_connections"));
    let mut elsewhere = connect_from(&gateway, 3).await;
    assert_eq!(exchange(&mut elsewhere, &format!("{UPGRADE}\r\n")).await.0, 101);
    drop((inside, elsewhere));
    gateway.stats_until(|stats| stats["active_connections"] == 0).await;
    // A handshake that is refused later gives its place back.
    for _ in 0..5 {
        let request = UPGRADE.replacen("13", "7", 1) + "\r\n";
        assert_eq!(exchange(&mut connect(&gateway).await, &request).await.0, 426);
    }
    before.assert_restored(&gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_at_once_make_five_sessions_of_one_user() {
    let gateway = gateway(with_tokens).await;
    let before = Before::of(&gateway).await;
    let url = gateway.ws(&format!("/ws?token={}", token(json!({ "sub": "42" }))));
    let connecting = (0..40).map(|_| async {
        let mut client = Client::connect(&url).await;
        match client.next().await {
            Incoming::Text(_) => Some(client),
            Incoming::Close(Some((1008, _))) => None,
            other => panic!("{other:?}"),
        }
    });
    let inside: Vec<Client> =
        futures_util::future::join_all(connecting).await.into_iter().flatten().collect();
    assert_eq!(inside.len(), 5);
    drop(inside);
    before.assert_restored_without_a_client(&gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_never_make_more_than_fifty_sessions() {
    let gateway = gateway(|config| config.pool.max_connections = 50).await;
    let before = Before::of(&gateway).await;
    for _ in 0..3 {
        let url = gateway.ws("/ws");
        let connecting = (0..200).map(|_| async {
            let mut client = Client::connect_with(&url, &[], &[]).await.map_err(|refused| {
                assert_eq!(refused.status, 503);
            })?;
            match client.next().await {
                Incoming::Text(_) => Ok(client),
                Incoming::Close(Some((1008, _))) => Err(()),
                other => panic!("{other:?}"),
            }
        });
        let inside: Vec<Client> =
            futures_util::future::join_all(connecting).await.into_iter().flatten().collect();
        assert_eq!(inside.len(), 50);
        let stats = gateway.get("/api/websocket/stats").await.json();
        assert_eq!(
            (&stats["active_connections"], &stats["pool"]["peak_connections"]),
            (&json!(50), &json!(50))
        );
        drop(inside);
        gateway.stats_until(|stats| stats["active_connections"] == 0).await;
    }
    before.assert_restored(&gateway).await;
}
