//! What time does to logs that lie on the disk alone: a few of them are looked at in each sweep, and what is due is brought
//! into memory for a moment. Knows the keeper's verbs, but no file.

use super::Shared;
use super::sweep::Gone;
use crate::disk::{Keeper, Resting, StoreError};
use crate::hot::Held;
use crate::sync::{Mutex, lock};

/// How many logs of the disk are looked at in one sweep.
const SLICE: usize = 1_024;

/// How far the walk over the logs of the disk has come. No log of it is kept.
#[derive(Debug)]
pub(super) struct Walk(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The name to go on with; `None` while somebody is on the way.
    from: Option<Vec<u8>>,
    /// When something becomes due first, of what was passed in this round.
    due_ms: u64,
    /// When the next round begins.
    next_ms: u64,
    /// The first sweep: whatever is on the disk alone was used before.
    since_ms: u64,
}

impl Walk {
    pub(super) fn new() -> Self {
        let begun = State { from: Some(Vec::new()), due_ms: 0, next_ms: 0, since_ms: u64::MAX };
        Self(Mutex::new(begun))
    }

    /// Takes note of when a log that leaves memory is due.
    pub(super) fn note(&self, due_ms: u64) {
        let mut state = lock(&self.0);
        state.due_ms = state.due_ms.min(due_ms);
        state.next_ms = state.next_ms.min(due_ms);
    }

    /// When the first sweep was.
    pub(super) fn since_ms(&self) -> u64 {
        lock(&self.0).since_ms
    }

    /// Where to go on, when it is time and nobody else does.
    fn begin(&self, now_ms: u64) -> Option<Vec<u8>> {
        let mut state = lock(&self.0);
        state.since_ms = state.since_ms.min(now_ms);
        let is_new_round = state.from.as_ref()?.is_empty();
        if is_new_round && now_ms < state.next_ms {
            return None;
        }
        if is_new_round {
            (state.due_ms, state.next_ms) = (u64::MAX, u64::MAX);
        }
        state.from.take()
    }

    fn end(&self, next: Option<Vec<u8>>) {
        let mut state = lock(&self.0);
        if next.is_none() {
            state.next_ms = state.due_ms;
        }
        state.from = Some(next.unwrap_or_default());
    }
}

impl Shared {
    /// Looks at the next logs of the disk that nobody uses. Answers how many these were, and how many of them are no
    /// more.
    pub(super) fn walk(&self, keeper: &Keeper, now_ms: u64) -> (usize, usize) {
        let Some(from) = self.walk.begin(now_ms) else { return (0, 0) };
        // What cannot be read now is tried again in the next round.
        let Ok(slice) = keeper.slice(&from, SLICE) else {
            self.walk.note(now_ms);
            self.walk.end(None);
            return (0, 0);
        };
        let mut removed = 0;
        for log in &slice.resting {
            let due_ms = self.due_ms(keeper, log).unwrap_or(now_ms);
            if due_ms > now_ms {
                self.walk.note(due_ms);
            } else {
                let visited = self.visit(keeper, log, now_ms);
                visited.is_err().then(|| self.walk.note(now_ms));
                removed += usize::from(visited == Ok(true));
            }
        }
        self.walk.end(slice.next);
        (slice.looked_at, removed)
    }

    /// When time changes something about a log.
    fn due_ms(&self, keeper: &Keeper, log: &Resting) -> Result<u64, StoreError> {
        let retention = log.retention;
        if let Some(ended_at_ms) = log.ended_at_ms {
            return Ok(ended_at_ms.saturating_add(retention.after_end_ms));
        }
        let oldest = keeper.oldest(log)?;
        let entry = oldest.entry_ms.map(|at_ms| at_ms.saturating_add(retention.age_ms));
        let key = oldest.key_ms.map(|at_ms| at_ms.saturating_add(self.limits.keys.age_ms));
        let known = entry.into_iter().chain(key).min();
        let unused = if oldest.lost { retention.age_ms } else { self.limits.idle_ms };
        Ok(known.unwrap_or_else(|| self.walk.since_ms().saturating_add(unused)))
    }

    /// Brings a log into memory, sweeps it and lets it rest again. Answers whether it is no more.
    fn visit(&self, keeper: &Keeper, log: &Resting, now_ms: u64) -> Result<bool, StoreError> {
        let brought = self.table.find_or(&log.name, || {
            let Some(hot) = self.load(keeper, &log.name)? else { return Ok(None) };
            hot.note_unread_since(self.walk.since_ms());
            Ok::<_, StoreError>(Some(hot))
        })?;
        Ok(brought.is_some_and(|hot| self.sweep_one(&hot, now_ms, true) == Some(Gone::Removed)))
    }

    /// When a log that leaves memory is due.
    pub(super) fn note_rest(&self, held: &Held<'_>) {
        let since = |unused: u64| self.walk.since_ms().saturating_add(unused);
        self.walk.note(match &held.log {
            log if log.is_empty() => since(self.limits.idle_ms),
            log if log.has_only_lost() => since(log.retention().age_ms),
            log => log.due_ms(),
        });
    }
}
