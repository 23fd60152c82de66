//! What a session may ask for: the layers of its stack, the router under them, and the handlers.

mod auth;
mod authorize;
mod bytes;
mod call;
mod deadline;
mod groups;
mod messages;
mod observe;
mod on_demand;
mod refusal;
mod router;
mod streams;
mod welcome;

pub(crate) use authorize::authorize;
pub(crate) use bytes::bytes_since;
pub(crate) use call::Call;
pub(crate) use deadline::DeadlineLayer;
pub(crate) use observe::ObserveLayer;
pub(crate) use on_demand::{Made, OnDemand};
pub(crate) use refusal::Refusal;
pub(crate) use router::Router;
pub(crate) use welcome::welcome;
