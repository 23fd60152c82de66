//! The service behind the sessions of these tests.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::future::Either;
use tidegate_message::{Command, Event, Outcome, Rejection, Reply, Request};
use tidegate_session::{Commands, Features};
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::peer::welcome;

/// Answers commands: `message` by its echo, `ping` by `pong`, `hello` by a welcome, `slow` when [`Work::release`]
/// allows it, `go` by allowing one `slow`.
#[derive(Clone)]
pub(crate) struct Work {
    ready: bool,
    permits: Arc<Semaphore>,
    started: Arc<AtomicUsize>,
    rests: Arc<AtomicUsize>,
}

type Answered = Result<Outcome, Rejection>;
type Slow = Pin<Box<dyn Future<Output = Answered> + Send>>;

impl Work {
    pub(crate) fn new(ready: bool) -> Self {
        Self {
            ready,
            permits: Arc::new(Semaphore::new(0)),
            started: Arc::default(),
            rests: Arc::default(),
        }
    }

    pub(crate) fn release(&self, slow: usize) {
        self.permits.add_permits(slow);
    }

    /// How many slow commands began.
    pub(crate) fn started(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    /// How often it was told that the client is quiet.
    pub(crate) fn rests(&self) -> usize {
        self.rests.load(Ordering::Relaxed)
    }

    fn slow(&self) -> Slow {
        let permits = Arc::clone(&self.permits);
        self.started.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            permits.acquire().await.expect("never closed").forget();
            Ok(Outcome::Done(Reply { delivered: Some(1), ..Reply::default() }))
        })
    }
}

impl Commands for Work {
    fn rest(&mut self, _: Instant) {
        self.rests.fetch_add(1, Ordering::Relaxed);
    }
}

impl Service<Request> for Work {
    type Response = Outcome;
    type Error = Rejection;
    type Future = Either<Ready<Answered>, Slow>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        if self.ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let id = request.id;
        Either::Left(ready(Ok(match request.command {
            Command::Message { content } => {
                Outcome::Answer(Event::Message { id, content, from: None, message_id: None })
            }
            Command::Ping => Outcome::Answer(Event::Pong { id }),
            Command::Hello { agree } => {
                let agreed = Features::ALL.asked(agree.iter().map(String::as_str)).names();
                Outcome::Agreed(Box::new(welcome(agreed)))
            }
            Command::Auth { .. } => Outcome::Welcomed(Box::new(welcome(Vec::new()))),
            Command::Other { kind, .. } if kind == "slow" => return Either::Right(self.slow()),
            Command::Other { kind, .. } if kind == "go" => {
                self.release(1);
                Outcome::Done(Reply::default())
            }
            _ => Outcome::Silent,
        })))
    }
}
