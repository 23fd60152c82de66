//! RFC 6455 state machines, prepared frames, and (feature `tokio`) a socket that holds no buffer at rest.
//!
//! The core turns bytes into [`Event`]s ([`Decoder`]) and messages into frames ([`Prepared`]); [`handshake`]
//! judges and makes the HTTP heads before them. permessage-deflate is agreed on in the handshake and shared by all
//! connections ([`Deflate`]). The core knows no runtime, no clock, and no source of randomness but the one it is given.

mod broadcast;
mod close;
mod decoder;
mod deflate;
mod encoder;
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

pub use broadcast::Broadcast;
pub use close::CloseFrame;
pub use decoder::Decoder;
pub use deflate::{Agreed, Compressing, Compression, Deflate, Inflating};
pub use encoder::Encoder;
pub use error::{ProtocolError, Violation};
pub use event::{Event, Fragment};
pub use header::{Header, Opcode};
pub use limits::{Limits, Role};
pub use mask::mask;
pub use prepared::{OutboundText, Prepared};
#[cfg(feature = "tokio")]
pub use socket::{Error, Socket};
pub use text::Text;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
