//! What a rate-limited call becomes. It does not know why a request was refused.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Refused;

pin_project! {
    /// The inner future, or a refusal that is ready at once. Dropping it drops the inner one.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct RateLimitFuture<F> {
        #[pin]
        step: Step<F>,
    }
}

pin_project! {
    #[project = StepProjected]
    #[derive(Debug)]
    enum Step<F> {
        Passed { #[pin] inner: F },
        Refused { refused: Refused },
    }
}

impl<F> RateLimitFuture<F> {
    pub(crate) const fn passed(inner: F) -> Self {
        Self { step: Step::Passed { inner } }
    }

    pub(crate) const fn refused(refused: Refused) -> Self {
        Self { step: Step::Refused { refused } }
    }
}

impl<F, R, E> Future for RateLimitFuture<F>
where
    F: Future<Output = Result<R, E>>,
    E: From<Refused>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().step.project() {
            StepProjected::Passed { inner } => inner.poll(cx),
            StepProjected::Refused { refused } => Poll::Ready(Err((*refused).into())),
        }
    }
}
