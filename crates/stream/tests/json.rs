//! The vocabulary of agent events, over server-sent events and over lines.

use tidegate_message::Class;
use tidegate_stream::{
    CRITICAL_MESSAGE_TYPES, End, Event, Framing, Limits, ParseError, Parser, Vocabulary,
};

fn parser(framing: Framing) -> Parser {
    Parser::new(framing, Vocabulary::Json, Limits::default())
}

fn read(framing: Framing, body: &str) -> (Vec<Event>, End) {
    let (mut parser, mut out) = (parser(framing), Vec::new());
    parser.push(body.as_bytes(), &mut out).expect("a good body");
    let end = parser.finish(&mut out);
    (out, end)
}

fn refused(body: &[u8]) -> ParseError {
    parser(Framing::Ndjson).push(body, &mut Vec::new()).expect_err("a bad body")
}

/// Kind, class and JSON of an agent event.
fn facts(event: &Event) -> (&str, Class, &str) {
    match event {
        Event::Agent(event) => (&event.kind, event.class, event.json.get()),
        other => panic!("wanted an agent event, got {other:?}"),
    }
}

#[test]
fn forwards_agent_events_untouched_with_their_class() {
    for kind in CRITICAL_MESSAGE_TYPES {
        let line = format!(r#"{{ "b" : 1.50, "type":"{kind}", "a":"\u00e4" }}"#);
        let (events, _) = read(Framing::Ndjson, &format!("{line}\n"));
        assert_eq!(facts(&events[0]), (*kind, Class::Critical, line.as_str()));
    }
    let (events, _) =
        read(Framing::Ndjson, "{\"type\":\"progress\",\"error\":\"none of yours\"}\n");
    assert_eq!(facts(&events[0]).0, "progress");
    assert_eq!(facts(&events[0]).1, Class::Coalescible);
}

#[test]
fn takes_another_list_of_critical_kinds() {
    let mut parser = parser(Framing::Ndjson).critical(["progress".to_owned()].into());
    let mut out = Vec::new();
    parser
        .push(b"{\"type\":\"progress\"}\n{\"type\":\"agent_started\"}\n", &mut out)
        .expect("good");
    assert_eq!(facts(&out[0]).1, Class::Critical);
    assert_eq!(facts(&out[1]).1, Class::Coalescible);
}

#[test]
fn takes_strings_as_text_in_their_order_among_events() {
    let body = "\"Hel\"\n{\"type\":\"tool_executing\"}\n\"lo \\ud83d\\ude42\"\n\"\"\nnull\n\n";
    let (events, end) = read(Framing::Ndjson, body);
    assert_eq!(events[0], Event::Text("Hel".to_owned()));
    assert_eq!(facts(&events[1]).0, "tool_executing");
    assert_eq!(events[2], Event::Text("lo 🙂".to_owned()));
    assert_eq!((events.len(), end), (3, End::Complete));
}

#[test]
fn names_an_object_without_type_by_its_server_sent_event() {
    let body = "event: tool_completed\ndata: {\"n\":1}\n\ndata: {\"n\":2}\n\nevent: message\ndata: {\"type\":7}\n\n";
    let (events, _) = read(Framing::Sse, body);
    assert_eq!(facts(&events[0]), ("tool_completed", Class::Critical, r#"{"n":1}"#));
    assert_eq!(facts(&events[1]), ("", Class::Coalescible, r#"{"n":2}"#));
    assert_eq!(facts(&events[2]).0, "");
}

#[test]
fn fails_with_the_upstreams_words() {
    let failed = |code: &str, message: &str| {
        vec![Event::Failed { code: code.to_owned(), message: message.to_owned() }]
    };
    let (events, end) =
        read(Framing::Ndjson, "{\"error\":{\"code\":\"busy\",\"message\":\"later\"}}\n\"x\"\n");
    assert_eq!((events, end), (failed("busy", "later"), End::Complete));
    let (events, _) = read(Framing::Sse, "event: error\ndata: \"it broke\"\n\n");
    assert_eq!(events, failed("upstream_error", "it broke"));
    let (events, _) = read(Framing::Sse, "event: error\ndata: {\"message\":\"oh\",\"code\":7}\n\n");
    assert_eq!(events, failed("7", "oh"));
}

#[test]
fn ends_at_done_or_with_the_body() {
    assert_eq!(
        read(Framing::Sse, "data: [DONE]\n\ndata: \"x\"\n\n"),
        (vec![Event::Done], End::Complete)
    );
    assert_eq!(read(Framing::Ndjson, "").1, End::Complete);
    let text = vec![Event::Text("last".to_owned())];
    assert_eq!(read(Framing::Ndjson, "\"last\""), (text, End::Complete));
}

#[test]
fn is_truncated_by_half_a_line() {
    assert_eq!(read(Framing::Ndjson, "{\"type\":\"agent_com"), (vec![], End::Truncated));
    assert_eq!(read(Framing::Sse, "data: {\"type\":\"agent_com"), (vec![], End::Truncated));
}

#[test]
fn names_the_line_at_fault_and_keeps_what_was_right() {
    let (mut parser, mut out) = (parser(Framing::Ndjson), Vec::new());
    let error = parser.push(b"\"ok\"\n{\"type\":}\n\"more\"\n", &mut out).expect_err("no JSON");
    assert!(matches!(error, ParseError::Json { at: 5, .. }), "{error:?}");
    assert_eq!(out, [Event::Text("ok".to_owned())]);
    assert_eq!(parser.push(b"\"more\"\n", &mut out), Err(error));
    assert_eq!((out.len(), parser.finish(&mut out)), (1, End::Truncated));
}

#[test]
fn refuses_what_is_neither_object_nor_string() {
    for line in ["7\n", "[1]\n", "true\n"] {
        let expected = ParseError::Shape { at: 0, expected: "an object or a string" };
        assert_eq!(refused(line.as_bytes()), expected);
    }
    assert_eq!(refused(b"\"a\"\n\"\xff\"\n"), ParseError::Utf8 { at: 4 });
    assert!(matches!(refused(b"{} {}\n"), ParseError::Json { .. }));
}
