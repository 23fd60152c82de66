//! The tower layers: limits of a session and limits by key, refusals at once, readiness passed through.
#![cfg(feature = "tower")]
#![expect(clippy::disallowed_methods, reason = "a test needs one instant to count from")]

use std::cell::Cell;
use std::future::{Ready, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tidegate_ratelimit::{
    Ask, ByAddress, ByHeader, ConfigError, Keyed, KeyedLimiters, Limit, RateLimitLayer, Refused,
    SessionLimitLayer, SharedTotals, Standing, Verdict, too_many_requests, write_fields,
};
use tower_layer::Layer;
use tower_service::Service;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq)]
enum Failure {
    Refused(Refused),
    NotReady,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Answers with how often it was called, and is ready when told so.
#[derive(Clone, Default)]
struct Inner {
    calls: Rc<Cell<u32>>,
    asked: Rc<Cell<u32>>,
    pending: Rc<Cell<bool>>,
    broken: Rc<Cell<bool>>,
}

impl Service<&'static str> for Inner {
    type Response = u32;
    type Error = Failure;
    type Future = Ready<Result<u32, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.asked.set(self.asked.get() + 1);
        match (self.pending.get(), self.broken.get()) {
            (true, _) => Poll::Pending,
            (_, true) => Poll::Ready(Err(Failure::NotReady)),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: &'static str) -> Self::Future {
        self.calls.set(self.calls.get() + 1);
        ready(Ok(self.calls.get()))
    }
}

/// Of the limit for what costs something, and of the one for what is free.
fn cost(request: &&'static str) -> [u32; 2] {
    match *request {
        "ping" => [0, 1],
        "nothing" => [0, 0],
        _ => [1, 0],
    }
}

