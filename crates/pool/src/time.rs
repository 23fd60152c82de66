//! Whole seconds since a pool's first moment, which is all that its notes need. Knows no clock.

use std::time::{Duration, Instant};

/// A moment, seen from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) since: Instant,
}

impl Moment {
    /// The whole seconds that have passed; 136 years at most.
    pub(crate) fn second(self) -> u32 {
        seconds(self.now.saturating_duration_since(self.since))
    }

    /// The second that it was so long ago, `None` before the first moment.
    pub(crate) fn second_before(self, ago: Duration) -> Option<u32> {
        self.now.saturating_duration_since(self.since).checked_sub(ago).map(seconds)
    }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
