//! The last bytes of what was inflated: the window that the library below drops at a reset. It does not know
//! where messages begin.

use std::collections::VecDeque;

use crate::WindowBits;

/// A ring of up to one window; it grows as bytes come.
#[derive(Debug, Default)]
pub(crate) struct History {
    bytes: VecDeque<u8>,
}

impl History {
    /// Appends `fresh` and forgets what is older than `window`.
    pub(crate) fn record(&mut self, fresh: &[u8], window: WindowBits) {
        let max = window.bytes();
        let fresh = fresh.get(fresh.len().saturating_sub(max)..).unwrap_or_default();
        let excess = (self.bytes.len() + fresh.len()).saturating_sub(max);
        self.bytes.drain(..excess.min(self.bytes.len()));
        let room = self.bytes.len() + fresh.len();
        if room > self.bytes.capacity() {
            let wanted = room.next_power_of_two().min(max);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend(fresh);
    }

    /// Oldest first, in two pieces.
    pub(crate) fn pieces(&self) -> (&[u8], &[u8]) {
        self.bytes.as_slices()
    }

    /// Allocated bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(history: &History) -> Vec<u8> {
        let (old, new) = history.pieces();
        [old, new].concat()
    }

    #[test]
    fn the_last_window_is_kept_however_it_comes() {
        let all: Vec<u8> = (0..2000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for size in [1, 7, 255, 256, 257, 1000, 2000] {
            let mut history = History::default();
            for chunk in all.chunks(size) {
                history.record(chunk, WindowBits::MIN);
            }
            assert_eq!(kept(&history), all[all.len() - 256..], "chunks of {size}");
            assert!(history.capacity() <= 256);
        }
    }
}
