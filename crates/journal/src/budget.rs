//! One budget of bytes for many logs, and bytes that count in it as long as anybody holds them. Knows no log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::sync::{Mutex, lock};

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
    /// Held while somebody of several lets go, so that one of them is the last.
    leaving: Mutex<()>,
}

/// Bytes that count until the last who holds a part of them lets go.
struct Counted<T: AsRef<[u8]>> {
    bytes: T,
    budget: Arc<Budget>,
}

/// A copy that somebody reads.
struct Lent {
    /// None once it is released.
    copy: Option<Arc<[u8]>>,
    budget: Arc<Budget>,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self { max_bytes, used: AtomicUsize::new(0), leaving: Mutex::new(()) })
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

    /// A copy of bytes, which counts until the last who holds it [releases](Self::release) it.
    pub(crate) fn copied(&self, bytes: &[u8]) -> Arc<[u8]> {
        self.add(bytes.len());
        bytes.into()
    }

    /// What readers get of a copy. They release it by dropping it.
    pub(crate) fn lend(self: &Arc<Self>, copy: &Arc<[u8]>) -> Bytes {
        Bytes::from_owner(Lent { copy: Some(Arc::clone(copy)), budget: Arc::clone(self) })
    }

    /// Lets go of a copy. It counts no more if nobody else holds it.
    pub(crate) fn release(&self, copy: Arc<[u8]>) {
        let bytes = copy.len();
        {
            let _one_at_a_time = lock(&self.leaving);
            if Arc::strong_count(&copy) > 1 {
                drop(copy);
                return;
            }
        }
        // Nobody else holds it, so that nobody can come to hold it.
        drop(copy);
        self.remove(bytes);
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

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.copy.as_deref().unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(copy) = self.copy.take() {
            self.budget.release(copy);
        }
    }
}
