//! One timer for many sessions: each sets its next time, one task sleeps until the earliest of them.
//!
//! A timer per session would be set anew with every message, under the runtime's lock, and costs a hundred
//! bytes of each idle session. Here a later time than the one that is set changes nothing: the session is woken
//! too early once, looks at its clocks, and sets the next. Knows no session.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout_at;

use crate::clock;

/// Times are met late by at most this much: what falls into it is woken together.
pub const RESOLUTION: Duration = Duration::from_millis(5);

/// The times of many sessions. Cheap to clone.
#[derive(Clone)]
pub struct Ticks(Arc<Shared>);

struct Shared {
    times: Mutex<Times>,
    /// An earlier time was set than the one that is slept for.
    earlier: Arc<Notify>,
}

#[derive(Default)]
struct Times {
    /// By time, and by number where that is the same.
    set: BTreeMap<(Instant, u64), Waker>,
    next_number: u64,
    /// What the task sleeps for; `None` while nothing is set.
    asleep_until: Option<Instant>,
}

impl Ticks {
    /// No times yet, and the task that meets them: spawn it beside the sessions. It ends when the last clone and
    /// the last session are gone.
    ///
    /// # Panics
    /// The task panics if it is polled outside of a tokio runtime with time enabled.
    pub fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let earlier = Arc::new(Notify::new());
        let shared = Arc::new(Shared { times: Mutex::default(), earlier: Arc::clone(&earlier) });
        let task = run(Arc::downgrade(&shared), earlier);
        (Self(shared), task)
    }

    /// A time of its own, not set yet.
    #[must_use]
    pub fn alarm(&self) -> Alarm {
        Alarm { ticks: self.clone(), set: None }
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticks").field("set", &self.0.lock().set.len()).finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.earlier.notify_one();
    }
}

/// One next time among many: of a session, or of anything that lives in its task.
pub struct Alarm {
    ticks: Ticks,
    set: Option<Set>,
}

struct Set {
    key: (Instant, u64),
    waker: Waker,
}

impl Alarm {
    /// Ready at `deadline`, or up to [`RESOLUTION`] later; `now` is the time now. The task may be woken before it is.
    pub fn poll(&mut self, cx: &Context<'_>, deadline: Instant, now: Instant) -> Poll<()> {
        if now >= deadline {
            return Poll::Ready(());
        }
        let still_set = self.set.as_ref().is_some_and(|set| {
            set.key.0 > now && set.key.0 <= deadline && set.waker.will_wake(cx.waker())
        });
        if !still_set {
            self.set(deadline, cx.waker());
        }
        Poll::Pending
    }

    /// Whether it was set by a task that this waker wakes.
    #[must_use]
    pub fn knows(&self, waker: &Waker) -> bool {
        self.set.as_ref().is_some_and(|set| set.waker.will_wake(waker))
    }

    fn set(&mut self, deadline: Instant, waker: &Waker) {
        let old = self.set.take();
        let mut times = self.ticks.0.lock();
        let removed = old.and_then(|old| times.set.remove(&old.key));
        let key = (deadline, times.next_number);
        times.next_number += 1;
        times.set.insert(key, waker.clone());
        let is_earlier = times.asleep_until.is_none_or(|asleep| deadline + RESOLUTION < asleep);
        if is_earlier {
            times.asleep_until = Some(deadline + RESOLUTION);
        }
        drop(times);
        if is_earlier {
            self.ticks.0.earlier.notify_one();
        }
        drop(removed);
        self.set = Some(Set { key, waker: waker.clone() });
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("set", &self.set.as_ref().map(|set| set.key.0)).finish()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(set) = self.set.take() {
            // A waker is dropped without the lock: it may be the last that holds its task.
            let _waker = self.ticks.0.lock().set.remove(&set.key);
        }
    }
}

/// Wakes what is due, and sleeps until the next is.
async fn run(shared: Weak<Shared>, earlier: Arc<Notify>) {
    let mut due = Vec::new();
    while let Some(ticks) = shared.upgrade() {
        let next = ticks.lock().take_due(clock::now(), &mut due);
        due.drain(..).for_each(Waker::wake);
        // From here on the task keeps nobody's times alive; their end is told by the same notification.
        drop(ticks);
        match next {
            None => earlier.notified().await,
            // Elapsed: something is due.
            Some(next) => {
                let _ = timeout_at(next.into(), earlier.notified()).await;
            }
        }
    }
}

impl Times {
    /// Moves what is due at `now` to `due`; when to look again.
    fn take_due(&mut self, now: Instant, due: &mut Vec<Waker>) -> Option<Instant> {
        while let Some(entry) = self.set.first_entry()
            && entry.key().0 <= now
        {
            due.push(entry.remove());
        }
        self.asleep_until = self.set.keys().next().map(|(time, _)| *time + RESOLUTION);
        self.asleep_until
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the task that meets the times is spawned")]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn reached(alarm: &mut Alarm, deadline: Instant) -> Duration {
        poll_fn(|cx| alarm.poll(cx, deadline, clock::now())).await;
        clock::now() - deadline
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_woken_at_its_time_and_hardly_later() {
        let (ticks, task) = Ticks::new();
        tokio::spawn(task);
        let start = clock::now();
        let alarms = [30, 10, 20].map(|seconds| {
            let mut alarm = ticks.alarm();
            tokio::spawn(
                async move { reached(&mut alarm, start + Duration::from_secs(seconds)).await },
            )
        });
        for alarm in alarms {
            assert!(alarm.await.unwrap() <= RESOLUTION);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_time_is_met_and_an_earlier_one_too() {
        let (ticks, task) = Ticks::new();
        tokio::spawn(task);
        let (mut alarm, start) = (ticks.alarm(), clock::now());
        let mut deadline = start + Duration::from_secs(10);
        let late = poll_fn(|cx| {
            if clock::now() >= start + Duration::from_secs(10) {
                deadline = start + Duration::from_secs(60);
            }
            alarm.poll(cx, deadline, clock::now()).map(|()| clock::now() - deadline)
        });
        assert!(late.await <= RESOLUTION, "the first waking was too early, the second was not");
        let later = clock::now() + Duration::from_secs(60);
        let sooner = clock::now() + Duration::from_secs(1);
        poll_fn(|cx| {
            assert!(alarm.poll(cx, later, clock::now()).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(reached(&mut alarm, sooner).await <= RESOLUTION);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_takes_its_time_along_and_the_task_ends_with_the_last() {
        let (ticks, task) = Ticks::new();
        let task = tokio::spawn(task);
        let mut alarm = ticks.alarm();
        let far = clock::now() + Duration::from_secs(3600);
        poll_fn(|cx| {
            assert!(alarm.poll(cx, far, clock::now()).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(format!("{ticks:?}"), "Ticks { set: 1 }");
        drop(alarm);
        assert_eq!(format!("{ticks:?}"), "Ticks { set: 0 }");
        drop(ticks);
        task.await.unwrap();
    }
}
