//! What of a log is elsewhere and not in memory: pieces in the order of their seqs, and what is known of each. Knows
//! neither where they are nor what is in them.

use std::collections::VecDeque;

/// Of more pieces than this, neighbours are put together.
const MOST: usize = 64;

/// A page that was evicted, a row that was found where it was written, or several of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) last: u64,
    /// Nothing in it, as far as it is behind the floor, is older.
    pub(crate) oldest_ms: u64,
    /// When the last of it was appended; `u64::MAX` where that is not known.
    pub(crate) newest_ms: u64,
    /// Bytes of bodies; they count until all of it is gone.
    pub(crate) bytes: u64,
}

/// What is elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Older(VecDeque<Piece>);

impl Older {
    /// What there was before, of which only the end is known.
    pub(super) fn unknown(last: u64) -> Self {
        Self([Piece { last, oldest_ms: 0, newest_ms: u64::MAX, bytes: 0 }].into())
    }

    pub(super) fn front(&self) -> Option<&Piece> {
        self.0.front()
    }

    /// The last seq that is not in memory; 0 when there is none.
    pub(super) fn last(&self) -> u64 {
        self.0.back().map_or(0, |piece| piece.last)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, piece: Piece) {
        self.0.push_back(piece);
        if self.0.len() > MOST {
            self.join_smallest();
        }
    }

    /// Makes one of two neighbours that have the least together, so that no piece becomes large among small ones.
    fn join_smallest(&mut self) {
        let known = usize::from(self.front().is_some_and(Piece::is_unknown));
        let pairs = self.0.range(known..).zip(self.0.range(known + 1..));
        let together = pairs.map(|(first, second)| first.bytes + second.bytes).enumerate();
        let Some((place, bytes)) = together.min_by_key(|(_, bytes)| *bytes) else { return };
        let Some(first) = self.0.remove(known + place) else { return };
        if let Some(joined) = self.0.get_mut(known + place) {
            (joined.oldest_ms, joined.bytes) = (first.oldest_ms, bytes);
        }
    }

    /// Lets go the pieces that end at the floor or before, and answers their bytes.
    pub(super) fn drop_to(&mut self, floor: u64) -> u64 {
        let mut bytes = 0;
        while let Some(gone) = self.0.pop_front_if(|piece| piece.last <= floor) {
            bytes += gone.bytes;
        }
        bytes
    }

    /// The end of what was there before, as long as nothing else is known of it.
    #[cfg(feature = "disk")]
    pub(super) fn unknown_to(&self) -> Option<u64> {
        self.front().filter(|piece| piece.is_unknown()).map(|piece| piece.last)
    }

    /// Puts what was found in the place of what was not known. Answers its bytes.
    #[cfg(feature = "disk")]
    pub(super) fn found(&mut self, mut found: Self) -> u64 {
        let Some(unknown) = self.0.pop_front_if(|piece| piece.is_unknown()) else { return 0 };
        found.0.retain(|piece| piece.last <= unknown.last);
        // What is missing at its end, or could not be read, is told where it is read.
        if found.last() < unknown.last {
            let oldest_ms = found.0.back().map_or(0, |piece| piece.newest_ms);
            found.push(Piece { oldest_ms, newest_ms: u64::MAX - 1, ..unknown });
        }
        let bytes = found.0.iter().map(|piece| piece.bytes).sum();
        found.0.append(&mut self.0);
        self.0 = found.0;
        bytes
    }

    /// Takes note that nothing behind the floor is older.
    #[cfg(feature = "disk")]
    pub(super) fn begins_at(&mut self, oldest_ms: u64) {
        if let Some(front) = self.0.front_mut() {
            front.oldest_ms = oldest_ms;
        }
    }

    /// The memory taken.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Piece>()
    }
}

impl Piece {
    const fn is_unknown(&self) -> bool {
        self.newest_ms == u64::MAX
    }
}
