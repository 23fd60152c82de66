//! What a unit means: one file per vocabulary, and what they share.

use std::sync::Arc;

use serde_json::value::RawValue;
use tidegate_message::Class;

use crate::{AgentEvent, CRITICAL_MESSAGE_TYPES, Event, ParseError, classify, json, openai};

/// What an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vocabulary {
    /// `chat.completion.chunk` objects of the OpenAI chat-completions API, as many servers speak it.
    OpenAiChat,
    /// A JSON string is text; an object is an agent event with its own `type`, passed on untouched.
    Json,
    /// All is text: the data of each server-sent event, or the bytes as they come.
    Text,
}

/// One unit, wherever it was found.
#[derive(Clone, Copy)]
pub(crate) struct Unit<'a> {
    pub(crate) at: u64,
    /// The name of a server-sent event; empty if it has none.
    pub(crate) name: &'a str,
    pub(crate) data: &'a str,
}

/// What has been understood so far.
#[derive(Debug)]
pub(crate) struct Reader {
    vocabulary: Vocabulary,
    pub(crate) critical: Critical,
    /// `Done` or `Failed` was given: what follows is not read.
    pub(crate) ended: bool,
    pub(crate) finish_reason: Option<String>,
}

impl Reader {
    pub(crate) const fn new(vocabulary: Vocabulary) -> Self {
        Self { vocabulary, critical: Critical::Default, ended: false, finish_reason: None }
    }

    /// Whether nothing is missing if the body ends here.
    pub(crate) const fn may_end(&self) -> bool {
        let needs_terminal = matches!(self.vocabulary, Vocabulary::OpenAiChat);
        self.ended || !needs_terminal || self.finish_reason.is_some()
    }

    /// Says what one unit means.
    pub(crate) fn read(&mut self, unit: Unit<'_>, out: &mut Vec<Event>) -> Result<(), ParseError> {
        if self.ended {
            return Ok(());
        }
        if unit.data.trim_ascii() == "[DONE]" {
            self.end(Event::Done, out);
            return Ok(());
        }
        match self.vocabulary {
            Vocabulary::Text => {
                push_text(unit.data.to_owned(), out);
                Ok(())
            }
            Vocabulary::Json => json::read(self, unit, out),
            Vocabulary::OpenAiChat => openai::read(self, unit, out),
        }
    }

    pub(crate) fn end(&mut self, event: Event, out: &mut Vec<Event>) {
        self.ended = true;
        out.push(event);
    }

    /// Ends with what an `error` member says: a string, or an object with `code`, `type` and `message`.
    pub(crate) fn fail(&mut self, error: &RawValue, out: &mut Vec<Event>) {
        let value = serde_json::from_str::<serde_json::Value>(error.get()).unwrap_or_default();
        let word = |name| match value.get(name) {
            Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let code = word("code").or_else(|| word("type"));
        let message = value.as_str().map(str::to_owned).or_else(|| word("message"));
        let code = code.unwrap_or_else(|| "upstream_error".to_owned());
        let message = message.unwrap_or_else(|| error.get().to_owned());
        self.end(Event::Failed { code, message }, out);
    }

    pub(crate) fn agent(&self, json: &RawValue, kind: String, out: &mut Vec<Event>) {
        let class = self.critical.classify(&kind);
        out.push(Event::Agent(AgentEvent { json: json.to_owned(), kind, class }));
    }
}

/// Which kinds are critical.
#[derive(Debug)]
pub(crate) enum Critical {
    Default,
    Listed(Arc<[String]>),
}

impl Critical {
    fn classify(&self, kind: &str) -> Class {
        match self {
            Self::Default => classify(kind, CRITICAL_MESSAGE_TYPES),
            Self::Listed(kinds) => classify(kind, kinds),
        }
    }
}

/// Text that says nothing is no event.
pub(crate) fn push_text(text: String, out: &mut Vec<Event>) {
    if !text.is_empty() {
        out.push(Event::Text(text));
    }
}

/// Reads JSON, and names the place if it is none.
pub(crate) fn from_json<'a, T: serde::Deserialize<'a>>(
    at: u64,
    json: &'a str,
) -> Result<T, ParseError> {
    serde_json::from_str(json).map_err(|error| ParseError::Json { at, reason: error.to_string() })
}
