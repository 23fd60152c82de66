//! The vocabulary that Tidegate's crates share: ids, delivery classes and priorities, the commands a
//! client may send, the events a client may receive, rejections and close codes.
//!
//! Nothing here knows a socket, a clock, a runtime or a queue.

mod class;
mod id;
mod name;

pub use class::{Class, Priority};
pub use id::{IdError, MessageId, SessionId, StreamId};
pub use name::{GroupId, MAX_NAME_BYTES, NameError, UserId};
