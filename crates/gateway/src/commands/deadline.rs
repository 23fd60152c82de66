//! A time limit for commands. A command that answers at once never touches a timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tidegate_message::{Code, Rejection};
use tokio::time::{Sleep, sleep};
use tower_layer::Layer;
use tower_service::Service;

use super::Refusal;

/// Gives every command this long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadlineLayer(pub(crate) Duration);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, limit: self.0 }
    }
}

/// The service of [`DeadlineLayer`].
#[derive(Debug)]
pub(crate) struct Deadline<S> {
    inner: S,
    limit: Duration,
}

impl<S, R> Service<R> for Deadline<S>
where
    S: Service<R, Error = Refusal>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = Refusal;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        DeadlineFuture { inner: self.inner.call(request), limit: self.limit, timer: None }
    }
}

/// The future of [`Deadline`]. Its timer begins when the command turns out to take time.
#[derive(Debug)]
pub(crate) struct DeadlineFuture<F> {
    inner: F,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F, T> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<T, Refusal>> + Unpin,
{
    type Output = Result<T, Refusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(done) = Pin::new(&mut self.inner).poll(cx) {
            return Poll::Ready(done);
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(cx).map(|()| {
            let message = format!("the command took longer than {} s", limit.as_secs_f64());
            Err(Rejection::new(Code::Timeout, message).into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Call;
    use tidegate_message::Outcome;

    fn within(limit: Duration, inner: Call) -> DeadlineFuture<Call> {
        DeadlineFuture { inner, limit, timer: None }
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_what_takes_longer() {
        let slow = Call::boxed(async {
            sleep(Duration::from_secs(2)).await;
            Ok(Outcome::Silent)
        });
        let refusal = within(Duration::from_secs(1), slow).await.unwrap_err();
        assert_eq!(refusal.0.code, Code::Timeout);
    }

    #[tokio::test]
    async fn what_answers_at_once_starts_no_timer() {
        let mut call = within(Duration::ZERO, Call::ready(Ok(Outcome::Silent)));
        assert!((&mut call).await.is_ok());
        assert!(call.timer.is_none());
    }
}
