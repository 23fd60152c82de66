//! The future of a command: what answers at once is never boxed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tidegate_message::Outcome;

use super::Refusal;

type Answer = Result<Outcome, Refusal>;

/// A command in work, or its answer.
pub(crate) enum Call {
    /// The answer; taken by the first poll.
    Ready(Option<Answer>),
    /// Work that takes time. This box is the seam: handlers may await what they like.
    Boxed(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

impl Call {
    pub(crate) const fn ready(answer: Answer) -> Self {
        Self::Ready(Some(answer))
    }

    pub(crate) fn boxed(work: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self::Boxed(Box::pin(work))
    }
}

impl Future for Call {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        match &mut *self {
            // A future is not polled after it is ready; one that is stays pending.
            Self::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Self::Boxed(work) => work.as_mut().poll(cx),
        }
    }
}
