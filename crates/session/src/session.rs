//! One connection from its first frame to its close handshake. The loop is here; what a step does is in
//! `inbound.rs` and `outbox.rs`.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tidegate_message::{Close, CloseCode, Event, Outcome, Rejection, Request, RequestId, Welcome};
use tidegate_queue::{Limits, Receiver, Sender, channel};
use tidegate_ws::Socket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::poll_proceed;
use tokio::time::timeout_at;
use tower_service::Service;

use crate::batching::Batching;
use crate::clock;
use crate::commands::Commands;
use crate::encoder::Encoder;
use crate::flow::{Flow, MAX_LINE_BYTES};
use crate::handle::{Handle, Reach};
use crate::heartbeat::{Beat, Heartbeat};
use crate::inbound::{self, Calls, Inbound, by_gateway};
use crate::lent::{Own, ReplaceWriter};
use crate::malformed::Malformed;
use crate::message::Message;
use crate::observer::Observer;
use crate::outbound::Outbound;
use crate::outbox::queue;
use crate::settings::Settings;
use crate::stall::Stall;
use crate::ticks::{Alarm, Ticks};
use crate::unplaced::Unplaced;
use crate::waking::Gathering;

/// A connection that is open but not yet served.
///
/// The [`Handle`] that comes with it is what others know of it; [`Session::run`] serves it to its end.
#[derive(Debug)]
pub struct Session<IO> {
    pub(crate) socket: Socket<IO>,
    pub(crate) reach: Own,
    pub(crate) outbox: Receiver<Outbound>,
    pub(crate) replies: Sender<Outbound>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) replace_writer: Option<ReplaceWriter<IO>>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The close code and its reason: 1006 if the connection broke.
    pub close: Close,
    /// Whether the client closed first, or its connection broke.
    pub by_client: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Session<IO> {
    /// A session over a socket, with an outbox of these limits. Sessions share their settings.
    #[must_use]
    pub fn new(
        socket: Socket<IO>,
        encoder: Encoder,
        limits: Limits,
        settings: Arc<Settings>,
    ) -> (Self, Handle) {
        let (sender, outbox) = channel(limits);
        let encoder = encoder.with_deflate(socket.compression());
        let reach = Arc::new(Reach::new(encoder));
        let handle = Handle::new(sender.clone(), Arc::clone(&reach));
        let reach = Own(reach);
        (Self { socket, reach, outbox, replies: sender, settings, replace_writer: None }, handle)
    }

    /// The same, lending the writing half of its stream while it is at rest: others may then [write](Handle::write)
    /// to it past the outbox.
    #[must_use]
    pub fn lending(mut self, replace_writer: ReplaceWriter<IO>) -> Self {
        self.replace_writer = Some(replace_writer);
        self
    }

    /// Says `welcome`, before anything else is read or written.
    pub fn greet(&mut self, welcome: Box<Welcome>) {
        self.write_plain(&Message::new(&Event::Welcome(welcome)));
    }

    /// Ends a connection that is not to be served, with a close handshake.
    ///
    /// # Cancel safety
    /// Cancelling drops the connection.
    pub async fn refuse(self, close: Close) {
        let Close { code, reason } = close;
        self.socket.close(code.0, &reason, self.settings.close_timeout).await;
    }

    /// Queues a message in the plain form of the sub-protocol; its size on the wire.
    pub(crate) fn write_plain(&mut self, message: &Message) -> usize {
        match self.reach.encoder.write_plain(message) {
            Ok(frame) => queue(&mut self.socket, Cow::Owned(frame)),
            Err(error) => {
                tracing::error!(%error, "a message of the gateway's own cannot be encoded");
                0
            }
        }
    }

    /// Serves the connection until either side ends it. `commands` answers each request: what it answers at
    /// once is written at once, what takes time is polled beside the others, at most
    /// [`Settings::max_inflight_commands`] of them. `ticks` wakes it when its next time has come.
    ///
    /// Where the gateway ends it, answers that are ready and what waits in the outbox are written first, and
    /// nothing more is taken into the outbox; the client has [`Settings::close_timeout`] for all of it.
    ///
    /// # Cancel safety
    /// Cancelling drops the connection without a close handshake, and the commands in work.
    ///
    /// # Panics
    /// If it is polled outside of a tokio runtime with time enabled.
    pub fn run<S, O>(
        self,
        commands: S,
        observer: O,
        ticks: &Ticks,
    ) -> impl Future<Output = Ended> + use<IO, S, O>
    where
        S: Commands<Error: Into<Rejection>, Future: Unpin>,
        O: Observer,
    {
        let mut running = Running {
            heartbeat: Heartbeat::new(clock::now()),
            malformed: Malformed::default(),
            batching: None,
            alarm: ticks.alarm(),
            stall: Stall::default(),
            flow: Flow::default(),
            calls: Calls::new(),
            unplaced: Unplaced::default(),
            undelivered: 0,
            is_settled: false,
            was_heard: false,
            has_lent: false,
            commands,
            observer,
            session: self,
        };
        // Captured, not passed: an argument of an async function would be stored twice, for as long as the
        // session lives. The same for what happens at its end: that is boxed when it comes.
        async move {
            let (ended, rest) = poll_fn(|cx| running.poll_ended(cx)).await;
            Box::pin(running.finish(ended, rest)).await
        }
    }
}

