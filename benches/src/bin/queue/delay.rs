//! A million messages for a later time: our wheel, the heap that it was chosen over, and tokio's wheel.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tidegate_benches::Suite;
use tidegate_queue::delay::{Delayed, Id};
use tokio_util::time::DelayQueue;

const MILLION: u64 = 1_000_000;
/// All times lie within this, in milliseconds.
const HOUR: u64 = 3_600_000;

/// xorshift: the same times for all.
struct Times(u64);

impl Times {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % HOUR
    }
}

fn times() -> Times {
    Times(0x9e37_79b9_7f4a_7c15)
}

/// A binary heap; what is cancelled stays in it until its time.
#[derive(Default)]
struct Heap {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    slots: Vec<Option<u64>>,
    free: Vec<usize>,
    count: u64,
}

impl Heap {
    fn schedule(&mut self, at: u64, item: u64) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(item);
        self.count += 1;
        self.heap.push(Reverse((at, self.count, slot)));
        slot
    }

    fn cancel(&mut self, slot: usize) -> Option<u64> {
        self.slots[slot].take()
    }

    fn pop(&mut self, now: u64) -> Option<u64> {
        while let Some(Reverse((at, _, slot))) = self.heap.peek().copied() {
            if at > now {
                return None;
            }
            self.heap.pop();
            self.free.push(slot);
            if let Some(item) = self.slots[slot].take() {
                return Some(item);
            }
        }
        None
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime starts")
}

/// The usual life of a time-out: one more is scheduled, and an earlier one is cancelled.
pub(crate) fn some(suite: &mut Suite) {
    suite
        .group("a million inside: schedule one, cancel one")
        .ours(
            "wheel",
            || {
                let (mut delayed, mut times) =
                    (Delayed::new(usize::MAX).expect("a bound"), times());
                let ids: Vec<Id> = (0..MILLION)
                    .map(|number| delayed.schedule(times.next(), number).expect("room"))
                    .collect();
                (delayed, times, ids, 0)
            },
            |(delayed, times, ids, turn)| {
                *turn = (*turn + 1) % ids.len();
                let id = delayed.schedule(times.next(), 1).expect("room");
                delayed.cancel(std::mem::replace(&mut ids[*turn], id))
            },
        )
        .peer(
            "heap, lazily",
            || {
                let (mut heap, mut times) = (Heap::default(), times());
                let ids: Vec<usize> =
                    (0..MILLION).map(|number| heap.schedule(times.next(), number)).collect();
                (heap, times, ids, 0)
            },
            |(heap, times, ids, turn)| {
                *turn = (*turn + 1) % ids.len();
                let id = heap.schedule(times.next(), 1);
                heap.cancel(std::mem::replace(&mut ids[*turn], id))
            },
        )
        .peer(
            "tokio_util DelayQueue",
            || {
                let (runtime, mut queue, mut times) = (runtime(), DelayQueue::new(), times());
                let entered = runtime.enter();
                let ids: Vec<_> = (0..MILLION)
                    .map(|number| queue.insert(number, Duration::from_millis(times.next())))
                    .collect();
                drop(entered);
                (runtime, queue, times, ids, 0)
            },
            |(runtime, queue, times, ids, turn)| {
                let _entered = runtime.enter();
                *turn = (*turn + 1) % ids.len();
                let id = queue.insert(1, Duration::from_millis(times.next()));
                queue.try_remove(&std::mem::replace(&mut ids[*turn], id))
            },
        );
}

/// A million are scheduled, and all leave in their order, second by second.
pub(crate) fn all(suite: &mut Suite) {
    suite
        .group("a million scheduled, and all leave")
        .per_call(MILLION)
        .ours(
            "wheel",
            || (),
            |()| {
                let (mut delayed, mut times) =
                    (Delayed::new(usize::MAX).expect("a bound"), times());
                for number in 0..MILLION {
                    let _ = delayed.schedule(times.next(), number);
                }
                let seconds = (0..=HOUR).step_by(1_000);
                seconds.map(|now| std::iter::from_fn(|| delayed.pop(now)).count()).sum::<usize>()
            },
        )
        .peer(
            "heap",
            || (),
            |()| {
                let (mut heap, mut times) = (Heap::default(), times());
                for number in 0..MILLION {
                    heap.schedule(times.next(), number);
                }
                let seconds = (0..=HOUR).step_by(1_000);
                seconds.map(|now| std::iter::from_fn(|| heap.pop(now)).count()).sum::<usize>()
            },
        )
        .peer(
            "tokio_util DelayQueue",
            || (),
            |()| {
                runtime().block_on(async {
                    let (mut queue, mut times) = (DelayQueue::new(), times());
                    for number in 0..MILLION {
                        queue.insert(number, Duration::from_millis(times.next()));
                    }
                    let mut left = 0;
                    for _ in (0..=HOUR).step_by(1_000) {
                        tokio::time::advance(Duration::from_secs(1)).await;
                        let waker = std::task::Waker::noop();
                        let mut context = std::task::Context::from_waker(waker);
                        while let std::task::Poll::Ready(Some(_)) = queue.poll_expired(&mut context)
                        {
                            left += 1;
                        }
                    }
                    left
                })
            },
        );
}
