//! The way in: from a frame to a command, and from a command's outcome to its answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tidegate_message::{
    Close, CloseCode, Code, Event, Outcome, Rejection, Request, RequestId, Welcome,
};
use tidegate_payload_codec::{CodecError, Encoding, Form, Kind};
use tidegate_ws::{Error, Event as Frame, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::features::Features;
use crate::flow::Flow;
use crate::message::Message;
use crate::observer::Observer;
use crate::session::{Ended, Rest, Running};

/// What came of waiting for the client.
pub(crate) enum Inbound {
    Frame(Frame),
    /// Something of the socket's line is written: it is time to look at what is left.
    Written,
    Broken(Error),
}

/// The next frame; writes what is queued meanwhile. A service that is not ready, or `may_read` false, stops the
/// reading alone: that is TCP's backpressure.
pub(crate) fn poll_next<IO, S>(
    socket: &mut Socket<IO>,
    commands: &mut S,
    may_read: bool,
    flow: &mut Flow,
    cx: &mut Context<'_>,
) -> Poll<Inbound>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request>,
{
    let unwritten = socket.pending_bytes();
    // A service that failed is called all the same: its call says why.
    let reading = may_read && commands.poll_ready(cx).is_ready();
    let polled = if reading {
        match socket.poll_next(cx) {
            Poll::Ready(Ok(frame)) => Poll::Ready(Inbound::Frame(frame)),
            Poll::Ready(Err(error)) => Poll::Ready(Inbound::Broken(error)),
            Poll::Pending => Poll::Pending,
        }
    } else {
        match socket.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Inbound::Broken(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    };
    flow.looked(reading, polled.is_pending(), socket.pending_bytes());
    match polled {
        Poll::Pending if socket.pending_bytes() < unwritten => Poll::Ready(Inbound::Written),
        polled => polled,
    }
}

/// The commands in work, each with the id that its answer carries. Nothing is allocated while there are none.
pub(crate) struct Calls<F>(Option<Box<FuturesUnordered<Call<F>>>>);

struct Call<F> {
    id: Option<RequestId>,
    future: F,
}

impl<F: Future + Unpin> Future for Call<F> {
    type Output = (Option<RequestId>, F::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.future).poll(cx).map(|output| (self.id.take(), output))
    }
}

impl<F> Calls<F> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |calls| calls.len())
    }
}

impl<F: Future + Unpin> Calls<F> {
    fn push(&mut self, call: Call<F>) {
        self.0.get_or_insert_default().push(call);
    }

