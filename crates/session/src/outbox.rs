//! The way out: from the outbox to frames, and from frames to one write.

use std::borrow::Cow;
use std::cell::Cell;
use std::task::{Context, Poll};
use std::time::Instant;

use tidegate_message::{Class, Event, Outcome, Rejection, Request};
use tidegate_queue::{Drained, Flush, PushError};
use tidegate_ws::{Prepared, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::batching::Batching;
use crate::clock;
use crate::encoder::Written;
use crate::features::Feature;
use crate::flow::MAX_LINE_BYTES;
use crate::message::Message;
use crate::observer::Observer;
use crate::outbound::Outbound;
use crate::session::{Running, Session};
use crate::settings::Settings;

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

    /// Whether messages may be held back to make a fuller batch.
    pub(crate) fn batches(&self) -> bool {
        self.session.reach.encoder.features().has(Feature::Batch)
    }

    /// Until when the outbox is held back to make a fuller batch.
    pub(crate) fn held_until(&self) -> Option<Instant> {
        self.batching.as_ref().and_then(|batching| batching.held_until)
    }

    pub(crate) fn hold_until(&mut self, until: Option<Instant>) {
        if until.is_some() || self.batching.is_some() {
            batching(&mut self.batching, &self.session.settings).held_until = until;
        }
    }

    /// What went just now counts as a batch: the next one is held back from here on.
    pub(crate) fn flushed(&mut self, now: Instant) {
        if self.batches() {
            batching(&mut self.batching, &self.session.settings).batcher.flushed(now);
        }
    }

    /// Puts what waits into the socket's line, for a client that takes no batches: that is due at once. Ready while
    /// more waits than one turn takes; pending once nothing is left, and then the next push wakes the task.
    pub(crate) fn poll_drain(&mut self, cx: &Context<'_>, now: Instant) -> Poll<()> {
        if self.is_settled {
            return Poll::Pending;
        }
        self.place_answers(now);
        let mut items = TAKEN.take();
        let polled = self.session.outbox.poll_drain(cx, MAX_TAKEN, MAX_LINE_BYTES, &mut items);
        let is_empty = match polled {
            Poll::Pending => true,
            Poll::Ready(Drained { dropped, is_empty }) => {
                self.say_gap(dropped, now);
                self.write(&mut items, now);
                self.say_gap(0, now);
                is_empty
            }
        };
        TAKEN.set(items);
        self.is_settled = is_empty;
        if is_empty { Poll::Pending } else { Poll::Ready(()) }
    }

    /// When what waits is to be written; `None` if nothing waits. For a client that takes batches.
    pub(crate) fn flush_time(&mut self, now: Instant) -> Option<Instant> {
        if !self.unplaced.is_empty() {
            return Some(now);
        }
        let batching = batching(&mut self.batching, &self.session.settings);
        match self.session.outbox.decide(&batching.batcher, now) {
            Flush::Idle => None,
            Flush::At(due) if self.batches() => Some(due),
            Flush::At(_) | Flush::Now => Some(now),
        }
    }

    /// Writes what waits, up to what one write takes.
    pub(crate) fn flush(&mut self, now: Instant) {
        self.hold_until(None);
        self.flushed(now);
        self.place_answers(now);
        let dropped = self.session.outbox.take_dropped();
        self.say_gap(dropped, now);
        let (max_messages, max_bytes) = self.taken_together();
        let mut items = TAKEN.take();
        while self.session.socket.pending_bytes() < MAX_LINE_BYTES {
            self.session.outbox.pop_batch(max_messages, max_bytes, &mut items);
            if items.is_empty() {
                break;
            }
            self.write(&mut items, now);
        }
        TAKEN.set(items);
        self.say_gap(0, now);
    }

    fn taken_together(&self) -> (usize, usize) {
        let policy = &self.session.settings.batch;
        match self.batches() {
            true => (policy.max_messages, policy.max_bytes),
            false => (MAX_TAKEN, MAX_LINE_BYTES),
        }
    }

    /// Answers that the outbox had no room for go first: reading has stopped for them.
    fn place_answers(&mut self, now: Instant) {
        if !self.unplaced.is_empty() {
            let dropped = self.session.outbox.take_dropped();
            self.say_gap(dropped, now);
            let mut answers = self.unplaced.take();
            self.write(&mut answers, now);
        }
    }

    /// Puts messages into the socket's line; `items` is empty then.
    fn write(&mut self, items: &mut Vec<Outbound>, now: Instant) {
        let Session { reach, socket, .. } = &mut self.session;
        let mut sum = Sum::default();
        self.undelivered += reach.encoder.write(items, &mut |written| sum.queue(socket, written));
        self.account(&sum, now);
    }

    fn write_one(&mut self, item: Outbound, now: Instant) {
        let Session { reach, socket, .. } = &mut self.session;
        let mut sum = Sum::default();
        self.undelivered +=
            reach.encoder.write_one(item, &mut |written| sum.queue(socket, written));
        self.account(&sum, now);
    }

    /// Counts what was queued, once for all of it.
    fn account(&self, sum: &Sum, now: Instant) {
        if sum.messages > 0 {
            self.session.reach.encoder.record(sum.messages, sum.original, sum.encoded);
            self.observer.sent(sum.messages, sum.wire, now);
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
    fn say_gap(&mut self, dropped: u64, now: Instant) {
        let dropped = dropped + std::mem::take(&mut self.undelivered);
        if dropped > 0 {
            let gap = Message::new(&Event::Gap { reason: "overflow", dropped });
            self.write_one(Outbound::Own(gap), now);
        }
    }

    pub(crate) fn write_plain(&mut self, message: &Message) {
        let bytes = self.session.write_plain(message);
        self.observer.sent(1, bytes, clock::now());
    }

    /// Answers a command: straight into the socket's line where nothing waits before it, else through the outbox. One
    /// for which there is no room goes with the next write: reading stops until then, so there are at most as many of
    /// them as commands may be in work, and one.
    pub(crate) fn reply(&mut self, event: &Event, now: Instant) {
        let message = Message { class: Class::Coalescible, ..Message::new(event) };
        let answer = Outbound::Own(message.ordered(ANSWERS));
        if self.is_straight() {
            return self.write_one(answer, now);
        }
        if let Err(PushError::Full(answer)) = self.session.replies.try_push(answer) {
            self.unplaced.push(answer);
        }
        self.is_settled = false;
    }

    /// Whether what is written now overtakes nothing.
    fn is_straight(&self) -> bool {
        !self.batches()
            && self.unplaced.is_empty()
            && self.is_writable()
            && self.session.replies.is_empty()
    }

    /// Asks the client for a sign of life.
    pub(crate) fn ask(&mut self, now: Instant) {
        self.session.socket.queue(Prepared::ping(&self.heartbeat.payload()));
        if self.session.reach.encoder.features().has(Feature::JsonPing) {
            // A droppable message: where there is no room for it, the client has enough to answer to.
            let _ = self.session.replies.try_push(Outbound::Own(Message::new(&Event::Ping)));
        }
        self.observer.pinged(now);
    }
}

fn batching<'a>(made: &'a mut Option<Box<Batching>>, settings: &Settings) -> &'a mut Batching {
    made.get_or_insert_with(|| Box::new(Batching::new(settings.batch)))
}

/// What was queued in one go.
#[derive(Default)]
struct Sum {
    messages: usize,
    /// Bytes as plain JSON, as encoded, and with their frames.
    original: usize,
    encoded: usize,
    wire: usize,
}

impl Sum {
    fn queue<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut Socket<IO>,
        written: Written<'_>,
    ) {
        self.messages += written.messages;
        self.original += written.original;
        self.encoded += written.encoded;
        self.wire += queue(socket, written.frame);
    }
}

/// Puts a frame into the socket's line, and tells its bytes on the wire.
pub(crate) fn queue<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<IO>,
    frame: Cow<'_, Prepared>,
) -> usize {
    let before = socket.pending_bytes();
    match frame {
        Cow::Borrowed(shared) => socket.queue_shared(shared),
        Cow::Owned(frame) => socket.queue(frame),
    }
    socket.pending_bytes() - before
}
