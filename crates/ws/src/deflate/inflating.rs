//! The inbound half of an agreement: the compressed message of one connection that is open, if any.

use std::task::Waker;

use tidegate_deflate::{
    Direction, Error, Inbound, InboundLimits, InflaterPool, Progress, TakeoverSlot,
};

use super::Deflate;
use crate::error::Violation;

thread_local! {
    /// For what is inflated on the spot, so that messages that come whole wait for no one.
    static ON_THE_SPOT: InflaterPool = InflaterPool::new(1);
}

/// What became of a piece of a compressed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It was taken; not all that came out of it need be there yet.
    Taken,
    /// All inflaters of the pool are lent, and no more may wait: nothing was taken.
    Blocked,
}

/// Why a compressed message fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) violation: Violation,
    /// The place in the message's compressed bytes, if it is exact.
    pub(crate) at: Option<u64>,
}

/// The inbound half of [`Agreed`](crate::Agreed), for a [`Decoder`](crate::Decoder). Owns nothing while no compressed message is open, but for the window of an agreed takeover.
#[derive(Debug)]
pub struct Inflating {
    deflate: Deflate,
    direction: Direction,
    /// Until the first message's `Inbound` takes it.
    slot: Option<TakeoverSlot>,
    open: Option<Box<Inbound>>,
}

impl Inflating {
    pub(super) const fn new(
        deflate: Deflate,
        direction: Direction,
        slot: Option<TakeoverSlot>,
    ) -> Self {
        Self { deflate, direction, slot, open: None }
    }

    /// Inflates the next piece of the open message, or of a new one, and appends what comes out, also before a fault.
    /// `last`: the message ends with it.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        last: bool,
        max_message_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<Pushed, Fault> {
        let limits = InboundLimits { max_message_bytes, ..InboundLimits::new() };
        let mut inbound = self.open.take().unwrap_or_else(|| self.begin(limits));
        inbound.limit(limits);
        let pushed = if last {
            ON_THE_SPOT.with(|pool| inbound.push(pool, piece, true, out))
        } else {
            inbound.push(&self.deflate.shared.pool, piece, false, out)
        };
        match pushed {
            Ok(Progress::Inflated | Progress::Waiting) if last => {
                // Under takeover it keeps the window; else there is nothing to keep.
                self.open = self.direction.takeover.then_some(inbound);
                self.deflate.shared.waiters.wake();
                Ok(Pushed::Taken)
            }
            Ok(progress) => {
                self.open = Some(inbound);
                Ok(if progress == Progress::Full { Pushed::Blocked } else { Pushed::Taken })
            }
            Err(error) => {
                drop(inbound);
                self.deflate.shared.waiters.wake();
                Err(Fault::from(error))
            }
        }
    }

    /// Wakes a task when an inflater is back. It has to push once more after this call.
    pub(crate) fn wake_when_free(&self, waker: &Waker) {
        self.deflate.shared.waiters.add(waker);
    }

    fn begin(&mut self, limits: InboundLimits) -> Box<Inbound> {
        let inbound = Inbound::new(self.direction, limits);
        Box::new(match self.slot.take() {
            Some(slot) => inbound.with_slot(slot),
            None => inbound,
        })
    }
}

impl Drop for Inflating {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            drop(open);
            self.deflate.shared.waiters.wake();
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let violation = match error {
            Error::TooLarge { .. } => return Self { violation: Violation::LargeMessage, at: None },
            Error::Truncated { .. } => Violation::TruncatedDeflate,
            Error::ManyFinalBlocks { .. } => Violation::ManyFinalBlocks,
            _ => Violation::CorruptDeflate,
        };
        Self { violation, at: error.offset() }
    }
}
