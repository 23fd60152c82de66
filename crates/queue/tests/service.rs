//! The writers' side as a tower service.
#![cfg(feature = "tower")]

mod letter;

use std::future::poll_fn;
use std::task::Poll;

use letter::{Letter, chat, messages};
use tidegate_queue::{Enqueue, PushError, Pushed, channel};
use tower_service::Service;

async fn is_ready(service: &mut Enqueue<Letter>) -> bool {
    poll_fn(|cx| Poll::Ready(service.poll_ready(cx).is_ready())).await
}

#[tokio::test]
async fn is_ready_while_there_is_room_and_again_when_there_is() {
    let (sender, mut receiver) = channel(messages(1, 0));
    let mut service = Enqueue::new(sender);
    assert!(is_ready(&mut service).await);
    assert_eq!(service.call(chat("a").key(1)).await, Ok(Pushed::Queued));
    assert!(!is_ready(&mut service).await);
    let read = async {
        tokio::task::yield_now().await;
        receiver.pop_batch(1, usize::MAX, &mut Vec::new());
    };
    let (ready, ()) = tokio::join!(poll_fn(|cx| service.poll_ready(cx)), read);
    assert_eq!(ready, Ok(()));
}

#[tokio::test]
async fn call_without_room_sheds_nothing() {
    let (sender, receiver) = channel(messages(1, 0));
    let mut service = Enqueue::new(sender);
    assert_eq!(service.call(chat("a")).await, Ok(Pushed::Queued));
    assert_eq!(service.call(chat("b")).await, Err(PushError::Full(chat("b"))));
    assert_eq!(receiver.counters().shed, 0);
}

#[tokio::test]
async fn closed_channel_is_ready_to_refuse() {
    let (sender, receiver) = channel(messages(1, 0));
    let mut service = Enqueue::new(sender);
    assert_eq!(service.call(chat("a")).await, Ok(Pushed::Queued));
    drop(receiver);
    assert!(is_ready(&mut service).await);
    assert_eq!(service.call(chat("b")).await, Err(PushError::Closed(chat("b"))));
}

#[tokio::test]
async fn dropped_service_gives_its_turn_on() {
    let (sender, mut receiver) = channel(messages(1, 0));
    let (mut first, mut second) = (Enqueue::new(sender.clone()), Enqueue::new(sender));
    assert_eq!(first.call(chat("a")).await, Ok(Pushed::Queued));
    assert!(!is_ready(&mut first).await && !is_ready(&mut second).await);
    receiver.pop_batch(1, usize::MAX, &mut Vec::new());
    assert!(!is_ready(&mut second).await);
    drop(first);
    assert!(is_ready(&mut second).await);
}
