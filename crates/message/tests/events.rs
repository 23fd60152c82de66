//! The wire form of every event, to the letter.

use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use tidegate_message::{
    Class, Code, Event, GroupId, Heartbeat, MessageId, PresentMember, Rejection, Reply, RequestId,
    SessionId, StreamId, UserId, Welcome,
};

fn json(event: &Event) -> String {
    String::from_utf8(event.to_json()).expect("JSON is UTF-8")
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("valid JSON")
}

fn id() -> Option<RequestId> {
    RequestId::new(&raw("7"))
}

const SESSION: SessionId = SessionId::from_random([1; 12]);
const STREAM: StreamId = StreamId::from_random([2; 12]);
const MESSAGE: MessageId = MessageId::from_random([3; 12]);

#[test]
fn writes_every_event_as_the_protocol_says() {
    let user = UserId::new("42").unwrap();
    let welcome = Welcome {
        id: None,
        protocol: "tidegate.v1",
        session: SESSION,
        user: user.clone(),
        heartbeat: Heartbeat { interval_ms: 30_000, timeout_ms: 10_000 },
        agreed: vec!["batch"],
    };
    let cases = [
        (
            Event::Welcome(Box::new(welcome)),
            r#"{"type":"welcome","protocol":"tidegate.v1","session":"AQEBAQEBAQEBAQEB","user":"42","heartbeat":{"interval_ms":30000,"timeout_ms":10000},"agreed":["batch"]}"#,
        ),
        (
            Event::Message { id: id(), content: raw("{\"a\":1.0}"), from: None, message_id: None },
            r#"{"type":"message","id":7,"content":{"a":1.0}}"#,
        ),
        (
            Event::Broadcast {
                content: raw("\"x\""),
                from: Some(user.clone()),
                message_id: MESSAGE,
            },
            r#"{"type":"broadcast","content":"x","from":"42","message_id":"AwMDAwMDAwMDAwMD"}"#,
        ),
        (
            Event::TextMessage { payload: raw("\"x\""), message_id: MESSAGE },
            r#"{"type":"text_message","payload":"x","message_id":"AwMDAwMDAwMDAwMD"}"#,
        ),
        (
            Event::StreamStart { id: id(), stream: STREAM, session_id: SESSION },
            r#"{"type":"stream_start","id":7,"stream":"AgICAgICAgICAgIC","session_id":"AQEBAQEBAQEBAQEB"}"#,
        ),
        (
            Event::StreamChunk { stream: STREAM, data: to_raw_value("Hé\n").unwrap() },
            r#"{"type":"stream_chunk","stream":"AgICAgICAgICAgIC","data":"Hé\n"}"#,
        ),
        (
            Event::StreamEnd { stream: STREAM, complete: true },
            r#"{"type":"stream_end","stream":"AgICAgICAgICAgIC","complete":true}"#,
        ),
        (
            Event::StreamError {
                stream: STREAM,
                code: "upstream_died".into(),
                message: "cut".into(),
            },
            r#"{"type":"stream_error","stream":"AgICAgICAgICAgIC","code":"upstream_died","message":"cut"}"#,
        ),
        (
            Event::Reply {
                id: id().unwrap(),
                result: Reply { delivered: Some(2), message_id: Some(MESSAGE), ..Reply::default() },
            },
            r#"{"type":"reply","id":7,"message_id":"AwMDAwMDAwMDAwMD","delivered":2}"#,
        ),
        (
            Event::Gap { reason: "overflow", dropped: 3 },
            r#"{"type":"gap","reason":"overflow","dropped":3}"#,
        ),
        (
            Event::Presence {
                id: None,
                group: GroupId::new("room").unwrap(),
                members: vec![PresentMember { user, session: SESSION }],
            },
            r#"{"type":"presence","group":"room","members":[{"user":"42","session":"AQEBAQEBAQEBAQEB"}]}"#,
        ),
        (Event::Ping, r#"{"type":"ping"}"#),
        (Event::Pong { id: None }, r#"{"type":"pong"}"#),
        (
            Event::Goaway {
                reason: "drain".into(),
                reconnect_after_ms: 0,
                jitter_ms: 5000,
                resume: false,
            },
            r#"{"type":"goaway","reason":"drain","reconnect_after_ms":0,"jitter_ms":5000,"resume":false}"#,
        ),
        (
            Event::StatsResponse { id: id(), stats: raw("{}") },
            r#"{"type":"stats_response","id":7,"stats":{}}"#,
        ),
    ];
    for (event, expected) in cases {
        assert_eq!(json(&event), expected);
    }
}

#[test]
fn a_rate_limit_is_said_in_whole_seconds_rounded_up() {
    let event = Event::refusal(id(), Rejection::rate_limited(Duration::from_millis(1_001)));
    assert_eq!(
        json(&event),
        r#"{"type":"rate_limit_error","id":7,"message":"Too many requests","retry_after":2}"#
    );
}

#[test]
fn a_refusal_is_an_error_with_its_code_and_place() {
    let event = Event::refusal(None, Rejection::new(Code::Malformed, "not JSON").at(4));
    assert_eq!(
        json(&event),
        r#"{"type":"error","code":"malformed","message":"not JSON","offset":4}"#
    );
}

#[test]
fn a_streams_frame_of_events_is_critical_and_its_text_is_not() {
    assert_eq!(Event::StreamEnd { stream: STREAM, complete: true }.class(), Class::Critical);
    assert_eq!(
        Event::StreamChunk { stream: STREAM, data: raw("\"\"") }.class(),
        Class::Coalescible
    );
}
