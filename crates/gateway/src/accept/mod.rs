//! From an HTTP request to a session: the checks at the door and the switch of protocols.

mod address;
mod authenticate;
mod by_path;
mod echo;
mod first_auth;
mod origin;
mod upgrade;

pub(crate) use address::{Arrival, limit_address, network};
pub(crate) use authenticate::{AuthenticateLayer, Claim};
pub(crate) use by_path::ByPath;
pub(crate) use first_auth::first_auth;
pub(crate) use origin::{allows_origin, check_origin, origin_refused};
pub(crate) use upgrade::{Upgrading, at_capacity, hold};
