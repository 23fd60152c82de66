//! The client against a server that sends prepared messages.

#![expect(clippy::unwrap_used, reason = "a test may fail by it")]
#![expect(clippy::disallowed_methods, reason = "the server of each test is a task of its own")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tidegate_testkit::client::{Client, Incoming};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

type Server = WebSocketStream<TcpStream>;

/// Serves one connection; gives its URL.
async fn serve<F>(story: impl FnOnce(Server) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        story(tokio_tungstenite::accept_async(socket).await.unwrap()).await;
    });
    url
}

async fn sends(messages: Vec<Message>) -> String {
    serve(|mut server| async move {
        for message in messages {
            server.send(message).await.unwrap();
        }
        while server.next().await.is_some() {}
    })
    .await
}

fn text(value: &serde_json::Value) -> Message {
    Message::text(value.to_string())
}

#[tokio::test]
async fn puts_a_streamed_answer_together_also_out_of_batches() {
    let chunk =
        |data: serde_json::Value| json!({"type": "stream_chunk", "stream": "s", "data": data});
    let url = sends(vec![
        text(&json!({"type": "stream_start", "stream": "s"})),
        text(&chunk(json!("Hel"))),
        Message::Ping("p".into()),
        text(&json!({"type": "batch", "messages": [
            chunk(json!({"type": "agent_thinking"})), chunk(json!("lo")),
            {"type": "presence"}, {"type": "stream_end", "complete": true}, {"type": "after"},
        ]})),
    ])
    .await;
    let mut client = Client::connect(&url).await;
    let answer = client.answer().await;
    assert_eq!((answer.text.as_str(), answer.chunks), ("Hello", 3));
    assert_eq!(answer.events, [json!({"type": "agent_thinking"})]);
    assert_eq!(answer.others, [json!({"type": "presence"})]);
    assert_eq!((&answer.start["stream"], &answer.end["complete"]), (&json!("s"), &json!(true)));
    client.expect("after").await;
}

#[tokio::test]
async fn passes_over_other_messages_when_it_waits_for_one() {
    let url =
        sends(vec![text(&json!({"type": "a"})), text(&json!({"type": "b", "messages": 1}))]).await;
    assert_eq!(Client::connect(&url).await.wait_for("b").await["messages"], 1);
}

#[tokio::test]
#[should_panic(expected = r#"wanted "b", got {"type":"a"}"#)]
async fn says_what_came_instead_of_what_was_expected() {
    let url = sends(vec![text(&json!({"type": "a"}))]).await;
    Client::connect(&url).await.expect("b").await;
}

#[tokio::test]
#[should_panic(expected = "the server sent nothing for 20ms")]
async fn says_how_long_it_waited() {
    let url = sends(vec![]).await;
    Client::connect(&url).await.patience(Duration::from_millis(20)).next().await;
}

#[tokio::test]
async fn gives_the_close_code_and_reason() {
    let frame = CloseFrame { code: 4001.into(), reason: "invalid token".into() };
    let url = sends(vec![text(&json!({"type": "a"})), Message::Close(Some(frame))]).await;
    let closed = Client::connect(&url).await.close_frame().await;
    assert_eq!(closed, Some((4001, "invalid token".to_owned())));
}

#[tokio::test]
async fn tells_a_lost_connection_from_a_closed_one() {
    let url = serve(|server| async move { drop(server) }).await;
    assert_eq!(Client::connect(&url).await.next().await, Incoming::End);
}

#[tokio::test]
async fn echoes_all_it_can_send() {
    let url = serve(|mut server| async move {
        while let Some(Ok(message)) = server.next().await {
            if message.is_text() || message.is_binary() {
                server.send(message).await.unwrap();
            }
        }
    })
    .await;
    let mut client = Client::connect(&url).await;
    client.send_json(json!({"n": 1})).await;
    assert_eq!(client.next_json().await, json!({"n": 1}));
    client.send_text("Gezeiten ≈").await;
    assert_eq!(client.next().await, Incoming::Text("Gezeiten ≈".to_owned()));
    client.send_binary(vec![1, 0xC1]).await;
    assert_eq!(client.next().await, Incoming::Binary(vec![1, 0xC1].into()));
    client.ping(b"now").await;
    assert_eq!(client.next().await, Incoming::Pong("now".into()));
    client.expect_silence(Duration::from_millis(20)).await;
    client.close(1000, "done").await;
    assert_eq!(client.close_frame().await, Some((1000, "done".to_owned())));
}

#[tokio::test]
async fn hands_out_a_refused_upgrade() {
    use tidegate_testkit::upstream::{Script, Upstream};
    let upstream = Upstream::start(Script::error(503).header("retry-after", "7")).await;
    let url = format!("ws://{}/ws", upstream.addr());
    let refused =
        Client::connect_with(&url, &[("authorization", "Bearer x")], &["tidegate.v1.json", "b"])
            .await
            .expect_err("503");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.headers["retry-after"], "7");
    let [request] = &upstream.requests()[..] else { panic!("one request") };
    assert_eq!(request.header("authorization"), "Bearer x");
    assert_eq!(request.header("sec-websocket-protocol"), "tidegate.v1.json, b");
}
