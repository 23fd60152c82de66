//! The way out: from the outbox to frames, and from frames to one write.

use std::time::Instant;

use tidegate_message::{Close, CloseCode, Event, Outcome, Rejection, Request};
use tidegate_queue::Flush;
use tidegate_ws::Prepared;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::features::Feature;
use crate::message::Message;
use crate::observer::Observer;
use crate::outbound::Outbound;
use crate::session::Running;

/// What is gathered for one write at most, in bytes.
const MAX_WRITE_BYTES: usize = 64 * 1024;
/// Messages that leave in one write, where the client takes no batches.
const MAX_WRITE_MESSAGES: usize = 64;

impl<IO, S, O> Running<IO, S, O>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Outcome>,
    S::Error: Into<Rejection>,
    O: Observer,
{
    /// When what waits is to be written; `None` if nothing waits. Only who agreed to batches waits for one.
    pub(crate) fn flush_time(&self, now: Instant) -> Option<Instant> {
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
        let batches = self.session.encoder.features().has(Feature::Batch);
        let (max_messages, max_bytes) = if batches {
            (self.batcher.policy().max_messages, self.batcher.policy().max_bytes)
        } else {
            (MAX_WRITE_MESSAGES, MAX_WRITE_BYTES)
        };
        let mut items = Vec::new();
        let mut frames = Vec::new();
        while self.session.socket.pending_bytes() < MAX_WRITE_BYTES {
            self.session.outbox.pop_batch(max_messages, max_bytes, &mut items);
            if items.is_empty() {
                break;
            }
            let failed = self.session.encoder.write(std::mem::take(&mut items), &mut frames);
            self.undelivered += failed;
            for written in frames.drain(..) {
                self.observer.sent(written.messages, written.frame.len(), now);
                self.session.socket.queue(written.frame);
            }
        }
    }

    /// Writes everything that waits, then what the socket holds. For a session that ends.
    pub(crate) async fn drain(&mut self) {
        while !self.session.outbox.is_empty() {
            self.flush(Instant::now());
            if self.session.socket.flush().await.is_err() {
                return;
            }
        }
    }

    /// What the outbox had to drop is said before anything else goes on.
    fn say_gap(&mut self, now: Instant) {
        let dropped = self.session.outbox.take_dropped() + std::mem::take(&mut self.undelivered);
        if dropped > 0 {
            let gap = Message::new(&Event::Gap { reason: "overflow", dropped });
            let mut frames = Vec::new();
            let _ = self.session.encoder.write(vec![Outbound::Own(gap)], &mut frames);
            for written in frames {
                self.observer.sent(1, written.frame.len(), now);
                self.session.socket.queue(written.frame);
            }
        }
    }

    pub(crate) fn write_plain(&mut self, message: &Message) {
        let bytes = self.session.write_plain(message);
        self.observer.sent(1, bytes, Instant::now());
    }

    /// Reading stops before the outbox is full, so an answer finds room; if one does not, to go on without it
    /// would be a lie.
    pub(crate) fn push(&mut self, message: Outbound) {
        if self.session.replies.try_push(message).is_err() {
            self.session.ending.request(Close::new(CloseCode::SLOW_CONSUMER, "slow consumer"));
        }
    }

    /// Asks the client for a sign of life.
    pub(crate) fn ask(&mut self, now: Instant) {
        self.pings += 1;
        self.ping = Some((self.pings, now));
        self.session.socket.queue(Prepared::ping(&self.pings.to_be_bytes()));
        if self.session.encoder.features().has(Feature::JsonPing) {
            self.push(Outbound::Own(Message::new(&Event::Ping)));
        }
        self.observer.pinged(now);
    }
}
