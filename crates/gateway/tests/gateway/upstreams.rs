//! Several upstreams for one route, all real servers: who is asked, who stands aside, and what is never asked twice.
#![expect(clippy::disallowed_methods, reason = "doors and clients run in tasks beside the test")]

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tidegate::config::{Config, Route, Strategy, Upstreams};
use tidegate_testkit::client::{Answer, Client};
use tidegate_testkit::upstream::{Gate, Script, Upstream, openai_text, sse_event};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::reload::{Reloading, with_key};
use crate::running::{API_KEY, Running, at, gateway, route};

/// Nobody listens here: ports below 1024 are nobody's in a test.
const NOBODY: &str = "http://127.0.0.1:1/";

/// A port of its own before an upstream, which can be shut and opened again.
struct Door {
    address: SocketAddr,
    behind: Behind,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy)]
enum Behind {
    /// Everything goes on to this address.
    Server(SocketAddr),
    /// A question is read, and the connection closed.
    Nobody,
}

impl Door {
    async fn before(behind: Behind) -> Self {
        let listener = TcpListener::bind(at(0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        Self { address, behind, task: tokio::spawn(stand_open(listener, behind)) }
    }

    /// Connections break, and new ones are refused.
    async fn shut(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("its port is free still");
        self.task = tokio::spawn(stand_open(listener, self.behind));
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn stand_open(listener: TcpListener, behind: Behind) {
    let mut inside = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        inside.spawn(async move {
            match behind {
                Behind::Server(address) => {
                    let mut server = TcpStream::connect(address).await.expect("it listens");
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
                Behind::Nobody => drop(client.read(&mut [0; 4096]).await),
            }
        });
    }
}

/// A route in the OpenAI form to all of these, in turn.
fn to(all: &[&str]) -> Route {
    let all: Vec<String> = all.iter().map(|url| format!("{url:?}")).collect();
    let upstream: Upstreams = format!("[{}]", all.join(", ")).parse().expect("addresses");
    Route { upstream, strategy: Strategy::RoundRobin, ..route(NOBODY) }
}

async fn with(route: Route, change: impl FnOnce(&mut Config)) -> Running {
    gateway(|config| {
        config.rate_limit.enabled = false;
        config.stream.max_failures = 2;
        config.routes = vec![route];
        change(config);
    })
    .await
}

async fn ask(client: &mut Client) -> Answer {
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    client.answer().await
}

/// The upstreams of the only configured route, as the API shows them.
async fn shown(gateway: &Running) -> Vec<Value> {
    let key = format!("Bearer {API_KEY}");
    let headers = [("authorization", key.as_str())];
    let answer = gateway.request(Method::GET, "/api/v1/upstreams", &headers, "").await.json();
    let routes = answer["routes"].as_array().expect("routes").clone();
    let ours = routes.into_iter().find(|route| route["route"] == "agent").expect("the route");
    ours["upstreams"].as_array().expect("upstreams").clone()
}

/// The upstreams, asked for until they satisfy a condition.
async fn shown_until(gateway: &Running, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    for _ in 0..500 {
        let upstreams = shown(gateway).await;
        if wanted(&upstreams) {
            return upstreams;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the upstreams did not come to what was wanted: {:?}", shown(gateway).await);
}

#[tokio::test]
async fn a_question_that_nobody_took_goes_to_another_and_who_is_down_stands_aside() {
    let upstream = Upstream::start(Script::openai(&["here"])).await;
    let gateway = with(to(&[NOBODY, &upstream.url("/chat")]), |_| {}).await;
    let mut client = gateway.client().await;
    for _ in 0..8 {
        assert_eq!(ask(&mut client).await.text, "here");
    }
    let [down, well] = shown(&gateway).await.try_into().expect("two");
    assert_eq!((&down["address"], &down["is_ejected"]), (&json!(NOBODY), &json!(true)));
    assert_eq!((&down["requests"], &down["failed"]), (&json!(2), &json!(2)));
    assert_eq!(well["address"], upstream.url("/chat"));
    assert_eq!((&well["requests"], &well["failed"]), (&json!(8), &json!(0)));
    let stats = gateway.stats_until(|_| true).await;
    assert_eq!(
        (&stats["upstreams"]["ejected"], &stats["upstreams"]["retries"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn where_nobody_is_left_the_reason_is_said() {
    let gateway = with(to(&[NOBODY, "http://127.0.0.1:2/"]), |config| {
        config.routes[0].types = vec!["weather".to_owned()];
    })
    .await;
    let mut client = gateway.client().await;
    let reason = "none of the route's upstreams can be reached";
    // Also when all but the last stand aside: each is tried before the question is given up.
    for _ in 0..4 {
        let end = ask(&mut client).await.end;
        assert_eq!(
            (&end["code"], &end["message"]),
            (&json!("upstream_unreachable"), &json!(reason))
        );
    }
    client.send_json(json!({ "type": "weather", "id": 1, "content": "q" })).await;
    let error = client.expect("error").await;
    assert_eq!((&error["code"], &error["message"]), (&json!("upstream_failed"), &json!(reason)));
    let requests =
        shown(&gateway).await.iter().map(|one| one["requests"].clone()).collect::<Vec<_>>();
    assert_eq!(requests, [5, 5], "both, each time");
}

#[tokio::test]
async fn weights_are_kept_exactly() {
    let upstreams = [
        Upstream::start(Script::openai(&["a"])).await,
        Upstream::start(Script::openai(&["b"])).await,
        Upstream::start(Script::openai(&["c"])).await,
    ];
    let weighted = upstreams.iter().zip([1, 2, 5]);
    let list: Vec<String> = weighted
        .map(|(one, weight)| format!("{{ address = {:?}, weight = {weight} }}", one.url("/")))
        .collect();
    let upstream = format!("[{}]", list.join(", ")).parse().expect("a list");
    let route = Route { upstream, strategy: Strategy::Weighted, ..route(NOBODY) };
    let gateway = with(route, |_| {}).await;
    let mut client = gateway.client().await;
    for _ in 0..16 {
        ask(&mut client).await;
    }
    assert_eq!(upstreams.each_ref().map(|one| one.requests().len()), [2, 4, 10]);
}

#[tokio::test]
async fn one_that_comes_back_is_probed_and_serves_again() {
    let (first, second) = (
        Upstream::start(Script::openai(&["first"])).await,
        Upstream::start(Script::openai(&["second"])).await,
    );
    let mut door = Door::before(Behind::Server(first.addr())).await;
    let gateway = with(to(&[&door.url(), &second.url("/")]), |config| {
        config.stream.ejection_delay = Duration::from_millis(50);
    })
    .await;
    let mut client = gateway.client().await;
    let both = [ask(&mut client).await.text, ask(&mut client).await.text];
    assert_eq!(both, ["first", "second"]);
    door.shut().await;
    for _ in 0..6 {
        assert_eq!(ask(&mut client).await.text, "second");
    }
    assert_eq!(shown(&gateway).await[0]["is_ejected"], true);
    door.open().await;
    let mut back = 0;
    for _ in 0..500 {
        back += usize::from(ask(&mut client).await.text == "first");
        if back == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(back, 3);
    assert_eq!(shown(&gateway).await[0]["is_ejected"], false);
}

#[tokio::test]
async fn what_was_sent_is_asked_again_only_where_it_may_be() {
    let (door, upstream) =
        (Door::before(Behind::Nobody).await, Upstream::start(Script::openai(&["ok"])).await);
    let gateway_for = async |idempotent| {
        let route = Route { idempotent, ..to(&[&door.url(), &upstream.url("/")]) };
        with(route, |config| config.stream.max_failures = 100).await
    };
    let gateway = gateway_for(false).await;
    let mut client = gateway.client().await;
    let end = ask(&mut client).await.end;
    assert_eq!(end["code"], "upstream_unreachable");
    assert_eq!(end["message"], "the upstream cannot be reached", "the other was not asked");
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(ask(&mut client).await.text, "ok");
    assert_eq!(upstream.requests()[0].header("idempotency-key"), "");
    let gateway = gateway_for(true).await;
    let mut client = gateway.client().await;
    for _ in 0..4 {
        assert_eq!(ask(&mut client).await.text, "ok");
    }
    assert_eq!(upstream.requests().len(), 5);
}

#[tokio::test]
async fn an_upstream_out_of_service_is_passed_over_under_one_key_and_overload_runs_through_few() {
    let all = [
        Upstream::start(Script::error(503)).await,
        Upstream::start(Script::error(502)).await,
        Upstream::start(Script::error(504)).await,
        Upstream::start(Script::openai(&["the fourth"])).await,
    ];
    let urls = all.each_ref().map(|one| one.url("/"));
    let urls = urls.each_ref().map(String::as_str);
    let route = Route { idempotent: true, ..to(&urls) };
    let gateway = with(route, |config| config.stream.max_failures = 100).await;
    let mut client = gateway.client().await;
    let end = ask(&mut client).await.end;
    assert_eq!(end["code"], "upstream_status", "two repeats are enough");
    let keys = all.each_ref().map(|one| {
        one.requests().first().map(|request| request.header("idempotency-key").to_owned())
    });
    let [Some(one), Some(two), Some(three), None] = keys else { panic!("{keys:?}") };
    assert!(one.len() >= 16 && one == two && two == three, "{one} {two} {three}");
    assert_eq!(ask(&mut client).await.text, "the fourth");
    assert_ne!(all[3].requests()[0].header("idempotency-key"), one, "another question");
    // An error of the question's own is nobody's fault and is not asked again.
    let refusing = Upstream::start(Script::error(500)).await;
    let route = Route { idempotent: true, ..to(&[&refusing.url("/"), &all[3].url("/")]) };
    let gateway = with(route, |_| {}).await;
    let mut client = gateway.client().await;
    assert_eq!(ask(&mut client).await.end["code"], "upstream_status");
    assert_eq!(shown(&gateway).await[0]["failed"], 0);
}

#[tokio::test]
async fn a_stream_stays_with_its_upstream_which_is_busy_until_the_end() {
    let gate = Gate::new();
    let slow = Script::sse().chunk(openai_text("be")).wait(&gate);
    let slow = slow.chunk(openai_text("gun") + &sse_event("[DONE]"));
    let (one, two) =
        (Upstream::start(slow).await, Upstream::start(Script::openai(&["other"])).await);
    let list = to(&[&one.url("/"), &two.url("/")]);
    let route = Route { strategy: Strategy::LeastConnections, ..list };
    let gateway = with(route, |_| {}).await;
    let (mut client, mut others) = (gateway.client().await, gateway.client().await);
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    client.wait_for("stream_chunk").await;
    for _ in 0..5 {
        assert_eq!(ask(&mut others).await.text, "other");
    }
    assert_eq!(shown(&gateway).await[0]["in_flight"], 1);
    gate.open();
    assert_eq!(client.expect("stream_chunk").await["data"], "gun");
    assert_eq!(client.expect("stream_end").await["complete"], true);
    shown_until(&gateway, |all| all[0]["in_flight"] == 0).await;
    assert_eq!((one.requests().len(), two.requests().len()), (1, 5));
}

#[tokio::test]
async fn who_is_late_or_breaks_off_has_failed_and_who_is_cancelled_has_not() {
    let late = Upstream::start(Script::no_head()).await;
    let gateway = with(to(&[&late.url("/"), NOBODY]), |config| {
        config.stream.first_byte_timeout = Duration::from_millis(200);
    })
    .await;
    let mut client = gateway.client().await;
    assert_eq!(ask(&mut client).await.end["code"], "upstream_timeout");
    assert_eq!(shown(&gateway).await[0]["failed"], 1);

    let breaks = Script::sse().chunk(openai_text("half")).die();
    let pauses = Script::sse().chunk(openai_text("half")).hang();
    let upstream = Upstream::start_each(vec![breaks, pauses, Script::no_head()]).await;
    let route = Route { idempotent: true, ..to(&[&upstream.url("/"), NOBODY]) };
    let gateway = with(route, |config| {
        config.stream.max_failures = 100;
        config.stream.idle_timeout = Duration::from_millis(200);
    })
    .await;
    let mut client = gateway.client().await;
    for code in ["upstream_died", "upstream_timeout"] {
        let answer = ask(&mut client).await;
        assert_eq!((answer.text.as_str(), &answer.end["code"]), ("half", &json!(code)));
        // The turn of the other one, which hands it back.
        if code == "upstream_died" {
            assert_eq!(shown(&gateway).await[0]["failed"], 1);
        }
    }
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    let stream = client.expect("stream_start").await["stream"].clone();
    upstream.until(|counts| counts.requests == 3).await;
    client.send_json(json!({ "type": "cancel", "stream": stream })).await;
    client.wait_for("stream_end").await;
    let all = shown_until(&gateway, |all| all[0]["in_flight"] == 0).await;
    assert_eq!((&all[0]["failed"], &all[0]["requests"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn a_reload_changes_the_list_under_load_and_no_answer_is_lost() {
    let script = || {
        let parts = ["wh", "ol", "e"].map(openai_text);
        Script::sse().chunks(parts, Duration::from_millis(2)).chunk(sse_event("[DONE]"))
    };
    let all = [
        Upstream::start(script()).await,
        Upstream::start(script()).await,
        Upstream::start(script()).await,
    ];
    let [a, b, c] = all.each_ref().map(|one| one.url("/"));
    let file = |list: &[&str], strategy: &str| {
        let unlimited = "[rate_limit]\nenabled = false\n[stream]\nmax_failures = 2\n";
        with_key(&format!(
            "{unlimited}[[routes]]\nname = \"agent\"\ndefault = true\nupstream = {list:?}\nstrategy = \"{strategy}\"\n"
        ))
    };
    let gateway = Reloading::start("upstreams", &file(&[&a], "p2c")).await;
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let mut client = gateway.running.client().await;
        clients.spawn(async move {
            for _ in 0..40 {
                let answer = ask(&mut client).await;
                assert_eq!(
                    (answer.text.as_str(), &answer.end["type"]),
                    ("whole", &json!("stream_end"))
                );
            }
        });
    }
    for (list, strategy) in [
        (vec![&*a, &b], "round_robin"),
        (vec![NOBODY, &b, &c], "least_connections"),
        (vec![&*b, NOBODY], "p2c"),
        (vec![&*c, &a, &b], "weighted"),
        (vec![NOBODY, &c], "round_robin"),
    ] {
        let asked = all.each_ref().map(|one| one.requests().len()).iter().sum::<usize>();
        let answer = gateway.reload(&file(&list, strategy)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let changed = answer.json()["changed"].as_array().expect("changes").clone();
        assert_eq!(changed[0]["key"], "routes[0].upstream", "{changed:?}");
        while all.each_ref().map(|one| one.requests().len()).iter().sum::<usize>() < asked + 20 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    while let Some(client) = clients.join_next().await {
        client.expect("every answer was whole");
    }
    assert!(all.iter().all(|one| one.requests().len() > 5), "each served for a while");
    assert_eq!(all.iter().map(|one| one.requests().len()).sum::<usize>(), 160);
    let now = shown(&gateway.running).await;
    assert_eq!((&now[0]["address"], &now[0]["is_ejected"]), (&json!(NOBODY), &json!(true)));
}

#[tokio::test]
async fn what_is_shown_of_upstreams_needs_the_key_and_hides_queries() {
    let gateway = with(to(&["http://127.0.0.1:1/chat?key=hidden", NOBODY]), |_| {}).await;
    assert_eq!(gateway.get("/api/v1/upstreams").await.status, 401);
    let all = shown(&gateway).await;
    assert_eq!(all[0]["address"], "http://127.0.0.1:1/chat");
    let fields: Vec<&str> =
        all[0].as_object().expect("an object").keys().map(String::as_str).collect();
    for field in [
        "weight",
        "is_ejected",
        "in_flight",
        "requests",
        "failed",
        "failures_in_a_row",
        "latency_ms",
    ] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
}
