//! One outbox between many writers and one reader.
#![cfg(feature = "tokio")]

mod letter;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use letter::{Letter, chat, critical, messages, typing};
use tidegate_queue::{
    BatchPolicy, Batcher, DEFAULT_PUSH_TIMEOUT, Evicted, Flush, Lagging, Limits, Overflow,
    PushError, Pushed, Receiver, Sender, channel,
};
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// A channel for so many messages, with that many letters of different keys inside.
fn full(size: usize) -> (Sender<Letter>, Receiver<Letter>) {
    let (sender, receiver) = channel(messages(size, 1));
    for key in 0..size {
        let inside = chat("inside").key(key as u64);
        assert!(matches!(sender.try_push(inside), Ok(Pushed::Queued)));
    }
    (sender, receiver)
}

fn take(receiver: &mut Receiver<Letter>, max_messages: usize) -> Vec<String> {
    let mut batch = Vec::new();
    receiver.pop_batch(max_messages, usize::MAX, &mut batch);
    batch.into_iter().map(|letter| letter.text).collect()
}

/// Polls a future once. Who is woken when is told by the tests of `wakes`.
macro_rules! pending {
    ($future:expr) => {
        assert!(
            std::future::poll_fn(|cx| Poll::Ready($future.as_mut().poll(cx).is_pending())).await
        )
    };
}

#[tokio::test]
async fn reader_finishes_what_is_inside_when_the_last_sender_is_gone() {
    let (sender, mut receiver) = full(2);
    let second = sender.clone();
    drop(sender);
    assert!(!second.is_closed());
    drop(second);
    assert!(receiver.ready().await);
    assert_eq!(take(&mut receiver, 10).len(), 2);
    assert!(!receiver.ready().await);
}

#[tokio::test]
async fn next_gives_one_after_the_other_and_then_none() {
    let (sender, mut receiver) = full(2);
    drop(sender);
    let texts = [receiver.next().await, receiver.next().await].map(|next| next.map(|it| it.key));
    assert_eq!(texts, [Some(Some(0)), Some(Some(1))]);
    assert_eq!(receiver.next().await, None);
    assert!(!receiver.next_batch(9, 99, &mut Vec::new()).await);
}

#[tokio::test]
async fn next_batch_waits_for_the_first_and_stays_within_its_bounds() {
    let (sender, mut receiver) = channel(messages(9, 0));
    let mut batch = Vec::new();
    {
        let mut waiting = pin!(receiver.next_batch(2, 99, &mut batch));
        pending!(waiting);
        for text in ["a", "b", "c"] {
            assert_eq!(sender.try_push(chat(text)), Ok(Pushed::Queued));
        }
        // Dropped before it was polled again: it has taken nothing.
    }
    assert!(receiver.next_batch(2, 99, &mut batch).await);
    assert_eq!((batch.len(), receiver.len()), (2, 1));
}

#[tokio::test]
async fn log_that_lags_is_refilled_by_the_reader() {
    let (sender, mut receiver) = tidegate_queue::channel_with(messages(1, 0), Overflow::LeaveToLog);
    let entry = |position| chat("a").key(7).whole().at(position);
    assert_eq!(sender.try_push(entry(1)), Ok(Pushed::Queued));
    assert_eq!(sender.try_push(entry(2)), Ok(Pushed::Lagging { since: 2 }));
    assert_eq!(sender.push_wait(entry(3)).await, Ok(Pushed::Lagging { since: 2 }));
    assert_eq!(receiver.room().messages, 0);
    assert_eq!(receiver.next().await, Some(entry(1)));
    for position in 2..=3 {
        assert_eq!(receiver.lagging(), [Lagging { key: 7, since: position }]);
        assert_eq!(receiver.refill(entry(position)), Ok(Pushed::Queued));
        assert_eq!(receiver.pop(), Some(entry(position)));
    }
    assert_eq!(sender.try_push(entry(4)), Ok(Pushed::Queued));
    sender.close();
    assert_eq!(receiver.refill(entry(5)), Err(PushError::Closed(entry(5))));
}

#[tokio::test]
async fn nothing_comes_in_after_a_close() {
    let (sender, mut receiver) = full(1);
    receiver.close();
    assert!(sender.is_closed() && !sender.has_room(1));
    let letter = chat("late");
    assert_eq!(sender.try_push(letter.clone()), Err(PushError::Closed(letter.clone())));
    assert_eq!(sender.push(letter.clone(), SECOND).await, Err(PushError::Closed(letter.clone())));
    assert_eq!(sender.push_wait(letter.clone()).await, Err(PushError::Closed(letter)));
    assert_eq!(take(&mut receiver, 10), ["inside"]);
}

