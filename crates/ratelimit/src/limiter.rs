//! The limiter of one key, for whoever owns that key. It does not know keys.

use std::time::{Duration, Instant};

use crate::buckets::Buckets;
use crate::log::Log;
use crate::state::{At, Decision, State};
use crate::window::{HORIZON, ticks_to_drop};
use crate::{Limit, Totals, Verdict};

/// The state of one key: 120 bytes, and 4 more for each unit that counts (an exact one; room doubles).
///
/// A `now` before the latest one seen counts as that one, a repeated one is as good as any other.
///
/// ```
/// # #![allow(clippy::disallowed_methods, reason = "an example needs a clock")]
/// use std::time::{Duration, Instant};
/// use tidegate_ratelimit::{Limit, Limiter, Verdict};
///
/// let mut limiter = Limiter::new(Limit::per_second(2));
/// let now = Instant::now();
/// assert!(limiter.check(now, 1).is_allowed());
/// assert!(limiter.check(now, 1).is_allowed());
/// let refused = limiter.check(now, 1);
/// assert_eq!(refused, Verdict::Limited { retry_after: Duration::from_secs(1) });
/// assert!(limiter.check(now + Duration::from_secs(1), 1).is_allowed());
/// ```
#[derive(Clone, Debug)]
pub struct Limiter {
    limit: Limit,
    /// The moment that counts as 0; the first request, until it is moved.
    began: Option<Instant>,
    /// The latest tick seen; an earlier one counts as this.
    latest: u32,
    kind: Kind,
    totals: Totals,
}

#[derive(Clone, Debug)]
enum Kind {
    Exact(State<Log>, Vec<u32>),
    Counted(State<Buckets>),
}

impl Limiter {
    /// A limiter that has seen nothing. Allocates with the first request, if it is exact.
    #[must_use]
    pub const fn new(limit: Limit) -> Self {
        let kind = Kind::new(&limit);
        let totals = Totals { allowed: 0, limited: 0, blocked: 0 };
        Self { limit, began: None, latest: 0, kind, totals }
    }

    /// Decides about a request of `cost` units, and counts it if it passes.
    ///
    /// Cost 0 always passes, also while blocked, and counts nothing. A cost above [`Limit::capacity`] never
    /// passes, is answered `Limited` with [`FOREVER`](crate::FOREVER), and starts no block.
    #[inline(always)]
    pub fn check(&mut self, now: Instant, cost: u32) -> Verdict {
        let (at, decision) = self.decide(now, cost);
        if decision == Decision::Passes {
            self.take(cost);
        }
        let verdict = self.verdict(&at, decision, cost > 0);
        self.totals.count(&verdict);
        verdict
    }

    /// Decides; a refusal starts the block. What passes is yet to be counted, by [`Self::take`].
    #[inline(always)]
    pub(crate) fn decide(&mut self, now: Instant, cost: u32) -> (At, Decision) {
        let at = self.at(now);
        let decision = match &mut self.kind {
            Kind::Exact(state, cells) => state.decide(cells, &self.limit, at.tick, cost),
            Kind::Counted(state) => state.decide(&[], &self.limit, at.tick, cost),
        };
        (at, decision)
    }

    /// Counts what [`Self::decide`] has just let pass.
    #[inline(always)]
    pub(crate) fn take(&mut self, cost: u32) {
        match &mut self.kind {
            Kind::Exact(state, cells) => {
                if state.needs(cost) > cells.len() {
                    make_room(state, cells, &self.limit, cost);
                }
                state.take(cells, &self.limit, self.latest, cost);
            }
            Kind::Counted(state) => state.take(&mut [], &self.limit, self.latest, cost),
        }
    }

    #[inline(always)]
    fn verdict(&self, at: &At, decision: Decision, took: bool) -> Verdict {
        match &self.kind {
            Kind::Exact(state, cells) => state.verdict(cells, &self.limit, at, decision, took),
            Kind::Counted(state) => state.verdict(&[], &self.limit, at, decision, took),
        }
    }

    pub(crate) const fn totals_mut(&mut self) -> &mut Totals {
        &mut self.totals
    }

