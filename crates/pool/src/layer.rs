//! [`Gate`] as a tower layer, in front of any service. Knows no HTTP: closures hand the permit over and
//! make the answer to a refused request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Full, Gate, Permit};

/// Puts a [`Gate`] before a service.
///
/// `hand_over(&mut request, permit)` gives the permit to whoever holds it as long as the socket lives
/// (request extensions, say). `refuse(full)` makes the answer where there is no room: a response, or an
/// error.
///
/// ```
/// use tidegate_pool::{AdmitLayer, Full, Gate, Permit};
/// use tower_layer::Layer as _;
/// struct Request { permit: Option<Permit> }
/// let layer = AdmitLayer::new(
///     Gate::new(1_000),
///     |request: &mut Request, permit| request.permit = Some(permit),
///     |full: Full| Ok::<_, Full>(format!("503 {full}")),
/// );
/// let admit = layer.layer("the service");
/// # let _ = admit;
/// ```
#[derive(Clone, Debug)]
pub struct AdmitLayer<P, R> {
    gate: Gate,
    hand_over: P,
    refuse: R,
}

impl<P, R> AdmitLayer<P, R> {
    /// A layer for this gate; see the type for the closures.
    pub fn new(gate: Gate, hand_over: P, refuse: R) -> Self {
        Self { gate, hand_over, refuse }
    }
}

impl<S, P: Clone, R: Clone> Layer<S> for AdmitLayer<P, R> {
    type Service = Admit<S, P, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Admit { inner, admit: self.clone() }
    }
}

/// The service of [`AdmitLayer`]. It is ready when the inner one is; whether there is room is asked with
/// each request, and nobody waits for it.
#[derive(Clone, Debug)]
pub struct Admit<S, P, R> {
    inner: S,
    admit: AdmitLayer<P, R>,
}

impl<Req, S, P, R> Service<Req> for Admit<S, P, R>
where
    S: Service<Req>,
    P: Fn(&mut Req, Permit),
    R: Fn(Full) -> Result<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = AdmitFuture<S::Future, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        match self.admit.gate.enter() {
            Ok(permit) => {
                (self.admit.hand_over)(&mut request, permit);
                AdmitFuture { stage: Stage::Admitted { future: self.inner.call(request) } }
            }
            Err(full) => {
                AdmitFuture { stage: Stage::Refused { answer: Some((self.admit.refuse)(full)) } }
            }
        }
    }
}

pin_project! {
    /// The future of [`Admit`]: the inner one, or the answer to a refused request.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct AdmitFuture<F, O> {
        #[pin]
        stage: Stage<F, O>,
    }
}

pin_project! {
    #[project = Project]
    #[derive(Debug)]
    enum Stage<F, O> {
        // The request went on to the inner service.
        Admitted { #[pin] future: F },
        // There was no room; the answer is taken by the first poll.
        Refused { answer: Option<O> },
    }
}

impl<F: Future<Output = O>, O> Future for AdmitFuture<F, O> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        match self.project().stage.project() {
            Project::Admitted { future } => future.poll(cx),
            // A future is not polled after it is ready; one that is stays pending.
            Project::Refused { answer } => answer.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}
