//! Messages: echoed, sent to others, or answered by a route.

use std::sync::Arc;

use serde_json::value::RawValue;
use tidegate_message::{
    Code, Event, Excluded, MessageId, Outcome, Rejection, Reply, RequestId, Send,
};
use tidegate_session::Message;

use super::{Call, Refusal};
use crate::app::{App, new_message};
use crate::connection::Me;
use crate::fanout::{Audience, Delivery, Offered, Publication};
use crate::upstream::{self, Route};

/// To the default route, or back to its sender where none is configured.
pub(crate) fn message(
    app: &Arc<App>,
    me: &Me,
    id: Option<RequestId>,
    content: Box<RawValue>,
) -> Call {
    match app.live().routes.for_messages() {
        Some(route) => ask(app, me, route, id, content),
        None => Call::ready(Ok(Outcome::Answer(Event::Message {
            id,
            content,
            from: None,
            message_id: None,
        }))),
    }
}

/// A type that the configuration binds to a route.
pub(crate) fn other(
    app: &Arc<App>,
    me: &Me,
    id: Option<RequestId>,
    kind: &str,
    content: Box<RawValue>,
) -> Call {
    match app.live().routes.for_type(kind) {
        Some(route) => ask(app, me, route, id, content),
        None => {
            let message = format!("unknown type `{kind}`");
            Call::ready(Err(Rejection::new(Code::UnknownType, message).into()))
        }
    }
}

/// Asks a route and answers with all it said, as one message.
fn ask(
    app: &Arc<App>,
    me: &Me,
    route: &Arc<Route>,
    id: Option<RequestId>,
    input: Box<RawValue>,
) -> Call {
    if let Err(refused) = route.admit() {
        return Call::ready(Err(refused.into()));
    }
    let (app, route, asker) = (Arc::clone(app), Arc::clone(route), me.asker());
    Call::boxed(async move {
        match upstream::ask(&app, &route, &asker, &input).await {
            Ok(content) => {
                Ok(Outcome::Answer(Event::Message { id, content, from: None, message_id: None }))
            }
            Err(failure) => Err(Rejection::from(failure).into()),
        }
    })
}

/// To every session but its sender's.
pub(crate) fn broadcast(
    app: &App,
    me: &Me,
    content: Box<RawValue>,
    mut exclude: Vec<Excluded>,
) -> Result<Outcome, Refusal> {
    exclude.push(Excluded::Session(me.session));
    let message_id = new_message();
    let from = Some(me.identity.user.clone());
    let message = Message::new(&Event::Broadcast { content, from, message_id });
    let delivery = Publication::new(app, message).fan_out(&Audience::All, &exclude);
    Ok(published(message_id, delivery))
}

/// To a user, a group or a session. Only a full queue of a directed message's receiver takes time.
pub(crate) fn send(app: &Arc<App>, me: &Me, send: Send) -> Call {
    let message_id = new_message();
    let Send { to, content, class, priority, exclude } = send;
    let from = Some(me.identity.user.clone());
    let event = Event::Message { id: None, content, from, message_id: Some(message_id) };
    let message = Message::new(&event).ranked(class, priority);
    let publication = Publication::new(app, message);
    match publication.offer(&Audience::To(to), &exclude) {
        Offered::Done(delivery) => Call::ready(Ok(published(message_id, delivery))),
        Offered::Waiting(waiting) => Call::boxed(async move {
            let delivery = waiting.deliver().await;
            if delivery.is_refused() {
                let message = "the receiver's queue is full";
                return Err(Rejection::new(Code::QueueFull, message).into());
            }
            Ok(published(message_id, delivery))
        }),
    }
}

fn published(message_id: MessageId, delivery: Delivery) -> Outcome {
    let delivered = Some(delivery.delivered);
    Outcome::Done(Reply { message_id: Some(message_id), delivered, ..Reply::default() })
}
