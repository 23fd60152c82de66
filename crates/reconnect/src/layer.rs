//! The policy as a [`tower::retry::Policy`]. It does not know what a request is, nor which answer is a
//! failure: a closure says that.
#![expect(clippy::disallowed_methods, reason = "this is the shell that waits for the policy")]

use tokio::time::{Instant, Sleep, sleep};

use crate::{Attempts, Ending, Policy};

/// Retries a request as a [`Policy`] says. Set [`max_failures`](crate::Settings::max_failures) or
/// [`outage_timeout`](crate::Settings::outage_timeout): the default is never to give up.
///
/// `judge` is an `Fn(&Result<Response, Error>) -> Option<Ending>`: `None` means that the answer is to be given
/// to the caller. `random` is an `Fn() -> f64` in 0..1. Requests are cloned before they are sent; put this
/// around requests only that may be repeated.
///
/// ```
/// use std::num::NonZeroU32;
/// use tidegate_reconnect::{Ending, Policy, RetryPolicy, Settings};
///
/// let settings = Settings { max_failures: NonZeroU32::new(3), ..Settings::default() };
/// let judge = |answer: &Result<u16, ()>| match answer {
///     Ok(503) | Err(()) => Some(Ending::Failed),
///     _ => None,
/// };
/// let retries = RetryPolicy::new(Policy::new(settings)?, judge, || 0.5);
/// let layer = tower::retry::RetryLayer::new(retries);
/// # let _: tower::retry::RetryLayer<_> = layer;
/// # Ok::<_, tidegate_reconnect::Impossible>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetryPolicy<J, R> {
    attempts: Attempts,
    judge: J,
    random: R,
}

impl<J, R> RetryPolicy<J, R> {
    /// Nothing has failed so far; tower clones this for each request.
    pub const fn new(policy: Policy, judge: J, random: R) -> Self {
        Self { attempts: Attempts::new(policy), judge, random }
    }
}

impl<J, R, Request, Response, Error> tower::retry::Policy<Request, Response, Error>
    for RetryPolicy<J, R>
where
    Request: Clone,
    J: Fn(&Result<Response, Error>) -> Option<Ending>,
    R: Fn() -> f64,
{
    type Future = Sleep;

    fn retry(&mut self, _: &mut Request, result: &mut Result<Response, Error>) -> Option<Sleep> {
        let ending = (self.judge)(result)?;
        let now = Instant::now().into_std();
        self.attempts.after(ending, now, (self.random)()).ok().map(sleep)
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}
