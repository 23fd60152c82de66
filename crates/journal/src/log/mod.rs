//! One log in memory: entries with contiguous seqs, of which readers get everything behind a position, or are told
//! what is missing. Knows no lock, no clock, no disk and no other log.

mod joining;
mod keep;
mod older;
mod place;
mod read;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::budget::Budget;
use crate::head::{Head, Lost};
use crate::keys::{KeyWindow, Keys};
use crate::merge::{Join, Mergeable};
use crate::page::{Kept, Open};
use crate::position::{Epoch, Position};
use crate::retention::Retention;

pub(crate) use joining::Joining;
pub(crate) use older::{Older, Piece};
pub use place::Placed;
pub use read::Read;

/// One log in memory.
///
/// Appending costs a copy of the body and 20 bytes of record; 45 for a body over 2 KiB, which has memory of its own.
/// A log without entries takes 72 bytes.
///
/// ```
/// use tidegate_journal::{Append, Epoch, Log, Mergeable, Read, Retention, Text};
///
/// let mut log = Log::new(Epoch(1), Retention::RUN);
/// let text = Mergeable::by(Text::new("answer"));
/// for token in ["Hello", " ", "world"] {
///     log.append(&Append::new(token).merge(text.clone()), 0)?;
/// }
/// // A reader that has seen the first token gets the rest, in one entry.
/// let Read::Batch(batch) = log.read(1, usize::MAX)? else { unreachable!("nothing was evicted") };
/// let rest = batch.entries().next().expect("two seqs are behind 1");
/// assert_eq!((rest.first, rest.last, &rest.body[..]), (2, 3, &b" world"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Log {
    epoch: Epoch,
    next: u64,
    /// The last seq that is gone.
    floor: u64,
    /// The last seq that readers may get.
    visible: u64,
    /// `u64::MAX` while it has not ended.
    ended_at_ms: u64,
    rules: Arc<Rules>,
    budget: Arc<Budget>,
    open: Option<Box<Open>>,
    more: Option<Box<More>>,
}

/// What a log keeps; shared by those that keep the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) retention: Retention,
    pub(crate) keys: KeyWindow,
}

/// What only a log with content has. What each append needs stands in front, in one or two lines of the cache.
#[derive(Debug, Default)]
#[repr(C)]
struct More {
    newest: Newest,
    /// Bytes of bodies, those of a page counting until all of it is gone.
    body_bytes: u64,
    /// What the sealed pages count.
    sealed_bytes: usize,
    /// What this structure counts beside them; too little, where `grown`.
    charged: usize,
    /// Whether it may take more than it counts.
    grown: bool,
    older: Older,
    sealed: VecDeque<Kept>,
    lost: Vec<Lost>,
    keys: Keys,
}

/// The newest append, be it in memory or not any more.
#[derive(Debug, Default)]
struct Newest {
    at_ms: u64,
    /// What it may be merged with; nothing, where it is lost.
    merge: Mergeable,
    /// How it belongs to the one before.
    join: Join,
}

impl Log {
    /// An empty log, without a bound but its retention.
    #[must_use]
    pub fn new(epoch: Epoch, retention: Retention) -> Self {
        Self::resume(&Head::new(epoch, retention), Budget::new(usize::MAX))
    }

    /// Goes on from what is known of a log. What it had is not in memory: reading it answers [`Read::Older`].
    #[must_use]
    pub fn resume(head: &Head, budget: Arc<Budget>) -> Self {
        let rules = Rules { retention: head.retention, keys: KeyWindow::default() };
        Self::with_rules(head, Arc::new(rules), budget)
    }

    pub(crate) fn with_rules(head: &Head, rules: Arc<Rules>, budget: Arc<Budget>) -> Self {
        let tail = head.next.saturating_sub(1);
        let mut log = Self {
            epoch: head.epoch,
            next: tail + 1,
            floor: head.floor.min(tail),
            visible: tail,
            ended_at_ms: head.ended_at_ms.unwrap_or(u64::MAX),
            rules,
            budget,
            open: None,
            more: None,
        };
        if log.floor < tail || !head.keys.is_empty() {
            let more = log.more.get_or_insert_default();
            more.lost.extend(head.lost.iter().filter(|lost| lost.to > head.floor));
            more.keys = Keys::resume(&head.keys);
            // What is lost at the end is nowhere.
            let last =
                more.lost.last().filter(|lost| lost.to >= tail).map_or(tail, |lost| lost.from - 1);
            if log.floor < last {
                more.older = Older::unknown(last);
            }
            log.charge();
        }
        log
    }

    /// Its life.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The last seq that readers may get; 0 when there is none.
    #[must_use]
    pub const fn tail(&self) -> u64 {
        self.visible
    }