/// A session in service.
pub(crate) struct Running<IO, S: Service<Request>, O> {
    pub(crate) session: Session<IO>,
    pub(crate) commands: S,
    pub(crate) calls: Calls<S::Future>,
    pub(crate) observer: O,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) malformed: Malformed,
    /// Made when it first batches.
    pub(crate) batching: Option<Box<Batching>>,
    pub(crate) flow: Flow,
    stall: Stall,
    alarm: Alarm,
    /// Answers for which the outbox had no room.
    pub(crate) unplaced: Unplaced,
    /// Messages that could not be encoded, to be told with the next `gap`.
    pub(crate) undelivered: u64,
    /// Nothing was in the outbox when this poll last looked, and who pushes wakes the task.
    pub(crate) is_settled: bool,
    /// A frame came in this poll.
    pub(crate) was_heard: bool,
    /// The writing half of the stream is lent, unless somebody has given it up.
    pub(crate) has_lent: bool,
}

/// Turns of the loop, microseconds each, for which the clock is read once.
const TURNS_OF_ONE_TIME: u32 = 32;

/// What becomes of what waits when a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Written,
    Lost,
}

enum Step<E> {
    End(Close),
    Answered(Option<RequestId>, Result<Outcome, E>),
    Outbox,
    Inbound(Inbound),
    Tick,
}

