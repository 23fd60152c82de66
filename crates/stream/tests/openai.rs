//! The OpenAI chat-completions vocabulary, as servers really speak it.

use serde_json::json;
use tidegate_message::Class;
use tidegate_stream::{AgentEvent, End, Event, Framing, Limits, ParseError, Parser, Vocabulary};

fn parser() -> Parser {
    Parser::new(Framing::Sse, Vocabulary::OpenAiChat, Limits::default())
}

/// Reads a body of these data lines to its clean end.
fn read(data: &[&str]) -> (Vec<Event>, End) {
    let (mut parser, mut out) = (parser(), Vec::new());
    for data in data {
        parser.push(format!("data: {data}\n\n").as_bytes(), &mut out).expect("a good body");
    }
    let end = parser.finish(&mut out);
    (out, end)
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn failed(code: &str, message: &str) -> Event {
    Event::Failed { code: code.to_owned(), message: message.to_owned() }
}

fn agent(events: &[Event]) -> &AgentEvent {
    match events {
        [Event::Agent(event)] => event,
        other => panic!("wanted one agent event, got {other:?}"),
    }
}

#[test]
fn gives_the_text_of_a_whole_answer_and_its_end() {
    let (events, end) = read(&[
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Guten "},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"T\u00e4g \ud83d\ude42"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"total_tokens":9}}"#,
        "[DONE]",
    ]);
    assert_eq!(events, [text("Guten "), text("Täg 🙂"), Event::Done]);
    assert_eq!(end, End::Complete);
}

#[test]
fn is_truncated_without_a_terminal_event() {
    let delta = r#"{"choices":[{"delta":{"content":"Hel"}}]}"#;
    assert_eq!(read(&[delta]), (vec![text("Hel")], End::Truncated));
    assert_eq!(read(&[]), (vec![], End::Truncated));
    let finish = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    assert_eq!(read(&[delta, finish]), (vec![text("Hel")], End::Complete));
}

#[test]
fn notes_why_the_model_stopped() {
    let (mut parser, mut out) = (parser(), Vec::new());
    assert_eq!(parser.finish_reason(), None);
    let body = b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n";
    parser.push(body, &mut out).expect("a good body");
    assert_eq!(parser.finish_reason(), Some("length"));
}

#[test]
fn passes_tool_calls_on_as_they_were_written() {
    let delta =
        r#"{ "tool_calls":[{"index":0, "function":{"name":"search","arguments":"{\"q\""}}] }"#;
    let (events, _) = read(&[&format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)]);
    let event = agent(&events);
    assert_eq!((event.json.get(), event.kind.as_str()), (delta, "tool_calls"));
    assert_eq!(event.class, Class::Coalescible);
}

