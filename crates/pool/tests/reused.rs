//! Reuse as a tower service: connections are made, kept, replaced, and left to the next.
#![cfg(feature = "tower")]

mod fixture;

use std::cell::{Cell, RefCell};
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tidegate_pool::reuse::{Reuse, ReuseLimits, Reused, ReusedError};
use tower_service::Service;

/// How connections behave, and how many were made.
#[derive(Default)]
struct Backend {
    made: Cell<u32>,
    refuses: Cell<bool>,
    broken: RefCell<Vec<u32>>,
    busy: Cell<bool>,
}

#[derive(Clone, Default)]
struct Connector(Rc<Backend>);

#[derive(Debug)]
struct Connection(u32, Rc<Backend>);

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Backend")
    }
}

impl Service<&'static str> for Connector {
    type Response = Connection;
    type Error = &'static str;
    type Future = Ready<Result<Connection, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: &'static str) -> Self::Future {
        self.0.made.set(self.0.made.get() + 1);
        let made = Connection(self.0.made.get(), Rc::clone(&self.0));
        ready(if self.0.refuses.get() { Err("refused") } else { Ok(made) })
    }
}

impl Service<bool> for Connection {
    type Response = u32;
    type Error = &'static str;
    type Future = Ready<Result<u32, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        match (self.1.broken.borrow().contains(&self.0), self.1.busy.get()) {
            (true, _) => Poll::Ready(Err("broken")),
            (false, true) => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, succeeds: bool) -> Self::Future {
        ready(if succeeds { Ok(self.0) } else { Err("failed") })
    }
}

type Fixed = Reused<Connector, &'static str>;
type Error = ReusedError<&'static str, &'static str>;

fn service(max_connections: usize) -> (Fixed, Rc<Backend>, Reuse<&'static str, Connection>) {
    let limits = ReuseLimits { max_connections, max_waiting: 1, ..ReuseLimits::default() };
    let (connector, reuse) = (Connector::default(), Reuse::new(limits).expect("limits that work"));
    let backend = Rc::clone(&connector.0);
    (Reused::new(connector, "a", reuse.clone(), fixture::now), backend, reuse)
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn ready_now(service: &mut Fixed) -> Poll<Result<(), Error>> {
    Service::<bool>::poll_ready(service, &mut cx())
}

fn ask(service: &mut Fixed, succeeds: bool) -> Result<u32, Error> {
    match ready_now(service) {
        Poll::Ready(ready) => ready?,
        Poll::Pending => panic!("it is ready at once"),
    }
    match pin!(service.call(succeeds)).as_mut().poll(&mut cx()) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it answers at once"),
    }
}

#[test]
fn requests_go_over_one_connection_again_and_again() {
    let (mut service, backend, reuse) = service(9);
    for _ in 0..3 {
        assert_eq!(ask(&mut service, true), Ok(1));
        assert_eq!(ask(&mut service.clone(), true), Ok(1));
    }
    assert_eq!((backend.made.get(), reuse.stats().pool_hits, reuse.stats().pool_misses), (1, 5, 1));
}

#[test]
fn an_error_closes_its_connection() {
    let (mut service, _, reuse) = service(9);
    assert_eq!(ask(&mut service, false), Err(ReusedError::Call("failed")));
    assert_eq!((reuse.stats().open, ask(&mut service, true)), (0, Ok(2)));
}

#[test]
fn a_request_that_is_given_up_closes_its_connection() {
    let (mut service, _, reuse) = service(9);
    assert!(matches!(ready_now(&mut service), Poll::Ready(Ok(()))));
    drop(service.call(true));
    assert_eq!(reuse.stats().open, 0);
}

#[test]
fn a_connection_that_broke_while_it_was_idle_is_replaced_unseen() {
    let (mut service, backend, reuse) = service(1);
    assert_eq!(ask(&mut service, true), Ok(1));
    backend.broken.borrow_mut().push(1);
    assert_eq!(ask(&mut service, true), Ok(2));
    assert_eq!(reuse.stats().connections_broken, 1);
}

#[test]
fn a_connection_that_breaks_between_ready_and_call_is_replaced_by_the_next_poll() {
    let (mut service, backend, _) = service(1);
    assert_eq!(ask(&mut service, true), Ok(1));
    assert!(matches!(ready_now(&mut service), Poll::Ready(Ok(()))));
    backend.broken.borrow_mut().push(1);
    assert_eq!(ask(&mut service, true), Ok(2));
}

#[test]
fn a_new_connection_that_is_broken_says_so() {
    let (mut service, backend, reuse) = service(1);
    backend.broken.borrow_mut().push(1);
    assert_eq!(ask(&mut service, true), Err(ReusedError::Call("broken")));
    assert_eq!((reuse.stats().open, ask(&mut service, true)), (0, Ok(2)));
}

#[test]
fn a_refused_connect_is_said_and_its_place_is_free() {
    let (mut service, backend, reuse) = service(1);
    backend.refuses.set(true);
    assert_eq!(ask(&mut service, true), Err(ReusedError::Connect("refused")));
    backend.refuses.set(false);
    assert_eq!((reuse.stats().open, ask(&mut service, true)), (0, Ok(2)));
}

#[test]
fn waits_for_a_connection_that_is_lent_or_busy() {
    let (mut service, backend, _) = service(1);
    let [mut second, mut third] = [service.clone(), service.clone()];
    assert!(matches!(ready_now(&mut service), Poll::Ready(Ok(()))));
    assert!(matches!(ready_now(&mut second), Poll::Pending));
    assert!(matches!(ready_now(&mut third), Poll::Ready(Err(ReusedError::Exhausted(_)))));
    assert_eq!(ask(&mut service, true), Ok(1));
    backend.busy.set(true);
    assert!(matches!(ready_now(&mut second), Poll::Pending));
    backend.busy.set(false);
    assert_eq!(ask(&mut second, true), Ok(1));
}

#[test]
fn a_call_without_readiness_is_an_error_and_no_panic() {
    let (mut service, _, reuse) = service(1);
    let answer = Pin::new(&mut Box::pin(service.call(true))).poll(&mut cx());
    assert_eq!(answer, Poll::Ready(Err(ReusedError::NotReady)));
    assert_eq!(reuse.stats().open, 0);
}
