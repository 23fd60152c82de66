//! Connections that are lent, beside `bb8` and `deadpool`; and what a call through the layers costs.
#![expect(clippy::disallowed_methods, reason = "a program reads the clock")]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tidegate_benches::Suite;
use tidegate_pool::reuse::{Given, Reuse, ReuseLimits, Reused};
use tidegate_pool::{AdmitLayer, Full, Gate, Permit};
use tower_layer::Layer as _;
use tower_service::Service;

/// Makes connections at once, for every pool alike.
#[derive(Clone, Debug)]
struct Connector;

impl bb8::ManageConnection for Connector {
    type Connection = u64;
    type Error = Infallible;
    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(7)
    }
    async fn is_valid(&self, _: &mut u64) -> Result<(), Infallible> {
        Ok(())
    }
    fn has_broken(&self, _: &mut u64) -> bool {
        false
    }
}

impl deadpool::managed::Manager for Connector {
    type Type = u64;
    type Error = Infallible;
    async fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
    }
    async fn recycle(
        &self,
        _: &mut u64,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

const LOANS: u64 = 100;

pub fn reuse(suite: &mut Suite) {
    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
    }
    let ours = || (runtime(), Reuse::<u64, u64>::new(ReuseLimits::default()).expect("it works"));
    let bb8 = || {
        let runtime = runtime();
        let builder = bb8::Pool::builder().max_size(500).test_on_check_out(true);
        let pool = runtime.block_on(builder.build(Connector)).expect("a pool");
        (runtime, pool)
    };
    let deadpool = || {
        let pool = deadpool::managed::Pool::<Connector>::builder(Connector).max_size(500).build();
        (runtime(), pool.expect("a pool"))
    };
    suite
        .group("reuse: check out and give back")
        .per_call(LOANS)
        .ours("pool", ours, |(runtime, reuse)| {
            runtime.block_on(async {
                for _ in 0..LOANS {
                    let now = Instant::now();
                    match reuse.checkout(1, now, |connection| *connection == 7).await {
                        Ok(Given::Lent(lent)) => lent.give_back(now),
                        Ok(Given::Vacancy(vacancy)) => vacancy.fill(7).give_back(now),
                        Err(exhausted) => panic!("{exhausted}"),
                    }
                }
            });
        })
        .peer("bb8", bb8, |(runtime, pool)| {
            runtime.block_on(async {
                for _ in 0..LOANS {
                    drop(black_box(pool.get().await));
                }
            });
        })
        .peer("deadpool", deadpool, |(runtime, pool)| {
            runtime.block_on(async {
                for _ in 0..LOANS {
                    drop(black_box(pool.get().await));
                }
            });
        });
}

/// Answers at once; as a connector it makes another of itself.
#[derive(Clone, Copy)]
struct Answers;

struct Request(Option<Permit>);

impl Service<Request> for Answers {
    type Response = u64;
    type Error = Full;
    type Future = Ready<Result<u64, Full>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Full>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: Request) -> Self::Future {
        ready(Ok(u64::from(black_box(request).0.is_some())))
    }
}

impl Service<u64> for Answers {
    type Response = Self;
    type Error = Full;
    type Future = Ready<Result<Self, Full>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Full>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, _: u64) -> Self::Future {
        ready(Ok(Self))
    }
}

/// Keeps the place, as a connection does that stays.
struct Stays;

impl Service<Request> for Stays {
    type Response = u64;
    type Error = Full;
    type Future = Ready<Result<u64, Full>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Full>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: Request) -> Self::Future {
        std::mem::forget(black_box(request));
        ready(Ok(0))
    }
}

fn through<S: Service<Request>>(service: &mut S) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let ready = service.poll_ready(&mut cx).is_ready();
    ready && pin!(service.call(Request(None))).poll(&mut cx).is_ready()
}

pub fn layers(suite: &mut Suite) {
    let admit = |gate: fn(usize) -> Gate| {
        move || {
            let hold = |request: &mut Request, permit| request.0 = Some(permit);
            AdmitLayer::new(gate(1_000), hold, Err::<u64, Full>).layer(Answers)
        }
    };
    let stays = || {
        let hold = |request: &mut Request, permit| request.0 = Some(permit);
        AdmitLayer::new(Gate::lasting(usize::MAX / 2), hold, Err::<u64, Full>).layer(Stays)
    };
    let reused = || {
        let reuse = Reuse::new(ReuseLimits::default()).expect("limits that work");
        Reused::new(Answers, 1_u64, reuse, Instant::now)
    };
    suite
        .group("a call through a layer")
        .floor("no layer", || Answers, through)
        .ours("AdmitLayer: a place is taken and given back", admit(Gate::new), through)
        .ours("AdmitLayer, a gate that lasts", admit(Gate::lasting), through)
        .ours("AdmitLayer, a gate that lasts: the call, the place is kept", stays, through)
        .ours("Reused: checked out and given back, two clock readings", reused, through);
}