#[tokio::test]
async fn dropped_reader_closes_and_frees_what_is_inside() {
    let (sender, receiver) = full(2);
    let mut waiting = pin!(sender.push_wait(chat("a").key(9)));
    pending!(waiting);
    drop(receiver);
    assert!(matches!(waiting.await, Err(PushError::Closed(_))));
    assert_eq!((sender.len(), sender.counters().popped), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn push_waits_for_its_time_and_then_says_full() {
    let (sender, _receiver) = full(1);
    let start = Instant::now();
    let letter = chat("a").key(9);
    let refused = sender.push(letter.clone(), DEFAULT_PUSH_TIMEOUT).await;
    assert_eq!(refused, Err(PushError::Full(letter)));
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(sender.counters().overflow_events, 1);
}

#[tokio::test(start_paused = true)]
async fn push_rather_waits_than_sheds() {
    let (sender, mut receiver) = channel(messages(1, 0));
    assert_eq!(sender.try_push(chat("old")), Ok(Pushed::Queued));
    assert!(matches!(sender.push(chat("new"), SECOND).await, Err(PushError::Full(_))));
    assert_eq!(take(&mut receiver, 10), ["old"]);
    assert_eq!(sender.counters().shed, 0);
}

#[tokio::test(start_paused = true)]
async fn push_goes_in_when_the_reader_makes_room() {
    let (sender, mut receiver) = full(1);
    let read = async {
        tokio::task::yield_now().await;
        take(&mut receiver, 1)
    };
    let (pushed, _) = tokio::join!(sender.push(chat("a").key(9), SECOND), read);
    assert_eq!(pushed, Ok(Pushed::Queued));
}

#[tokio::test]
async fn cancelled_push_has_queued_nothing() {
    let (sender, mut receiver) = full(1);
    let mut second = pin!(sender.push_wait(chat("second").key(9)));
    {
        let mut first = pin!(sender.push_wait(chat("first").key(8)));
        pending!(first);
        pending!(second);
        // It is the turn of the first, and it was told so, when it is dropped.
        assert_eq!(take(&mut receiver, 1), ["inside"]);
    }
    assert_eq!(second.await, Ok(Pushed::Queued));
    assert_eq!(take(&mut receiver, 10), ["second"]);
}

#[tokio::test]
async fn producers_take_turns_as_they_came_but_critical_ones_first() {
    let (sender, mut receiver) = full(1);
    assert!(sender.try_push(critical("in the reserve")).is_ok());
    let mut a = pin!(sender.push_wait(chat("a").key(7)));
    let mut b = pin!(sender.push_wait(chat("b").key(8)));
    let mut c = pin!(sender.push_wait(critical("c")));
    pending!(a);
    pending!(b);
    pending!(c);
    assert_eq!(take(&mut receiver, 1), ["in the reserve"]);
    pending!(b);
    assert_eq!(c.await, Ok(Pushed::Queued));
    assert_eq!(take(&mut receiver, 10), ["c", "inside"]);
    pending!(b);
    assert_eq!(a.await, Ok(Pushed::Queued));
    assert_eq!(take(&mut receiver, 10), ["a"]);
    assert_eq!(b.await, Ok(Pushed::Queued));
}

#[tokio::test]
async fn a_channel_is_settled_when_its_reader_has_had_or_heard_of_everything() {
    let (sender, mut receiver) = channel(Limits { max_bytes: 10, ..Limits::default() });
    assert!(sender.is_settled());
    assert_eq!(sender.try_push(chat("inside")), Ok(Pushed::Queued));
    assert!(!sender.is_settled());
    assert_eq!(take(&mut receiver, 1), ["inside"]);
    assert!(sender.is_settled());
    assert_eq!(sender.try_push(chat("larger than all")), Ok(Pushed::Dropped));
    assert!(sender.is_empty() && !sender.is_settled(), "the reader does not know yet");
    assert_eq!(receiver.take_dropped(), 1);
    assert!(sender.is_settled());
    sender.close();
    assert!(!sender.is_settled());
}

#[tokio::test]
async fn newcomers_leave_the_room_that_others_wait_for() {
    let (sender, mut receiver) = full(2);
    let mut waiting = pin!(sender.push_wait(chat("waited").key(9)));
    pending!(waiting);
    assert_eq!(take(&mut receiver, 1), ["inside"]);
    assert!(!sender.has_room(1));
    assert!(matches!(sender.try_push(chat("hurried").key(8)), Err(PushError::Full(_))));
    assert_eq!(sender.try_push(chat("shed")), Ok(Pushed::Dropped));
    assert_eq!(waiting.await, Ok(Pushed::Queued));
    assert_eq!(receiver.take_dropped(), 1);
}

#[tokio::test]
async fn newcomers_shed_no_more_than_their_own_place_when_others_wait() {
    let (sender, mut receiver) = channel(messages(3, 0));
    for text in ["a", "b", "c"] {
        assert_eq!(sender.try_push(chat(text)), Ok(Pushed::Queued));
    }
    let mut first = pin!(sender.push_wait(chat("first").key(1)));
    let mut second = pin!(sender.push_wait(chat("second").key(2)));
    pending!(first);
    pending!(second);
    let what = Evicted { coalescible: 1, ..Evicted::default() };
    assert_eq!(sender.try_push(chat("d")), Ok(Pushed::Shed { what }));
    assert_eq!(take(&mut receiver, 10), ["b", "c", "d"]);
}

#[tokio::test]
async fn what_can_never_fit_is_refused_at_once() {
    let (sender, _receiver) = channel(Limits { max_bytes: 3, ..messages(1, 1) });
    let letter = chat("four").key(1);
    assert_eq!(sender.push_wait(letter.clone()).await, Err(PushError::Full(letter)));
}

#[tokio::test]
async fn droppable_message_does_not_wait() {
    let (sender, _receiver) = full(1);
    assert_eq!(sender.push_wait(typing("t")).await, Ok(Pushed::Dropped));
}

#[tokio::test]
async fn text_is_merged_while_its_producer_would_have_to_wait() {
    let (sender, mut receiver) = full(1);
    assert_eq!(sender.push_wait(chat(" more").key(0)).await, Ok(Pushed::Coalesced));
    assert_eq!(take(&mut receiver, 10), ["inside more"]);
}

#[tokio::test(start_paused = true)]
async fn reader_that_batches_hears_only_of_what_is_new() {
    let (sender, mut receiver) = channel(messages(10, 0));
    let now = Instant::now().into_std();
    let mut batcher = Batcher::new(BatchPolicy::default());
    batcher.flushed(now);
    assert_eq!(sender.try_push(chat("a")), Ok(Pushed::Queued));
    assert!(matches!(receiver.decide(&batcher, now), Flush::At(_)));
    assert!(timeout(SECOND, receiver.changed()).await.is_err());
    assert_eq!(sender.try_push(critical("b")), Ok(Pushed::Queued));
    assert!(receiver.changed().await);
    assert_eq!(receiver.decide(&batcher, now), Flush::Now);
}

#[tokio::test]
async fn what_is_left_after_a_close_is_due_at_once() {
    let (sender, mut receiver) = channel(messages(10, 0));
    let now = Instant::now().into_std();
    let mut batcher = Batcher::new(BatchPolicy::default());
    batcher.flushed(now);
    assert_eq!(sender.try_push(chat("a")), Ok(Pushed::Queued));
    assert!(matches!(receiver.decide(&batcher, now), Flush::At(_)));
    sender.close();
    assert!(!receiver.changed().await);
    assert_eq!(receiver.decide(&batcher, now), Flush::Now);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "writers in parallel are what is tested")]
fn many_writers_in_parallel_lose_nothing_and_keep_their_order() {
    const WRITERS: u64 = 4;
    const LETTERS: usize = 2_000;
    let (sender, mut receiver) = channel(messages(8, 0));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                runtime().block_on(async {
                    for number in 0..LETTERS {
                        let letter = chat(&number.to_string()).key(writer).whole();
                        assert!(sender.push_wait(letter).await.is_ok());
                    }
                });
            })
        })
        .collect();
    drop(sender);
    let mut next = [0; WRITERS as usize];
    runtime().block_on(async {
        let mut batch = Vec::new();
        while timeout(30 * SECOND, receiver.ready()).await.unwrap() {
            receiver.pop_batch(3, usize::MAX, &mut batch);
            for letter in batch.drain(..) {
                let count = &mut next[letter.key.unwrap() as usize];
                assert_eq!(letter.text, count.to_string());
                *count += 1;
            }
        }
    });
    assert_eq!(next, [LETTERS; WRITERS as usize]);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}
