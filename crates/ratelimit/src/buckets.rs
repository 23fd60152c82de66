//! The counted window: units by buckets of a tenth of the window, never fewer than really count.
//! It does not know blocks.

use crate::Limit;
use crate::window::Window;

/// Full buckets that count beside the current one. Each is at least W / 10 long.
const CLOSED: usize = 10;
/// Rolls after which a bucket counts no more: it is the current one, and then a closed one ten times.
const CYCLE: u64 = CLOSED as u64 + 1;

/// The units of the current bucket and of the ten before it count, whole. So a unit counts for W at least and for
/// 11/10 W at most. Closed buckets count in grains, which for N + B above 65 535 are several units, rounded up.
///
/// Units beyond N are ahead: as older ones go, they take their places, in the bucket that is current then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// When the current bucket began.
    start: u32,
    /// Units of all buckets.
    total: u32,
    ahead: u32,
    /// Grains, newest first.
    closed: [u16; CLOSED],
}

impl Buckets {
    pub(crate) const fn new() -> Self {
        Self { start: 0, total: 0, ahead: 0, closed: [0; CLOSED] }
    }

    /// Rolls into the next bucket until no more than `target` units count, `most` times at most; says how often.
    fn roll_until(&mut self, limit: &Limit, target: u32, most: u64) -> u64 {
        let mut rolls = 0;
        while rolls < most && self.load() > target {
            let (before, room) = (*self, most - rolls);
            for _ in 0..CYCLE.min(room) {
                if self.load() <= target {
                    return rolls;
                }
                self.roll(limit);
                rolls += 1;
            }
            rolls += self.skip(before, target, most - rolls);
        }
        rolls
    }

    /// After a cycle from `before` that changed nothing but how much is ahead: more such cycles at once. Says how many
    /// rolls they are.
    fn skip(&mut self, before: Self, target: u32, most: u64) -> u64 {
        let paid = before.ahead - self.ahead;
        if paid == 0
            || self.ahead == 0
            || (before.total, before.closed) != (self.total, self.closed)
        {
            return 0;
        }
        // One cycle fewer than the most, so that what is ahead, or beyond the target, outlasts each one skipped.
        let beyond = self.ahead.min(self.load() - target.min(self.load()));
        let cycles = u64::from((beyond / paid).saturating_sub(1)).min(most / CYCLE);
        // `cycles * paid` is at most `beyond`, a u32.
        self.ahead -= (cycles * u64::from(paid)) as u32;
        cycles * CYCLE
    }

    /// Closes the current bucket; the oldest goes, and what is ahead takes the room.
    fn roll(&mut self, limit: &Limit) {
        let grain = grain(limit);
        let current = self.current(grain);
        let grains = current.div_ceil(grain);
        let freed = u32::from(self.closed[CLOSED - 1]) * grain;
        self.total = self.total - current + grains * grain - freed;
        self.closed.copy_within(..CLOSED - 1, 1);
        // N + B is at most 65 535 grains.
        self.closed[0] = grains as u16;
        let paid = self.ahead.min(limit.max_requests().saturating_sub(self.total));
        self.total += paid;
        self.ahead -= paid;
    }

    /// Units of the current bucket.
    #[inline]
    fn current(&self, grain: u32) -> u32 {
        let grains: u32 = self.closed.iter().map(|&grains| u32::from(grains)).sum();
        self.total - grains * grain
    }

    /// Whether the future is simple: each roll frees what the oldest bucket holds, and nothing is rounded on the way but
    /// the current bucket.
    #[inline]
    fn is_plain(&self, grain: u32) -> bool {
        self.ahead == 0 || grain == 1
    }

    /// Rolls until so many units that count now (no more than `total`) have gone, where the future is plain.
    #[inline]
    fn rolls_to_free(&self, units: u32, grain: u32) -> u64 {
        let current = self.current(grain);
        let units = units + (current.div_ceil(grain) * grain - current);
        let mut freed = 0;
        for (rolls, closed) in (1..).zip(self.closed.iter().rev()) {
            freed += u32::from(*closed) * grain;
            if freed >= units {
                return rolls;
            }
        }
        CYCLE
    }

