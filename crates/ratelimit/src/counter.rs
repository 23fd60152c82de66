//! The estimated window: units of this bucket and of the one before. It does not know blocks.
//! Its times are nanoseconds that never go back.

use crate::Limit;

/// Buckets are one window long and begin with the first unit after silence. The bucket before counts by the
/// share of it that the window still covers, rounded up; what this bucket holds beyond N moves to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counter {
    /// When the current bucket began.
    start: u64,
    before: u32,
    current: u32,
}

impl Counter {
    /// How many units count at `now`, by the estimate.
    pub(crate) fn load(&self, limit: &Limit, now: u64) -> u32 {
        let rolled = self.rolled(limit, now);
        let covered = limit.window_nanos().saturating_sub(now.saturating_sub(rolled.start));
        let share =
            (u128::from(rolled.before) * u128::from(covered)).div_ceil(limit.window_nanos().into());
        u32::try_from(share + u128::from(rolled.current)).unwrap_or(u32::MAX)
    }

    /// When `cost` units (1 to capacity) fit if nothing is taken before: a time in the past means now.
    pub(crate) fn fits_at(&self, limit: &Limit, cost: u32) -> u64 {
        let may_stay = limit.capacity().saturating_sub(cost);
        let too_many = self.current.saturating_sub(may_stay);
        let rolls = too_many.div_ceil(limit.max_requests().max(1));
        let then = self.after(limit, rolls.into());
        if then.before == 0 {
            return then.start;
        }
        // `before * covered / window <= room`, solved for the part of the bucket before that is covered.
        let room = u128::from(may_stay.saturating_sub(then.current));
        let covered = room * u128::from(limit.window_nanos()) / u128::from(then.before);
        let covered = u64::try_from(covered).unwrap_or(u64::MAX).min(limit.window_nanos());
        then.start.saturating_add(limit.window_nanos() - covered)
    }

    /// Counts `cost` units, which fit at `now`.
    pub(crate) fn take(&mut self, limit: &Limit, now: u64, cost: u32) {
        *self = self.rolled(limit, now);
        self.current = self.current.saturating_add(cost);
    }

    fn rolled(&self, limit: &Limit, now: u64) -> Self {
        let rolls = now.saturating_sub(self.start) / limit.window_nanos();
        let rolled = if rolls == 0 { *self } else { self.after(limit, rolls) };
        if rolled.before == 0 && rolled.current == 0 {
            return Self { start: now, ..Self::default() };
        }
        rolled
    }

    /// As it stands when `rolls` buckets more have begun. Each takes up to N of what the last one held.
    fn after(&self, limit: &Limit, rolls: u64) -> Self {
        let Some(full_rolls) = rolls.checked_sub(1) else { return *self };
        let max = u64::from(limit.max_requests());
        let waiting = u64::from(self.current).saturating_sub(full_rolls.saturating_mul(max));
        let before = waiting.min(max);
        let narrow = |units: u64| u32::try_from(units).unwrap_or(u32::MAX);
        Self {
            start: self.start.saturating_add(rolls.saturating_mul(limit.window_nanos())),
            before: narrow(before),
            current: narrow(waiting - before),
        }
    }
}