impl<IO, S, O> Running<IO, S, O>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Commands<Error: Into<Rejection>, Future: Unpin>,
    O: Observer,
{
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<(Ended, Rest)> {
        let _gathering = Gathering::begin();
        self.take_back(cx);
        let polled = self.poll_turns(cx);
        let Session { socket, replies, reach, .. } = &self.session;
        let settled = || self.unplaced.is_empty() && replies.is_empty();
        if let Some(is_behind) = self.flow.change(socket.pending_bytes(), settled) {
            reach.behind.note(is_behind);
        }
        // Who was just heard will mostly say more: that costs nothing for want of two holds of a lock.
        if polled.is_pending() && !self.was_heard {
            self.lend();
        }
        polled
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<(Ended, Rest)> {
        let mut now = clock::now();
        let mut turns = 0_u32;
        self.is_settled = false;
        self.was_heard = false;
        loop {
            // A client that sends without a pause leaves room for others now and then.
            ready!(poll_proceed(cx)).made_progress();
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(TURNS_OF_ONE_TIME) {
                now = clock::now();
            }
            let ended = match ready!(self.poll_step(cx, now)) {
                Step::End(close) => Some(by_gateway(close)),
                Step::Answered(id, result) => self.answer(id, result, now).map(by_gateway),
                Step::Outbox => {
                    self.outbox(now);
                    None
                }
                Step::Inbound(inbound) => self.inbound(inbound, cx, now),
                Step::Tick => self.tick(now).map(by_gateway),
            };
            if let Some(ended) = ended {
                return Poll::Ready(ended);
            }
        }
    }

    /// Ready when there is something to do.
    ///
    /// The order matters. A client that never pauses must not starve its own answers, so reading comes after
    /// them; they are bounded, and reading is what bounds them. The time comes last: it gives a verdict on
    /// silence, and there is none while anything can be read.
    fn poll_step(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Step<S::Error>> {
        if self.flow.is_deaf() {
            self.heartbeat.heard(now);
        }
        self.flush_if_due(now);
        if let Some(close) = self.session.reach.ending.requested() {
            return Poll::Ready(Step::End(close));
        }
        if let Poll::Ready((id, result)) = self.calls.poll_next(cx) {
            return Poll::Ready(Step::Answered(id, result));
        }
        let writable = self.is_writable();
        if writable && self.poll_outbox(cx, now).is_ready() {
            return Poll::Ready(Step::Outbox);
        }
        let may_read = self.may_read(writable);
        let Self { session, commands, flow, .. } = self;
        match inbound::poll_next(&mut session.socket, commands, may_read, flow, cx) {
            // Nothing waits to be written after it, and what comes will wake the task.
            Poll::Ready(Inbound::Written) if writable && session.socket.pending_bytes() == 0 => {}
            Poll::Ready(inbound) => return Poll::Ready(Step::Inbound(inbound)),
            Poll::Pending => {}
        }
        // Where the alarm has this task's waker, the request to end has had it too since then.
        if !self.alarm.knows(cx.waker())
            && let Poll::Ready(close) = session.reach.ending.poll_requested(cx)
        {
            return Poll::Ready(Step::End(close));
        }
        let deadline = self.deadline(now);
        self.alarm.poll(cx, deadline, now).map(|()| Step::Tick)
    }

    /// Ready when there is something to write; while a batch is held back, only for something new. Overdue is an
    /// answer that lies outside of the outbox. What goes without batches is in the socket's line then.
    fn poll_outbox(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if self.held_until().is_none() && !self.batches() {
            return self.poll_drain(cx, now);
        }
        if !self.unplaced.is_empty() {
            return Poll::Ready(());
        }
        let held_until = self.held_until();
        let outbox = &mut self.session.outbox;
        match held_until {
            Some(_) => pin!(outbox.changed()).poll(cx).map(drop),
            None => pin!(outbox.ready()).poll(cx).map(drop),
        }
    }

    /// Commands are taken only while their answers have room: a client that does not read is not read. An outbox that
    /// was just found empty has room.
    fn may_read(&self, outbox_is_empty: bool) -> bool {
        self.calls.len() < self.session.settings.max_inflight_commands.max(1)
            && self.unplaced.is_empty()
            && self.session.socket.pending_bytes() < MAX_LINE_BYTES
            && (outbox_is_empty && self.held_until().is_none() || self.session.replies.has_room(0))
    }

    /// Writes a batch that has been held back for long enough.
    fn flush_if_due(&mut self, now: Instant) {
        if self.held_until().is_some_and(|due| due <= now) {
            self.hold_until(None);
            if self.is_writable() {
                self.flush(now);
            }
        }
    }

    /// When to look again, if nothing else happens.
    fn deadline(&mut self, now: Instant) -> Instant {
        self.stall.look(self.session.socket.pending_bytes(), now);
        let settings = &self.session.settings;
        [self.held_until(), self.stall.due(settings.write_timeout)]
            .into_iter()
            .flatten()
            .fold(self.heartbeat.next(settings), Instant::min)
    }

    /// Judges the client, when there was nothing else to do.
    fn tick(&mut self, now: Instant) -> Option<Close> {
        self.stall.look(self.session.socket.pending_bytes(), now);
        if self.stall.due(self.session.settings.write_timeout).is_some_and(|due| due <= now) {
            return Some(Close::new(
                CloseCode::SLOW_CONSUMER,
                "slow consumer: nothing was read in time",
            ));
        }
        if self.flow.is_deaf() {
            return None;
        }
        match self.heartbeat.beat(&self.session.settings, now) {
            Beat::Rest => None,
            Beat::Ask => {
                // A session that is quiet for so long holds no buffer, and little else.
                self.session.outbox.rest();
                self.commands.rest(now);
                self.ask(now);
                None
            }
            Beat::Dead => {
                self.observer.stale();
                Some(Close::new(CloseCode::GOING_AWAY, "no sign of life"))
            }
        }
    }

    fn outbox(&mut self, now: Instant) {
        if self.held_until().is_none() && !self.batches() {
            // More waits, and is drained in the next turn.
            return;
        }
        match self.flush_time(now) {
            Some(due) if due > now => self.hold_until(Some(due)),
            Some(_) => self.flush(now),
            None => {}
        }
    }

    /// Ends the connection: what is left to say, then the close handshake.
    async fn finish(mut self, ended: Ended, rest: Rest) -> Ended {
        let deadline = clock::now() + self.session.settings.close_timeout;
        if rest == Rest::Written {
            while let Some((id, result)) = self.calls.done() {
                // A reason to end is no longer needed.
                let _ = self.answer(id, result, clock::now());
            }
        }
        // Who still sends is told that it does not arrive.
        self.session.outbox.close();
        if rest == Rest::Written {
            // Elapsed: the client had its time.
            let _ = timeout_at(deadline.into(), self.drain()).await;
        }
        let left = deadline.saturating_duration_since(clock::now());
        let Close { code, reason } = &ended.close;
        self.session.socket.close(code.0, reason, left).await;
        ended
    }
}
