//! A run: an upstream's answer on its way to one session, as a stream or as one message.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::{RawValue, to_raw_value};
use tidegate_message::{Class, Event, Priority, SessionId, StreamId, UserId};
use tidegate_session::{Handle, Message, Outbound, Sent};
use tidegate_stream::Event as Said;
use tokio::time::timeout;

use super::answer::{Answer, Next};
use super::{Failure, Route};
use crate::app::App;
use crate::observe::count;
use crate::runs::Ticket;

/// Who asks, as the upstream is told.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl Asker {
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let pairs = [
            ("tidegate-user", HeaderValue::from_bytes(self.user.as_str().as_bytes())),
            ("tidegate-session", HeaderValue::from_str(&self.session.to_string())),
        ];
        for (name, value) in pairs {
            if let Ok(value) = value {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Asks a route and waits for the whole answer: its text as a JSON string, or its one event as it is.
pub(crate) async fn ask(
    app: &Arc<App>,
    route: &Arc<Route>,
    asker: &Asker,
    input: &RawValue,
) -> Result<Box<RawValue>, Failure> {
    let max = app.live().config.stream.max_event_bytes.bytes();
    let mut answer = Answer::open(app, route, asker, input).await?;
    let mut text = String::new();
    let mut events: Vec<Box<RawValue>> = Vec::new();
    let mut bytes = 0;
    while let Next::Event(event) = answer.next().await? {
        match event {
            Said::Text(more) => {
                bytes += more.len();
                text.push_str(&more);
            }
            Said::Agent(event) => {
                bytes += event.json.get().len();
                events.push(event.json);
            }
            Said::Done | Said::Failed { .. } => {}
        }
        if bytes > max {
            return Err(Failure::new(
                "upstream_too_large",
                format!("the answer is larger than {max} bytes"),
            ));
        }
    }
    let content = match (text.is_empty(), events.len()) {
        (true, 1) => return Ok(events.swap_remove(0)),
        (true, 2..) => to_raw_value(&events),
        _ => to_raw_value(&text),
    };
    content.map_err(|error| Failure::malformed(&error))
}

/// One run, on its way to the session that asked.
pub(crate) struct Run {
    pub(crate) app: Arc<App>,
    pub(crate) route: Arc<Route>,
    pub(crate) asker: Asker,
    pub(crate) handle: Handle,
    pub(crate) stream: StreamId,
    pub(crate) input: Box<RawValue>,
}

/// How a run ended.
enum Ending {
    Whole,
    Cancelled,
    Failed(Failure),
    /// Nobody listens any more.
    Gone,
}

/// Carries an answer to its end: until it is whole, cancelled, failed, or nobody is there to hear it.
/// Dropping the answer closes the upstream's request.
pub(crate) async fn stream(run: Run, ticket: Ticket) {
    let limit = run.app.live().config.stream.max_duration;
    let ending = tokio::select! {
        biased;
        () = ticket.cancelled() => Ending::Cancelled,
        ending = timeout(limit, run.carry()) => ending.unwrap_or_else(|_| too_long(limit)),
    };
    run.end(ending).await;
    drop(ticket);
}

/// An event that does not even fit an empty outbox.
fn too_large() -> Failure {
    Failure::new("upstream_too_large", "an event of the answer is larger than a session's queue")
}

fn too_long(limit: Duration) -> Ending {
    let message = format!("the answer took longer than {} s", limit.as_secs_f64());
    Ending::Failed(Failure::new("stream_too_long", message))
}

impl Run {
    async fn carry(&self) -> Ending {
        let opened = Answer::open(&self.app, &self.route, &self.asker, &self.input).await;
        let mut answer = match opened {
            Ok(answer) => answer,
            Err(failure) => return Ending::Failed(failure),
        };
        loop {
            let event = match answer.next().await {
                Ok(Next::Event(event)) => event,
                Ok(Next::End) => return Ending::Whole,
                Err(failure) => return Ending::Failed(failure),
            };
            let Some(message) = self.message(event) else { continue };
            // A full outbox holds the run here, and with it the reading of the upstream.
            match self.handle.send_waiting(message).await {
                Sent::Queued | Sent::Dropped => {}
                Sent::Closed => return Ending::Gone,
                Sent::Full => return Ending::Failed(too_large()),
            }
        }
    }

    fn message(&self, event: Said) -> Option<Outbound> {
        let stream = self.stream;
        match event {
            Said::Text(text) => Some(Outbound::Text { stream, text }),
            Said::Agent(event) => {
                let priority = match event.class {
                    Class::Critical => Priority::Critical,
                    _ => Priority::Normal,
                };
                let message = Message::new(&Event::StreamChunk { stream, data: event.json });
                Some(self.ordered(message.ranked(event.class, priority)))
            }
            Said::Done | Said::Failed { .. } => None,
        }
    }

    fn ordered(&self, message: Message) -> Outbound {
        Outbound::Own(message.ordered(Outbound::stream_key(self.stream)))
    }

    async fn end(self, ending: Ending) {
        let counts = &self.app.counts;
        let stream = self.stream;
        let event = match ending {
            Ending::Gone => return count(&counts.streams_cancelled),
            Ending::Whole => {
                count(&counts.streams_completed);
                Event::StreamEnd { stream, complete: true }
            }
            Ending::Cancelled => {
                count(&counts.streams_cancelled);
                Event::StreamEnd { stream, complete: false }
            }
            Ending::Failed(Failure { code, message }) => {
                count(&counts.streams_failed);
                tracing::warn!(%stream, route = self.route.name, %code, %message, "stream failed");
                Event::StreamError { stream, code, message }
            }
        };
        // If the session is gone, nobody is left to be told.
        let _ = self.handle.send_waiting(self.ordered(Message::new(&event))).await;
    }
}
