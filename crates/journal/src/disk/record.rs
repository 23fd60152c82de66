//! How an entry and a key are written down as rows, each with a checksum over itself and its place. Knows no store.
//!
//! ```text
//! row of an entry   key    number (8, big-endian)  first seq (8, big-endian)
//!                   value  checksum (8)  format (1)  cuts, join and class (1)  last − first (varint)  at_ms (varint)
//!                          [ bytes of lengths (varint)  lengths ]  body
//! row of a key      key    number (8, big-endian)  seq (8, big-endian)
//!                   value  checksum (8)  key (16)  digest of the body (8)  at_ms (8)
//! ```

use bytes::Bytes;
use tidegate_message::Class;

use super::checksum::checksum;
use super::number::{LogNumber, number_and_seq, row_key};
use crate::append::{IdempotencyKey, Keyed};
use crate::entry::{Cuts, Entry};
use crate::head::KnownKey;
use crate::merge::Join;
use crate::{Lengths, varint};

/// Changes when rows are written in another way.
const FORMAT: u8 = 1;

/// How cuts are written down.
const WHOLE: u8 = 0;
const TEXT: u8 = 1;
const LATEST: u8 = 2;

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The key is none of a row.
    Key,
    /// The checksum says that it is not what was written.
    Checksum,
    /// It is what was written, but not by a version that we know, or by a faulty one.
    Form,
}

/// The key and the value of the row of an entry, and of how it belongs to the one before.
pub(crate) fn encode(number: LogNumber, entry: &Entry, join: Join) -> ([u8; 16], Vec<u8>) {
    let key = row_key(number, entry.first);
    let mut value = Vec::with_capacity(40 + entry.body.len());
    value.extend_from_slice(&[0; 8]);
    value.push(FORMAT);
    value.push(class_code(entry.class) | join_code(join) << 2 | cuts_code(&entry.cuts) << 4);
    varint::write(entry.last.saturating_sub(entry.first), &mut value);
    varint::write(entry.at_ms, &mut value);
    if let Cuts::Text(lengths) = &entry.cuts {
        varint::write(lengths.as_bytes().len() as u64, &mut value);
        value.extend_from_slice(lengths.as_bytes());
    }
    value.extend_from_slice(&entry.body);
    seal(&key, &mut value);
    (key, value)
}

/// The entry in a row, and how it belongs to the one before.
pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<(Entry, Join), Fault> {
    let (_, first) = number_and_seq(key).ok_or(Fault::Key)?;
    let rest = unseal(key, value).ok_or(Fault::Checksum)?;
    parse(first, rest).filter(|(entry, _)| entry.is_sound()).ok_or(Fault::Form)
}

/// What is known of an entry without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) last: u64,
    pub(crate) at_ms: u64,
    /// Bytes of its body.
    pub(crate) bytes: u64,
}

/// The outline of a row; `None` where it is not what was written.
pub(crate) fn outline(key: &[u8], value: &[u8]) -> Option<Outline> {
    let (_, first) = number_and_seq(key)?;
    let parts = Parts::of(first, unseal(key, value)?)?;
    Some(Outline { last: parts.last, at_ms: parts.at_ms, bytes: parts.body.len() as u64 })
}

/// The last seq of an entry's row, believed without its checksum: where to look on, not what is there.
pub(crate) fn last_seq(key: &[u8], value: &[u8]) -> Option<u64> {
    let (_, first) = number_and_seq(key)?;
    let mut rest = value.get(10..)?;
    first.checked_add(varint::take(&mut rest)?)
}

/// The key and the value of a key's row.
pub(crate) fn encode_key(number: LogNumber, known: &KnownKey) -> ([u8; 16], Vec<u8>) {
    let key = row_key(number, known.seq);
    let mut value = Vec::with_capacity(40);
    value.extend_from_slice(&[0; 8]);
    value.extend_from_slice(&known.keyed.key.to_bytes());
    value.extend_from_slice(&known.keyed.body.to_le_bytes());
    value.extend_from_slice(&known.at_ms.to_le_bytes());
    seal(&key, &mut value);
    (key, value)
}

/// The key in a key's row.
pub(crate) fn decode_key(key: &[u8], value: &[u8]) -> Result<KnownKey, Fault> {
    let (_, seq) = number_and_seq(key).ok_or(Fault::Key)?;
    let rest = unseal(key, value).ok_or(Fault::Checksum)?;
    let (name, rest) = rest.split_first_chunk().ok_or(Fault::Form)?;
    let (body, rest) = rest.split_first_chunk().ok_or(Fault::Form)?;
    let at_ms = rest.try_into().map_err(|_| Fault::Form)?;
    let keyed = Keyed { key: IdempotencyKey::from_bytes(*name), body: u64::from_le_bytes(*body) };
    Ok(KnownKey { keyed, seq, at_ms: u64::from_le_bytes(at_ms) })
}

/// Writes the checksum of the key and all behind the first eight bytes into those.
pub(crate) fn seal(key: &[u8], value: &mut [u8]) {
    if let Some((sum, rest)) = value.split_first_chunk_mut::<8>() {
        *sum = checksum(&[key, rest]).to_le_bytes();
    }
}

/// What is behind the checksum, when that is right.
pub(crate) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, rest) = value.split_first_chunk::<8>()?;
    (*sum == checksum(&[key, rest]).to_le_bytes()).then_some(rest)
}

/// What is behind a row's checksum.
struct Parts<'a> {
    codes: u8,
    last: u64,
    at_ms: u64,
    lengths: &'a [u8],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(first: u64, bytes: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_first_chunk::<2>()?;
        let [FORMAT, codes] = *head else { return None };
        let last = first.checked_add(varint::take(&mut rest)?)?;
        let at_ms = varint::take(&mut rest)?;
        let mut lengths = 0;
        if codes >> 4 == TEXT {
            lengths = usize::try_from(varint::take(&mut rest)?).ok()?;
        }
        let (lengths, body) = rest.split_at_checked(lengths)?;
        Some(Self { codes, last, at_ms, lengths, body })
    }
}

fn parse(first: u64, bytes: &[u8]) -> Option<(Entry, Join)> {
    let Parts { codes, last, at_ms, lengths, body } = Parts::of(first, bytes)?;
    let cuts = match codes >> 4 {
        WHOLE => Cuts::Whole,
        TEXT => Cuts::Text(Lengths::from_bytes(Bytes::copy_from_slice(lengths))),
        LATEST => Cuts::Latest,
        _ => return None,
    };
    let (class, join) = (class_of(codes & 3)?, join_of(codes >> 2 & 3)?);
    Some((Entry { first, last, at_ms, class, body: Bytes::copy_from_slice(body), cuts }, join))
}

const fn class_code(class: Class) -> u8 {
    match class {
        Class::Droppable => 0,
        Class::Coalescible => 1,
        Class::Critical => 2,
    }
}

const fn class_of(code: u8) -> Option<Class> {
    match code {
        0 => Some(Class::Droppable),
        1 => Some(Class::Coalescible),
        2 => Some(Class::Critical),
        _ => None,
    }
}

const fn join_code(join: Join) -> u8 {
    match join {
        Join::No => 0,
        Join::Concatenate => 1,
        Join::Replace => 2,
    }
}

const fn join_of(code: u8) -> Option<Join> {
    match code {
        0 => Some(Join::No),
        1 => Some(Join::Concatenate),
        2 => Some(Join::Replace),
        _ => None,
    }
}

const fn cuts_code(cuts: &Cuts) -> u8 {
    match cuts {
        Cuts::Whole => WHOLE,
        Cuts::Text(_) => TEXT,
        Cuts::Latest => LATEST,
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