    /// The verdict that [`Self::check`] would give, with nothing counted and no block begun: `remaining` and `reset` are
    /// as they stand before the request.
    pub fn peek(&self, now: Instant, cost: u32) -> Verdict {
        let nanos = At::nanos_since(self.began.unwrap_or(now), now);
        let tick = self.limit.tick(nanos);
        if tick >= HORIZON {
            let mut moved = self.clone();
            let at = moved.at(now);
            return moved.peek_at(&at, cost);
        }
        // Below the horizon, so a u32.
        self.peek_at(&At { now, nanos, tick: self.latest.max(tick as u32) }, cost)
    }

    fn peek_at(&self, at: &At, cost: u32) -> Verdict {
        match &self.kind {
            Kind::Exact(state, cells) => state.peek(cells, &self.limit, at, cost),
            Kind::Counted(state) => state.peek(&[], &self.limit, at, cost),
        }
    }

    /// Forgets what was counted, and the block; the totals stay.
    pub fn reset(&mut self) {
        self.kind = Kind::new(&self.limit);
        (self.began, self.latest) = (None, 0);
    }

    /// The limit that is in force.
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether every request that costs something is refused because of an earlier refusal.
    pub fn is_blocked(&self, now: Instant) -> bool {
        let nanos = At::nanos_since(self.began.unwrap_or(now), now);
        let tick = self.limit.tick(nanos).max(self.latest.into());
        match &self.kind {
            Kind::Exact(state, _) => state.is_blocked(tick),
            Kind::Counted(state) => state.is_blocked(tick),
        }
    }

    /// The units that would pass now, the burst included; 0 while blocked.
    pub fn remaining(&self, now: Instant) -> u32 {
        self.standing(now).0
    }

    /// How long until everything is free again, if nothing more comes.
    pub fn reset_after(&self, now: Instant) -> Duration {
        self.standing(now).1
    }

    /// Requests by verdict, since the beginning.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// What costs nothing passes at any time, and tells how things stand.
    fn standing(&self, now: Instant) -> (u32, Duration) {
        match self.peek(now, 0) {
            Verdict::Allowed { remaining, reset } => (remaining, reset),
            Verdict::Limited { retry_after } | Verdict::Blocked { retry_after, .. } => {
                (0, retry_after)
            }
        }
    }

    /// The moment, noted as the latest.
    #[inline(always)]
    fn at(&mut self, now: Instant) -> At {
        let began = *self.began.get_or_insert(now);
        let nanos = At::nanos_since(began, now);
        let tick = self.limit.tick(nanos);
        if tick >= HORIZON {
            return self.rebased(began, now, nanos);
        }
        // Below the horizon, so a u32.
        self.latest = self.latest.max(tick as u32);
        At { now, nanos, tick: self.latest }
    }

    #[cold]
    #[inline(never)]
    fn rebased(&mut self, began: Instant, now: Instant, nanos: u64) -> At {
        let tick = self.limit.tick(nanos);
        let by = ticks_to_drop(&self.limit, tick);
        match &mut self.kind {
            Kind::Exact(state, cells) => state.rebase(cells, &self.limit, tick, by),
            Kind::Counted(state) => state.rebase(&mut [], &self.limit, tick, by),
        }
        // No later than `now`.
        let moved = self.limit.tick_nanos(by);
        self.began = began.checked_add(Duration::from_nanos(moved));
        // Below the horizon again.
        self.latest = (tick - by) as u32;
        At { now, nanos: nanos - moved, tick: self.latest }
    }
}

impl Kind {
    const fn new(limit: &Limit) -> Self {
        match limit.is_exact() {
            true => Self::Exact(State::new(Log::new()), Vec::new()),
            false => Self::Counted(State::new(Buckets::new())),
        }
    }
}

/// Doubles the room, up to what can count at one time.
#[cold]
#[inline(never)]
fn make_room(state: &mut State<Log>, cells: &mut Vec<u32>, limit: &Limit, cost: u32) {
    let most = limit.capacity() as usize;
    let room = state.needs(cost).max(2 * cells.len()).max(4).min(most);
    let mut larger = vec![0; room];
    state.window_mut().move_to(cells, &mut larger);
    *cells = larger;
}
