//! What an append answers. Knows how to wait for a disk's word, without a runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::AppendError;
use crate::position::Position;

/// An append that has its place.
#[derive(Debug)]
#[must_use]
pub struct Appended {
    /// Where it stands; where the first stands, if it is a repeat.
    pub position: Position,
    /// Whether its key was known with the same bytes, so that nothing was appended.
    pub repeat: bool,
    /// Says when it has come as far as was asked for. In memory that is at once.
    pub receipt: Receipt,
}

/// The word that an entry has come as far as was asked for. Readers may get it then, behind what is before it and still
/// awaited. Dropping it changes nothing.
///
/// A future on any runtime, cancel safe; [`wait`](Self::wait) blocks a thread instead.
#[derive(Debug)]
#[must_use = "an entry that is not durable yet may still fail"]
pub struct Receipt(Word);

#[derive(Debug)]
enum Word {
    Given,
    #[cfg(feature = "disk")]
    Awaited(crate::journal::awaited::Awaited),
}

impl Receipt {
    pub(crate) const DONE: Self = Self(Word::Given);

    #[cfg(feature = "disk")]
    pub(crate) const fn awaited(awaited: crate::journal::awaited::Awaited) -> Self {
        Self(Word::Awaited(awaited))
    }

    /// Blocks this thread until the word is there.
    ///
    /// # Errors
    /// The entry did not come that far. Whether it is there after a restart is not known.
    pub fn wait(self) -> Result<(), AppendError> {
        match self.0 {
            Word::Given => Ok(()),
            #[cfg(feature = "disk")]
            Word::Awaited(awaited) => awaited.wait(),
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), AppendError>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            Word::Given => Poll::Ready(Ok(())),
            #[cfg(feature = "disk")]
            Word::Awaited(awaited) => awaited.poll(_context),
        }
    }
}
