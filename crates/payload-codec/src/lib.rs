//! Smaller payloads: reversible key abbreviation, timestamps, MessagePack, batches, gzip and lz4.
//!
//! Bytes in, bytes out: the crate knows no sockets, reads no clock, logs nothing. [`Codec`] is the
//! way in; what one client agreed to is a [`Form`].
//!
//! ```text
//! JSON ─ optimize ─ MessagePack ─┬─ batch ─┬─ gzip or lz4 ─ frame
//!        (keys, timestamps)      └─────────┘
//!        └─── Codec::transform ──┘          └ Codec::compress
//! ```
//!
//! The optimized form is described for other languages in the crate's README.

mod batch;
mod chat;
mod codec;
mod compress;
mod dictionary;
mod error;
mod expand;
mod form;
#[cfg(feature = "tower")]
mod layer;
mod number;
mod optimize;
mod pack;
mod rewrite;
mod scan;
mod stats;
mod string;
mod table;
mod timestamp;
mod unpack;

pub use codec::{Codec, Settings};
pub use dictionary::{Dictionary, Entry};
pub use error::{CodecError, Fault};
pub use form::{Compression, Encoding, Form, Kind, Payload};
#[cfg(feature = "tower")]
pub use layer::{CodecLayer, Decode, DecodeFuture, Encoded};
pub use stats::{Snapshot, Stats, describe};

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
