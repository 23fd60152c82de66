//! A stack that is made with a command and goes when it has been quiet for long: a session that only listens owns none
//! of its limiters. Knows no layer.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tidegate_message::{Outcome, Request};
use tidegate_session::Commands;
use tower_service::Service;

/// Makes a service when it is called and there is none. The layers of a session are ready as they are made: it is ready
/// before.
pub(crate) struct OnDemand<M, S> {
    make: M,
    made: Option<Box<Made<S>>>,
}

/// A service, and what is known of its use.
pub(crate) struct Made<S> {
    service: S,
    /// So long after its last call it does what a new one would; `None`: never.
    forgets_after: Option<Duration>,
    /// Since when at least there was no call; `None` if there was one since the last look.
    quiet_since: Option<Instant>,
}

impl<M: Fn() -> Made<S>, S> OnDemand<M, S> {
    pub(crate) const fn new(make: M) -> Self {
        Self { make, made: None }
    }
}

impl<S> Made<S> {
    pub(crate) const fn new(service: S, forgets_after: Option<Duration>) -> Self {
        Self { service, forgets_after, quiet_since: None }
    }

    /// Whether a new one would do as well by now.
    fn has_forgotten(&mut self, now: Instant) -> bool {
        let quiet = now.saturating_duration_since(*self.quiet_since.get_or_insert(now));
        self.forgets_after.is_some_and(|long| quiet >= long)
    }
}

impl<M: Fn() -> Made<S>, S: Service<R>, R> Service<R> for OnDemand<M, S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match &mut self.made {
            Some(made) => made.service.poll_ready(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: R) -> S::Future {
        let made = self.made.get_or_insert_with(|| Box::new((self.make)()));
        made.quiet_since = None;
        made.service.call(request)
    }
}

impl<M: Fn() -> Made<S>, S: Service<Request, Response = Outcome>> Commands for OnDemand<M, S> {
    fn rest(&mut self, now: Instant) {
        self.made.take_if(|made| made.has_forgotten(now));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant serves as a start")]
mod tests {
    use std::cell::Cell;
    use std::future::{Ready, ready};

    use tidegate_message::{Command, Event};

    use super::*;

    /// Answers.
    struct Answers;

    impl Service<Request> for Answers {
        type Response = Outcome;
        type Error = ();
        type Future = Ready<Result<Outcome, ()>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, Request { id, .. }: Request) -> Self::Future {
            ready(Ok(Outcome::Answer(Event::Pong { id })))
        }
    }

    fn ping() -> Request {
        Request { id: None, command: Command::Ping }
    }

    /// Counts what it makes.
    fn counting(
        count: &Cell<u32>,
        forgets_after: Option<Duration>,
    ) -> OnDemand<impl Fn() -> Made<Answers>, Answers> {
        OnDemand::new(move || {
            count.set(count.get() + 1);
            Made::new(Answers, forgets_after)
        })
    }

    #[tokio::test]
    async fn is_made_by_the_first_call_and_kept() {
        let count = Cell::new(0);
        let mut service = counting(&count, None);
        let own = size_of_val(&service) - size_of_val(&service.make);
        assert_eq!((own, count.get()), (size_of::<usize>(), 0));
        let start = Instant::now();
        for day in 0..3 {
            assert!(service.call(ping()).await.is_ok());
            service.rest(start + Duration::from_hours(24 * day));
        }
        assert_eq!(count.get(), 1);
    }

    #[tokio::test]
    async fn is_made_anew_once_it_was_quiet_for_as_long_as_it_remembers() {
        let (count, start) = (Cell::new(0), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        let mut service = counting(&count, Some(Duration::from_secs(60)));
        for (rests, made) in [
            // From the first look after a call on.
            (&[0, 30, 59][..], 1),
            (&[70, 100, 129], 1),
            (&[140, 170, 200], 1),
            (&[210], 2),
        ] {
            assert!(service.call(ping()).await.is_ok());
            assert_eq!(count.get(), made);
            rests.iter().for_each(|second| service.rest(at(*second)));
        }
        assert!(service.made.is_some());
        service.rest(at(270));
        assert!(service.made.is_none());
    }
}
