//! Runs from a real upstream over HTTP: whole, cut at every awkward byte, cancelled, broken, slow.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::config::{Request, Route};
use tidegate_testkit::client::{Answer, Client};
use tidegate_testkit::corpora;
use tidegate_testkit::split;
use tidegate_testkit::upstream::{Gate, Script, Upstream, openai_text, sse_event};

use crate::running::{Running, gateway, route};

async fn with(upstream: &Upstream) -> Running {
    let route = route(&upstream.url("/v1/chat/completions"));
    gateway(|config| {
        config.rate_limit.enabled = false;
        config.routes = vec![route];
    })
    .await
}

async fn ask(client: &mut Client) -> Answer {
    client.send_json(json!({ "type": "stream", "id": "q", "query": "hello" })).await;
    client.answer().await
}

#[tokio::test]
async fn streams_an_answer_from_start_to_end() {
    let upstream = Upstream::start(Script::openai(&["Hel", "lo ", "wörld"])).await;
    let gateway = with(&upstream).await;
    let (mut client, welcome) = gateway.client_at("/ws").await;
    let answer = ask(&mut client).await;
    assert_eq!(answer.text, "Hello wörld");
    assert_eq!(answer.start["id"], "q");
    assert_eq!(answer.start["session_id"], welcome["session"]);
    assert_eq!(answer.end["type"], "stream_end");
    assert_eq!(answer.end["complete"], true);
    let [request] = upstream.requests().try_into().expect("one request");
    assert_eq!(request.json()["messages"], json!([{ "role": "user", "content": "hello" }]));
    assert_eq!(request.json()["stream"], true);
    assert_eq!(request.header("tidegate-session"), welcome["session"].as_str().unwrap());
}

#[tokio::test]
async fn every_line_of_the_stream_corpora_arrives_at_every_speed() {
    for corpus in stream_corpora() {
        let (name, text) = (corpus.file.display(), openai_texts(&corpus.lines));
        let body: String = corpus.lines.iter().map(|line| sse_event(line)).collect::<String>()
            + &sse_event("[DONE]");
        for (seed, largest, pause) in [(1, 7, 0), (2, 900, 0), (3, 40_000, 1)] {
            let chunks = split::at_random(body.as_bytes(), seed, largest);
            let chunks = chunks.into_iter().map(<[u8]>::to_vec);
            let script = Script::sse().chunks(chunks, Duration::from_millis(pause));
            let upstream = Upstream::start(script).await;
            let gateway = with(&upstream).await;
            let answer = ask(&mut gateway.client().await).await;
            assert_eq!(answer.end["type"], "stream_end", "{name}: {}", answer.end);
            assert_eq!(answer.text, text, "{name} in chunks of at most {largest}");
        }
    }
}

