//! Wake-ups that wait for the end of a poll. Knows no session.
//!
//! A client that publishes much sends many messages in one segment, and its session handles them in one poll. Were
//! their receivers woken with the first of them, another thread would write it alone, and come back for the next. So
//! they are woken when the poll ends: each writes all that there is in one go.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// More wake-ups do not wait.
const MAX_WAITING: usize = 8 * 1024;

thread_local! {
    static GATHERS: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

/// As long as it lives, wake-ups of this thread wait.
pub(crate) struct Gathering(());

impl Gathering {
    pub(crate) fn begin() -> Self {
        GATHERS.set(true);
        Self(())
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        GATHERS.set(false);
        // A waker may do anything: it is called when nothing is borrowed.
        let mut waiting = WAITING.take();
        waiting.drain(..).for_each(Waker::wake);
        WAITING.set(waiting);
    }
}

/// Wakes now, or at the end of the poll that is under way.
pub(crate) fn wake(waker: Waker) {
    let mut waker = Some(waker);
    if GATHERS.get() {
        WAITING.with_borrow_mut(|waiting| {
            if waiting.len() < MAX_WAITING {
                waiting.extend(waker.take());
            }
        });
    }
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Bell {
        fn rung(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_is_woken_during_a_poll_runs_after_it() {
        let bell = Arc::new(Bell::default());
        wake(Arc::clone(&bell).into());
        assert_eq!(bell.rung(), 1, "no poll is under way");
        let poll = Gathering::begin();
        wake(Arc::clone(&bell).into());
        wake(Arc::clone(&bell).into());
        assert_eq!(bell.rung(), 1);
        drop(poll);
        assert_eq!(bell.rung(), 3);
    }

    #[test]
    fn a_poll_that_panics_wakes_whom_it_meant_to() {
        let bell = Arc::new(Bell::default());
        let panicking = std::panic::catch_unwind(|| {
            let _poll = Gathering::begin();
            wake(Arc::clone(&bell).into());
            panic!("the poll");
        });
        assert!(panicking.is_err());
        assert_eq!(bell.rung(), 1);
    }

    #[test]
    fn no_more_than_a_bound_wait() {
        let bell = Arc::new(Bell::default());
        let poll = Gathering::begin();
        (0..MAX_WAITING + 5).for_each(|_| wake(Arc::clone(&bell).into()));
        assert_eq!(bell.rung(), 5);
        drop(poll);
        assert_eq!(bell.rung(), MAX_WAITING + 5);
    }
}
