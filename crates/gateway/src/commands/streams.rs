//! Starting a run.

use std::sync::Arc;

use serde_json::value::RawValue;
use tidegate_message::{Code, Event, Outcome, Rejection, RequestId};
use tidegate_session::{Message, Outbound, Sent};

use super::Refusal;
use crate::app::{App, new_stream};
use crate::connection::Me;
use crate::observe::count;
use crate::upstream::{self, Route, Run};

/// Starts a run and says `stream_start`; the rest comes from the run's own task.
pub(crate) fn start(
    app: &Arc<App>,
    me: &Me,
    id: Option<RequestId>,
    input: &RawValue,
    route: Option<&str>,
    kind: Option<&str>,
) -> Result<Outcome, Refusal> {
    let route = find(app, route, kind)?;
    let stream = new_stream();
    let max = app.live().config.stream.max_streams_per_session;
    let Some(ticket) = app.runs.start(me.session, stream, max) else {
        let message = format!("{max} streams of this session are under way already");
        return Err(Rejection::new(Code::LimitReached, message).into());
    };
    // Last: a run that does not start takes nothing of its route's limit.
    route.admit()?;
    let start = Message::new(&Event::StreamStart { id, stream, session_id: me.session });
    // Through the outbox, so that it stands before the first chunk.
    let key = Outbound::stream_key(stream);
    if me.handle.send(Outbound::Own(start.ordered(key))) != Sent::Queued {
        return Ok(Outcome::Silent);
    }
    count(&app.counts.streams_started);
    let facts = Arc::clone(&me.facts);
    let run = Run {
        app: Arc::clone(app),
        route,
        asker: me.asker(),
        handle: me.handle.clone(),
        stream,
        input: input.to_owned(),
    };
    // The run ends with its answer, by `cancel`, or when its session is gone: see `Runs`.
    tokio::spawn(async move {
        facts.follow();
        upstream::stream(run, ticket).await;
        facts.unfollow();
    });
    Ok(Outcome::Silent)
}

fn find(app: &App, route: Option<&str>, kind: Option<&str>) -> Result<Arc<Route>, Rejection> {
    let live = app.live();
    let routes = &live.routes;
    let found = match (route, kind) {
        (Some(name), _) => routes.named(name).ok_or_else(|| {
            Rejection::new(
                Code::NotFound,
                "no route of this name: see `routes` in the configuration",
            )
        }),
        (None, Some(kind)) => routes
            .for_type(kind)
            .ok_or_else(|| Rejection::new(Code::UnknownType, format!("unknown type `{kind}`"))),
        (None, None) => routes.for_streams().ok_or_else(|| {
            Rejection::new(
                Code::NoRoute,
                "no default route: set `default = true` in one of `[[routes]]`",
            )
        }),
    };
    found.cloned()
}
