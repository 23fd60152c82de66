//! Where a message is inflated into: a ring of one window, so that the last bytes of it are there when a block
//! with BFINAL makes the library below forget them. It does not know where messages begin.

use crate::WindowBits;

/// The newest 32 KiB of what was inflated.
pub(crate) struct Ring {
    bytes: Box<[u8]>,
    /// Where the next byte goes; less than the length.
    at: usize,
    wrapped: bool,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; WindowBits::MAX.bytes()].into(), at: 0, wrapped: false }
    }

    pub(crate) fn clear(&mut self) {
        (self.at, self.wrapped) = (0, false);
    }

    /// Room for the next bytes: at least one, if `max` is.
    pub(crate) fn room(&mut self, max: usize) -> &mut [u8] {
        let end = self.bytes.len().min(self.at.saturating_add(max));
        self.bytes.get_mut(self.at..end).unwrap_or_default()
    }

    /// Keeps the first `written` bytes of the room, and shows them.
    pub(crate) fn keep(&mut self, written: usize) -> &[u8] {
        let start = self.at;
        let end = self.bytes.len().min(start + written);
        let full = end == self.bytes.len();
        self.at = if full { 0 } else { end };
        self.wrapped |= full;
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Oldest first, in two pieces.
    pub(crate) fn pieces(&self) -> (&[u8], &[u8]) {
        let (new, old) = self.bytes.split_at_checked(self.at).unwrap_or_default();
        (if self.wrapped { old } else { &[] }, new)
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.wrapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_window_is_there_however_it_comes() {
        let all: Vec<u8> = (0..100_000_u32).map(|n| (n ^ (n >> 7)).to_le_bytes()[0]).collect();
        for size in [1000, 32_767, 32_768, 40_000] {
            let mut ring = Ring::new();
            let mut rest = &all[..];
            while !rest.is_empty() {
                let room = ring.room(size);
                let written = room.len().min(rest.len());
                assert!(written > 0);
                room[..written].copy_from_slice(&rest[..written]);
                assert_eq!(ring.keep(written), &rest[..written]);
                rest = &rest[written..];
                let (old, new) = ring.pieces();
                let read = all.len() - rest.len();
                let kept = read.min(WindowBits::MAX.bytes());
                assert_eq!([old, new].concat(), all[read - kept..read], "rooms of {size}");
                assert_eq!(ring.is_full(), read >= WindowBits::MAX.bytes());
            }
            ring.clear();
            assert_eq!(ring.pieces(), (&[][..], &[][..]));
        }
    }
}
