//! `POST /api/v1/publish`: a backend's message to a user, a group, a session or everyone.

use std::borrow::Cow;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate_message::{
    Class, Event, Excluded, MessageId, Priority, Target, class_and_priority, too_deep,
};
use tidegate_server::{Body, Incoming, Problem};
use tidegate_session::Message;

use super::body::{malformed, parsed, whole};
use super::reply::json;
use crate::app::{App, new_message};
use crate::fanout::{Audience, Delivery, Offered, Publication};
use crate::pace;

/// The body of a publication. Unknown fields are an error: a misspelt one must not be lost silently.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish<'a> {
    to: To,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(default, rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    class: Option<Class>,
    #[serde(default)]
    priority: Option<Priority>,
    #[serde(default)]
    exclude: Vec<Excluded>,
    #[serde(default = "yes")]
    optimize: bool,
    #[serde(default = "yes")]
    batch: bool,
    #[serde(default, borrow)]
    confirm: Option<&'a RawValue>,
    #[serde(default, borrow)]
    key: Option<&'a RawValue>,
    #[serde(default, borrow)]
    merge_key: Option<&'a RawValue>,
    #[serde(default, borrow)]
    deliver_at: Option<&'a RawValue>,
    #[serde(default, borrow)]
    delay_ms: Option<&'a RawValue>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`to`: expected \"all\", {\"user\": …}, {\"group\": …} or {\"session\": …}"
)]
enum To {
    All(All),
    Target(Target),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum All {
    All,
}

#[derive(Serialize)]
struct Published {
    message_id: MessageId,
}

pub(crate) async fn publish(
    app: &Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    if request.headers().contains_key("idempotency-key") {
        return Err(unsupported("the header `Idempotency-Key`"));
    }
    let body = whole(app, request).await?;
    let message_id = new_message();
    let (audience, excluded, message) = parse(app, &body, message_id)?;
    let publication = Publication::new(app, message);
    let delivery = match publication.offer(&audience, &excluded) {
        Offered::Done(delivery) => delivery,
        Offered::Waiting(waiting) => waiting.deliver().await,
    };
    pace::give_way().await;
    answer(delivery, message_id)
}

fn answer(delivery: Delivery, message_id: MessageId) -> Result<Response<Body>, Problem> {
    if delivery.is_refused() {
        let detail = "the queues of all receivers are full";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", detail)
            .with_header(http::header::RETRY_AFTER, http::HeaderValue::from_static("1")));
    }
    Ok(json(StatusCode::ACCEPTED, &Published { message_id }))
}

fn parse(
    app: &App,
    body: &[u8],
    message_id: MessageId,
) -> Result<(Audience, Vec<Excluded>, Message), Problem> {
    let max_depth = app.live().config.codec.max_depth;
    if let Some(offset) = too_deep(body, max_depth) {
        return Err(malformed(format!("nested deeper than {max_depth} levels (byte {offset})")));
    }
    if let Some(payload) = bare_string(body) {
        let event = Event::TextMessage { payload, message_id };
        return Ok((Audience::All, Vec::new(), Message::new(&event)));
    }
    let publish: Publish<'_> = parsed(body)?;
    if let Some(field) = publish.unsupported() {
        return Err(unsupported(field));
    }
    let (class, priority) = class_and_priority(publish.class, publish.priority);
    let message = Message {
        optimize: publish.optimize,
        batch: publish.batch,
        ..publish.message(app, message_id)?.ranked(class, priority)
    };
    let audience = match publish.to {
        To::All(All::All) => Audience::All,
        To::Target(target) => Audience::To(target),
    };
    Ok((audience, publish.exclude, message))
}

/// A bare string is delivered as `text_message` (C14).
fn bare_string(body: &[u8]) -> Option<Box<RawValue>> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace())?;
    (*first == b'"').then(|| serde_json::from_slice(body).ok())?
}

impl Publish<'_> {
    fn unsupported(&self) -> Option<&'static str> {
        [
            ("the field `confirm`", self.confirm),
            ("the field `key`", self.key),
            ("the field `merge_key`", self.merge_key),
            ("the field `deliver_at`", self.deliver_at),
            ("the field `delay_ms`", self.delay_ms),
        ]
        .into_iter()
        .find_map(|(name, value)| value.map(|_| name))
    }

    /// The message as clients see it: its type is translated by `[message_types]`.
    fn message(&self, app: &App, message_id: MessageId) -> Result<Message, Problem> {
        let kind = self.kind.as_deref().unwrap_or("message");
        let live = app.live();
        let kind = live.config.message_types.get(kind).map_or(kind, String::as_str);
        if Event::is_reserved(kind) {
            let detail = format!("field `type`: `{kind}` is one of the gateway's own types");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reserved_type", detail));
        }
        let typed = Typed { kind, content: self.content, message_id };
        // Names, ids and JSON text always have a JSON form.
        Ok(Message::from_json(serde_json::to_vec(&typed).unwrap_or_default()))
    }
}

/// A published message of any type.
#[derive(Serialize)]
struct Typed<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    content: &'a RawValue,
    message_id: MessageId,
}

fn unsupported(what: &str) -> Problem {
    let detail = format!("{what} is not supported by this version");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unsupported", detail)
}
