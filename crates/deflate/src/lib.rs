//! permessage-deflate (RFC 7692) for any WebSocket crate: negotiation, bounded inflating, deflating.
//!
//! The handshake: [`ServerPolicy`] answers what a client offers, [`ClientPolicy`] offers and judges the answer; both
//! end in an [`Agreement`], whose [`Direction`]s say what each side may do. Outbound: a [`Compressor`] that serves
//! many connections ([`Broadcast`] compresses once for all of them), or a [`TakeoverCompressor`] that belongs to
//! one. Inbound: an [`Inbound`] for each connection, which borrows an [`Inflater`] from an [`InflaterPool`] from a
//! message's first fragment to its last, or under takeover keeps one of its own.
//!
//! Everything is a state machine over byte slices. Nothing here knows frames, reserved bits, masks, UTF-8, sockets,
//! HTTP heads, a runtime or a clock: the caller sets and reads RSV1 on the first frame of a message and
//! hands over payloads that are unmasked.

mod agreement;
mod broadcast;
mod client;
mod compressor;
mod error;
mod header;
mod inbound;
mod inflater;
mod params;
mod pool;
mod ring;
mod server;
mod settings;
mod slots;
mod stream;
mod takeover;
mod window;

pub use agreement::{Agreement, Direction, Role};
pub use broadcast::{Broadcast, Payload};
pub use client::ClientPolicy;
pub use compressor::{Compressor, Verdict};
pub use error::{Error, Fault};
pub use inbound::{Inbound, InboundLimits, Progress};
pub use inflater::{Inflater, MAX_FINAL_BLOCKS, Step};
pub use pool::{InflaterPool, Lent};
pub use server::{Answer, ServerPolicy};
pub use settings::{Settings, THRESHOLD_BYTES};
pub use slots::{TakeoverSlot, TakeoverSlots};
pub use takeover::TakeoverCompressor;
pub use window::WindowBits;

/// The name of the extension in `Sec-WebSocket-Extensions`.
pub const EXTENSION: &str = "permessage-deflate";

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
