//! Streams that wait for a client.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tidegate_message::{Class, Event, Priority, SessionId, StreamId};
use tidegate_session::{Message, Outbound, Sent};

use crate::peer::{Peer, Setup, numbered, ordered, settle, stream, text};

fn start(stream: StreamId) -> Outbound {
    ordered(
        stream,
        &Event::StreamStart { id: None, stream, session_id: SessionId::from_random([0; 12]) },
    )
}

fn end(stream: StreamId) -> Outbound {
    ordered(stream, &Event::StreamEnd { stream, complete: true })
}

fn agent(stream: StreamId, name: &str) -> Outbound {
    let data = to_raw_value(&json!({"type": name})).expect("JSON");
    let message = Message::new(&Event::StreamChunk { stream, data });
    let message = message.ranked(Class::Critical, Priority::Critical);
    Outbound::Own(message.ordered(Outbound::stream_key(stream)))
}

/// A stream's messages in short: `start`, text as it is, `<event>`, `end`; pieces of text joined.
fn told(messages: &[Value], stream: StreamId) -> String {
    messages
        .iter()
        .filter(|message| message["stream"] == stream.to_string())
        .map(|message| match (message["type"].as_str(), &message["data"]) {
            (Some("stream_start"), _) => "start ".to_owned(),
            (Some("stream_end"), _) => " end".to_owned(),
            (_, Value::String(text)) => text.clone(),
            (_, event) => format!("<{}>", event["type"].as_str().expect("a type")),
        })
        .collect()
}

/// A client that does not read, with its pipe and its socket's line full.
async fn backlogged() -> Peer {
    let peer = Setup::narrow().start();
    assert_eq!(peer.handle.send(numbered(0)), Sent::Queued);
    assert_eq!(
        peer.handle.send(Outbound::Own(Message::from_json(json!("x".repeat(100)).to_string()))),
        Sent::Queued
    );
    settle().await;
    peer
}

fn send(peer: &Peer, message: Outbound) {
    assert_eq!(peer.handle.send(message), Sent::Queued);
}

#[tokio::test(start_paused = true)]
async fn text_that_waits_is_merged_and_all_of_it_arrives() {
    let mut peer = backlogged().await;
    let words: Vec<String> = (0..500).map(|n| format!("word{n} ")).collect();
    for word in &words {
        send(&peer, text(stream(1), word));
        settle().await;
    }
    assert_eq!(
        peer.handle.waiting(),
        1,
        "while the stream is full, text stays where it can be merged"
    );
    send(&peer, end(stream(1)));
    let seen = peer.until("stream_end").await;
    assert_eq!(told(&seen, stream(1)), words.concat() + " end");
    assert_eq!(seen.len(), 4, "two that filled the pipe, one chunk, one end");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_stays_a_chunk() {
    let mut peer = backlogged().await;
    for _ in 0..40 {
        send(&peer, text(stream(1), &"x".repeat(1024)));
    }
    send(&peer, end(stream(1)));
    let seen = peer.until("stream_end").await;
    let sizes: Vec<usize> =
        seen.iter().filter_map(|message| message["data"].as_str().map(str::len)).collect();
    assert_eq!(sizes, [16 * 1024, 16 * 1024, 8 * 1024]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_its_order_under_backlog_whatever_its_priorities() {
    let mut peer = backlogged().await;
    let (one, two) = (stream(1), stream(2));
    for stream in [one, two] {
        send(&peer, start(stream));
    }
    for n in 0..4 {
        send(&peer, text(one, &format!("a{n}")));
        send(&peer, text(two, &format!("b{n}")));
        if n == 1 {
            send(&peer, agent(one, "tool_executing"));
        }
        settle().await;
    }
    send(&peer, end(two));
    send(&peer, end(one));
    send(&peer, numbered(1));
    let seen = peer.until("message").await;
    let seen = [seen, peer.until("message").await].concat();
    assert_eq!(told(&seen, one), "start a0a1<tool_executing>a2a3 end");
    assert_eq!(told(&seen, two), "start b0b1b2b3 end");
}

#[tokio::test(start_paused = true)]
async fn the_first_word_goes_at_once_and_alone() {
    let mut peer = Setup::default().start();
    let begin = tokio::time::Instant::now();
    send(&peer, text(stream(1), "Twice "));
    assert_eq!(peer.next().await["data"], "Twice ");
    send(&peer, text(stream(1), "a day"));
    assert_eq!(peer.next().await["data"], "a day");
    assert_eq!(begin.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the producer ends with its session")]
async fn a_stream_faster_than_its_client_waits_and_loses_nothing() {
    let mut peer = Setup::narrow().start();
    let handle = peer.handle.clone();
    tokio::spawn(async move {
        for n in 0..3000_usize {
            let word = format!("{n:01000}");
            assert_eq!(handle.send_waiting(text(stream(1), &word)).await, Sent::Queued);
        }
        let _ = handle.send_waiting(end(stream(1))).await;
    });
    settle().await;
    let held = peer.handle.counters().pushed;
    assert!(held < 1200, "the producer stands at a full outbox: {held}");
    let told = told(&peer.until("stream_end").await, stream(1));
    assert_eq!(told.len(), 3000 * 1000 + " end".len());
    assert_eq!(peer.handle.counters().shed, 0);
}
