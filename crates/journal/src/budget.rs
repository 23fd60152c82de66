//! One budget of bytes for many logs, and bytes that count in it as long as anybody holds them. Knows no log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// How many bytes there may be, and how many there are. Shared by all that use memory in its name.
///
/// ```
/// use tidegate_journal::Budget;
/// let budget = Budget::new(1_024);
/// let counted = budget.own("hello".into());
/// let held_by_a_reader = counted.slice(1..);
/// drop(counted);
/// assert_eq!(budget.used(), 5);
/// drop(held_by_a_reader);
/// assert_eq!(budget.used(), 0);
/// ```
#[derive(Debug)]
pub struct Budget {
    max_bytes: usize,
    used: AtomicUsize,
}

/// Bytes that count until the last who holds a part of them lets go.
struct Counted<T: AsRef<[u8]>> {
    bytes: T,
    budget: Arc<Budget>,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self { max_bytes, used: AtomicUsize::new(0) })
    }

    /// The whole of it, in bytes.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// How many bytes are used.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Makes bytes count for as long as anybody holds a slice of them. Never refuses: who wants to know asks
    /// [`used`](Self::used) before. One allocation of 56 bytes.
    #[must_use]
    pub fn own(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        self.counted(bytes)
    }

    /// The same for bytes that nobody else holds.
    pub(crate) fn counted<T: AsRef<[u8]> + Send + 'static>(self: &Arc<Self>, bytes: T) -> Bytes {
        self.add(bytes.as_ref().len());
        Bytes::from_owner(Counted { bytes, budget: Arc::clone(self) })
    }

    #[inline]
    pub(crate) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn remove(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Goes from one charge to another.
    #[inline]
    pub(crate) fn change(&self, from: usize, to: usize) {
        match to.checked_sub(from) {
            Some(0) => {}
            Some(more) => self.add(more),
            None => self.remove(from - to),
        }
    }
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Counted<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl<T: AsRef<[u8]>> Drop for Counted<T> {
    fn drop(&mut self) {
        self.budget.remove(self.bytes.as_ref().len());
    }
}