/// The project's own streams, and of real ones, where a folder has them, the lines in the OpenAI form.
fn stream_corpora() -> Vec<corpora::Corpus> {
    let mut all = corpora::load("openai_stream.jsonl");
    if corpora::folders().iter().any(|folder| folder.join("llm_stream.jsonl").is_file()) {
        all.extend(corpora::load("llm_stream.jsonl"));
    }
    for corpus in &mut all {
        corpus.lines.retain(|line| line.contains(r#""object":"chat.completion.chunk""#));
        assert!(!corpus.lines.is_empty(), "{}", corpus.file.display());
    }
    all
}

/// The text of a corpus by a reading of its own: a tree, where the gateway scans.
fn openai_texts(lines: &[String]) -> String {
    let text = |line: &String| {
        let chunk: Value = serde_json::from_str(line).expect("JSON");
        chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    lines.iter().map(text).collect()
}

#[tokio::test]
async fn a_cut_inside_any_character_or_line_end_changes_nothing() {
    let body = openai_text("aé") + &openai_text("漢🌊") + &sse_event("[DONE]");
    let scripts = split::in_two(body.as_bytes())
        .map(|(head, tail)| Script::sse().chunk(head.to_vec()).chunk(tail.to_vec()));
    let upstream = Upstream::start_each(scripts.collect()).await;
    let gateway = with(&upstream).await;
    let mut client = gateway.client().await;
    for cut in 0..=body.len() {
        let answer = ask(&mut client).await;
        assert_eq!(answer.text, "aé漢🌊", "cut at {cut}");
    }
}

#[tokio::test]
async fn an_upstream_that_dies_in_mid_stream_is_said_and_the_gateway_lives() {
    let dies = Script::sse().chunk(openai_text("half an ans")).die();
    let ends = Script::sse().chunk(openai_text("half an ans"));
    let upstream = Upstream::start_each(vec![dies, ends, Script::openai(&["whole"])]).await;
    let gateway = with(&upstream).await;
    let mut client = gateway.client().await;
    for _ in 0..2 {
        let answer = ask(&mut client).await;
        assert_eq!(answer.text, "half an ans");
        assert_eq!(
            (&answer.end["type"], &answer.end["code"]),
            (&json!("stream_error"), &json!("upstream_died"))
        );
        assert!(answer.end["message"].as_str().unwrap().len() > 10);
    }
    assert_eq!(ask(&mut client).await.text, "whole");
}

#[tokio::test]
async fn an_error_object_in_mid_stream_is_passed_on() {
    let error = json!({ "error": { "code": "overloaded", "message": "try later" } }).to_string();
    let upstream =
        Upstream::start(Script::sse().chunk(openai_text("so far")).chunk(sse_event(&error))).await;
    let gateway = with(&upstream).await;
    let answer = ask(&mut gateway.client().await).await;
    assert_eq!(answer.text, "so far");
    assert_eq!(
        (&answer.end["code"], &answer.end["message"]),
        (&json!("overloaded"), &json!("try later"))
    );
}

#[tokio::test]
async fn failures_before_the_first_token_have_their_codes() {
    let upstream = Upstream::start_each(vec![
        Script::error(500),
        Script::sse().chunk("data: {broken\n\n"),
        Script::no_head(),
        Script::sse().hang(),
    ])
    .await;
    let slow = route(&upstream.url("/"));
    let nobody = Route { name: "nobody".into(), default: false, ..route("http://127.0.0.1:1/") };
    let gateway = gateway(|config| {
        config.stream.first_byte_timeout = Duration::from_millis(300);
        config.stream.idle_timeout = Duration::from_millis(300);
        config.routes = vec![slow, nobody];
    })
    .await;
    let mut client = gateway.client().await;
    for code in ["upstream_status", "upstream_malformed", "upstream_timeout", "upstream_timeout"] {
        let answer = ask(&mut client).await;
        assert_eq!(
            (&answer.end["type"], &answer.end["code"]),
            (&json!("stream_error"), &json!(code))
        );
    }
    client.send_json(json!({ "type": "stream", "query": "q", "route": "nobody" })).await;
    assert_eq!(client.answer().await.end["code"], "upstream_unreachable");
}

#[tokio::test]
async fn a_cancel_ends_the_stream_and_closes_the_upstream_request() {
    let upstream =
        Upstream::start(Script::sse().forever(openai_text("on "), Duration::from_millis(5))).await;
    let gateway = with(&upstream).await;
    let mut client = gateway.client().await;
    let mut stranger = gateway.client().await;
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    let stream = client.expect("stream_start").await["stream"].clone();
    client.expect("stream_chunk").await;
    stranger.send_json(json!({ "type": "cancel", "stream": stream })).await;
    assert_eq!(stranger.expect("error").await["code"], "not_found");
    client.send_json(json!({ "type": "cancel", "id": 2, "stream": stream })).await;
    let end = client.wait_for("stream_end").await;
    assert_eq!((&end["stream"], &end["complete"]), (&stream, &json!(false)));
    upstream.until(|counts| counts.aborted == 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_closes_its_upstream_requests() {
    let upstream =
        Upstream::start(Script::sse().forever(openai_text("on "), Duration::from_millis(5))).await;
    let gateway = with(&upstream).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    client.wait_for("stream_chunk").await;
    drop(client);
    upstream.until(|counts| counts.aborted == 1).await;
    gateway.stats_until(|stats| stats["streams"]["active"] == 0).await;
}

#[tokio::test]
async fn upstream_connections_are_reused() {
    let upstream = Upstream::start(Script::openai(&["ok"])).await;
    let gateway = with(&upstream).await;
    let mut client = gateway.client().await;
    for _ in 0..10 {
        assert_eq!(ask(&mut client).await.text, "ok");
    }
    assert_eq!(upstream.requests().len(), 10);
    assert_eq!(upstream.counts().accepted, 1, "all over one connection");
    let stats = gateway.stats_until(|stats| stats["upstreams"]["connections_idle"] == 1).await;
    let counted = ["pools_created", "pool_hits", "pool_misses", "connections_reused"];
    assert_eq!(counted.map(|name| stats["upstreams"][name].clone()), [1, 9, 1, 1]);
}

#[tokio::test]
async fn agent_events_arrive_whole_in_order_and_between_the_text() {
    let lines = [
        r#"{"type":"agent_started","n":1.0}"#,
        r#""Let me ""#,
        r#"{"type":"tool_executing","tool":"tide_table"}"#,
        r#"{"type":"tool_completed"}"#,
        r#""see.""#,
        r#"{"type":"agent_completed"}"#,
    ];
    let upstream = Upstream::start(Script::ndjson().chunk(lines.join("\n") + "\n")).await;
    let agent = Route { request: Request::Json, ..route(&upstream.url("/")) };
    let gateway = gateway(|config| config.routes = vec![agent]).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    client.expect("stream_start").await;
    for line in lines {
        let expected: Value = serde_json::from_str(line).unwrap();
        assert_eq!(client.expect("stream_chunk").await["data"], expected);
    }
    assert_eq!(client.expect("stream_end").await["complete"], true);
}

#[tokio::test]
async fn plain_text_and_a_template_suit_a_backend_that_knows_nothing_of_this() {
    let upstream = Upstream::start(Script::text().chunk("plain ").chunk("wörds")).await;
    let template = r#"{"prompt":{{input}},"max":5}"#.to_owned();
    let agent = Route { request: Request::Template(template), ..route(&upstream.url("/complete")) };
    let gateway = gateway(|config| config.routes = vec![agent]).await;
    let answer = ask(&mut gateway.client().await).await;
    assert_eq!(answer.text, "plain wörds");
    assert_eq!(upstream.requests()[0].json(), json!({ "prompt": "hello", "max": 5 }));
}

#[tokio::test]
async fn a_bound_type_is_answered_by_its_route_as_one_message_or_as_a_stream() {
    let upstream = Upstream::start(Script::openai(&["sun", "ny"])).await;
    let weather = Route {
        name: "weather".into(),
        types: vec!["weather".into()],
        default: false,
        ..route(&upstream.url("/"))
    };
    let gateway = gateway(|config| config.routes = vec![weather]).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "weather", "id": 1, "content": "Oslo" })).await;
    let message = client.expect("message").await;
    assert_eq!((&message["id"], &message["content"]), (&json!(1), &json!("sunny")));
    client.send_json(json!({ "type": "weather", "stream": true, "query": "Oslo" })).await;
    assert_eq!(client.answer().await.text, "sunny");
    client.send_json(json!({ "type": "message", "content": "echoed still" })).await;
    assert_eq!(client.expect("message").await["content"], "echoed still");
}

#[tokio::test]
async fn a_session_has_so_many_streams_and_no_more() {
    let gate = Gate::new();
    let upstream = Upstream::start(Script::openai(&["late"]).head_behind(&gate)).await;
    let route = route(&upstream.url("/"));
    let gateway = gateway(|config| {
        config.stream.max_streams_per_session = 2;
        config.routes = vec![route];
    })
    .await;
    let mut client = gateway.client().await;
    for _ in 0..2 {
        client.send_json(json!({ "type": "stream", "query": "q" })).await;
        client.expect("stream_start").await;
    }
    client.send_json(json!({ "type": "stream", "id": 3, "query": "q" })).await;
    let error = client.expect("error").await;
    assert_eq!((&error["id"], &error["code"]), (&json!(3), &json!("limit_reached")));
    gate.open();
    client.wait_for("stream_end").await;
    client.wait_for("stream_end").await;
}

#[tokio::test]
async fn the_embedded_agent_answers_where_nothing_is_configured() {
    let gateway = gateway(|_| {}).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "stream", "query": "How do tides work?" })).await;
    client.expect("stream_start").await;
    let chunk = client.expect("stream_chunk").await;
    assert!(chunk["data"].as_str().unwrap().starts_with('#'));
}

#[tokio::test]
async fn a_drain_lets_a_short_run_end() {
    let upstream = Upstream::start(
        Script::sse()
            .chunk(openai_text("nearly "))
            .pause(Duration::from_millis(300))
            .chunk(openai_text("done") + &sse_event("[DONE]")),
    )
    .await;
    let gateway = with(&upstream).await;
    let mut client = gateway.client().await;
    client.send_json(json!({ "type": "stream", "query": "q" })).await;
    client.expect("stream_start").await;
    client.expect("stream_chunk").await;
    let seen = async {
        client.expect("goaway").await;
        assert_eq!(client.expect("stream_chunk").await["data"], "done");
        assert_eq!(client.expect("stream_end").await["complete"], true);
        assert_eq!(client.close_frame().await.expect("a close frame").0, 1001);
    };
    tokio::join!(gateway.stop(), seen);
}
