//! What time does to logs, and what there is of them. Called by whoever has a clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Journal, Shared};
use crate::hot::{Held, Hot};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many logs in memory were looked at.
    pub logs: usize,
    /// How many logs that are on the disk alone were looked at.
    pub on_disk: usize,
    /// How many are no more, or left memory.
    pub removed: usize,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Logs in memory.
    pub logs: usize,
    /// Bytes used of the budget, with what readers hold.
    pub bytes: usize,
    /// The budget, in bytes.
    pub max_bytes: usize,
    /// Bytes of entries that gave way to others, since the start.
    pub gave_way_bytes: u64,
}

impl Journal {
    /// Lets go what is too old, ended logs after their time, and logs that nobody uses. To be called every few
    /// seconds; takes about 100 ns a log, with one shard's or one log's lock at a time.
    ///
    /// Of the logs that are on the disk alone, 1 024 are looked at in one call, and none as long as nothing of
    /// them can be due. That blocks for about 13 ms, and 45 ms if all of them are due.
    pub fn sweep(&self, now_ms: u64) -> Swept {
        let shared = &*self.shared;
        shared.note_time(now_ms);
        let mut swept = Swept::default();
        for shard in shared.table.by_shard() {
            for hot in shard {
                swept.logs += 1;
                swept.removed += usize::from(shared.sweep_one(&hot, now_ms, false).is_some());
            }
        }
        let (on_disk, removed) = shared.sweep_disk(now_ms);
        swept.on_disk = on_disk;
        swept.removed += removed;
        // Before the next append must do it.
        let max_bytes = shared.limits.max_bytes;
        if shared.budget.used() > max_bytes / 16 * 15 {
            shared.reclaim(max_bytes / 8 * 7);
        }
        swept
    }

    /// What there is now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            logs: self.shared.table.len(),
            bytes: self.shared.budget.used(),
            max_bytes: self.shared.limits.max_bytes,
            gave_way_bytes: self.shared.gave_way.load(Ordering::Relaxed),
        }
    }
}

/// Where a log went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// It is on the disk alone.
    Resting,
    /// It is no more.
    Removed,
}

impl Shared {
    /// Lets go what time takes of a log, and the log itself if nobody uses it; one that was `brought` for this goes
    /// back in any case.
    pub(super) fn sweep_one(&self, hot: &Arc<Hot>, now_ms: u64, brought: bool) -> Option<Gone> {
        self.trim_older(hot, now_ms);
        let is_idle = || now_ms.saturating_sub(hot.read_ms()) >= self.limits.idle_ms;
        let unused = {
            let mut held = hot.hold();
            held.log.trim(now_ms);
            self.tell_gone(&mut held);
            self.settle_written(&mut held);
            brought || is_idle() || is_over(&held)
        };
        if !unused {
            return None;
        }
        // Looked at under the shard's lock, so that nobody can take it from there meanwhile. The table holds it, and so
        // do we.
        let mut gone = Gone::Resting;
        let put_out = self.table.put_out(hot.name(), |hot| {
            let held = hot.hold();
            let goes = Arc::strong_count(hot) <= 2 && self.may_go(&held, true);
            if goes && (is_over(&held) || held.log.is_empty() && is_idle()) {
                let _unread = self.discard(&held);
                gone = Gone::Removed;
            } else if goes {
                self.rest(&held);
            }
            goes
        });
        put_out.map(|hot| {
            hot.hold().remove();
            gone
        })
    }
}

/// Whether it has ended, and its time is over.
fn is_over(held: &Held<'_>) -> bool {
    held.log.ended_at_ms().is_some() && held.log.is_empty()
}
