//! Where messages are inflated into: a ring of one window, so that the last bytes are there when a block
//! with BFINAL makes the library below forget them. It does not know where messages begin.

use crate::WindowBits;

/// Below that, a message would be inflated in many small pieces.
const MIN_BYTES: usize = 4096;

/// The newest window of what was inflated.
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// Where the next byte goes; the length only if it can still grow.
    at: usize,
    max: usize,
    wrapped: bool,
}

impl Ring {
    /// Of 32 KiB.
    pub(crate) fn whole() -> Self {
        let max = WindowBits::MAX.bytes();
        Self { bytes: vec![0; max], at: 0, max, wrapped: false }
    }

    /// Of 4 KiB; it doubles, as bytes come, up to the window.
    pub(crate) fn growing(window: WindowBits) -> Self {
        let max = window.bytes().max(MIN_BYTES);
        Self { bytes: vec![0; MIN_BYTES], at: 0, max, wrapped: false }
    }

    pub(crate) fn clear(&mut self) {
        (self.at, self.wrapped) = (0, false);
    }

    /// Room for the next bytes: at least one, if `max` is.
    #[inline]
    pub(crate) fn room(&mut self, max: usize) -> &mut [u8] {
        if self.at == self.bytes.len() {
            self.grow();
        }
        let end = self.bytes.len().min(self.at.saturating_add(max));
        self.bytes.get_mut(self.at..end).unwrap_or_default()
    }

    #[cold]
    fn grow(&mut self) {
        self.bytes.resize(self.max.min(2 * self.at), 0);
    }

    /// Keeps the first `written` bytes of the room, and shows them.
    #[inline]
    pub(crate) fn keep(&mut self, written: usize) -> &[u8] {
        let start = self.at;
        let end = self.bytes.len().min(start + written);
        self.at = end;
        if end == self.max {
            (self.at, self.wrapped) = (0, true);
        }
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Oldest first, in two pieces.
    pub(crate) fn pieces(&self) -> (&[u8], &[u8]) {
        let (new, old) = self.bytes.split_at_checked(self.at).unwrap_or_default();
        (if self.wrapped { old } else { &[] }, new)
    }

    /// Allocated bytes.
    pub(crate) const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_window_is_there_however_it_comes() {
        let all: Vec<u8> = (0..100_000_u32).map(|n| (n ^ (n >> 7)).to_le_bytes()[0]).collect();
        for size in [1000, 4096, 32_767, 32_768, 40_000] {
            check(Ring::whole(), &all, size);
            for bits in [8, 12, 13, 15] {
                check(Ring::growing(WindowBits::new(bits).expect("8 to 15")), &all, size);
            }
        }
    }

    fn check(mut ring: Ring, all: &[u8], size: usize) {
        let mut rest = all;
        while !rest.is_empty() {
            let room = ring.room(size);
            let written = room.len().min(rest.len());
            assert!(written > 0);
            room[..written].copy_from_slice(&rest[..written]);
            assert_eq!(ring.keep(written), &rest[..written]);
            rest = &rest[written..];
            let (old, new) = ring.pieces();
            let read = all.len() - rest.len();
            assert_eq!(
                [old, new].concat(),
                all[read - read.min(ring.max)..read],
                "rooms of {size}"
            );
            assert!(ring.capacity() <= ring.max);
        }
        ring.clear();
        assert_eq!(ring.pieces(), (&[][..], &[][..]));
    }

    #[test]
    fn a_growing_ring_takes_twice_what_came_at_most() {
        let mut ring = Ring::growing(WindowBits::MAX);
        assert_eq!(ring.capacity(), MIN_BYTES);
        for came in (1000..=40_000).step_by(1000) {
            let mut left = 1000;
            while left > 0 {
                let room = ring.room(left).len();
                left -= ring.keep(room).len();
            }
            let most = (2 * came).clamp(MIN_BYTES, WindowBits::MAX.bytes());
            assert!(ring.capacity() <= most, "{} for {came}", ring.capacity());
        }
    }
}
