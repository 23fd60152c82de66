//! Neighbours that are put together for a snapshot. Knows no log.

use crate::batch::{Item, Snapshot};
use crate::entry::{Cuts, Entry};
use crate::error::ReadError;
use crate::lengths::Lengths;
use crate::merge::Join;
use crate::varint;

/// Entries that are put together, in the order of their seqs.
#[derive(Debug, Default)]
pub(crate) struct Joining {
    done: Vec<Entry>,
    /// The texts that make the next one.
    parts: Vec<Entry>,
}

impl Joining {
    /// Takes what follows, and how it belongs to what is before it.
    pub(crate) fn take(&mut self, item: Item, join: Join) -> Result<(), ReadError> {
        let entry = match item {
            Item::Entry(entry) => entry,
            Item::Lost(lost) => return Err(ReadError::Lost { lost }),
        };
        let newest = self.parts.last().map(|newest| &newest.cuts);
        match (join, newest, &entry.cuts) {
            (_, None, _) => {}
            (Join::Concatenate, Some(Cuts::Whole | Cuts::Text(_)), Cuts::Whole | Cuts::Text(_)) => {
            }
            (Join::Replace, Some(Cuts::Whole | Cuts::Latest), Cuts::Whole | Cuts::Latest)
                if self.parts.len() == 1 =>
            {
                let first = self.parts.pop().map_or(entry.first, |replaced| replaced.first);
                self.parts.push(Entry { first, cuts: Cuts::Latest, ..entry });
                return Ok(());
            }
            _ => self.finish(),
        }
        self.parts.push(entry);
        Ok(())
    }

    fn finish(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        if parts.len() < 2 {
            self.done.extend(parts);
            return;
        }
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let body: Vec<&[u8]> = parts.iter().map(|part| &part.body[..]).collect();
        let mut lengths = Vec::new();
        for part in &parts {
            match &part.cuts {
                Cuts::Text(known) => lengths.extend_from_slice(known.as_bytes()),
                Cuts::Whole | Cuts::Latest => varint::write(part.body.len() as u64, &mut lengths),
            }
        }
        let cuts = Cuts::Text(Lengths::from_bytes(lengths.into()));
        let body = body.concat().into();
        self.done.push(Entry { first: first.first, body, cuts, ..*last });
    }

    /// All of it, up to the tail of a log.
    pub(crate) fn end(mut self, last: u64, ended: bool) -> Snapshot {
        self.finish();
        Snapshot { entries: self.done, last, ended }
    }
}
