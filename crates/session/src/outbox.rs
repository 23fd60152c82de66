//! The way out: from the outbox to frames, and from frames to one write.

use std::cell::Cell;
use std::time::Instant;

use tidegate_message::{Class, Event, Outcome, Rejection, Request};
use tidegate_queue::{Flush, PushError};
use tidegate_ws::Prepared;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::clock;
use crate::encoder::Written;
use crate::features::Feature;
use crate::flow::MAX_LINE_BYTES;
use crate::message::Message;
use crate::observer::Observer;
use crate::outbound::Outbound;
use crate::session::{Running, Session, queue};

/// Answers to commands keep their order among each other in the outbox and are never shed: they share
/// this key.
const ANSWERS: u64 = 0;
/// Messages that are taken out together where the client takes no batches.
const MAX_TAKEN: usize = 64;

thread_local! {
    /// What was just taken out, for as long as one flush: the sessions of a thread share the memory.
    static TAKEN: Cell<Vec<Outbound>> = const { Cell::new(Vec::new()) };
}

impl<IO, S, O> Running<IO, S, O>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Outcome>,
    S::Error: Into<Rejection>,
    O: Observer,
{
    pub(crate) fn is_writable(&self) -> bool {
        self.flow.is_writable(self.session.socket.pending_bytes())
    }

    /// When what waits is to be written; `None` if nothing waits. Only who agreed to batches waits for one.
    pub(crate) fn flush_time(&self, now: Instant) -> Option<Instant> {
        if !self.unplaced.is_empty() {
            return Some(now);
        }
        match self.session.outbox.decide(&self.batcher, now) {
            Flush::Idle => None,
            Flush::At(due) if self.session.encoder.features().has(Feature::Batch) => Some(due),
            Flush::At(_) | Flush::Now => Some(now),
        }
    }

    /// Writes what waits, up to what one write takes.
    pub(crate) fn flush(&mut self, now: Instant) {
        self.flush_at = None;
        self.batcher.flushed(now);
        self.say_gap(now);
        for answer in std::mem::take(&mut self.unplaced) {
            self.write_one(answer, now);
        }
        let batches = self.session.encoder.features().has(Feature::Batch);
        let (max_messages, max_bytes) = self.taken_together(batches);
        let mut items = TAKEN.take();
        while self.session.socket.pending_bytes() < MAX_LINE_BYTES {
            self.session.outbox.pop_batch(max_messages, max_bytes, &mut items);
            // Without batches, what is left after this is due at once too: the loop finds it when it looks again.
            let is_last = !batches && items.len() < max_messages;
            if items.is_empty() {
                break;
            }
            let Session { encoder, socket, .. } = &mut self.session;
            self.undelivered += encoder.write(&mut items, &mut |Written { frame, messages }| {
                let bytes = queue(socket, frame);
                self.observer.sent(messages, bytes, now);
            });
            if is_last {
                break;
            }
        }
        TAKEN.set(items);
        if self.undelivered > 0 {
            self.say_gap(now);
        }
    }

    fn taken_together(&self, batches: bool) -> (usize, usize) {
        let policy = self.batcher.policy();
        match batches {
            true => (policy.max_messages, policy.max_bytes),
            false => (MAX_TAKEN, MAX_LINE_BYTES),
        }
    }

    /// Writes everything that waits, then what the socket holds. For a session that ends.
    pub(crate) async fn drain(&mut self) {
        while !self.session.outbox.is_empty() || !self.unplaced.is_empty() {
            self.flush(clock::now());
            if self.session.socket.flush().await.is_err() {
                return;
            }
        }
    }

    /// What could not be delivered is said before anything else goes on.
    fn say_gap(&mut self, now: Instant) {
        let dropped = self.session.outbox.take_dropped() + std::mem::take(&mut self.undelivered);
        if dropped > 0 {
            let gap = Message::new(&Event::Gap { reason: "overflow", dropped });
            self.write_one(Outbound::Own(gap), now);
        }
    }

    fn write_one(&mut self, item: Outbound, now: Instant) {
        let Session { encoder, socket, .. } = &mut self.session;
        self.undelivered += encoder.write_one(item, &mut |Written { frame, .. }| {
            let bytes = queue(socket, frame);
            self.observer.sent(1, bytes, now);
        });
    }

    pub(crate) fn write_plain(&mut self, message: &Message) {
        let bytes = self.session.write_plain(message);
        self.observer.sent(1, bytes, clock::now());
    }

    /// Puts an answer into the outbox. One for which there is no room goes with the next write: reading
    /// stops until then, so there are at most as many of them as commands may be in work, and one.
    pub(crate) fn reply(&mut self, event: &Event) {
        let message = Message { class: Class::Coalescible, ..Message::new(event) };
        let answer = Outbound::Own(message.ordered(ANSWERS));
        if let Err(PushError::Full(answer)) = self.session.replies.try_push(answer) {
            self.unplaced.push(answer);
        }
    }

    /// Asks the client for a sign of life.
    pub(crate) fn ask(&mut self, now: Instant) {
        self.pings += 1;
        self.ping = Some((self.pings, now));
        self.session.socket.queue(Prepared::ping(&self.pings.to_be_bytes()));
        if self.session.encoder.features().has(Feature::JsonPing) {
            // A droppable message: where there is no room for it, the client has enough to answer to.
            let _ = self.session.replies.try_push(Outbound::Own(Message::new(&Event::Ping)));
        }
        self.observer.pinged(now);
    }
}
