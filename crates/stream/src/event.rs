//! What a stream says, free of how it was framed, and how much each event matters.

use serde_json::value::RawValue;
use tidegate_message::Class;

/// The agent events that are critical unless the configuration names others.
///
/// The beginning, end and failure of a stream are critical too; they are the gateway's own messages, and
/// stand here so that one list answers for all.
pub const CRITICAL_MESSAGE_TYPES: &[&str] = &[
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
    "approval_request",
    "stream_start",
    "stream_end",
    "stream_error",
];

/// The class of an event of this kind: [`Class::Critical`] if the list names it, the default class otherwise.
///
/// ```
/// use tidegate_message::Class;
/// use tidegate_stream::{CRITICAL_MESSAGE_TYPES, classify};
/// assert_eq!(classify("tool_executing", CRITICAL_MESSAGE_TYPES), Class::Critical);
/// assert_eq!(classify("progress", CRITICAL_MESSAGE_TYPES), Class::Coalescible);
/// assert_eq!(classify("progress", &["progress".to_owned()]), Class::Critical);
/// ```
#[must_use]
pub fn classify<S: AsRef<str>>(kind: &str, critical: &[S]) -> Class {
    if critical.iter().any(|name| name.as_ref() == kind) {
        Class::Critical
    } else {
        Class::default()
    }
}

/// One thing that a stream says.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Text of the answer; never empty. Neighbours may be joined.
    Text(String),
    /// Something that happened besides the text.
    Agent(AgentEvent),
    /// The upstream says that the answer is whole. Nothing follows.
    Done,
    /// The upstream says that it failed. Nothing follows.
    Failed {
        /// The upstream's own code, or `upstream_error` if it gave none.
        code: String,
        /// The upstream's words.
        message: String,
    },
}

/// An event besides the text: a tool call, a thought, a question for approval.
#[derive(Clone, Debug)]
pub struct AgentEvent {
    /// The object as the upstream wrote it, byte for byte.
    pub json: Box<RawValue>,
    /// The object's own `type`. Where it has none: the name of the server-sent event, or of the member of an
    /// OpenAI delta that is not text (`tool_calls`), or nothing.
    pub kind: String,
    /// What may happen to it when the reader is slow.
    pub class: Class,
}

impl PartialEq for AgentEvent {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get() && self.kind == other.kind && self.class == other.class
    }
}