fn of(max_requests: u32, window: Duration) -> Limit {
    Limit::new(max_requests, window).expect("the tests' windows are not zero")
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

#[test]
fn refuses_at_once_with_the_verdict_and_the_limit() {
    let start = Instant::now();
    let limit = of(2, SECOND).block(SECOND * 2);
    let inner = Inner::default();
    let layer = SessionLimitLayer::new([limit, of(1, SECOND)], cost, move || start);
    let mut service = layer.layer(inner.clone());
    assert_eq!(now(service.call("message")), Ok(1));
    assert_eq!(now(service.call("message")), Ok(2));
    let Err(Failure::Refused(refused)) = now(service.call("message")) else { panic!("passed") };
    let until = start + SECOND * 2;
    assert_eq!(refused.verdict, Verdict::Blocked { until, retry_after: SECOND * 2 });
    assert_eq!(refused.limit, limit);
    assert_eq!(inner.calls.get(), 2, "what is refused does not reach the inner service");
    assert_eq!(now(service.call("nothing")), Ok(3));
}

#[test]
fn free_requests_have_a_bound_of_their_own() {
    let start = Instant::now();
    let limits = (of(1, SECOND), of(2, SECOND));
    let layer = SessionLimitLayer::new([limits.0, limits.1], cost, move || start);
    let mut service = layer.layer(Inner::default());
    assert!(now(service.call("message")).is_ok());
    assert!(now(service.call("message")).is_err());
    assert!(now(service.call("ping")).is_ok());
    assert!(now(service.call("ping")).is_ok());
    let Err(Failure::Refused(refused)) = now(service.call("ping")) else { panic!("passed") };
    assert_eq!(refused.limit, limits.1);
    let [priced, free] = service.limiters().each();
    assert_eq!((priced.totals().limited, free.totals().limited), (1, 1));
}

#[test]
fn time_is_read_from_the_clock_given() {
    let start = Instant::now();
    let time = Rc::new(Cell::new(start));
    let clock = {
        let time = Rc::clone(&time);
        move || time.get()
    };
    let layer = SessionLimitLayer::new([of(1, SECOND), of(1, SECOND)], cost, clock);
    let mut service = layer.layer(Inner::default());
    assert!(now(service.call("message")).is_ok());
    assert!(now(service.call("message")).is_err());
    time.set(start + SECOND);
    assert!(now(service.call("message")).is_ok());
}

#[test]
fn each_session_has_its_own_limits_and_all_share_totals() {
    let start = Instant::now();
    let totals = Arc::new(SharedTotals::default());
    let limit = of(1, SECOND);
    let layer =
        SessionLimitLayer::new([limit, limit], cost, move || start).totals(Arc::clone(&totals));
    for _ in 0..3 {
        let mut session = layer.layer(Inner::default());
        assert!(now(session.call("message")).is_ok());
        assert!(now(session.call("message")).is_err());
    }
    let sum = totals.snapshot();
    assert_eq!((sum.allowed, sum.limited, sum.blocked), (3, 3, 0));
}

#[test]
fn is_ready_when_the_inner_service_is_and_only_then() {
    let start = Instant::now();
    let limit = of(1, SECOND);
    let inner = Inner::default();
    let layer = SessionLimitLayer::new([limit, limit], cost, move || start);
    let mut service = layer.layer(inner.clone());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(now(service.call("message")).is_ok());
    assert!(now(service.call("message")).is_err());
    assert_eq!(
        service.poll_ready(&mut cx),
        Poll::Ready(Ok(())),
        "an empty limit is no reason to wait"
    );
    inner.pending.set(true);
    assert_eq!(service.poll_ready(&mut cx), Poll::Pending);
    inner.pending.set(false);
    inner.broken.set(true);
    assert_eq!(service.poll_ready(&mut cx), Poll::Ready(Err(Failure::NotReady)));
    assert_eq!(inner.asked.get(), 3);
}

#[test]
fn what_one_limit_of_a_session_refuses_the_other_does_not_count() {
    let start = Instant::now();
    let both = |request: &&'static str| [1, request.len() as u32];
    let layer = SessionLimitLayer::new([of(9, SECOND), of(10, SECOND)], both, move || start);
    let mut service = layer.layer(Inner::default());
    assert!(now(service.call("12345678")).is_ok());
    assert!(now(service.call("123")).is_err());
    assert!(now(service.call("12")).is_ok());
    assert_eq!(
        service.limiters().each().each_ref().map(|limiter| limiter.remaining(start)),
        [7, 0]
    );
}

fn keyed<K: std::hash::Hash + Eq + Clone>(
    limits: [(&'static str, Limit); 2],
) -> Arc<KeyedLimiters<K, 2>> {
    let most = std::num::NonZeroUsize::MIN.saturating_add(999);
    Arc::new(KeyedLimiters::new(limits.map(|(name, limit)| (name, Keyed::new(limit, most)))))
}

#[test]
fn keys_are_limited_apart_and_clones_together() {
    let start = Instant::now();
    let limits = keyed([("few", of(2, SECOND)), ("bytes", of(9, SECOND))]);
    let layer =
        RateLimitLayer::new(Arc::clone(&limits), |user: &&'static str| *user, move || start)
            .costs(|request: &&'static str| [1, request.len() as u32]);
    let inner = Inner::default();
    let (mut one, mut other) = (layer.layer(inner.clone()), layer.layer(inner.clone()).clone());
    assert_eq!(now(one.call("ann")), Ok(1));
    assert_eq!(now(other.call("ann")), Ok(2));
    let Err(Failure::Refused(refused)) = now(one.call("ann")) else { panic!("passed") };
    assert_eq!((refused.policy, refused.limit), ("few", of(2, SECOND)));
    assert_eq!(now(other.call("bob")), Ok(3));
    let Err(Failure::Refused(refused)) = now(one.call("0123456789")) else { panic!("passed") };
    assert_eq!(refused.policy, "bytes");
    assert_eq!(inner.calls.get(), 3, "what is refused does not reach the inner service");
    let left = limits.peek(&"ann", start, [0, 0]).map(|standing| standing.verdict);
    let Verdict::Allowed { remaining, .. } = left[1] else { panic!("refused") };
    assert_eq!(remaining, 3, "the refusal for the first limit took no bytes");
}

/// Answers with what was noted in the request.
#[derive(Clone)]
struct Noted;

impl<B> Service<http::Request<B>> for Noted {
    type Response = Option<[Standing; 2]>;
    type Error = Refused;
    type Future = Ready<Result<Self::Response, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        ready(Ok(request.extensions().get().copied()))
    }
}

fn request(headers: &[(&'static str, &str)]) -> http::Request<()> {
    let mut request = http::Request::new(());
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().expect("a header's value"));
    }
    request.extensions_mut().insert(std::net::SocketAddr::from(([10, 0, 0, 7], 99)));
    request
}

#[test]
fn a_request_carries_how_it_stands_and_a_refusal_becomes_429() {
    let start = Instant::now();
    let limits = keyed([("sec", of(2, SECOND).burst(1)), ("min", of(3, SECOND * 60))]);
    let by_user = ByHeader(http::HeaderName::from_static("x-user"));
    let mut service = RateLimitLayer::http(limits, by_user, move || start).layer(Noted);
    let ann = || request(&[("x-user", "ann")]);
    let standings = now(service.call(ann())).unwrap().unwrap();
    let mut headers = http::HeaderMap::new();
    write_fields(&mut headers, &standings);
    assert_eq!(headers["ratelimit-policy"], r#""sec";q=3;w=1, "min";q=3;w=60"#);
    assert_eq!(headers["ratelimit"], r#""sec";r=2;t=1, "min";r=2;t=60"#);
    assert!(now(service.call(ann())).is_ok());
    assert!(now(service.call(ann())).is_ok());
    let response = too_many_requests::<()>(&now(service.call(ann())).unwrap_err());
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "60", "both refuse: the longer one is told");
    assert_eq!(response.headers()["ratelimit-policy"], r#""min";q=3;w=60"#);
    assert!(now(service.call(request(&[("x-user", "bob")]))).is_ok());
    // Those who do not say who they are count together.
    for passes in [true, true, true, false] {
        assert_eq!(now(service.call(request(&[]))).is_ok(), passes);
    }
}

#[test]
fn fields_leave_out_a_window_of_no_whole_seconds_and_escape_names() {
    let limit = of(1, Duration::from_millis(1500));
    let verdict = Verdict::Limited { retry_after: Duration::from_millis(1200) };
    let mut headers = http::HeaderMap::new();
    write_fields(&mut headers, &[Standing { policy: "a\"b\\c\u{e9}\r\n", limit, verdict }]);
    assert_eq!(headers["ratelimit-policy"], r#""a\"b\\c???";q=1"#);
    assert_eq!(headers["ratelimit"], r#""a\"b\\c???";r=0;t=2"#);
    write_fields(&mut headers, &[]);
    assert_eq!(headers.len(), 2, "no limits, nothing to tell");
}

fn client(by: &ByAddress, headers: &[(&'static str, &str)]) -> String {
    let key = Ask::<_, 1>::key(by, &request(headers));
    key.map_or("none".to_owned(), |network| network.to_string())
}

#[test]
fn an_address_is_believed_as_far_as_proxies_are() {
    let forwarded = [("x-forwarded-for", "6.6.6.6, 192.0.2.1"), ("x-forwarded-for", "10.0.0.8")];
    for (proxies, is) in
        [(0, "10.0.0.7"), (1, "10.0.0.8"), (2, "192.0.2.1"), (3, "6.6.6.6"), (9, "6.6.6.6")]
    {
        assert_eq!(client(&ByAddress::peer().behind(proxies), &forwarded), is, "{proxies} proxies");
    }
    let one = ByAddress::peer().behind(1);
    for (header, is) in [
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("[2001:db8:1:2:3::4]:80", "2001:db8:1:2::"),
        ("[2001:db8:1:2:3::4]", "2001:db8:1:2::"),
        ("192.0.2.1:80 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "10.0.0.7"),
        ("", "10.0.0.7"),
        (",,,", "10.0.0.7"),
    ] {
        assert_eq!(client(&one, &[("x-forwarded-for", header)]), is, "{header:?}");
    }
    assert_eq!(client(&one, &[]), "10.0.0.7");
    assert_eq!(client(&ByAddress::found_by(|_| None), &[]), "none");
    let whole = one.clone().prefix(128).unwrap();
    assert_eq!(client(&whole, &[("x-forwarded-for", "2001:db8::4")]), "2001:db8::4");
    assert_eq!(one.prefix(129).unwrap_err(), ConfigError::Prefix { given: 129 });
}