    /// The last seq that is gone: a reader there or later misses nothing.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Where a reader stands that has seen everything.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.visible }
    }

    /// How long it keeps what.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.rules.retention
    }

    /// Keeps something else from now on.
    pub fn set_retention(&mut self, retention: Retention) {
        self.rules = Arc::new(Rules { retention, ..*self.rules });
        self.keep_within();
        self.charge();
    }

    /// Says that nothing follows any more. Age counts from here. Ending twice is once.
    pub const fn end(&mut self, now_ms: u64) {
        if self.ended_at_ms == u64::MAX {
            // u64::MAX means "has not ended"; no clock gets there.
            self.ended_at_ms = if now_ms == u64::MAX { now_ms - 1 } else { now_ms };
        }
    }

    /// When it ended, in Unix milliseconds.
    #[must_use]
    pub const fn ended_at_ms(&self) -> Option<u64> {
        if self.ended_at_ms == u64::MAX { None } else { Some(self.ended_at_ms) }
    }

    /// The bytes of memory that it counts in its budget; what readers still hold of it apart.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| open.charged());
        open + self.more.as_ref().map_or(0, |more| more.charged + more.sealed_bytes)
    }

    /// Whether it has neither entries, nor keys, nor anything to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.floor == self.next - 1 && self.more.as_ref().is_none_or(|more| more.keys.is_empty())
    }

    /// The last seq that was given out, be it readable or not.
    #[must_use]
    pub const fn last_placed(&self) -> u64 {
        self.next - 1
    }

    /// The last seq of what is in memory; 0 when nothing is.
    #[cfg(feature = "disk")]
    pub(crate) fn last_in_memory(&self) -> u64 {
        let sealed = self.more.as_ref().and_then(|more| more.sealed.back());
        let last = sealed.map_or(0, Kept::last);
        self.open.as_ref().map_or(last, |open| open.index().last())
    }

    /// When the newest was appended, and how it belongs to the one before.
    #[cfg(feature = "disk")]
    pub(crate) fn newest(&self) -> (u64, Join) {
        self.more.as_ref().map_or((0, Join::No), |more| (more.newest.at_ms, more.newest.join))
    }

    /// The seq of the oldest key that is known.
    #[cfg(feature = "disk")]
    pub(crate) fn oldest_key(&self) -> Option<u64> {
        self.more.as_ref()?.keys.oldest().map(|key| key.seq)
    }

    pub(crate) const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Raises the floor.
    #[cfg(feature = "disk")]
    pub(crate) fn drop_to(&mut self, floor: u64) {
        self.raise(floor);
        self.charge();
    }

    /// Lets readers have everything up to a seq that was appended with [`append_held`](Self::append_held).
    pub fn settle(&mut self, seq: u64) {
        self.visible = self.visible.max(seq.min(self.next - 1));
        self.keep_within();
        self.charge_grown();
    }

    /// Says that seqs that were appended with [`append_held`](Self::append_held) will never be readable: readers are
    /// told that they are lost. Those that readers may have already stay.
    pub fn lose(&mut self, from: u64, to: u64) {
        let to = to.min(self.next - 1);
        let from = from.max(self.visible + 1);
        if from <= to {
            self.visible = to;
            self.note_lost(Lost { from, to });
            let more = self.more.get_or_insert_default();
            more.keys.forget_between(from, to);
            more.newest.merge = Mergeable::NEVER;
            self.charge();
        }
    }

    fn note_lost(&mut self, lost: Lost) {
        let more = self.more.get_or_insert_default();
        match more.lost.last_mut() {
            Some(last) if last.to + 1 == lost.from => last.to = lost.to,
            _ => more.lost.push(lost),
        }
    }

    /// Makes the budget agree with what is taken.
    fn charge(&mut self) {
        if let Some(more) = &mut self.more {
            more.grown = true;
        }
        self.charge_grown();
    }

    /// The same, where only what says so has grown.
    fn charge_grown(&mut self) {
        if let Some(open) = &mut self.open {
            open.charge(&self.budget);
        }
        if let Some(more) = self.more.as_mut().filter(|more| more.grown) {
            let now = more.own_bytes();
            self.budget.change(more.charged, now);
            (more.charged, more.grown) = (now, false);
        }
    }
}

impl More {
    fn own_bytes(&self) -> usize {
        size_of::<Self>()
            + self.keys.bytes()
            + self.sealed.capacity() * size_of::<Kept>()
            + self.older.bytes()
            + self.lost.capacity() * size_of::<Lost>()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.discharge(&self.budget);
        }
        if let Some(more) = &mut self.more {
            more.sealed.drain(..).for_each(|page| page.discharge(&self.budget));
            self.budget.remove(more.charged);
        }
    }
}
