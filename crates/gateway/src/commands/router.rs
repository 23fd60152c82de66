//! The end of a session's stack: each command to its handler.

use std::sync::Arc;
use std::task::{Context, Poll};

use serde_json::value::to_raw_value;
use tidegate_message::{Code, Command, Event, Outcome, Rejection, Reply, Request};
use tower_service::Service;

use super::{Call, Refusal, auth, groups, messages, streams, welcome};
use crate::connection::Me;
use crate::stats;

/// Routes the commands of one session.
pub(crate) struct Router(pub(crate) Arc<Me>);

impl Service<Request> for Router {
    type Response = Outcome;
    type Error = Refusal;
    type Future = Call;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, Request { id, command }: Request) -> Call {
        let Self(me) = self;
        let app = &me.app;
        match command {
            Command::Message { content } => messages::message(app, me, id, content),
            Command::Broadcast { content, exclude } => {
                Call::ready(messages::broadcast(app, me, content, exclude))
            }
            Command::Send(send) => messages::send(app, me, *send),
            Command::Join { group, weight } => Call::ready(groups::join(app, me, group, weight)),
            Command::Leave { group } => Call::ready(groups::leave(app, me, group)),
            Command::Presence { group } => Call::ready(groups::presence(app, id, group)),
            Command::Stream { input, route, kind } => {
                Call::ready(streams::start(app, me, id, &input, route.as_deref(), kind.as_deref()))
            }
            Command::Cancel { stream } => Call::ready(match app.runs.cancel(me.session, stream) {
                true => Ok(Outcome::Done(Reply { stream: Some(stream), ..Reply::default() })),
                false => Err(Rejection::new(Code::NotFound, "no such stream").into()),
            }),
            Command::Hello { agree } => {
                let features = me.offered().asked(agree.iter().map(String::as_str));
                let user = &me.identity.user;
                Call::ready(Ok(Outcome::Agreed(welcome(app, me.session, user, features, id))))
            }
            Command::Ping => Call::ready(Ok(Outcome::Answer(Event::Pong { id }))),
            Command::Pong => Call::ready(Ok(Outcome::Silent)),
            Command::Auth { token } => auth::auth(me, id, &token),
            Command::GetStats => {
                // Numbers and names always have a JSON form.
                let stats =
                    to_raw_value(&stats::seen_by(app, &me.lease.identity())).unwrap_or_default();
                Call::ready(Ok(Outcome::Answer(Event::StatsResponse { id, stats })))
            }
            Command::Other { kind, content } => messages::other(app, me, id, &kind, content),
            other => {
                tracing::error!(?other, "a command without a handler");
                let rejection = Rejection::new(Code::Unsupported, "not supported by this version");
                Call::ready(Err(rejection.into()))
            }
        }
    }
}