#[test]
fn names_other_deltas_by_what_they_carry_and_keeps_text_beside_them() {
    for (delta, kind) in [
        (json!({"reasoning_content": "hm", "content": null}), "reasoning_content"),
        (json!({"refusal": "no"}), "refusal"),
        (json!({"content": [{"type": "thinking"}]}), "content"),
    ] {
        let (events, _) = read(&[&json!({"choices": [{"delta": delta}]}).to_string()]);
        assert_eq!(agent(&events).kind, kind);
    }
    let (events, _) = read(&[r#"{"choices":[{"delta":{"content":"so","tool_calls":[1]}}]}"#]);
    assert_eq!(events[0], text("so"));
    assert_eq!(agent(&events[1..]).kind, "tool_calls");
}

#[test]
fn says_nothing_for_deltas_that_say_nothing() {
    for delta in
        [r#"{}"#, r#"{"role":"assistant"}"#, r#"{"content":"","tool_calls":[],"x":{},"y":null}"#]
    {
        let (events, _) = read(&[&format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)]);
        assert_eq!(events, [], "{delta}");
    }
    let (events, _) =
        read(&["", r#"{"choices":null}"#, r#"{"type":"ping"}"#, r#"{"choices":[{}]}"#]);
    assert_eq!(events, []);
}

#[test]
fn reads_only_the_first_of_several_choices() {
    let (events, end) = read(&[
        r#"{"choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"A"}}]}"#,
    ]);
    assert_eq!((events, end), (vec![text("A")], End::Truncated));
}

#[test]
fn ends_with_an_error_in_mid_stream_and_reads_no_further() {
    let delta = r#"{"choices":[{"delta":{"content":"Hel"}}]}"#;
    for (error, event) in [
        (
            r#"{"code":"rate_limit_exceeded","message":"slow down"}"#,
            failed("rate_limit_exceeded", "slow down"),
        ),
        (r#"{"code":502,"message":"bad gateway"}"#, failed("502", "bad gateway")),
        (r#"{"code":null,"type":"server_error","message":"oh"}"#, failed("server_error", "oh")),
        (r#""overloaded""#, failed("upstream_error", "overloaded")),
        (r#"{"detail":1}"#, failed("upstream_error", r#"{"detail":1}"#)),
    ] {
        let error = format!(r#"{{"error":{error}}}"#);
        assert_eq!(read(&[delta, &error, delta]), (vec![text("Hel"), event], End::Complete));
    }
    let harmless = r#"{"error":null,"choices":[{"delta":{"content":"Hel"}}]}"#;
    assert_eq!(read(&[harmless]).0, [text("Hel")]);
}

#[test]
fn ignores_what_stands_behind_the_end() {
    let (mut parser, mut out) = (parser(), Vec::new());
    parser.push(b"data: [DONE]\n\ndata: nonsense\n\ndata: \xff\n\n", &mut out).expect("ended");
    parser
        .push(b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", &mut out)
        .expect("ended");
    assert_eq!(out, [Event::Done]);
    assert_eq!(parser.finish(&mut out), End::Complete);
    assert_eq!(out, [Event::Done]);
}

#[test]
fn takes_the_last_event_without_its_blank_line_unless_it_is_cut() {
    for (rest, events, end) in [
        ("data: [DONE]", vec![Event::Done], End::Complete),
        (
            r#"data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#,
            vec![text("x")],
            End::Complete,
        ),
        (r#"data: {"choices":[{"delta":{"content":"x"#, vec![], End::Truncated),
        ("data: [DO", vec![], End::Truncated),
    ] {
        let (mut parser, mut out) = (parser(), Vec::new());
        parser.push(rest.as_bytes(), &mut out).expect("so far good");
        assert_eq!(out, []);
        assert_eq!((parser.finish(&mut out), out), (end, events), "{rest}");
    }
}

#[test]
fn names_the_place_of_what_is_not_a_chunk() {
    let (mut parser, mut out) = (parser(), Vec::new());
    let error =
        parser.push(b": hello\n\ndata: {\"choices\":7}\n\n", &mut out).expect_err("no list");
    assert!(matches!(error, ParseError::Json { at: 9, .. }), "{error:?}");
    assert_eq!(parser.push(b"data: [DONE]\n\n", &mut out), Err(error));
    assert_eq!((out.as_slice(), parser.finish(&mut vec![])), (&[][..], End::Truncated));

    let error = self::parser().push(b"data: [1]\n\n", &mut out).expect_err("an array");
    assert_eq!(error, ParseError::Shape { at: 0, expected: "an object" });
    let error = self::parser().push(b"data: nonsense\n\n", &mut out).expect_err("no JSON");
    assert!(error.to_string().starts_with("upstream event at byte 0 is not the JSON expected"));
}

#[test]
fn reads_lines_of_json_as_well() {
    let mut parser = Parser::new(Framing::Ndjson, Vocabulary::OpenAiChat, Limits::default());
    let mut out = Vec::new();
    parser
        .push(b"{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n[DONE]\n", &mut out)
        .expect("good");
    assert_eq!(out, [text("x"), Event::Done]);
}

#[test]
fn reads_the_corpus_to_its_texts() {
    for corpus in tidegate_testkit::corpora::load("openai_stream.jsonl") {
        let (mut parser, mut out) = (parser(), Vec::new());
        let body: String = corpus.lines.iter().map(|line| format!("data: {line}\n\n")).collect();
        parser.push(body.as_bytes(), &mut out).expect("a good body");
        assert!(out.iter().all(|event| matches!(event, Event::Text(_))), "{:?}", corpus.file);
        assert_eq!(parser.finish_reason(), Some("stop"), "{:?}", corpus.file);
        assert_eq!(parser.finish(&mut out), End::Complete);
    }
}
