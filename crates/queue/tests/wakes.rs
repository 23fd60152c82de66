//! Who is woken, and when: futures are polled by hand, each with a bell of its own.
#![cfg(feature = "tokio")]

mod letter;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use letter::{Letter, chat, critical, messages};
use tidegate_queue::{BatchPolicy, Batcher, Fill, Limits, Pushed, Receiver, Sender, channel};

/// Counts how often it was rung.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future, and the bell that it was last polled with.
struct Polled<F> {
    future: F,
    bell: Arc<Bell>,
}

impl<T, F: Future<Output = T>> Polled<Pin<&mut F>> {
    fn poll(&mut self) -> Poll<T> {
        self.bell = Arc::default();
        let waker = Waker::from(Arc::clone(&self.bell));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn was_woken(&self) -> bool {
        self.bell.0.load(Ordering::SeqCst) > 0
    }
}

/// Polls a future, which must be pending.
fn wait<T, F: Future<Output = T>>(future: Pin<&mut F>) -> Polled<Pin<&mut F>> {
    let mut polled = Polled { future, bell: Arc::default() };
    assert!(polled.poll().is_pending());
    polled
}

fn full() -> (Sender<Letter>, Receiver<Letter>) {
    let (sender, receiver) = channel(messages(1, 0));
    assert!(matches!(sender.try_push(chat("inside").key(0)), Ok(Pushed::Queued)));
    (sender, receiver)
}

fn pop(receiver: &mut Receiver<Letter>) {
    receiver.pop_batch(1, usize::MAX, &mut Vec::new());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a batcher is asked at some time")]
fn who_pushes_may_wake_the_reader_later() {
    let batcher = Batcher::new(BatchPolicy::default());
    // What has a key and is not alone takes the longer way.
    for letters in [[chat("a"), chat("b")], [chat("a").key(1), chat("b").key(2)]] {
        let (sender, mut receiver) = channel(messages(9, 0));
        assert!(sender.try_push(chat("inside").key(1)).is_ok());
        let _ = receiver.decide(&batcher, Instant::now());
        let changed = pin!(receiver.changed());
        let mut reader = wait(changed);
        let mut wakers = Vec::new();
        for letter in letters {
            let (pushed, _) = sender.try_push_waking(letter, |waker| wakers.push(waker));
            assert!(pushed.is_ok());
        }
        assert_eq!(wakers.len(), 1, "one wake-up is for all that is in");
        assert!(!reader.was_woken());
        wakers.into_iter().for_each(Waker::wake);
        assert!(reader.was_woken());
        assert!(reader.poll().is_ready());
    }
}

#[test]
fn who_pushes_is_told_when_the_outbox_is_three_quarters_full_unless_it_sheds() {
    // Those with keys take the longer way.
    for keyed in [false, true] {
        let (sender, mut receiver) = channel(messages(8, 0));
        let push = |number: u64| {
            let letter = chat("abc");
            sender.try_push_waking(if keyed { letter.key(number) } else { letter }, Waker::wake)
        };
        let full = [Fill::Low; 6].into_iter().chain([Fill::High; 2]);
        assert!(full.eq((0..8).map(|number| push(number).1)));
        pop(&mut receiver);
        assert_eq!(push(8).1, Fill::High);
        let (pushed, fill) = push(9);
        assert_eq!((fill, matches!(pushed, Ok(Pushed::Queued))), (Fill::Low, false), "it is full");
    }
    let limits = Limits { max_bytes: 8, ..messages(100, 0) };
    let (sender, _receiver) = channel(limits);
    let fills = ["abcdef", "g"].map(|text| sender.try_push_waking(chat(text), Waker::wake).1);
    assert_eq!(fills, [Fill::Low, Fill::High], "by its bytes");
}

#[test]
fn push_wakes_the_reader() {
    let (sender, mut receiver) = channel(messages(1, 0));
    let mut ready = pin!(receiver.ready());
    let mut ready = wait(ready.as_mut());
    assert!(!ready.was_woken());
    assert!(sender.try_push(chat("a")).is_ok());
    assert!(ready.was_woken());
    assert_eq!(ready.poll(), Poll::Ready(true));
}

#[test]
fn push_that_waited_wakes_the_reader() {
    let (sender, mut receiver) = full();
    let mut push = pin!(sender.push_wait(chat("a").key(1)));
    let mut push = wait(push.as_mut());
    pop(&mut receiver);
    let mut ready = pin!(receiver.ready());
    let ready = wait(ready.as_mut());
    assert_eq!(push.poll(), Poll::Ready(Ok(Pushed::Queued)));
    assert!(ready.was_woken());
}

#[test]
fn closing_and_the_last_sender_wake_the_reader() {
    for close in [Sender::close, |_: &Sender<Letter>| {}] {
        let (sender, mut receiver) = channel::<Letter>(messages(1, 0));
        let mut ready = pin!(receiver.ready());
        let mut ready = wait(ready.as_mut());
        close(&sender);
        drop(sender);
        assert!(ready.was_woken());
        assert_eq!(ready.poll(), Poll::Ready(false));
    }
}

#[test]
fn sender_that_is_not_the_last_wakes_nobody() {
    let (sender, mut receiver) = channel::<Letter>(messages(1, 0));
    let mut ready = pin!(receiver.ready());
    let ready = wait(ready.as_mut());
    drop(sender.clone());
    assert!(!ready.was_woken());
}

#[test]
fn reader_that_is_polled_anew_is_woken_by_its_new_waker() {
    let (sender, mut receiver) = channel(messages(1, 0));
    let mut ready = pin!(receiver.ready());
    let mut ready = wait(ready.as_mut());
    let old = Arc::clone(&ready.bell);
    assert!(ready.poll().is_pending());
    assert!(sender.try_push(chat("a")).is_ok());
    assert!(ready.was_woken());
    assert_eq!(old.0.load(Ordering::SeqCst), 0);
}

#[test]
fn pop_wakes_the_first_producer_alone() {
    let (sender, mut receiver) = full();
    let (mut a, mut b) =
        (pin!(sender.push_wait(chat("a").key(1))), pin!(sender.push_wait(chat("b").key(2))));
    let (mut a, b) = (wait(a.as_mut()), wait(b.as_mut()));
    pop(&mut receiver);
    assert!(a.was_woken() && !b.was_woken());
    assert_eq!(a.poll(), Poll::Ready(Ok(Pushed::Queued)));
}

#[test]
fn producer_that_is_done_wakes_the_next() {
    let (sender, mut receiver) = full();
    let mut b = pin!(sender.push_wait(chat("b").key(2)));
    let b = {
        let mut a = pin!(sender.push_wait(chat("a").key(1)));
        let mut a = wait(a.as_mut());
        let b = wait(b.as_mut());
        pop(&mut receiver);
        assert_eq!(a.poll(), Poll::Ready(Ok(Pushed::Queued)));
        b
    };
    assert!(b.was_woken());
}

#[test]
fn producer_that_gives_up_after_it_was_woken_wakes_the_next() {
    let (sender, mut receiver) = full();
    let mut b = pin!(sender.push_wait(chat("b").key(2)));
    let mut b = {
        let mut a = pin!(sender.push_wait(chat("a").key(1)));
        let a = wait(a.as_mut());
        let b = wait(b.as_mut());
        pop(&mut receiver);
        assert!(a.was_woken() && !b.was_woken());
        b
    };
    assert!(b.was_woken());
    assert_eq!(b.poll(), Poll::Ready(Ok(Pushed::Queued)));
}

#[test]
fn producer_that_lost_its_room_to_a_critical_message_is_woken_again() {
    let (sender, mut receiver) = full();
    let mut a = pin!(sender.push_wait(chat("a").key(1)));
    let mut a = wait(a.as_mut());
    pop(&mut receiver);
    assert!(sender.try_push(critical("c")).is_ok());
    assert!(a.poll().is_pending());
    pop(&mut receiver);
    assert!(a.was_woken());
    assert_eq!(a.poll(), Poll::Ready(Ok(Pushed::Queued)));
}

#[test]
fn all_producers_are_woken_when_the_reader_is_gone() {
    let (sender, receiver) = full();
    let (mut a, mut b) =
        (pin!(sender.push_wait(chat("a").key(1))), pin!(sender.push_wait(chat("b").key(2))));
    let (mut a, mut b) = (wait(a.as_mut()), wait(b.as_mut()));
    drop(receiver);
    assert!(a.was_woken() && b.was_woken());
    assert!(matches!((a.poll(), b.poll()), (Poll::Ready(Err(_)), Poll::Ready(Err(_)))));
}
