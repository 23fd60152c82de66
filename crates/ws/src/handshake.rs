//! The HTTP heads before the first frame (RFC 6455, 4). They are judged and made here; reading them off the
//! network is the HTTP library's part.

mod accept;
mod error;
mod open;
mod token;

pub use accept::{Accepted, RequestHead, accept, accept_deflate, offered_protocols};
pub use error::HandshakeError;
pub use open::{Granted, Opening};
