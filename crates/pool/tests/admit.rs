//! The gate as a tower layer: who goes on, who is refused, and who holds the permit.
#![cfg(feature = "tower")]

use std::convert::Infallible;
use std::future::{Future, Ready, pending, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tidegate_pool::{AdmitLayer, Full, Gate, Permit};
use tower_layer::Layer;
use tower_service::Service;

#[derive(Default)]
struct Request {
    permit: Option<Permit>,
}

/// Answers with the permit it was handed; is ready or not as it is told.
struct Upgrade {
    ready: bool,
}

impl Service<Request> for Upgrade {
    type Response = Result<Permit, &'static str>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        ready(Ok(request.permit.ok_or("no permit was handed over")))
    }
}

type Answer = Result<Result<Permit, &'static str>, Infallible>;

fn admit(
    gate: &Gate,
    ready: bool,
) -> impl Service<Request, Response = Result<Permit, &'static str>, Error = Infallible> {
    let hold = |request: &mut Request, permit| request.permit = Some(permit);
    let refuse = |_: Full| -> Answer { Ok(Err("503")) };
    AdmitLayer::new(gate.clone(), hold, refuse).layer(Upgrade { ready })
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn ask(
    service: &mut impl Service<Request, Response = Result<Permit, &'static str>>,
) -> Result<Permit, &'static str> {
    match poll_once(service.call(Request::default())) {
        Poll::Ready(Ok(answer)) => answer,
        _ => Err("no answer at once"),
    }
}

#[test]
fn hands_the_permit_on_and_marks_who_is_over_capacity() {
    let gate = Gate::new(1);
    let mut service = admit(&gate, true);
    let inside = ask(&mut service).unwrap();
    let over = ask(&mut service).unwrap();
    assert_eq!((inside.is_over_capacity(), over.is_over_capacity()), (false, true));
    assert_eq!((gate.inside(), gate.over_capacity()), (1, 1));
}

#[test]
fn refuses_beyond_the_margin_with_the_closures_answer() {
    let gate = Gate::new(0);
    let held: Vec<_> = (0..16).map(|_| gate.enter().unwrap()).collect();
    let mut service = admit(&gate, true);
    assert_eq!(ask(&mut service).unwrap_err(), "503");
    drop(held);
    assert!(ask(&mut service).is_ok());
}

#[test]
fn place_is_free_again_when_the_request_ends() {
    let gate = Gate::new(1);
    let mut service = admit(&gate, true);
    drop(ask(&mut service));
    assert_eq!((gate.inside(), gate.over_capacity()), (0, 0));
}

#[test]
fn is_ready_when_the_inner_service_is_whether_there_is_room_or_not() {
    let full = Gate::new(0);
    let _held: Vec<_> = (0..16).map(|_| full.enter().unwrap()).collect();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(admit(&full, true).poll_ready(cx).is_ready());
    assert!(admit(&Gate::new(9), false).poll_ready(cx).is_pending());
}

#[test]
fn waits_for_the_inner_future() {
    struct Slow;
    impl Service<Request> for Slow {
        type Response = ();
        type Error = Full;
        type Future = std::future::Pending<Result<(), Full>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Full>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request) -> Self::Future {
            pending()
        }
    }
    let hold = |request: &mut Request, permit| request.permit = Some(permit);
    let mut service = AdmitLayer::new(Gate::new(1), hold, Err::<(), Full>).layer(Slow);
    assert!(poll_once(service.call(Request::default())).is_pending());
}
