//! Reuse as a tower service: a service that connects goes in, a service that answers requests comes out. Knows no
//! protocol: a connection is a service, and whether it is fit is what its `poll_ready` says.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use pin_project_lite::pin_project;
use tower_service::Service;

use super::checkout::{Checkout, Given};
use super::lent::{Lent, Reuse, Vacancy};
use super::limits::Exhausted;

/// Answers requests to one target over reused connections; its clones share them.
///
/// `M` is a tower `MakeService`: called with the target, it answers with a service that is a connection to it.
/// It is ready when it holds a connection that is, so that a request never waits for one. An answer gives the connection
/// back; an error, or a request that is given up, closes it. An answer whose body comes later has to keep the connection
/// busy by its own `poll_ready`.
///
/// ```
/// use std::time::Instant;
/// use tidegate_pool::reuse::{Reuse, ReuseLimits, Reused};
/// # #[derive(Clone)] struct Connector;
/// # struct Connection;
/// # impl tower_service::Service<&'static str> for Connector {
/// #     type Response = Connection; type Error = (); type Future = std::future::Ready<Result<Connection, ()>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), ()>> { Ok(()).into() }
/// #     fn call(&mut self, _: &'static str) -> Self::Future { std::future::ready(Ok(Connection)) }
/// # }
/// let reuse = Reuse::new(ReuseLimits::default()).unwrap();
/// let backend = Reused::new(Connector, "backend:80", reuse, Instant::now);
/// # let _ = backend;
/// ```
pub struct Reused<M: Service<K>, K: Hash + Eq + Clone> {
    connector: M,
    target: K,
    reuse: Reuse<K, M::Response>,
    clock: fn() -> Instant,
    stage: Stage<M, K>,
}

type IsFit<S> = fn(&mut S) -> bool;

enum Stage<M: Service<K>, K: Hash + Eq + Clone> {
    Idle,
    Asking(Checkout<K, M::Response, IsFit<M::Response>>),
    /// Boxed, since it must not move; this is the seam at which a connection is made.
    Connecting(Vacancy<K, M::Response>, Option<Pin<Box<M::Future>>>),
    Holding(Lent<K, M::Response>),
}

impl<M: Service<K>, K: Hash + Eq + Clone> Reused<M, K> {
    /// Keeps in `reuse` what `connector` makes for `target`; `clock` says when.
    pub fn new(
        connector: M,
        target: K,
        reuse: Reuse<K, M::Response>,
        clock: fn() -> Instant,
    ) -> Self {
        Self { connector, target, reuse, clock, stage: Stage::Idle }
    }
}

impl<M: Service<K> + Clone, K: Hash + Eq + Clone> Clone for Reused<M, K> {
    /// Shares the connections, but holds none yet.
    fn clone(&self) -> Self {
        Self::new(self.connector.clone(), self.target.clone(), self.reuse.clone(), self.clock)
    }
}

impl<M: Service<K>, K: Hash + Eq + Clone + fmt::Debug> fmt::Debug for Reused<M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reused").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Why [`Reused`] gave no answer: `C` is the connector's error, `E` the connection's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReusedError<C, E> {
    /// No connection is free, and too many wait.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// No connection could be made.
    #[error("no connection could be made: {0}")]
    Connect(C),
    /// The connection failed, and is closed.
    #[error("the connection failed: {0}")]
    Call(E),
    /// It was called without being ready.
    #[error("the service was called before it was ready")]
    NotReady,
}

