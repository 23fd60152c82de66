//! When to flush an outbox: by count, by bytes, by delay, and before it is full. It does not pop, and it has no timer.

use std::time::{Duration, Instant};

use crate::{Item, Outbox};

/// How long messages may be held back to leave together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchPolicy {
    /// So many messages are flushed at once. Default 10.
    pub max_messages: usize,
    /// So many bytes are flushed at once. Default 4 096.
    pub max_bytes: usize,
    /// The longest delay of a message, and the shortest time between two flushes that neither count,
    /// bytes nor urgency asked for. Zero: nothing is held back. Default 50 ms.
    pub max_delay: Duration,
}

impl Default for BatchPolicy {
    fn default() -> Self {
        Self { max_messages: 10, max_bytes: 4096, max_delay: Duration::from_millis(50) }
    }
}

/// What to do with an outbox now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flush {
    /// Pop and send.
    Now,
    /// Ask again at that time, or as soon as something was pushed.
    At(Instant),
    /// Nothing is inside.
    Idle,
}

/// Says when to flush.
///
/// The delay runs from the last flush, not from each message: what is inside came after that flush, so
/// none waits longer than the delay, the first message of a quiet session goes at once, and no push
/// time has to be kept. An outbox that is over three quarters full is flushed, whatever the policy.
///
/// ```
/// # #![allow(clippy::disallowed_methods)]
/// # use std::time::{Duration, Instant};
/// # use tidegate_message::{Class, Priority};
/// use tidegate_queue::{BatchPolicy, Batcher, Flush, Item, Limits, Outbox};
/// # struct Chat;
/// # impl Item for Chat {
/// #     fn class(&self) -> Class { Class::Coalescible }
/// #     fn priority(&self) -> Priority { Priority::Normal }
/// #     fn bytes(&self) -> usize { 20 }
/// # }
/// let mut outbox = Outbox::new(Limits::default());
/// let mut batcher = Batcher::new(BatchPolicy::default());
/// let now = Instant::now();
/// assert_eq!(batcher.decide(&outbox, now), Flush::Idle);
/// let _ = outbox.push(Chat);
/// assert_eq!(batcher.decide(&outbox, now), Flush::Now);
/// batcher.flushed(now);
/// assert_eq!(batcher.decide(&outbox, now), Flush::At(now + Duration::from_millis(50)));
/// ```
#[derive(Clone, Debug)]
pub struct Batcher {
    policy: BatchPolicy,
    last_flush: Option<Instant>,
}

impl Batcher {
    /// A batcher of a session that has sent nothing yet.
    #[must_use]
    pub const fn new(policy: BatchPolicy) -> Self {
        Self { policy, last_flush: None }
    }

    /// The policy it was made with.
    #[must_use]
    pub const fn policy(&self) -> &BatchPolicy {
        &self.policy
    }

    /// Whether to flush `outbox` at the time `now`.
    pub fn decide<T: Item>(&self, outbox: &Outbox<T>, now: Instant) -> Flush {
        if outbox.is_empty() {
            return Flush::Idle;
        }
        if outbox.holds_urgent()
            || outbox.len() >= self.policy.max_messages
            || outbox.bytes() >= self.policy.max_bytes
            || outbox.is_high()
        {
            return Flush::Now;
        }
        // A delay that no Instant can hold is no delay: better a small frame than a stuck message.
        match self.last_flush.and_then(|last| last.checked_add(self.policy.max_delay)) {
            Some(due) if due > now => Flush::At(due),
            _ => Flush::Now,
        }
    }

    /// Notes that the outbox was flushed at the time `now`.
    pub const fn flushed(&mut self, now: Instant) {
        self.last_flush = Some(now);
    }
}
