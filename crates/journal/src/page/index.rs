//! Where in a page its entries are, and what of them a reader gets. Knows neither how a page grows nor who pays for it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_message::Class;

use crate::budget::Budget;
use crate::entry::{Cuts, Entry};
use crate::lengths::{self, Lengths};
use crate::log::Piece;
use crate::merge::Join;

/// Where the entries of a page are.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) at_ms: u64,
    pub(super) records: Vec<Record>,
}

/// One entry. Its seqs and its bytes begin where those of the record before end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Seqs behind the page's first.
    pub(super) last: u32,
    pub(super) end: u32,
    pub(super) cuts_end: u32,
    /// Milliseconds behind the page's.
    pub(super) at: u32,
    pub(super) class: Class,
    pub(super) shape: Shape,
    /// How it belongs to the record before, with which it was not merged: there was no room, or that was not to be
    /// read yet.
    pub(super) join: Join,
}

/// How the bytes of a record are spread over its seqs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    Text,
    Latest,
}

/// What a reader asks a page for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// What ends behind this seq.
    pub(crate) after: u64,
    /// What ends here or before.
    pub(crate) until: u64,
    /// Bytes of bodies.
    pub(crate) room: usize,
    /// One entry at least, whatever the room.
    pub(crate) always: bool,
}

/// A part of a page that entries are made of.
pub(super) struct View {
    pub(super) bytes: Bytes,
    /// Where in the page's bodies and cuts the view begins, and where in the view its cuts begin.
    pub(super) data_from: usize,
    pub(super) cuts_from: usize,
    pub(super) cuts_at: usize,
}

/// What of a record a reader gets.
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) record: Record,
    pub(super) body: Range<usize>,
    pub(super) cuts: Range<usize>,
}

impl Index {
    pub(super) fn new(first: u64, at_ms: u64) -> Self {
        Self { first, last: first - 1, at_ms, records: Vec::with_capacity(1) }
    }

    /// The last seq of the page.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn before(&self, place: usize) -> Option<&Record> {
        self.records.get(place.checked_sub(1)?)
    }

    pub(super) fn first_of(&self, place: usize) -> u64 {
        self.before(place).map_or(self.first, |record| self.first + u64::from(record.last) + 1)
    }

    pub(super) fn last_of(&self, record: &Record) -> u64 {
        self.first + u64::from(record.last)
    }

    pub(super) fn body_of(&self, place: usize, record: &Record) -> Range<usize> {
        self.before(place).map_or(0, |before| before.end as usize)..record.end as usize
    }

    pub(super) fn cuts_of(&self, place: usize, record: &Record) -> Range<usize> {
        self.before(place).map_or(0, |before| before.cuts_end as usize)..record.cuts_end as usize
    }

    /// The place of the first record that ends behind a seq.
    pub(super) fn find(&self, after: u64) -> usize {
        self.records.partition_point(|record| self.last_of(record) <= after)
    }

    /// The oldest entry that ends behind a seq.
    pub(crate) fn oldest(&self, after: u64) -> Option<Piece> {
        let place = self.find(after);
        let record = self.records.get(place)?;
        let at_ms = self.at_ms + u64::from(record.at);
        let (last, bytes) = (self.last_of(record), self.body_of(place, record).len() as u64);
        Some(Piece { last, oldest_ms: at_ms, newest_ms: at_ms, bytes })
    }

    /// For each entry behind a seq how it belongs to what is before it.
    pub(crate) fn joins(&self, after: u64) -> impl Iterator<Item = Join> {
        let from = self.find(after);
        let places = self.records.iter().enumerate().skip(from);
        places.map(move |(place, record)| match record.shape {
            Shape::Text if self.first_of(place) <= after => Join::Concatenate,
            Shape::Latest if self.first_of(place) <= after => Join::Replace,
            _ => record.join,
        })
    }

    /// When the newest of it was appended.
    pub(crate) fn at_ms(&self) -> u64 {
        self.at_ms + u64::from(self.records.last().map_or(0, |record| record.at))
    }

    /// Bytes of bodies that end behind a seq.
    pub(crate) fn body_bytes(&self, after: u64) -> usize {
        let end = self.records.last().map_or(0, |record| record.end as usize);
        let start = self.before(self.find(after)).map_or(0, |record| record.end as usize);
        end - start
    }

    /// The parts behind `after`, of which none begins behind `until`, as long as there is `room` for their bodies.
    /// With `always`, one in any case.
    pub(super) fn parts(&self, ask: &Ask, cuts: &[u8]) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut room = ask.room;
        for (place, record) in self.records.iter().enumerate().skip(self.find(ask.after)) {
            let part = self.part(place, record, ask.after, cuts);
            let fits = part.body.len() <= room || (ask.always && parts.is_empty());
            if !fits || self.last_of(record) > ask.until {
                break;
            }
            room = room.saturating_sub(part.body.len());
            parts.push(part);
        }
        parts
    }

    pub(super) fn part(&self, place: usize, record: &Record, after: u64, page_cuts: &[u8]) -> Part {
        let first = self.first_of(place);
        let mut body = self.body_of(place, record);
        let mut cuts = self.cuts_of(place, record);
        if first > after {
            return Part { first, record: *record, body, cuts };
        }
        if record.shape == Shape::Text {
            let bytes = page_cuts.get(cuts.clone()).unwrap_or_default();
            let seqs = (after + 1 - first, self.last_of(record) + 1 - first);
            let (skipped, at) = lengths::split(bytes, seqs, body.len());
            body.start += skipped;
            cuts.start += at;
        }
        let mut record = *record;
        if after + 1 == self.last_of(&record) {
            record.shape = Shape::Whole;
            cuts.start = cuts.end;
        }
        Part { first: after + 1, record, body, cuts }
    }

    pub(super) fn entry(&self, part: Part, view: &View) -> Entry {
        let Part { first, record, body, cuts } = part;
        let body = view.bytes.slice(body.start - view.data_from..body.end - view.data_from);
        let cuts = match record.shape {
            Shape::Whole => Cuts::Whole,
            Shape::Latest => Cuts::Latest,
            Shape::Text => {
                let shift = view.cuts_at;
                let range = cuts.start - view.cuts_from + shift..cuts.end - view.cuts_from + shift;
                Cuts::Text(Lengths::from_bytes(view.bytes.slice(range)))
            }
        };
        let at_ms = self.at_ms + u64::from(record.at);
        Entry { first, last: self.last_of(&record), at_ms, class: record.class, body, cuts }
    }
}

impl View {
    pub(super) fn copied(parts: &[Part], data: &[u8], cuts: &[u8], budget: &Arc<Budget>) -> Self {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return Self { bytes: Bytes::new(), data_from: 0, cuts_from: 0, cuts_at: 0 };
        };
        let data = &data[first.body.start..last.body.end];
        let cuts = &cuts[first.cuts.start..last.cuts.end];
        let bytes = budget.counted([data, cuts].concat());
        let (data_from, cuts_from) = (first.body.start, first.cuts.start);
        Self { bytes, data_from, cuts_from, cuts_at: data.len() }
    }
}
