//! How bodies are divided: server-sent events by the standard, lines, plain text; and what is too large.

use std::time::Duration;

use tidegate_stream::{End, Event, Framing, Limits, ParseError, Parser, Vocabulary};

fn parser(framing: Framing) -> Parser {
    Parser::new(framing, Vocabulary::Text, Limits::default())
}

/// The texts of a body, not joined.
fn texts(framing: Framing, body: &[u8]) -> Vec<String> {
    let (mut parser, mut out) = (parser(framing), Vec::new());
    parser.push(body, &mut out).expect("a good body");
    assert_eq!(parser.finish(&mut out), End::Complete);
    let text = |event| match event {
        Event::Text(text) => text,
        other => panic!("wanted text, got {other:?}"),
    };
    out.into_iter().map(text).collect()
}

fn sse(body: &str) -> Vec<String> {
    texts(Framing::Sse, body.as_bytes())
}

#[test]
fn ends_lines_with_cr_lf_or_both() {
    assert_eq!(sse("data: a\n\ndata: b\r\rdata: c\r\n\r\ndata: d\r\n\n"), ["a", "b", "c", "d"]);
}

#[test]
fn joins_the_data_lines_of_an_event() {
    assert_eq!(sse("data: one\ndata\ndata:two\ndata:  three\n\n"), ["one\n\ntwo\n three"]);
}

#[test]
fn passes_over_comments_unknown_fields_and_events_without_data() {
    assert_eq!(sse(": keep-alive\n\nevent: x\n\nfoo: bar\ndata: a\n:\n data: b\n\n\n\n"), ["a"]);
    assert_eq!(sse("data:\n\ndata: a\n\n"), ["a"]);
}

#[test]
fn strips_one_byte_order_mark_at_the_beginning_alone() {
    assert_eq!(sse("\u{feff}data: a\n\n"), ["a"]);
    assert_eq!(sse("data: a\n\n\u{feff}data: b\n\n"), ["a"]);
}

#[test]
fn forgets_an_events_name_with_the_event() {
    let mut parser = Parser::new(Framing::Sse, Vocabulary::Json, Limits::default());
    let mut out = Vec::new();
    let body = b"event: error\n\ndata: \"a\"\n\nevent: error\nevent: x\ndata: \"b\"\n\n";
    parser.push(body, &mut out).expect("a good body");
    assert_eq!(out, [Event::Text("a".to_owned()), Event::Text("b".to_owned())]);
}

#[test]
fn keeps_the_last_id_and_the_retry_time() {
    let (mut parser, mut out) = (parser(Framing::Sse), Vec::new());
    assert_eq!((parser.last_event_id(), parser.retry()), (None, None));
    parser.push(b"id: 7\nretry: 1500\ndata: a\n\nid: x\0y\nretry: 1s\n\n", &mut out).expect("good");
    assert_eq!(parser.last_event_id(), Some("7"));
    assert_eq!(parser.retry(), Some(Duration::from_millis(1_500)));
    parser.push(b"id\nretry:\nretry: 99999999999999999999\n\n", &mut out).expect("good");
    assert_eq!(parser.last_event_id(), Some(""));
    assert_eq!(parser.retry(), Some(Duration::from_millis(1_500)));
}

#[test]
fn gives_plain_text_as_it_comes_and_holds_a_cut_character() {
    let (mut parser, mut out) = (parser(Framing::Text), Vec::new());
    for chunk in [&b"Gr\xc3"[..], b"\xbc\xc3\x9fe \xf0\x9f", b"\x99", b"\x82"] {
        parser.push(chunk, &mut out).expect("good");
    }
    let text = |text: &str| Event::Text(text.to_owned());
    assert_eq!(out, [text("Gr"), text("üße "), text("🙂")]);
    assert_eq!(parser.finish(&mut out), End::Complete);
}

#[test]
fn is_truncated_by_half_a_character() {
    let (mut parser, mut out) = (parser(Framing::Text), Vec::new());
    parser.push(b"a\xc3", &mut out).expect("so far good");
    assert_eq!(parser.finish(&mut out), End::Truncated);
}

#[test]
fn names_the_byte_that_is_not_utf8_and_gives_the_text_before_it() {
    let (mut parser, mut out) = (parser(Framing::Text), Vec::new());
    parser.push(b"ok \xc3", &mut out).expect("so far good");
    assert_eq!(parser.push(b"(", &mut out), Err(ParseError::Utf8 { at: 3 }));
    assert_eq!(parser.push(b"more", &mut out), Err(ParseError::Utf8 { at: 3 }));
    assert_eq!(out, [Event::Text("ok ".to_owned())]);
    let error = self::parser(Framing::Sse).push(b"\n\ndata: \xff\n\n", &mut out);
    assert_eq!(error, Err(ParseError::Utf8 { at: 2 }));
}

#[test]
fn plain_text_has_no_vocabulary() {
    for vocabulary in [Vocabulary::OpenAiChat, Vocabulary::Json] {
        let mut parser = Parser::new(Framing::Text, vocabulary, Limits::default());
        let mut out = Vec::new();
        parser.push(b"[DONE]", &mut out).expect("text");
        assert_eq!(out, [Event::Text("[DONE]".to_owned())]);
        assert_eq!(parser.finish(&mut out), End::Complete);
    }
    assert_eq!(texts(Framing::Ndjson, b"a\nb\n"), ["a\nb\n"]);
}

#[test]
fn refuses_an_event_above_the_limit_as_soon_as_it_is() {
    let limits = Limits { max_event_bytes: 10 };
    let fault = |framing, vocabulary, body: &[u8]| {
        Parser::new(framing, vocabulary, limits).push(body, &mut Vec::new())
    };
    let too_large = |at| Err(ParseError::TooLarge { at, max: 10 });
    // A line: with its end or without.
    assert_eq!(fault(Framing::Sse, Vocabulary::Text, b"data: 5678"), Ok(()));
    assert_eq!(fault(Framing::Sse, Vocabulary::Text, b"data: 56789"), too_large(0));
    assert_eq!(fault(Framing::Sse, Vocabulary::Text, b"\r\ndata: 56789\n\n"), too_large(2));
    assert_eq!(fault(Framing::Ndjson, Vocabulary::Json, b"\"a\"\n\"4567890123"), too_large(4));
    // Short lines that add up.
    assert_eq!(fault(Framing::Sse, Vocabulary::Text, b"data:abcd\ndata:abcd\n"), Ok(()));
    assert_eq!(
        fault(Framing::Sse, Vocabulary::Text, b"data:abcd\ndata:abcd\ndata:a\n"),
        too_large(0)
    );
    // Comments do not, and plain text has no events.
    assert_eq!(fault(Framing::Sse, Vocabulary::Text, &b": warm\n".repeat(100)), Ok(()));
    assert_eq!(fault(Framing::Text, Vocabulary::Text, &[b'x'; 100]), Ok(()));
}

#[test]
fn knows_framings_by_content_type() {
    for (value, framing) in [
        ("text/event-stream", Some(Framing::Sse)),
        ("Text/Event-Stream ; charset=UTF-8", Some(Framing::Sse)),
        ("application/x-ndjson", Some(Framing::Ndjson)),
        ("application/jsonl", Some(Framing::Ndjson)),
        ("text/plain; charset=utf-8", Some(Framing::Text)),
        ("application/json", None),
        ("", None),
    ] {
        assert_eq!(Framing::from_content_type(value), framing, "{value}");
    }
}
