//! What came of a command.

use crate::{Event, Reply, Welcome};

/// The answer of a command's handler. An event carries the client's `id` already; to [`Outcome::Done`]
/// the session adds it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing is to be said.
    Silent,
    /// Done; said only to a client that gave an `id`.
    Done(Reply),
    /// An answer of its own type.
    Answer(Event),
    /// The session is greeted again; its features stay, and the session lists them in the `welcome`.
    Welcomed(Box<Welcome>),
    /// Features were agreed: what follows the `welcome` is written accordingly.
    Agreed(Box<Welcome>),
}
