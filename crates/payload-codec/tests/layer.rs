//! The tower layer: payloads in, plain JSON for the inner service, refusals without it.
#![cfg(feature = "tower")]

use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tidegate_payload_codec::{
    Codec, CodecError, CodecLayer, Encoded, Encoding, Form, Kind, Payload, Settings,
};
use tower_layer::Layer;
use tower_service::Service;

/// Answers with what it was asked, and counts.
#[derive(Clone, Default)]
struct Echo {
    calls: usize,
}

impl<R> Service<R> for Echo {
    type Response = R;
    type Error = CodecError;
    type Future = Ready<Result<R, CodecError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CodecError>> {
        if self.calls < 2 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.calls += 1;
        ready(Ok(request))
    }
}

/// A payload and who sent it.
struct From(u8, Payload);

impl Encoded for From {
    type Decoded = (u8, Bytes);

    fn payload(&self) -> &Payload {
        &self.1
    }

    fn decoded(self, json: Bytes) -> (u8, Bytes) {
        (self.0, json)
    }
}

fn text(bytes: &'static str) -> Payload {
    Payload { bytes: bytes.into(), kind: Kind::Text }
}

fn ask<R, S: Service<R>>(service: &mut S, request: R) -> Result<S::Response, S::Error> {
    match pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("an answer is ready at once"),
    }
}

fn layer(form: Form) -> CodecLayer {
    CodecLayer::new(Arc::new(Codec::new(Settings::default())), form)
}

#[test]
fn the_inner_service_sees_plain_json_and_what_came_with_it() {
    let mut service = layer(Form { optimize: true, ..Form::default() }).layer(Echo::default());
    let answer = ask(&mut service, From(7, text(r#"{"_v":2,"c":"hi"}"#))).unwrap();
    assert_eq!(answer, (7, Bytes::from_static(br#"{"content":"hi"}"#)));
}

#[test]
fn a_payload_that_cannot_be_decoded_never_reaches_the_inner_service() {
    let mut service = layer(Form::default()).layer(Echo { calls: 1 });
    let refused: Result<Bytes, _> = ask(&mut service, text("{"));
    assert_eq!(refused.unwrap_err().offset(), Some(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Service::<Payload>::poll_ready(&mut service, &mut cx).is_ready());
    ask(&mut service, text("{}")).unwrap();
    assert!(Service::<Payload>::poll_ready(&mut service, &mut cx).is_pending());
}

#[test]
fn what_is_agreed_later_counts_from_then_on() {
    let mut service = layer(Form::default()).layer(Echo::default());
    let optimized = || text(r#"{"_v":2,"q":1}"#);
    assert_eq!(ask(&mut service, optimized()).unwrap(), r#"{"_v":2,"q":1}"#);
    service.agree(Form { encoding: Encoding::Json, optimize: true, compression: None });
    assert_eq!(ask(&mut service, optimized()).unwrap(), r#"{"seq":1}"#);
}