    /// Rolls until all is over, where nothing is ahead.
    #[inline]
    fn rolls_left(&self, limit: &Limit) -> u64 {
        if self.current(grain(limit)) > 0 {
            return CYCLE;
        }
        let newest = self.closed.iter().position(|&grains| grains > 0);
        newest.map_or(0, |index| (CLOSED - index) as u64)
    }

    #[inline(never)]
    fn free_at_some_time(&self, limit: &Limit) -> u64 {
        match (self.load(), self.ahead) {
            (0, _) => 0,
            (_, 0) => self.after(limit, self.rolls_left(limit)),
            // What is ahead takes the places of what goes first, and goes a cycle later.
            (_, ahead) if ahead <= self.total && grain(limit) == 1 => {
                self.after(limit, self.rolls_to_free(ahead, 1) + CYCLE)
            }
            _ => self.fits_at(&[], limit, limit.capacity()),
        }
    }

    #[inline]
    fn after(&self, limit: &Limit, rolls: u64) -> u64 {
        rolls.saturating_mul(width(limit).into()).saturating_add(self.start.into())
    }

    #[inline(never)]
    fn roll_on(&mut self, limit: &Limit, now: u32) {
        let width = width(limit);
        let rolls = (now - self.start) / width;
        self.roll_until(limit, 0, rolls.into());
        // No later than `now`.
        self.start += rolls * width;
    }
}

/// Ticks of a bucket.
#[inline]
fn width(limit: &Limit) -> u32 {
    limit.window_ticks().div_ceil(CLOSED as u32)
}

/// Units of a grain.
#[inline]
fn grain(limit: &Limit) -> u32 {
    limit.capacity().div_ceil(u16::MAX.into())
}

impl Window for Buckets {
    #[inline]
    fn advance(&mut self, _: &[u32], limit: &Limit, now: u32) {
        if now.saturating_sub(self.start) >= width(limit) {
            self.roll_on(limit, now);
        }
    }

    /// A grain's rounding may put it a little above the capacity.
    #[inline]
    fn load(&self) -> u32 {
        self.total + self.ahead
    }

    fn load_at(&self, cells: &[u32], limit: &Limit, now: u32) -> u32 {
        let mut later = *self;
        later.advance(cells, limit, now);
        later.load()
    }

    fn is_over(&self, cells: &[u32], limit: &Limit, now: u32) -> bool {
        match self.ahead {
            0 => self.free_at(cells, limit, false) <= now.into(),
            _ => self.load_at(cells, limit, now) == 0,
        }
    }

    fn fits_at(&self, _: &[u32], limit: &Limit, cost: u32) -> u64 {
        let target = limit.capacity().saturating_sub(cost);
        let (beyond, grain) = (self.load().saturating_sub(target), grain(limit));
        let rolls = match beyond {
            0 => return 0,
            _ if beyond <= self.total && self.is_plain(grain) => self.rolls_to_free(beyond, grain),
            _ => Self::roll_until(&mut self.clone(), limit, target, u64::MAX),
        };
        self.after(limit, rolls)
    }

    #[inline]
    fn free_at(&self, _: &[u32], limit: &Limit, took: bool) -> u64 {
        match took && self.ahead == 0 {
            // The current bucket is not empty.
            true => self.after(limit, CYCLE),
            false => self.free_at_some_time(limit),
        }
    }

    #[inline]
    fn needs(&self, _: u32) -> usize {
        0
    }

    #[inline]
    fn take(&mut self, _: &mut [u32], limit: &Limit, now: u32, cost: u32) {
        if self.load() == 0 {
            self.start = now;
        }
        let paid = cost.min(limit.max_requests().saturating_sub(self.total));
        self.total += paid;
        self.ahead += cost - paid;
    }

    fn rebase(&mut self, _: &mut [u32], limit: &Limit, now: u64, by: u64) {
        let width = u64::from(width(limit));
        let rolls = now.saturating_sub(self.start.into()) / width;
        self.roll_until(limit, 0, rolls);
        // After `by`, and no later than `now`, which is not far from it.
        let start = (u64::from(self.start) + rolls * width).saturating_sub(by);
        self.start = u32::try_from(start).unwrap_or(0);
    }
}
