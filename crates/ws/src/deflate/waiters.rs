//! Who waits for an inflater: tasks to be woken when one is back. It does not know how many there are.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// Whether the list has anything: almost never.
    any: AtomicBool,
    list: Mutex<Vec<Waker>>,
}

impl Waiters {
    /// Notes a task. It has to look once more afterwards, as an inflater may have come back just before.
    pub(super) fn add(&self, waker: &Waker) {
        let mut list = self.lock();
        if !list.iter().any(|known| known.will_wake(waker)) {
            list.push(waker.clone());
        }
        self.any.store(true, Ordering::SeqCst);
    }

    /// Wakes all: one that is gone by now must not take the place of one that waits.
    pub(super) fn wake(&self) {
        if self.any.load(Ordering::SeqCst) {
            let mut list = self.lock();
            self.any.store(false, Ordering::SeqCst);
            let woken = std::mem::take(&mut *list);
            drop(list);
            woken.into_iter().for_each(Waker::wake);
        }
    }

    /// A waker's clone may panic, but leaves the list whole.
    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn each_task_is_woken_once_however_often_it_asked() {
        let (waiters, count) = (Waiters::default(), Arc::new(Count(AtomicUsize::new(0))));
        let waker = Waker::from(Arc::clone(&count));
        waiters.wake();
        waiters.add(&waker);
        waiters.add(&waker);
        waiters.wake();
        waiters.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(waiters.lock().is_empty());
    }
}
