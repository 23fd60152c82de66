//! What stands in a log at one or several seqs, and how it is cut at a position. Knows no log.

use bytes::Bytes;
use tidegate_message::Class;

use crate::lengths::Lengths;

/// What was appended under one seq, or under several that were merged.
///
/// A merged entry can be cut, so that a reader at any position inside it gets exactly its rest:
///
/// ```
/// use tidegate_journal::{Cuts, Entry, Lengths};
/// # use tidegate_message::Class;
/// let lengths = Lengths::of([5, 1, 5]);
/// let body = "Hello world".into();
/// let entry = Entry { first: 7, last: 9, at_ms: 0, class: Class::Coalescible, body, cuts: Cuts::Text(lengths) };
/// let rest = entry.after(8).expect("the seq 9 is behind 8");
/// assert_eq!((rest.first, rest.last, &rest.body[..]), (9, 9, &b"world"[..]));
/// assert!(entry.after(9).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first seq that it stands for.
    pub first: u64,
    /// The last one; equal to `first` where nothing was merged.
    pub last: u64,
    /// When the last of it was appended, in Unix milliseconds.
    pub at_ms: u64,
    /// What may happen to it.
    pub class: Class,
    /// What was appended.
    pub body: Bytes,
    /// How the body is spread over the seqs.
    pub cuts: Cuts,
}

/// How a body is spread over the seqs it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cuts {
    /// One seq, one body.
    Whole,
    /// The bodies of all seqs, one after the other.
    Text(Lengths),
    /// The last value, which replaced the earlier ones.
    Latest,
}

impl Entry {
    /// An entry of one seq.
    #[must_use]
    pub const fn whole(seq: u64, at_ms: u64, class: Class, body: Bytes) -> Self {
        Self { first: seq, last: seq, at_ms, class, body, cuts: Cuts::Whole }
    }

    /// What of it is behind a position: all, the exact rest, or `None` when nothing is. The body is not copied.
    #[must_use]
    pub fn after(&self, seq: u64) -> Option<Self> {
        if seq >= self.last {
            return None;
        }
        if seq < self.first {
            return Some(self.clone());
        }
        let (body, cuts) = match &self.cuts {
            Cuts::Whole => (self.body.clone(), Cuts::Whole),
            Cuts::Latest => (self.body.clone(), self.one_or(seq + 1, Cuts::Latest)),
            Cuts::Text(lengths) => {
                let seqs = (seq - self.first + 1, (self.last - self.first).saturating_add(1));
                let (skipped, rest) = lengths.split(seqs, self.body.len());
                (self.body.slice(skipped..), self.one_or(seq + 1, Cuts::Text(rest)))
            }
        };
        Some(Self { first: seq + 1, body, cuts, ..*self })
    }

    /// Whether the seqs and the cuts belong together: what was read from elsewhere is asked this.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let Some(further) = self.last.checked_sub(self.first) else { return false };
        match &self.cuts {
            _ if self.first == 0 => false,
            Cuts::Whole => further == 0,
            Cuts::Latest => further > 0,
            Cuts::Text(lengths) => {
                further > 0
                    && lengths.sum() == Some((further.saturating_add(1), self.body.len() as u64))
            }
        }
    }

    fn one_or(&self, first: u64, cuts: Cuts) -> Cuts {
        if first == self.last { Cuts::Whole } else { cuts }
    }
}
