//! One WebSocket connection on tokio: an inbound loop and an outbound loop in one task.
//!
//! A session turns frames into [`tidegate_message::Request`]s, gives them to a tower service, and writes what
//! its outbox holds. It does not know who the user is, what a command does, where other sessions are, or
//! any configuration file.

mod batching;
mod behind;
mod clock;
mod commands;
mod encoder;
mod features;
mod filled;
mod flow;
mod handle;
mod heartbeat;
mod inbound;
mod lent;
mod malformed;
mod message;
mod observer;
mod outbound;
mod outbox;
mod session;
mod settings;
mod stall;
mod ticks;
mod unplaced;
mod waking;

pub use commands::Commands;
pub use encoder::Encoder;
pub use features::{Feature, Features, Switches};
pub use filled::filled;
pub use handle::{Direct, Handle, Sent};
pub use lent::ReplaceWriter;
pub use message::{Message, Shared};
pub use observer::Observer;
pub use outbound::Outbound;
pub use session::{Ended, Session};
pub use settings::Settings;
pub use ticks::{Alarm, RESOLUTION, Ticks};

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