impl<M, K, Req> Service<Req> for Reused<M, K>
where
    M: Service<K>,
    M::Response: Service<Req>,
    K: Hash + Eq + Clone,
{
    type Response = <M::Response as Service<Req>>::Response;
    type Error = ReusedError<M::Error, <M::Response as Service<Req>>::Error>;
    type Future = ReusedFuture<<M::Response as Service<Req>>::Future, K, M::Response, M::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Idle) {
                Stage::Idle => {
                    let is_fit: IsFit<M::Response> = is_fit::<M::Response, Req>;
                    let now = (self.clock)();
                    Stage::Asking(self.reuse.checkout(self.target.clone(), now, is_fit))
                }
                Stage::Asking(mut checkout) => match Pin::new(&mut checkout).poll(cx)? {
                    Poll::Pending => return self.wait(Stage::Asking(checkout)),
                    Poll::Ready(Given::Lent(lent)) => Stage::Holding(lent),
                    Poll::Ready(Given::Vacancy(vacancy)) => Stage::Connecting(vacancy, None),
                },
                Stage::Connecting(vacancy, None) => {
                    if self.connector.poll_ready(cx).map_err(ReusedError::Connect)?.is_pending() {
                        return self.wait(Stage::Connecting(vacancy, None));
                    }
                    let connecting = self.connector.call(self.target.clone());
                    Stage::Connecting(vacancy, Some(Box::pin(connecting)))
                }
                Stage::Connecting(vacancy, Some(mut connecting)) => {
                    match connecting.as_mut().poll(cx).map_err(ReusedError::Connect)? {
                        Poll::Pending => {
                            return self.wait(Stage::Connecting(vacancy, Some(connecting)));
                        }
                        Poll::Ready(connection) => Stage::Holding(vacancy.fill(connection)),
                    }
                }
                Stage::Holding(mut lent) => match lent.poll_ready(cx) {
                    // An old one that broke just now is replaced; a new one says what is wrong.
                    Poll::Ready(Err(_)) if lent.is_reused() => Stage::Idle,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(ReusedError::Call(error))),
                    poll => {
                        self.stage = Stage::Holding(lent);
                        return poll.map(|_| Ok(()));
                    }
                },
            };
        }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let (lent, inner) = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Holding(mut lent) => {
                let inner = lent.call(request);
                (Some(lent), Some(inner))
            }
            early => {
                self.stage = early;
                (None, None)
            }
        };
        ReusedFuture { inner, lent, clock: self.clock, connect_error: std::marker::PhantomData }
    }
}

impl<M: Service<K>, K: Hash + Eq + Clone> Reused<M, K> {
    fn wait<E>(&mut self, stage: Stage<M, K>) -> Poll<Result<(), E>> {
        self.stage = stage;
        Poll::Pending
    }
}

/// Whether a connection says no error; one that is busy is waited for.
fn is_fit<S: Service<Req>, Req>(connection: &mut S) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    !matches!(connection.poll_ready(&mut cx), Poll::Ready(Err(_)))
}

pin_project! {
    /// The future of [`Reused`]: that of the connection, which is given back with the answer.
    #[must_use = "futures do nothing unless polled"]
    pub struct ReusedFuture<F, K, S, C>
    where
        K: Hash,
        K: Eq,
        K: Clone,
    {
        #[pin]
        inner: Option<F>,
        lent: Option<Lent<K, S>>,
        clock: fn() -> Instant,
        connect_error: std::marker::PhantomData<fn() -> C>,
    }
}

impl<F, K, S, C> fmt::Debug for ReusedFuture<F, K, S, C>
where
    K: Hash + Eq + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReusedFuture").finish_non_exhaustive()
    }
}

impl<F, K, S, C, T, E> Future for ReusedFuture<F, K, S, C>
where
    F: Future<Output = Result<T, E>>,
    K: Hash + Eq + Clone,
{
    type Output = Result<T, ReusedError<C, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(Err(ReusedError::NotReady));
        };
        let answer = ready!(inner.poll(cx));
        let lent = this.lent.take();
        Poll::Ready(match answer {
            Ok(answer) => {
                lent.into_iter().for_each(|lent| lent.give_back((this.clock)()));
                Ok(answer)
            }
            Err(error) => Err(ReusedError::Call(error)),
        })
    }
}
