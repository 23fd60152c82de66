//! Reads what an agent backend sends as one HTTP body and says what it means: text, agent events, the end,
//! a failure.
//!
//! A [`Parser`] has two halves. The [`Framing`] finds the units in the bytes (server-sent events,
//! lines of JSON, plain text) and does not care where the chunks of the body are cut. The [`Vocabulary`]
//! knows what a unit means (OpenAI chat completions, agent events of our own, plain text).
//!
//! Nothing here knows HTTP, a socket, a clock or a runtime. A status code that is no success, and a body that
//! breaks off, are seen by whoever reads the body.

mod error;
mod event;
mod framing;
mod json;
mod lines;
mod openai;
mod parser;
mod sse;
mod utf8;
mod vocabulary;

pub use error::ParseError;
pub use event::{AgentEvent, CRITICAL_MESSAGE_TYPES, Event, classify};
pub use framing::Framing;
pub use parser::{End, Limits, Parser};
pub use vocabulary::Vocabulary;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
