//! A merged entry is cut at every position, whatever it holds; and what was written down wrongly cuts nothing apart.

use bytes::Bytes;
use proptest::prelude::*;
use tidegate_journal::{
    Append, Cuts, Entry, Epoch, Lengths, Log, Mergeable, Position, Read, Retention, Text,
};
use tidegate_message::Class;

fn text() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("\\PC{0,12}", 1..60)
}

fn merged(first: u64, parts: &[String]) -> Entry {
    let lengths = parts.iter().map(|part| part.len() as u64);
    let cuts = if parts.len() == 1 { Cuts::Whole } else { Cuts::Text(Lengths::of(lengths)) };
    let last = first + parts.len() as u64 - 1;
    Entry { first, last, at_ms: 7, class: Class::Coalescible, body: parts.concat().into(), cuts }
}

proptest! {
    #[test]
    fn the_rest_behind_every_position_is_what_was_appended_there(parts in text(), first in 1..u64::MAX / 2) {
        let entry = merged(first, &parts);
        prop_assert!(entry.is_sound());
        prop_assert_eq!(entry.after(first - 1), Some(entry.clone()));
        for count in 1..parts.len() {
            let rest = entry.after(first + count as u64 - 1).expect("something is left");
            prop_assert_eq!(&rest, &merged(first + count as u64, &parts[count..]));
            // Nothing is copied.
            prop_assert!(entry.body.as_ptr_range().contains(&rest.body.as_ptr()) || rest.body.is_empty());
            // The rest is cut as the whole is.
            let further = first + parts.len() as u64 - 2;
            prop_assert_eq!(rest.after(further), entry.after(further).filter(|_| count < parts.len()));
        }
        prop_assert_eq!(entry.after(entry.last), None);
    }

    #[test]
    fn a_log_gives_the_same_rest_as_its_entries(parts in text()) {
        let mut log = Log::new(Epoch(1), Retention::RUN);
        let policy = Mergeable::by(Text::new("a"));
        for part in &parts {
            prop_assert!(log.append(&Append::new(part.clone()).merge(policy.clone()), 7).is_ok());
        }
        for after in 0..parts.len() {
            let Ok(Read::Batch(batch)) = log.read(after as u64, 0) else { panic!("nothing was evicted") };
            let rest = merged(after as u64 + 1, &parts[after..]);
            prop_assert_eq!(batch.entries().collect::<Vec<_>>(), [&rest]);
        }
    }

    #[test]
    fn wrong_lengths_are_told_and_cut_no_further_than_the_body(
        lengths: Vec<u8>, body: Vec<u8>, first: u64, more: u64, at: u64,
    ) {
        let last = first.saturating_add(more);
        let cuts = Cuts::Text(Lengths::from_bytes(Bytes::from(lengths.clone())));
        let entry = Entry { first, last, at_ms: 0, class: Class::Critical, body: body.into(), cuts };
        let sum: u64 = Lengths::from_bytes(lengths.into()).iter().fold(0, u64::saturating_add);
        prop_assert!(!entry.is_sound() || sum == entry.body.len() as u64);
        if let Some(rest) = entry.after(at.min(u64::MAX - 1)) {
            prop_assert!(rest.body.len() <= entry.body.len());
        }
    }

    #[test]
    fn positions_are_read_back_and_have_one_form(epoch: u64, seq: u64, noise in "\\PC{0,30}") {
        let position = Position { epoch: Epoch(epoch), seq };
        let text = position.to_string();
        prop_assert_eq!(text.parse(), Ok(position));
        prop_assert!(!text.to_uppercase().parse::<Position>().is_ok_and(|_| text != text.to_uppercase()));
        if let Ok(other) = noise.parse::<Position>() {
            prop_assert_eq!(other.to_string(), noise);
        }
    }
}

#[test]
fn positions_that_are_none_are_refused() {
    for wrong in [
        "",
        "-",
        "0000000000011",
        "0000000000011-",
        "0000000000011-x",
        "0000000000011--1",
        "000000000001l-1",
        "g000000000000-1",
        "00000000000110-1",
        "0000000000011-01",
        "0000000000011-+1",
        "0000000000011-18446744073709551616",
    ] {
        assert!(wrong.parse::<Position>().is_err(), "{wrong}");
    }
    let greatest = "fzzzzzzzzzzzz-18446744073709551615".parse();
    assert_eq!(greatest, Ok(Position { epoch: Epoch(u64::MAX), seq: u64::MAX }));
}
