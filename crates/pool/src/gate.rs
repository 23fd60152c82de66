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
pub struct Gate(Kept);

#[derive(Clone, Debug)]
enum Kept {
    /// As long as a gate or a permit is left.
    Counted(Arc<Places>),
    /// For ever, so that nobody needs to count who is left.
    Lasting(&'static Places),
}

#[derive(Debug)]
struct Places {
    max: usize,
    margin: usize,
    inside: AtomicUsize,
    over: AtomicUsize,
}

impl Places {
    fn new(max: usize) -> Self {
        let (inside, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { max, margin: (max / 20).max(16), inside, over }
    }

    /// Takes a place, and says whether it is in the margin.
    #[inline]
    fn take(&self) -> Result<bool, Full> {
        if take(&self.inside, self.max) {
            Ok(false)
        } else if take(&self.over, self.margin) {
            Ok(true)
        } else {
            Err(Full)
        }
    }

    #[inline]
    fn give_back(&self, over_capacity: bool) {
        let counter = if over_capacity { &self.over } else { &self.inside };
        counter.fetch_sub(1, Relaxed);
    }
}

impl Gate {
    /// A gate for `max` sockets and a margin of `max / 20`, at least 16.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Kept::Counted(Arc::new(Places::new(max))))
    }

    /// As [`Gate::new`], for a gate that is made once and stays to the program's end: its 64 bytes are never given back.
    /// A permit then costs two atomic steps instead of four.
    #[must_use]
    pub fn lasting(max: usize) -> Self {
        Self(Kept::Lasting(Box::leak(Box::new(Places::new(max)))))
    }

    /// Takes a place for one socket, held until the [`Permit`] is dropped. Allocates nothing.
    ///
    /// # Errors
    /// [`Full`] if capacity and margin are taken.
    #[inline]
    pub fn enter(&self) -> Result<Permit, Full> {
        Ok(Permit(match &self.0 {
            Kept::Counted(places) => {
                let over_capacity = places.take()?;
                Place::Counted { places: Arc::clone(places), over_capacity }
            }
            Kept::Lasting(places) => Place::Lasting { over_capacity: places.take()?, places },
        }))
    }

    fn places(&self) -> &Places {
        match &self.0 {
            Kept::Counted(places) => places,
            Kept::Lasting(places) => places,
        }
    }

    /// Sockets within the capacity now.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.places().inside.load(Relaxed)
    }

    /// Sockets in the margin now: told that there is no room, not yet gone.
    #[must_use]
    pub fn over_capacity(&self) -> usize {
        self.places().over.load(Relaxed)
    }

    /// The capacity, without the margin.
    #[must_use]
    pub fn max(&self) -> usize {
        self.places().max
    }

    /// The places beyond the capacity.
    #[must_use]
    pub fn margin(&self) -> usize {
        self.places().margin
    }
}

// The counters guard no other memory, so that no ordering beyond the counter's own is needed.
#[inline]
fn take(counter: &AtomicUsize, max: usize) -> bool {
    counter.fetch_update(Relaxed, Relaxed, |taken| (taken < max).then_some(taken + 1)).is_ok()
}

/// A place at the [`Gate`]; it is free again when this is dropped.
///
/// Where it has to be cloned, as in request extensions, it goes into an [`Arc`](std::sync::Arc).
#[derive(Debug)]
#[must_use = "a permit that is dropped frees its place at once"]
pub struct Permit(Place);

/// As [`Kept`]; two words, whichever it is.
#[derive(Debug)]
enum Place {
    Counted { places: Arc<Places>, over_capacity: bool },
    Lasting { places: &'static Places, over_capacity: bool },
}

impl Permit {
    /// Whether the place is in the margin: the session is told so and closed.
    #[must_use]
    pub fn is_over_capacity(&self) -> bool {
        let (Place::Counted { over_capacity, .. } | Place::Lasting { over_capacity, .. }) = self.0;
        over_capacity
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        match &self.0 {
            Place::Counted { places, over_capacity } => places.give_back(*over_capacity),
            Place::Lasting { places, over_capacity } => places.give_back(*over_capacity),
        }
    }
}
