//! The failures of one connection in a row, and what each ending leads to. It reads no clock and does not
//! wait: it says when, and somebody else waits.

use std::time::{Duration, Instant};

use crate::spread::part;
use crate::{CloseMeaning, Ending, GaveUp, Policy};

/// A sign that an attempt may now succeed, whatever the schedule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// The device is on a network again. What failed before says nothing of now, so the schedule starts anew.
    NetworkBack,
    /// Somebody looks: a page became visible, a device woke up.
    Visible,
}

/// Failures in a row of one connection, and the wait that is under way. Time and random numbers in 0..1
/// are arguments; where `now` goes backwards, no time has passed.
///
/// A connection is not a success because it was accepted: a server that accepts and then closes would be
/// asked again and again. Failures are forgotten when a connection has stood for
/// [`Settings::proved_after`](crate::Settings::proved_after), or when [`proved`](Self::proved) says so.
///
/// ```
/// # #![allow(clippy::disallowed_methods)]
/// # use std::time::Instant;
/// use std::time::Duration;
/// use tidegate_reconnect::{Attempts, Ending, GaveUp, Policy, Spread};
///
/// let mut attempts = Attempts::new(Policy::default());
/// let (now, random) = (Instant::now(), 0.0);
/// assert_eq!(attempts.after(Ending::Failed, now, random), Ok(Duration::from_millis(100)));
/// assert_eq!(attempts.after(Ending::Failed, now, random), Ok(Duration::from_millis(500)));
/// let goaway = Spread::from_millis(2_000, 10_000);
/// assert_eq!(attempts.after(Ending::Told(goaway), now, 0.5), Ok(Duration::from_secs(7)));
/// let banned = Ending::closed(4002, "banned");
/// assert_eq!(attempts.after(banned, now, random), Err(GaveUp::Closed { code: 4002 }));
/// ```
#[derive(Clone, Debug)]
pub struct Attempts {
    policy: Policy,
    /// Failures in a row.
    failed: u32,
    /// The place in the schedule: a hint may put it back, but not `failed`.
    step: u32,
    /// Since when there is a connection.
    connected: Option<Instant>,
    /// Since when there is no connection that has proved itself.
    lost: Option<Instant>,
    wait: Option<Wait>,
    hints: Hints,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Instant,
    due: Instant,
    /// Whether it is our own caution, and no wish of the server's.
    own: bool,
}

/// Hints that came in a row. They, too, must not lead to attempts without pause.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    count: u32,
    last: Option<Instant>,
}

impl Attempts {
    /// No failure so far.
    pub const fn new(policy: Policy) -> Self {
        let hints = Hints { count: 0, last: None };
        Self { policy, failed: 0, step: 0, connected: None, lost: None, wait: None, hints }
    }

    /// Notes that a connection stands since `now`.
    pub fn connected(&mut self, now: Instant) {
        self.wait = None;
        self.connected = Some(now);
    }

    /// Counts an ending at the time `now`, and says how long to wait before the next attempt.
    ///
    /// [`CloseMeaning::Resume`] means at once, but only the first time in a row; then by the policy.
    ///
    /// # Errors
    /// [`GaveUp`] when there should be none.
    pub fn after(&mut self, ending: Ending, now: Instant, random: f64) -> Result<Duration, GaveUp> {
        self.forget_if_proved(now);
        self.wait = None;
        let lost = *self.lost.get_or_insert(now);
        let (delay, own) = self.delay(ending, random)?;
        self.failed = self.failed.saturating_add(1);
        self.step = self.step.saturating_add(1);
        // A delay is at most twice `LONGEST`; where even that is too much for the clock, it is due now.
        let due = now.checked_add(delay).unwrap_or(now);
        self.may_go_on(due.saturating_duration_since(lost))?;
        self.wait = Some(Wait { since: now, due, own });
        Ok(delay)
    }

    /// The wait as `ending` demands it, and whether it is our own choice.
    fn delay(&self, ending: Ending, random: f64) -> Result<(Duration, bool), GaveUp> {
        let (policy, step) = (&self.policy, self.step);
        Ok(match ending {
            Ending::Failed => (policy.lone(step, random), true),
            Ending::Told(spread) => (policy.told(spread, random), false),
            Ending::Closed { code, meaning } => match meaning {
                CloseMeaning::Final => return Err(GaveUp::Closed { code }),
                CloseMeaning::Wait => (policy.wait(step, random), false),
                CloseMeaning::Draining => (policy.crowd(step, random), false),
                CloseMeaning::Resume if self.failed == 0 => (Duration::ZERO, true),
                CloseMeaning::Resume | CloseMeaning::Lost => (policy.lone(step, random), true),
            },
        })
    }

    fn may_go_on(&self, outage: Duration) -> Result<(), GaveUp> {
        let (settings, failures) = (self.policy.settings(), self.failed);
        if settings.max_failures.is_some_and(|max| failures >= max.get()) {
            return Err(GaveUp::Failures { failures });
        }
        if settings.outage_timeout.is_some_and(|timeout| outage > timeout) {
            return Err(GaveUp::Outage { failures });
        }
        Ok(())
    }

    /// Shortens the wait that is under way, and says when it is over now; `None` without one. (Where a
    /// connection stands, a hint is a reason to ping it: it may be dead without having said so.)
    ///
    /// A wait that the server asked for stays as it is. Of hints in a row each shortens less than the one
    /// before, by the schedule of the policy; after [`Settings::max_delay`](crate::Settings::max_delay)
    /// without one, the next counts as the first again. Those who hear of it at once are spread over the
    /// first delay.
    pub fn hint(&mut self, hint: Hint, now: Instant, random: f64) -> Option<Instant> {
        let wait = self.wait.as_mut()?;
        if !wait.own {
            return Some(wait.due);
        }
        let pause = self.hints.last.map(|last| now.saturating_duration_since(last));
        if pause.is_none_or(|pause| pause >= self.policy.settings().max_delay) {
            self.hints.count = 0;
        }
        let count = self.hints.count;
        self.hints = Hints { count: count.saturating_add(1), last: Some(now) };
        let earliest = wait.since.checked_add(self.policy.delay(count)).unwrap_or(wait.due);
        let spread = part(self.policy.delay(0), random);
        let soon = earliest.max(now).checked_add(spread).unwrap_or(wait.due);
        wait.due = wait.due.min(soon);
        if hint == Hint::NetworkBack {
            self.step = self.step.min(count);
        }
        Some(wait.due)
    }

    fn forget_if_proved(&mut self, now: Instant) {
        let stood = self.connected.take().map(|since| now.saturating_duration_since(since));
        if stood.is_some_and(|stood| stood >= self.policy.settings().proved_after) {
            self.proved();
        }
    }

    /// Forgets the failures: the connection has proved itself by other means than time (it was welcomed,
    /// say, and has resumed), or somebody wants to begin anew. The next failure is the first again.
    pub const fn proved(&mut self) {
        (self.failed, self.step, self.lost, self.wait) = (0, 0, None, None);
        self.hints = Hints { count: 0, last: None };
    }

    /// Failures in a row.
    pub const fn failed(&self) -> u32 {
        self.failed
    }

    /// When the wait that is under way is over; `None` without one.
    pub fn due(&self) -> Option<Instant> {
        self.wait.map(|wait| wait.due)
    }

    /// The policy in force.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_small() {
        assert!(size_of::<Attempts>() <= 304, "{}", size_of::<Attempts>());
    }
}
