//! The vocabulary that Tidegate's crates share: ids, delivery classes and priorities, the commands a
//! client may send, the events a client may receive, rejections and close codes.
//!
//! Nothing here knows a socket, a clock, a runtime or a queue.

mod class;
mod close;
mod command;
mod depth;
mod envelope;
mod event;
mod id;
mod name;
mod outcome;
mod rejection;
mod request_id;
mod target;

pub use class::{Class, Priority};
pub use close::{Close, CloseCode};
pub use command::{Command, Refused, Request, Send, class_and_priority};
pub use depth::too_deep;
pub use event::{Event, Heartbeat, PresentMember, Reply, Welcome};
pub use id::{IdError, MessageId, SessionId, StreamId};
pub use name::{GroupId, MAX_NAME_BYTES, NameError, UserId};
pub use outcome::Outcome;
pub use rejection::{Code, Rejection};
pub use request_id::{MAX_REQUEST_ID_BYTES, RequestId};
pub use target::{Excluded, Target};

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
