//! Outboxes that fill: who is waited for by those who send to many.

use std::time::Duration;

use tidegate_message::Event;
use tidegate_queue::Limits;
use tidegate_session::{Feature, Handle, Message, Outbound, Sent, filled};

use crate::peer::{Setup, numbered, pass, settle};

/// Three quarters of what an outbox takes, and one more.
const HIGH: usize = 100 * 3 / 4 + 1;

fn fill(handle: &Handle, messages: usize) {
    assert_eq!(Limits::default().max_messages, 100);
    (0..messages).for_each(|n| assert_eq!(handle.send(numbered(n)), Sent::Queued));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_had_no_turn_is_waited_for_until_it_has_run() {
    let peer = Setup::default().start();
    settle().await;
    fill(&peer.handle, HIGH - 1);
    assert!(filled().is_none(), "there is room");
    fill(&peer.handle, 1);
    let session = filled().expect("its outbox is nearly full");
    assert!(filled().is_none(), "it is told once");
    assert!(session.is_filling());
    settle().await;
    assert!(!session.is_filling());
    assert_eq!(peer.handle.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_waited_for_a_moment_and_again_when_it_has_caught_up() {
    let mut peer = Setup::narrow().start();
    settle().await;
    for _ in 0..2 {
        fill(&peer.handle, 9);
        settle().await;
        assert!(peer.handle.is_filling(), "its stream has just become full");
        pass(Duration::from_millis(30)).await;
        assert!(!peer.handle.is_filling());
        fill(&peer.handle, HIGH);
        let session = filled().expect("its outbox is nearly full");
        assert!(!session.is_filling(), "it is slow: nobody waits for it");
        for _ in 0..9 + HIGH {
            let _ = peer.next().await;
        }
        settle().await;
        fill(&peer.handle, HIGH);
        assert!(filled().is_some_and(|session| session.is_filling()));
        for _ in 0..HIGH {
            let _ = peer.next().await;
        }
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_batches_catches_up_like_any_other() {
    let mut peer = Setup { pipe: 64, ..Setup::agreed(&[Feature::Batch]) }.start();
    settle().await;
    fill(&peer.handle, 12);
    settle().await;
    assert!(peer.handle.is_filling(), "its stream has just become full");
    pass(Duration::from_millis(30)).await;
    assert!(!peer.handle.is_filling(), "it is slow");
    assert_eq!(
        peer.handle.send(Outbound::Own(Message::new(&Event::Pong { id: None }))),
        Sent::Queued
    );
    let _ = peer.until("pong").await;
    settle().await;
    fill(&peer.handle, HIGH);
    assert!(peer.handle.is_filling(), "it has caught up");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_is_not_waited_for() {
    let peer = Setup::default().start();
    settle().await;
    fill(&peer.handle, HIGH);
    let session = filled().expect("its outbox is nearly full");
    drop(peer.socket);
    settle().await;
    assert!(session.is_closed() && !session.is_filling());
}