    /// The next one that is done; never ready while there is none.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(Option<RequestId>, F::Output)> {
        let Some(calls) = &mut self.0 else { return Poll::Pending };
        match calls.poll_next_unpin(cx) {
            Poll::Ready(Some(done)) => Poll::Ready(done),
            Poll::Ready(None) => {
                self.0 = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// One that is done by now, if any is.
    pub(crate) fn done(&mut self) -> Option<(Option<RequestId>, F::Output)> {
        self.0.as_mut()?.next().now_or_never().flatten()
    }
}

impl<IO, S, O> Running<IO, S, O>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request, Response = Outcome>,
    S::Error: Into<Rejection>,
    S::Future: Future<Output = Result<Outcome, S::Error>> + Unpin,
    O: Observer,
{
    pub(crate) fn inbound(
        &mut self,
        inbound: Inbound,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<(Ended, Rest)> {
        let frame = match inbound {
            Inbound::Written => return None,
            Inbound::Broken(error) => return Some(broken(&error)),
            Inbound::Frame(frame) => frame,
        };
        self.was_heard = true;
        self.heartbeat.heard(now);
        let close = match frame {
            Frame::Text(text) => self.payload(text.into(), Kind::Text, cx, now),
            Frame::Binary(bytes) => self.payload(bytes, Kind::Binary, cx, now),
            Frame::Pong(payload) => {
                self.ponged(&payload, now);
                None
            }
            Frame::Close(frame) => {
                let (code, reason) =
                    frame.map_or((1005, String::new()), |f| (f.code, f.reason.to_string()));
                let close = Close { code: CloseCode(code), reason: reason.into() };
                return Some((Ended { close, by_client: true }, Rest::Lost));
            }
            _ => None,
        };
        close.map(by_gateway)
    }

    fn payload(
        &mut self,
        bytes: Bytes,
        kind: Kind,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<Close> {
        self.observer.received(bytes.len(), now);
        let json = match self.decode(bytes, kind) {
            Ok(json) => json,
            // A payload that grows beyond the limit is as large as one that came so.
            Err(error) if error.is_too_large() => {
                return Some(Close { code: CloseCode(1009), reason: error.to_string().into() });
            }
            Err(error) => return self.refuse(None, undecodable(&error), now),
        };
        let request = match Request::parse(&json, self.session.settings.max_depth) {
            Ok(request) => request,
            Err(refused) => return self.refuse(refused.id, refused.rejection, now),
        };
        let id = request.id.clone();
        let mut call = Call { id, future: self.commands.call(request) };
        // Most commands answer at once: those are never put into the set, and nothing is allocated for them.
        match Pin::new(&mut call).poll(cx) {
            Poll::Ready((id, result)) => self.answer(id, result, now),
            Poll::Pending => {
                self.calls.push(call);
                None
            }
        }
    }

    /// The client's bytes as JSON. Plain JSON is passed on as it came.
    fn decode(&self, bytes: Bytes, kind: Kind) -> Result<Bytes, CodecError> {
        let form = self.session.reach.encoder.agreed_form();
        if matches!(
            (kind, form),
            (Kind::Text, Form { encoding: Encoding::Json, optimize: false, .. })
        ) {
            return Ok(bytes);
        }
        self.session.reach.encoder.codec().decode(&bytes, kind, form)
    }

    pub(crate) fn answer(
        &mut self,
        id: Option<RequestId>,
        result: Result<Outcome, S::Error>,
        now: Instant,
    ) -> Option<Close> {
        match result {
            Err(error) => return self.refuse(id, error.into(), now),
            Ok(Outcome::Silent) => {}
            Ok(Outcome::Done(result)) => {
                if let Some(id) = id {
                    self.reply(&Event::Reply { id, result }, now);
                }
            }
            Ok(Outcome::Answer(event)) => self.reply(&event, now),
            Ok(Outcome::Agreed(welcome)) => self.agree(welcome, now),
            Ok(Outcome::Welcomed(mut welcome)) => {
                welcome.agreed = self.session.reach.encoder.features().names();
                self.write_plain(&Message::new(&Event::Welcome(welcome)));
            }
            Ok(other) => tracing::error!(?other, "an outcome that this session does not know"),
        }
        None
    }

    /// What follows the `welcome` is written in the new form; the `welcome` itself is plain.
    fn agree(&mut self, welcome: Box<Welcome>, now: Instant) {
        let features = Features::ALL.asked(welcome.agreed.iter().copied());
        self.write_plain(&Message::new(&Event::Welcome(welcome)));
        self.session.reach.encoder.set_features(features);
        self.flushed(now);
    }

    fn refuse(
        &mut self,
        id: Option<RequestId>,
        rejection: Rejection,
        now: Instant,
    ) -> Option<Close> {
        let malformed = rejection.is_malformed();
        self.reply(&Event::refusal(id, rejection), now);
        (malformed && self.malformed.note(self.session.settings.max_malformed, now))
            .then(|| Close::new(CloseCode::POLICY, "too many malformed messages"))
    }

    fn ponged(&mut self, payload: &[u8], now: Instant) {
        if let Some(latency) = self.heartbeat.ponged(payload, now) {
            self.observer.ponged(latency, now);
        }
    }
}

fn undecodable(error: &CodecError) -> Rejection {
    let rejection = Rejection::new(Code::Malformed, error.to_string());
    match error.offset() {
        Some(offset) => rejection.at(offset),
        None => rejection,
    }
}

/// A broken connection is 1006; a broken rule is said to the client, and nothing more.
fn broken(error: &Error) -> (Ended, Rest) {
    let (code, by_client) = match error {
        Error::Protocol(error) => (error.close_code(), false),
        _ => (1006, true),
    };
    let close = Close { code: CloseCode(code), reason: error.to_string().into() };
    (Ended { close, by_client }, Rest::Lost)
}

/// What waits is still written, but not to who does not take it.
pub(crate) fn by_gateway(close: Close) -> (Ended, Rest) {
    let rest = match close.code {
        CloseCode::SLOW_CONSUMER => Rest::Lost,
        _ => Rest::Written,
    };
    (Ended { close, by_client: false }, rest)
}
