//! How many windows may be held at once. It does not know by whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A cap on the number of windows that connections hold for context takeover, with the inflater or compressor around each: one slot for each direction of
/// a connection that takes over.
///
/// ```
/// use tidegate_deflate::{ServerPolicy, TakeoverSlots};
///
/// let slots = TakeoverSlots::new(1);
/// let slot = slots.take();
/// let answer = ServerPolicy::new().inbound_takeover(slot.is_some()).answer(["permessage-deflate"])?;
/// assert!(answer.is_some_and(|answer| answer.agreement.from_client.takeover));
/// assert!(slots.take().is_none()); // the next connection goes without
/// drop(slot);
/// assert!(slots.take().is_some());
/// # Ok::<(), tidegate_deflate::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TakeoverSlots {
    free: Arc<AtomicUsize>,
}

/// The right to hold one window; given back when dropped.
#[derive(Debug)]
pub struct TakeoverSlot {
    free: Arc<AtomicUsize>,
}

impl TakeoverSlots {
    /// `max` windows at once.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(max)) }
    }

    /// A slot, or `None` if all are taken.
    #[must_use]
    pub fn take(&self) -> Option<TakeoverSlot> {
        let less = |free: usize| free.checked_sub(1);
        self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).ok()?;
        Some(TakeoverSlot { free: Arc::clone(&self.free) })
    }

    /// How many are free now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.load(Ordering::Acquire)
    }
}

impl Drop for TakeoverSlot {
    fn drop(&mut self) {
        self.free.fetch_add(1, Ordering::AcqRel);
    }
}
