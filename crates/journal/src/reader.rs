//! One reader of one log, which waits for what it has not seen. Needs no runtime, but for what lies on a disk.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::batch::Batch;
use crate::error::ReadError;
use crate::hot::Hot;
use crate::journal::{Journal, Shared};
use crate::log::Read;
use crate::name::LogName;
use crate::position::Position;
use crate::waiters::Ticket;

/// Reads a log on from a position, and waits at its tail. Works on any runtime.
///
/// ```
/// use tidegate_journal::{Append, Journal, Limits, LogName};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let journal = Journal::in_memory(Limits::default(), || 17);
/// let answer: LogName = "run:7".parse()?;
/// let start = journal.open_log(&answer, None, 0)?;
/// let mut reader = journal.reader(&answer, start)?;
/// let (batch, appended) = tokio::join!(reader.next(64 * 1_024), async {
///     journal.append(&answer, Append::new("hello"), 1)
/// });
/// assert_eq!(batch?.last(), Some(appended?.position.seq));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    hot: Arc<Hot>,
    position: Position,
    ticket: Option<Ticket>,
    older: Option<crate::blocking::Blocking<Batch>>,
}

impl Journal {
    /// A reader that has seen everything up to a position.
    ///
    /// # Errors
    /// There is no such log, or nothing can follow this position; the error says what would be right.
    pub fn reader(&self, name: &LogName, after: Position) -> Result<Reader, ReadError> {
        let hot = self.shared.find(name)?;
        {
            let held = hot.hold();
            let have = held.log.epoch();
            if after.epoch != have {
                return Err(ReadError::OtherEpoch { have });
            }
            held.log.check(after.seq)?;
        }
        Ok(Reader {
            shared: Arc::clone(&self.shared),
            hot,
            position: after,
            ticket: None,
            older: None,
        })
    }
}

impl Reader {
    /// What it has seen.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Goes on from another seq of this log, such as the floor that [`ReadError::BelowFloor`] names.
    pub fn skip_to(&mut self, seq: u64) {
        self.position.seq = seq;
        self.older = None;
    }

    /// What follows, as far as `max_bytes` of bodies go; at least one entry. Waits until there is something. An empty
    /// batch says that the log has ended and all of it was read.
    ///
    /// What is not in memory is read from the disk: on tokio, with the feature `tokio`, by one of its blocking threads;
    /// otherwise in this thread.
    ///
    /// # Errors
    /// The log was removed, or has let go what follows; the error says from where one can read on.
    ///
    /// # Cancel safety
    /// A call that is dropped has read nothing: the next one gets what it would have got.
    pub async fn next(&mut self, max_bytes: usize) -> Result<Batch, ReadError> {
        poll_fn(|context| self.poll_next(context, max_bytes)).await
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        max_bytes: usize,
    ) -> Poll<Result<Batch, ReadError>> {
        if self.older.is_some() {
            return self.poll_older(context);
        }
        let read = {
            let mut held = self.hot.hold();
            if self.hot.is_removed() {
                return Poll::Ready(Err(ReadError::Unknown));
            }
            self.hot.note_read(&held, self.shared.now_ms());
            let read = match held.read(self.position, max_bytes) {
                Ok(read) => read,
                Err(error) => return Poll::Ready(Err(error)),
            };
            if let Read::Batch(batch) = &read
                && batch.items.is_empty()
                && !batch.ended
            {
                let seq = self.position.seq + 1;
                let replaced = held.waiters.wait(&mut self.ticket, seq, context.waker());
                drop(held);
                drop(replaced);
                return Poll::Pending;
            }
            read
        };
        match read {
            Read::Batch(batch) => Poll::Ready(Ok(self.pass(batch))),
            Read::Older { .. } => self.begin_older(context, read, max_bytes),
        }
    }

    /// Takes note of what was read.
    fn pass(&mut self, batch: Batch) -> Batch {
        self.position.seq = batch.last().unwrap_or(self.position.seq);
        batch
    }

    fn begin_older(
        &mut self,
        context: &mut Context<'_>,
        read: Read,
        max_bytes: usize,
    ) -> Poll<Result<Batch, ReadError>> {
        let (shared, hot) = (Arc::clone(&self.shared), Arc::clone(&self.hot));
        let after = self.position;
        let complete = move || shared.complete(&hot, read, after, max_bytes);
        self.older = Some(crate::blocking::Blocking::new(complete));
        self.poll_older(context)
    }

    fn poll_older(&mut self, context: &mut Context<'_>) -> Poll<Result<Batch, ReadError>> {
        let older = self.older.as_mut().expect("the caller has looked");
        let read = std::task::ready!(std::pin::Pin::new(older).poll(context));
        self.older = None;
        Poll::Ready(read.map(|batch| self.pass(batch)))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.hot.hold().waiters.leave(&mut self.ticket);
            drop(left);
        }
    }
}
