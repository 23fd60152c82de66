//! What a client may ask for, parsed once at the edge. Content stays JSON text: it is passed on byte for
//! byte, never re-encoded.

use serde_json::value::RawValue;

use crate::depth::too_deep;
use crate::envelope::{self, Envelope};
use crate::rejection::{Code, Rejection};
use crate::{Class, Excluded, GroupId, Priority, RequestId, StreamId, Target};

/// A parsed message from a client.
#[derive(Debug)]
pub struct Request {
    /// The client's own id, which its answer carries.
    pub id: Option<RequestId>,
    /// What it asks for.
    pub command: Command,
}

/// One command. Unknown fields are ignored; known ones that are not served yet are refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum Command {
    /// To the bound route; echoed where none is configured.
    Message {
        /// Any JSON value.
        content: Box<RawValue>,
    },
    /// To every session but the sender's.
    Broadcast {
        /// Any JSON value.
        content: Box<RawValue>,
        /// Who does not get it.
        exclude: Vec<Excluded>,
    },
    /// To a user, a group or a session.
    Send(Box<Send>),
    /// Subscribes the session to a group.
    Join {
        /// The group.
        group: GroupId,
        /// The session's share under the strategy `weighted`; at least 1.
        weight: Option<u32>,
    },
    /// Ends the subscription.
    Leave {
        /// The group.
        group: GroupId,
    },
    /// Who is in a group.
    Presence {
        /// The group.
        group: GroupId,
    },
    /// Starts a run whose answer is a stream.
    Stream {
        /// What the upstream is asked: `query`, `input` or `content`.
        input: Box<RawValue>,
        /// The route by name; the default route otherwise.
        route: Option<String>,
        /// The message's own `type`, where it is one that a route serves.
        kind: Option<String>,
    },
    /// Stops a run.
    Cancel {
        /// The run.
        stream: StreamId,
    },
    /// Asks for features; answered by another `welcome`.
    Hello {
        /// The features' names.
        agree: Vec<String>,
    },
    /// A sign of life that wants a `pong`.
    Ping,
    /// A sign of life.
    Pong,
    /// Says, or says again, who the session is.
    Auth {
        /// A JSON Web Token.
        token: String,
    },
    /// Asks for the statistics.
    GetStats,
    /// A type that is none of the above: the configuration may bind it to a route.
    Other {
        /// The message's `type`.
        kind: String,
        /// `content`, or the whole message where it has none.
        content: Box<RawValue>,
    },
}

/// A directed message.
#[derive(Debug)]
pub struct Send {
    /// Its receivers.
    pub to: Target,
    /// Any JSON value.
    pub content: Box<RawValue>,
    /// What may happen to it when a receiver is slow.
    pub class: Class,
    /// Which goes first when several wait.
    pub priority: Priority,
    /// Who does not get it.
    pub exclude: Vec<Excluded>,
}

impl Request {
    /// Parses one message: a JSON object with a `type`.
    ///
    /// ```
    /// use tidegate_message::{Command, Request};
    /// let request = Request::parse(br#"{"type":"message","id":7,"content":"hi"}"#, 128).unwrap();
    /// assert_eq!(request.id.unwrap().as_json(), "7");
    /// assert!(matches!(request.command, Command::Message { .. }));
    /// ```
    ///
    /// # Errors
    /// The rejection, with the `id` where one could be read. Its message names the byte or the field.
    pub fn parse(json: &[u8], max_depth: usize) -> Result<Self, Box<Refused>> {
        if let Some(offset) = too_deep(json, max_depth) {
            let message = format!("nested deeper than {max_depth} levels (byte {offset})");
            return Err(Refused::new(None, Rejection::new(Code::Malformed, message).at(offset)));
        }
        let fields = Envelope::parse(json).map_err(|rejection| Refused::new(None, rejection))?;
        let id = match fields.id {
            None => None,
            Some(raw) => Some(RequestId::new(raw).ok_or_else(|| {
                Refused::new(
                    None,
                    Rejection::field("id", "a string or number of at most 128 bytes"),
                )
            })?),
        };
        match command(&fields, json) {
            Ok(command) => Ok(Self { id, command }),
            Err(rejection) => Err(Refused::new(id, rejection)),
        }
    }
}

/// A message that was refused while parsing, with the id that its answer must carry.
#[derive(Debug)]
pub struct Refused {
    /// The client's own id, where it could be read.
    pub id: Option<RequestId>,
    /// Why.
    pub rejection: Rejection,
}

impl Refused {
    fn new(id: Option<RequestId>, rejection: Rejection) -> Box<Self> {
        Box::new(Self { id, rejection })
    }
}

