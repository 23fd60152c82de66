//! The wait for the disk's word on an append, by a thread or by a task. Knows no runtime.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::disk::{Keeper, Ticket};
use crate::error::AppendError;
use crate::hot::Hot;

/// An append whose word is awaited.
#[derive(Debug)]
pub(crate) enum Awaited {
    Written(Ticket),
    /// The repeat of one that is not settled.
    Repeat {
        hot: Arc<Hot>,
        seq: u64,
        ticket: Option<crate::waiters::Ticket>,
        keeper: Arc<Keeper>,
    },
}

impl Awaited {
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), AppendError>> {
        match self {
            Self::Written(ticket) => Pin::new(ticket).poll(context).map_err(AppendError::Store),
            Self::Repeat { hot, seq, ticket, keeper } => {
                let mut held = hot.hold();
                let done = held.log.tail() >= *seq || hot.is_removed();
                let refused = keeper.accepts().err();
                if done || refused.is_some() {
                    let left = held.waiters.leave(ticket);
                    drop(held);
                    drop(left);
                    return Poll::Ready(if done {
                        Ok(())
                    } else {
                        refused.map_or(Ok(()), |why| Err(why.into()))
                    });
                }
                let replaced = held.waiters.wait(ticket, *seq, context.waker());
                drop(held);
                drop(replaced);
                Poll::Pending
            }
        }
    }

    pub(crate) fn wait(mut self) -> Result<(), AppendError> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match self.poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Self::Repeat { hot, ticket, .. } = self
            && ticket.is_some()
        {
            let left = hot.hold().waiters.leave(ticket);
            drop(left);
        }
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
