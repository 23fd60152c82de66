//! Who publishes gives way to those it reached. Knows no message.
//!
//! To the runtime a poll that publishes is one step, whether it reaches one receiver or ten thousand. So who publishes
//! without a pause could fill the outboxes of a whole room before the tasks that empty them had their turn. Here
//! publications count as what they are: a poll that has made many ends, or that has nearly filled somebody's outbox, and
//! its session reads on when the tasks that it woke have run. What it has not read waits in its socket, and TCP slows
//! the client down.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tidegate_session::Handle;
use tokio::runtime;
use tokio::task::{coop, yield_now};
use tokio::time::sleep;
use tower_layer::Layer;
use tower_service::Service;

/// Steps that a poll may take: what tokio gives it.
const STEPS_OF_A_POLL: usize = 128;
/// So many deliveries are a step more, so that a large room does not hold a thread for long.
const DELIVERIES_OF_A_STEP: usize = 1024;
/// So often one gives way for a publication: then it is its turn, whatever waits.
const MAX_TURNS: u8 = 64;
/// So often one only yields to a session whose outbox is nearly full, and then waits a millisecond each time: its
/// thread may have lost its processor.
const YIELDS: u8 = 64;
const WAITS: u8 = 100;
const WAIT: Duration = Duration::from_millis(1);

thread_local! {
    /// Publications of this thread.
    static PUBLICATIONS: Cell<u64> = const { Cell::new(0) };
    /// A session whose outbox the last of them has nearly filled.
    static FILLED: Cell<Option<Handle>> = const { Cell::new(None) };
}

/// Counts a publication as steps of the poll that has made it.
pub(crate) fn published(receivers: usize) {
    PUBLICATIONS.set(PUBLICATIONS.get().wrapping_add(1));
    // Who is polled asks for its next step anyway, and waits then: nobody is to be woken here.
    let mut cx = Context::from_waker(Waker::noop());
    let filled = tidegate_session::filled();
    let steps = match &filled {
        Some(_) => STEPS_OF_A_POLL,
        None => 1 + receivers / DELIVERIES_OF_A_STEP,
    };
    FILLED.set(filled.filter(Handle::is_filling));
    for _ in 0..steps {
        match coop::poll_proceed(&mut cx) {
            Poll::Ready(step) => step.made_progress(),
            Poll::Pending => break,
        }
    }
}

/// Waits until the runtime is through with what was woken, for a while at most.
///
/// # Cancel safety
/// It only waits.
pub(crate) async fn give_way() {
    if let Some(filled) = FILLED.take() {
        let_run(filled).await;
    }
    for _ in 0..MAX_TURNS {
        if !is_crowded() {
            break;
        }
        yield_now().await;
    }
}

/// Waits until a session has run, and its client has caught up, for a while at most. One whose client is slow is not waited
/// for.
async fn let_run(session: Handle) {
    for turn in 0..YIELDS + WAITS {
        if !session.is_filling() {
            break;
        }
        match turn < YIELDS {
            true => yield_now().await,
            false => sleep(WAIT).await,
        }
    }
}

/// Whether more tasks are woken than the runtime's threads have places for.
fn is_crowded() -> bool {
    runtime::Handle::try_current().is_ok_and(|runtime| runtime.metrics().global_queue_depth() > 0)
}

/// Makes sessions give way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GiveWayLayer;

/// Not ready after a publication until the runtime is through with what was woken, for a while at most.
pub(crate) struct GiveWay<S> {
    inner: S,
    turns: u8,
    /// Made when an outbox is nearly full.
    let_run: Option<BoxFuture<'static, ()>>,
}

impl<S> Layer<S> for GiveWayLayer {
    type Service = GiveWay<S>;

    fn layer(&self, inner: S) -> GiveWay<S> {
        GiveWay { inner, turns: 0, let_run: None }
    }
}

impl<S: Service<R>, R> Service<R> for GiveWay<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if let Some(waiting) = &mut self.let_run {
            ready!(waiting.as_mut().poll(cx));
            self.let_run = None;
        }
        if self.turns > 0 {
            if is_crowded() {
                self.turns -= 1;
                // Woken after others. At once, it would be what its thread finds first, again and again.
                let _ = pin!(yield_now()).poll(cx);
                return Poll::Pending;
            }
            self.turns = 0;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        let before = PUBLICATIONS.get();
        let called = self.inner.call(request);
        if PUBLICATIONS.get() != before {
            self.turns = MAX_TURNS;
            self.let_run = FILLED.take().map(|filled| let_run(filled).boxed());
        }
        called
    }
}
