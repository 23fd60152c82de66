//! The codec as a tower layer: what a client sent is decoded before the inner service sees it.
//!
//! Knows nothing of the commands inside. The inner service's readiness is its own: this adds none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::codec::Codec;
use crate::error::CodecError;
use crate::form::{Form, Payload};

/// A request that carries a payload as its client sent it. Implement it for a type of your own to take
/// more along than the bytes.
pub trait Encoded {
    /// What the inner service is asked with.
    type Decoded;

    /// The payload.
    fn payload(&self) -> &Payload;

    /// This request with plain JSON in the payload's place.
    fn decoded(self, json: Bytes) -> Self::Decoded;
}

impl Encoded for Payload {
    type Decoded = Bytes;

    fn payload(&self) -> &Payload {
        self
    }

    fn decoded(self, json: Bytes) -> Bytes {
        json
    }
}

/// Wraps a service of JSON into one of payloads. A payload that cannot be decoded never reaches it:
/// the call ends with the [`CodecError`].
#[derive(Debug, Clone)]
pub struct CodecLayer {
    codec: Arc<Codec>,
    form: Form,
}

impl CodecLayer {
    /// Decodes what a client of this form sends.
    #[must_use]
    pub fn new(codec: Arc<Codec>, form: Form) -> Self {
        Self { codec, form }
    }
}

impl<S> Layer<S> for CodecLayer {
    type Service = Decode<S>;

    fn layer(&self, inner: S) -> Decode<S> {
        Decode { inner, codec: Arc::clone(&self.codec), form: self.form }
    }
}

/// The service that [`CodecLayer`] makes.
#[derive(Debug, Clone)]
pub struct Decode<S> {
    inner: S,
    codec: Arc<Codec>,
    form: Form,
}

impl<S> Decode<S> {
    /// From the next call on, the client sends in this form.
    pub fn agree(&mut self, form: Form) {
        self.form = form;
    }
}

impl<R, S> Service<R> for Decode<S>
where
    R: Encoded,
    S: Service<R::Decoded>,
    S::Error: From<CodecError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = DecodeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Payload { bytes, kind } = request.payload();
        let state = match self.codec.decode(bytes, *kind, self.form) {
            Ok(json) => State::Called { future: self.inner.call(request.decoded(json)) },
            Err(error) => State::Refused { error: Some(error) },
        };
        DecodeFuture { state }
    }
}

pin_project! {
    /// The answer of the inner service, or the refusal.
    #[derive(Debug)]
    pub struct DecodeFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Called { #[pin] future: F },
        Refused { error: Option<CodecError> },
    }
}

impl<F, T, E> Future for DecodeFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: From<CodecError>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Called { future } => Poll::Ready(ready!(future.poll(cx))),
            StateProjection::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                // Polled after its end, which the contract of futures leaves open.
                None => Poll::Pending,
            },
        }
    }
}
