//! The door: counts sockets before anything is known of them. Knows no sessions and no users.

use crate::Full;
use crate::sync::{Arc, AtomicUsize, Ordering::Relaxed};

/// Lets in as many sockets as there is capacity, and a few more that are only told so.
///
/// A margin of 5 % (at least 16) beyond the capacity is let in marked [`Permit::is_over_capacity`]: such
/// a session is told 1008 [`AT_CAPACITY`](crate::AT_CAPACITY) and closed, which a browser can read; a
/// refused upgrade it cannot. Beyond the margin there is only [`Full`]. The margin has places of its own:
/// sockets that are being told so never take a place that became free meanwhile.
///
/// A clone is the same gate.
///
/// ```
/// use tidegate_pool::Gate;
/// let gate = Gate::new(1);
/// let inside = gate.enter().unwrap();
/// assert!(!inside.is_over_capacity());
/// assert!(gate.enter().unwrap().is_over_capacity());
/// drop(inside);
/// assert!(!gate.enter().unwrap().is_over_capacity());
/// ```
#[derive(Clone, Debug)]
pub struct Gate(Arc<Places>);

#[derive(Debug)]
struct Places {
    max: usize,
    margin: usize,
    inside: AtomicUsize,
    over: AtomicUsize,
}

impl Gate {
    /// A gate for `max` sockets and a margin of `max / 20`, at least 16.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let (inside, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Places { max, margin: (max / 20).max(16), inside, over }))
    }

    /// Takes a place for one socket, held until the [`Permit`] is dropped. Allocates nothing.
    ///
    /// # Errors
    /// [`Full`] if capacity and margin are taken.
    pub fn enter(&self) -> Result<Permit, Full> {
        let Places { max, margin, inside, over } = &*self.0;
        let over_capacity = if take(inside, *max) {
            false
        } else if take(over, *margin) {
            true
        } else {
            return Err(Full);
        };
        Ok(Permit { places: Arc::clone(&self.0), over_capacity })
    }

    /// Sockets within the capacity now.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.0.inside.load(Relaxed)
    }

    /// Sockets in the margin now: told that there is no room, not yet gone.
    #[must_use]
    pub fn over_capacity(&self) -> usize {
        self.0.over.load(Relaxed)
    }

    /// The capacity, without the margin.
    #[must_use]
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// The places beyond the capacity.
    #[must_use]
    pub fn margin(&self) -> usize {
        self.0.margin
    }
}

// The counters guard no other memory, so that no ordering beyond the counter's own is needed.
fn take(counter: &AtomicUsize, max: usize) -> bool {
    counter.fetch_update(Relaxed, Relaxed, |taken| (taken < max).then_some(taken + 1)).is_ok()
}

/// A place at the [`Gate`]; it is free again when this is dropped.
///
/// Where it has to be cloned, as in request extensions, it goes into an [`Arc`](std::sync::Arc).
#[derive(Debug)]
#[must_use = "a permit that is dropped frees its place at once"]
pub struct Permit {
    places: Arc<Places>,
    over_capacity: bool,
}

impl Permit {
    /// Whether the place is in the margin: the session is told so and closed.
    #[must_use]
    pub fn is_over_capacity(&self) -> bool {
        self.over_capacity
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let counter = if self.over_capacity { &self.places.over } else { &self.places.inside };
        counter.fetch_sub(1, Relaxed);
    }
}
