//! What blocks for the disk, done by another thread where there is a runtime for it. Knows neither logs nor files.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::ReadError;

/// Something that blocks, under way. On tokio, with the feature `tokio`, one of its blocking threads does it; otherwise
/// it was done when it was asked for. Dropped, it goes on, and nobody gets what it finds.
#[derive(Debug)]
pub(crate) enum Blocking<T> {
    Done(Option<Result<T, ReadError>>),
    #[cfg(feature = "tokio")]
    Running(tokio::task::JoinHandle<Result<T, ReadError>>),
}

impl<T: Send + 'static> Blocking<T> {
    pub(crate) fn new(act: impl FnOnce() -> Result<T, ReadError> + Send + 'static) -> Self {
        #[cfg(feature = "tokio")]
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            return Self::Running(runtime.spawn_blocking(act));
        }
        Self::Done(Some(act()))
    }
}

impl<T: Unpin> Future for Blocking<T> {
    type Output = Result<T, ReadError>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done(found) => Poll::Ready(found.take().unwrap_or_else(|| Err(closed()))),
            #[cfg(feature = "tokio")]
            Self::Running(task) => {
                // A task that did not run says that the runtime is going.
                Pin::new(task).poll(_context).map(|found| found.map_err(|_| closed()).flatten())
            }
        }
    }
}

fn closed() -> ReadError {
    #[cfg(feature = "disk")]
    return ReadError::Store(crate::disk::StoreError::Closed);
    #[allow(unreachable_code, reason = "without a disk")]
    ReadError::Unknown
}
