//! What both sides agreed on, and what it allows in each direction. It does not know how it came about.

use crate::WindowBits;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that offered.
    Client,
    /// The end that answered.
    Server,
}

/// The agreed set of parameters. RFC 7692 section 7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// What the server sends.
    pub from_server: Direction,
    /// What the client sends.
    pub from_client: Direction,
}

impl Agreement {
    /// What this end may send.
    #[must_use]
    pub const fn outbound(&self, role: Role) -> Direction {
        match role {
            Role::Client => self.from_client,
            Role::Server => self.from_server,
        }
    }

    /// What this end must be able to read.
    #[must_use]
    pub const fn inbound(&self, role: Role) -> Direction {
        match role {
            Role::Client => self.from_server,
            Role::Server => self.from_client,
        }
    }
}

/// One direction of a connection. Two directions that are equal can share compressed messages, unless
/// [`takeover`](Self::takeover) is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direction {
    /// The window that the sender uses at most, and the receiver provides.
    pub window_bits: WindowBits,
    /// Whether a message may refer to those before it. A sender is never obliged to; a receiver has to keep
    /// up to [`WindowBits::bytes`] for it.
    pub takeover: bool,
}

impl Direction {
    /// No takeover, the largest window.
    #[must_use]
    pub const fn stateless() -> Self {
        Self { window_bits: WindowBits::MAX, takeover: false }
    }
}
