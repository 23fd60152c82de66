//! One connection from its first frame to its close handshake. The loop is here; what a step does is in
//! `inbound.rs` and `outbox.rs`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tidegate_message::{Close, CloseCode, Event, Outcome, Rejection, Request, Welcome};
use tidegate_queue::{Batcher, Limits, Receiver, Sender, channel};
use tidegate_ws::Socket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep_until, timeout};
use tower_service::Service;

use crate::encoder::Encoder;
use crate::handle::{Ending, Handle};
use crate::heartbeat::{Beat, Heartbeat};
use crate::inbound::{self, Calls, Inbound};
use crate::malformed::Malformed;
use crate::message::Message;
use crate::observer::Observer;
use crate::outbound::Outbound;
use crate::settings::Settings;
use crate::stall::Stall;

/// A connection that is open but not yet served.
///
/// The [`Handle`] that comes with it is what others know of it; [`Session::run`] serves it to its end.
#[derive(Debug)]
pub struct Session<IO> {
    pub(crate) socket: Socket<IO>,
    pub(crate) encoder: Encoder,
    pub(crate) outbox: Receiver<Outbound>,
    pub(crate) replies: Sender<Outbound>,
    pub(crate) ending: Arc<Ending>,
    pub(crate) settings: Settings,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The close code and its reason: 1006 if the connection broke.
    pub close: Close,
    /// Whether the client closed first.
    pub by_client: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Session<IO> {
    /// A session over a socket, with an outbox of these limits.
    #[must_use]
    pub fn new(
        socket: Socket<IO>,
        encoder: Encoder,
        limits: Limits,
        settings: Settings,
    ) -> (Self, Handle) {
        let (sender, outbox) = channel(limits);
        let ending = Arc::new(Ending::default());
        let handle = Handle::new(sender.clone(), Arc::clone(&ending));
        (Self { socket, encoder, outbox, replies: sender, ending, settings }, handle)
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
        match self.encoder.write_plain(message) {
            Ok(frame) => {
                let bytes = frame.len();
                self.socket.queue(frame);
                bytes
            }
            Err(error) => {
                tracing::error!(%error, "a message of the gateway's own cannot be encoded");
                0
            }
        }
    }

    /// Serves the connection until either side ends it. `commands` answers each request; what it answers at
    /// once needs no allocation, what takes time is polled beside the others, at most
    /// [`Settings::max_inflight_commands`] of them.
    ///
    /// # Cancel safety
    /// Cancelling drops the connection without a close handshake, and the commands in work.
    pub async fn run<S, O>(self, commands: S, observer: O) -> Ended
    where
        S: Service<Request, Response = Outcome>,
        S::Error: Into<Rejection>,
        S::Future: Unpin,
        O: Observer,
    {
        let now = Instant::now();
        let settings = self.settings;
        let mut running = Running {
            heartbeat: Heartbeat::new(settings.ping_interval, settings.ping_timeout, now),
            malformed: Malformed::new(settings.max_malformed),
            batcher: Batcher::new(settings.batch),
            stall: Stall::default(),
            calls: Calls::new(),
            flush_at: None,
            ping: None,
            pings: 0,
            undelivered: 0,
            commands,
            observer,
            session: self,
        };
        let ended = running.until_ended().await;
        running.finish(ended).await
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
    pub(crate) batcher: Batcher,
    stall: Stall,
    /// Until when the outbox is held back to make a fuller batch.
    pub(crate) flush_at: Option<Instant>,
    /// The ping that waits for its pong: its number and when it went.
    pub(crate) ping: Option<(u64, Instant)>,
    pub(crate) pings: u64,
    /// Messages that could not be encoded, to be told with the next `gap`.
    pub(crate) undelivered: u64,
}

enum Step<R> {
    End(Close),
    Inbound(Inbound),
    Answered(R),
    Outbox,
    Tick,
}

impl<IO, S, O> Running<IO, S, O>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Outcome>,
    S::Error: Into<Rejection>,
    S::Future: Future + Unpin,
    O: Observer,
{
    async fn until_ended(&mut self) -> Ended {
        let mut timer = pin!(sleep_until(self.deadline().into()));
        loop {
            let reading = self.may_read();
            let writable = self.session.socket.pending_bytes() == 0;
            let deadline = self.deadline().into();
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            let Session { socket, outbox, ending, .. } = &mut self.session;
            let held_back = self.flush_at.is_some();
            let step = tokio::select! {
                biased;
                close = ending.requested() => Step::End(close),
                inbound = inbound::next(socket, &mut self.commands, reading) => Step::Inbound(inbound),
                answer = self.calls.next(), if !self.calls.is_empty() => Step::Answered(answer),
                () = waiting(outbox, held_back), if writable => Step::Outbox,
                () = timer.as_mut() => Step::Tick,
            };
            let ended = match step {
                Step::End(close) => Some(Ended { close, by_client: false }),
                Step::Inbound(inbound) => self.inbound(inbound).await,
                Step::Answered((id, result)) => self.answer(id, result).map(by_gateway),
                Step::Outbox => self.outbox(),
                Step::Tick => self.tick().map(by_gateway),
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// Commands are taken only while their answers have room: a client that does not read is not read.
    fn may_read(&self) -> bool {
        self.calls.len() < self.session.settings.max_inflight_commands
            && self.session.replies.has_room(0)
    }

    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        self.stall.look(self.session.socket.pending_bytes(), now);
        [Some(self.heartbeat.next()), self.flush_at, self.stall.due(self.session.settings.write_timeout)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now)
    }

    fn tick(&mut self) -> Option<Close> {
        let now = Instant::now();
        if self.flush_at.is_some_and(|due| due <= now) {
            self.flush(now);
        }
        self.stall.look(self.session.socket.pending_bytes(), now);
        if self.stall.due(self.session.settings.write_timeout).is_some_and(|due| due <= now) {
            return Some(Close::new(CloseCode::SLOW_CONSUMER, "slow consumer: nothing was read in time"));
        }
        if !self.may_read() {
            // The session itself is not listening: silence proves nothing.
            self.heartbeat.heard(now);
        }
        match self.heartbeat.beat(now) {
            Beat::Rest => None,
            Beat::Ask => {
                self.ask(now);
                None
            }
            Beat::Dead => {
                self.observer.stale();
                Some(Close::new(CloseCode::GOING_AWAY, "no sign of life"))
            }
        }
    }

    fn outbox(&mut self) -> Option<Ended> {
        let now = Instant::now();
        match self.flush_time(now) {
            Some(due) if due > now => self.flush_at = Some(due),
            Some(_) => self.flush(now),
            None => {}
        }
        None
    }

    /// Ends the connection from this side, or lets the answer to the client's close go out.
    async fn finish(mut self, ended: Ended) -> Ended {
        let Settings { close_timeout, .. } = self.session.settings;
        if ended.by_client {
            let _ = timeout(close_timeout, self.session.socket.flush()).await;
            return ended;
        }
        if ended.close.code != CloseCode::SLOW_CONSUMER {
            let _ = timeout(close_timeout, self.drain()).await;
        }
        let Close { code, reason } = &ended.close;
        self.session.socket.close(code.0, reason, close_timeout).await;
        ended
    }
}

fn by_gateway(close: Close) -> Ended {
    Ended { close, by_client: false }
}

/// Waits for something to write; while a batch is held back, only for something new.
async fn waiting(outbox: &mut Receiver<Outbound>, held_back: bool) {
    if held_back {
        outbox.changed().await;
    } else {
        outbox.ready().await;
    }
}
