//! What goes over a socket: markers, frames, heads, templates and patterns. It knows no socket.

pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod http;
pub(crate) mod marker;
pub(crate) mod pattern;
pub(crate) mod template;
