//! Where the chunks of a body are cut changes nothing, and no body makes the parser panic.

use proptest::prelude::*;
use tidegate_stream::{End, Event, Framing, Limits, ParseError, Parser, Vocabulary};
use tidegate_testkit::split;

const FRAMINGS: [Framing; 3] = [Framing::Sse, Framing::Ndjson, Framing::Text];
const VOCABULARIES: [Vocabulary; 3] = [Vocabulary::OpenAiChat, Vocabulary::Json, Vocabulary::Text];

/// All that a body says: its events (text joined where it touches), and the error or the end.
type Reading = (Vec<Event>, Result<End, ParseError>);

fn read<'a>(
    framing: Framing,
    vocabulary: Vocabulary,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Reading {
    let mut parser = Parser::new(framing, vocabulary, Limits { max_event_bytes: 200 });
    let mut out = Vec::new();
    for chunk in chunks {
        if let Err(error) = parser.push(chunk, &mut out) {
            return (joined(out), Err(error));
        }
    }
    let end = parser.finish(&mut out);
    (joined(out), Ok(end))
}

fn joined(events: Vec<Event>) -> Vec<Event> {
    events.into_iter().fold(Vec::new(), |mut all, event| {
        match (all.last_mut(), event) {
            (Some(Event::Text(text)), Event::Text(more)) => text.push_str(&more),
            (_, event) => all.push(event),
        }
        all
    })
}

/// Bodies with all that the formats know.
const BODIES: [&str; 4] = [
    "\u{feff}: hi\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"Grüße 🙂\"}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"n\":1}]}}]}\n\nevent: x\rdata: {\"choices\":\rdata: [{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\rdata: [DONE]\n\n",
    "id: 1\nevent: tool_executing\ndata: {\"a\":\ndata: 1}\n\nretry: 10\n\ndata: \"täglich\"\n\nevent: error\ndata: {\"message\":\"波\"}\n\n",
    "\"日本\"\n{\"type\":\"agent_started\",\"n\":[1,2]}\r\n\n{\"error\":{\"message\":\"é\"}}",
    "plain text, with a line\nand 波 and 🙂",
];

#[test]
fn each_cut_in_two_and_byte_by_byte_reads_the_same() {
    for body in BODIES {
        for (framing, vocabulary) in kinds() {
            let whole = read(framing, vocabulary, [body.as_bytes()]);
            for (one, two) in split::in_two(body.as_bytes()) {
                assert_eq!(
                    read(framing, vocabulary, [one, two]),
                    whole,
                    "{body:?} at {}",
                    one.len()
                );
            }
            let bytes = split::byte_by_byte(body.as_bytes());
            assert_eq!(read(framing, vocabulary, bytes), whole, "{body:?}");
        }
    }
}

#[test]
fn the_bodies_are_worth_cutting() {
    let ends = |framing, vocabulary, body: &str| read(framing, vocabulary, [body.as_bytes()]);
    let (events, end) = ends(Framing::Sse, Vocabulary::OpenAiChat, BODIES[0]);
    assert_eq!((events.len(), end), (3, Ok(End::Complete)));
    let (events, end) = ends(Framing::Sse, Vocabulary::Json, BODIES[1]);
    assert_eq!((events.len(), end), (3, Ok(End::Complete)));
    let (events, end) = ends(Framing::Ndjson, Vocabulary::Json, BODIES[2]);
    assert_eq!((events.len(), end), (3, Ok(End::Complete)));
}

fn kinds() -> impl Iterator<Item = (Framing, Vocabulary)> {
    FRAMINGS.into_iter().flat_map(|framing| VOCABULARIES.map(|vocabulary| (framing, vocabulary)))
}

/// Pieces of bodies, right and wrong, in any order.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "data: ", "data:", "data", "event: error", "event: x", "id: 1", "retry: 5", ": c", ":",
            "\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\u{feff}", " ",
            "{\"choices\":[{\"delta\":{\"content\":\"ä\"}}]}", "{\"choices\":[{\"delta\":{\"x\":1}}]}",
            "{\"choices\":[{\"finish_reason\":\"stop\"}]}", "{\"error\":\"e\"}", "{\"type\":\"t\"}",
            "\"text\"", "null", "[DONE]", "{", "}", "\"", "\\", "🙂", "\0",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
        1 => (1_usize..260).prop_map(|length| vec![b'x'; length]),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_of_any_body_read_the_same(body in body(), seed: u64, max in 1_usize..24) {
        for (framing, vocabulary) in kinds() {
            let whole = read(framing, vocabulary, [&body[..]]);
            let chunks = split::at_random(&body, seed, max);
            prop_assert_eq!(read(framing, vocabulary, chunks), whole);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_no_text_is_lost(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (framing, vocabulary) in kinds() {
            let (events, _) = read(framing, vocabulary, bytes.chunks(7));
            prop_assert!(events.iter().all(|event| *event != Event::Text(String::new())));
        }
        let (events, end) = read(Framing::Text, Vocabulary::Text, bytes.chunks(3));
        let valid = String::from_utf8_lossy(&bytes).into_owned();
        if end == Ok(End::Complete) {
            let text = events.into_iter().next().unwrap_or(Event::Text(String::new()));
            prop_assert_eq!(text, Event::Text(valid));
        }
    }

    #[test]
    fn damage_to_a_good_body_never_panics(at: prop::sample::Index, to: u8, which in 0_usize..4) {
        let mut body = BODIES[which].as_bytes().to_vec();
        let at = at.index(body.len());
        body[at] = to;
        for (framing, vocabulary) in kinds() {
            let whole = read(framing, vocabulary, [&body[..]]);
            prop_assert_eq!(read(framing, vocabulary, body.chunks(5)), whole);
        }
    }
}