impl Command {
    /// Whether the command costs nothing at the request limit (it has a bound of its own).
    #[must_use]
    pub const fn is_free(&self) -> bool {
        matches!(self, Self::Ping | Self::Pong | Self::Cancel { .. } | Self::Auth { .. })
    }
}

/// Commands of the protocol that need the log, which is not there yet.
const UNSUPPORTED: [&str; 4] = ["resume", "attach", "detach", "ack"];

fn command(fields: &Envelope<'_>, json: &[u8]) -> Result<Command, Rejection> {
    let kind = envelope::kind(fields.kind)?;
    if UNSUPPORTED.contains(&kind.as_ref()) {
        return Err(Rejection::new(
            Code::Unsupported,
            format!("`{kind}` is not supported by this version"),
        ));
    }
    if let Some(field) = fields.unsupported_field() {
        return Err(Rejection::new(
            Code::Unsupported,
            format!("field `{field}` is not supported by this version"),
        ));
    }
    if kind == "stream" || fields.wants_stream() {
        return stream(&kind, fields);
    }
    Ok(match kind.as_ref() {
        "message" => Command::Message { content: envelope::raw("content", fields.content)? },
        "broadcast" => Command::Broadcast {
            content: envelope::raw("content", fields.content)?,
            exclude: exclude(fields)?,
        },
        "send" => send(fields)?,
        "join" => Command::Join { group: group(fields)?, weight: weight(fields)? },
        "leave" => Command::Leave { group: group(fields)? },
        "presence" => Command::Presence { group: group(fields)? },
        "cancel" => Command::Cancel {
            stream: envelope::required("stream", fields.stream, "a stream's id")?,
        },
        "hello" => Command::Hello {
            agree: envelope::optional("agree", fields.agree, "an array of strings")?
                .unwrap_or_default(),
        },
        "ping" => Command::Ping,
        "pong" => Command::Pong,
        "auth" => Command::Auth { token: envelope::required("token", fields.token, "a string")? },
        "get_stats" => Command::GetStats,
        _ => other(&kind, fields, json)?,
    })
}

fn group(fields: &Envelope<'_>) -> Result<GroupId, Rejection> {
    envelope::required("group", fields.group, "a name of 1 to 128 bytes")
}

fn weight(fields: &Envelope<'_>) -> Result<Option<u32>, Rejection> {
    match envelope::optional("weight", fields.weight, "a whole number from 1")? {
        Some(0) => Err(Rejection::field("weight", "a whole number from 1")),
        weight => Ok(weight),
    }
}

fn exclude(fields: &Envelope<'_>) -> Result<Vec<Excluded>, Rejection> {
    let expected = r#"an array of {"user": …} and {"session": …}"#;
    Ok(envelope::optional("exclude", fields.exclude, expected)?.unwrap_or_default())
}

fn send(fields: &Envelope<'_>) -> Result<Command, Rejection> {
    let to = envelope::required("to", fields.to, r#"{"user": …}, {"group": …} or {"session": …}"#)?;
    let (class, priority) = class_and_priority(
        envelope::optional("class", fields.class, r#""critical", "coalescible" or "droppable""#)?,
        envelope::optional(
            "priority",
            fields.priority,
            r#""low", "normal", "high" or "critical""#,
        )?,
    );
    Ok(Command::Send(Box::new(Send {
        to,
        content: envelope::raw("content", fields.content)?,
        class,
        priority,
        exclude: exclude(fields)?,
    })))
}

/// Either `critical` implies the other: a message is critical or it is not.
#[must_use]
pub fn class_and_priority(class: Option<Class>, priority: Option<Priority>) -> (Class, Priority) {
    match (class, priority) {
        (Some(Class::Critical), _) | (_, Some(Priority::Critical)) => {
            (Class::Critical, Priority::Critical)
        }
        (class, priority) => (class.unwrap_or_default(), priority.unwrap_or_default()),
    }
}

fn stream(kind: &str, fields: &Envelope<'_>) -> Result<Command, Rejection> {
    let input = fields.query.or(fields.input).or(fields.content).ok_or_else(|| {
        Rejection::new(Code::InvalidField, "one of `query`, `input` and `content` must be given")
    })?;
    Ok(Command::Stream {
        input: input.to_owned(),
        route: envelope::optional("route", fields.route, "a route's name")?,
        kind: (kind != "stream" && kind != "message").then(|| kind.to_owned()),
    })
}

fn other(kind: &str, fields: &Envelope<'_>, json: &[u8]) -> Result<Command, Rejection> {
    let content = match fields.content {
        Some(content) => content.to_owned(),
        // The envelope was parsed from these bytes, so this cannot fail; a refusal beats a panic all the same.
        None => {
            serde_json::from_slice(json).map_err(|_| Rejection::new(Code::Malformed, "not JSON"))?
        }
    };
    Ok(Command::Other { kind: kind.to_owned(), content })
}
