//! A stack that is made with the first command: a session that only listens owns none of its limiters. Knows no layer.

use std::task::{Context, Poll};

use tower_service::Service;

/// Makes a service when it is first called. The layers of a session are ready as they are made: it is ready before.
pub(crate) struct OnDemand<M, S> {
    make: M,
    made: Option<Box<S>>,
}

impl<M: Fn() -> S, S> OnDemand<M, S> {
    pub(crate) const fn new(make: M) -> Self {
        Self { make, made: None }
    }
}

impl<M: Fn() -> S, S: Service<R>, R> Service<R> for OnDemand<M, S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match &mut self.made {
            Some(made) => made.poll_ready(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: R) -> S::Future {
        self.made.get_or_insert_with(|| Box::new((self.make)())).call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{Ready, ready};
    use std::rc::Rc;

    use super::*;

    /// Answers with how often it was called.
    struct Counting(u32);

    impl Service<()> for Counting {
        type Response = u32;
        type Error = ();
        type Future = Ready<Result<u32, ()>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            self.0 += 1;
            ready(Ok(self.0))
        }
    }

    #[tokio::test]
    async fn is_made_by_the_first_call_and_kept() {
        let made = Rc::new(Cell::new(0));
        let mut service = OnDemand::new(|| {
            made.set(made.get() + 1);
            Counting(0)
        });
        assert_eq!((size_of_val(&service), made.get()), (2 * size_of::<usize>(), 0));
        assert_eq!([service.call(()).await, service.call(()).await], [Ok(1), Ok(2)]);
        assert_eq!(made.get(), 1);
    }
}
