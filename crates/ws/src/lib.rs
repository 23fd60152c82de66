//! RFC 6455 state machines, prepared frames, and (feature `tokio`) a socket that holds no buffer at rest.
//!
//! The core turns bytes into [`Event`]s ([`Decoder`]) and messages into frames ([`Prepared`]); [`handshake`]
//! judges and makes the HTTP heads before them. It knows no runtime, no clock, no source of randomness and no
//! extension yet.

mod close;
mod decoder;
mod error;
mod event;
pub mod handshake;
mod header;
mod limits;
mod mask;
mod prepared;
#[cfg(feature = "tokio")]
mod socket;
mod text;
mod utf8;

pub use close::CloseFrame;
pub use decoder::Decoder;
pub use error::{ProtocolError, Violation};
pub use event::Event;
pub use limits::{Limits, Role};
pub use prepared::{OutboundText, Prepared};
#[cfg(feature = "tokio")]
pub use socket::{Error, Socket};
pub use text::Text;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
