//! What a client may receive, and how it is written as JSON. Content is JSON text and copied as it is.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::rejection::{Code, Rejection};
use crate::{Class, GroupId, MessageId, RequestId, SessionId, StreamId, UserId};

/// One message to a client. `id` is the client's own, of the command that this answers.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Who the session is and what was agreed.
    Welcome(Box<Welcome>),
    /// A directed message, or the echo of one's own.
    Message {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The sender's content, byte for byte.
        content: Box<RawValue>,
        /// The sending user; absent where the backend published.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<UserId>,
        /// The message's id; absent in an echo.
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<MessageId>,
    },
    /// A message to every session.
    Broadcast {
        /// The sender's content, byte for byte.
        content: Box<RawValue>,
        /// The sending user; absent where the backend published.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<UserId>,
        /// The message's id.
        message_id: MessageId,
    },
    /// A bare string that the backend published.
    TextMessage {
        /// The string.
        payload: Box<RawValue>,
        /// The message's id.
        message_id: MessageId,
    },
    /// A run began.
    StreamStart {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The run.
        stream: StreamId,
        /// The session that asked.
        session_id: SessionId,
    },
    /// A piece of the run's answer.
    StreamChunk {
        /// The run.
        stream: StreamId,
        /// A string is text, an object is an agent event with its own `type`.
        data: Box<RawValue>,
    },
    /// The run's end.
    StreamEnd {
        /// The run.
        stream: StreamId,
        /// True: this was the whole answer. False: it was cancelled.
        complete: bool,
    },
    /// The run's end by a fault.
    StreamError {
        /// The run.
        stream: StreamId,
        /// For software.
        code: Cow<'static, str>,
        /// For a person.
        message: Cow<'static, str>,
    },
    /// Over the request limit; the connection stays open.
    RateLimitError {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// For a person.
        message: Cow<'static, str>,
        /// Whole seconds after which a request passes, rounded up.
        retry_after: u64,
    },
    /// The answer to a command without an answer type of its own.
    Reply {
        /// The client's own id.
        id: RequestId,
        /// What the command did.
        #[serde(flatten)]
        result: Reply,
    },
    /// A refused command; the connection stays open.
    Error {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// For software.
        code: &'static str,
        /// For a person: what is wrong and where.
        message: Cow<'static, str>,
        /// The byte at fault.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<usize>,
    },
    /// Something was not delivered: the session's queue overflowed.
    Gap {
        /// Why.
        reason: &'static str,
        /// How many messages.
        dropped: u64,
    },
    /// Who is in a group.
    Presence {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The group.
        group: GroupId,
        /// Its sessions.
        members: Vec<PresentMember>,
    },
    /// Asks for a sign of life.
    Ping,
    /// The answer to `ping`.
    Pong {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
    },
    /// A planned close is near: connect elsewhere first.
    Goaway {
        /// For a person.
        reason: Cow<'static, str>,
        /// Connect again after this many milliseconds,
        reconnect_after_ms: u64,
        /// plus a random share of this many.
        jitter_ms: u64,
        /// Whether the session can be resumed.
        resume: bool,
    },
    /// The statistics.
    StatsResponse {
        /// The client's own id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// As `GET /api/websocket/stats` gives them.
        stats: Box<RawValue>,
    },
}

/// The fields of `welcome`.
#[derive(Clone, Debug, Serialize)]
pub struct Welcome {
    /// The client's own id, where a `hello` or `auth` asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    /// `tidegate.v1`.
    pub protocol: &'static str,
    /// The session.
    pub session: SessionId,
    /// Whose session it is.
    pub user: UserId,
    /// How signs of life are exchanged.
    pub heartbeat: Heartbeat,
    /// The features in force.
    pub agreed: Vec<&'static str>,
}

/// How often the server pings and how long it waits.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Heartbeat {
    /// Between two pings, in milliseconds.
    pub interval_ms: u64,
    /// Without an answer for this long, the connection is dead, in milliseconds.
    pub timeout_ms: u64,
}

/// One session in a group.
#[derive(Clone, Debug, Serialize)]
pub struct PresentMember {
    /// Whose session.
    pub user: UserId,
    /// Which session.
    pub session: SessionId,
}

/// What a command did. Serialises as the fields that are known.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reply {
    /// The message's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// How many sessions the message was handed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered: Option<usize>,
    /// The group joined or left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The run that was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
}

impl Event {
    /// The refusal of a command as the client sees it. The one place where a [`Rejection`] becomes a message.
    #[must_use]
    pub fn refusal(id: Option<RequestId>, rejection: Rejection) -> Self {
        let Rejection { code, message, offset, retry_after } = rejection;
        match code {
            Code::RateLimited => {
                let retry_after = whole_seconds(retry_after.unwrap_or_default());
                Self::RateLimitError { id, message, retry_after }
            }
            _ => Self::Error { id, code: code.as_str(), message, offset },
        }
    }

    /// The event as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Every field is a string, a number, a list of those or JSON text: none of them can fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a type is one that only the gateway itself may send: `message` and `broadcast` are a backend's too.
    #[must_use]
    pub fn is_reserved(kind: &str) -> bool {
        const RESERVED: [&str; 15] = [
            "welcome",
            "batch",
            "text_message",
            "stream_start",
            "stream_chunk",
            "stream_end",
            "stream_error",
            "rate_limit_error",
            "reply",
            "error",
            "gap",
            "ping",
            "pong",
            "goaway",
            "stats_response",
        ];
        RESERVED.contains(&kind)
    }

    /// The delivery class that the event has by itself; a message's comes from its sender.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::StreamStart { .. }
            | Self::StreamEnd { .. }
            | Self::StreamError { .. }
            | Self::Goaway { .. } => Class::Critical,
            Self::Ping | Self::Presence { .. } => Class::Droppable,
            _ => Class::Coalescible,
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
