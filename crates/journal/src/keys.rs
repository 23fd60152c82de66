//! Which idempotency keys were used lately, and for what. Knows digests and times, but neither bodies nor logs.

use std::collections::{HashMap, VecDeque};

use crate::append::{IdempotencyKey, Keyed};
use crate::head::KnownKey;

/// How long keys are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyWindow {
    /// How long a key is known after its append, in milliseconds.
    pub age_ms: u64,
    /// How many keys of one log are known; of more, the newest are.
    pub max_keys: u32,
}

impl Default for KeyWindow {
    /// Ten minutes, 100 000 keys.
    fn default() -> Self {
        Self { age_ms: 10 * 60 * 1_000, max_keys: 100_000 }
    }
}

/// The keys of one log.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<IdempotencyKey, Known, foldhash::fast::RandomState>,
    /// In the order of their appends.
    order: VecDeque<IdempotencyKey>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    body: u64,
    pub(crate) seq: u64,
    pub(crate) at_ms: u64,
}

/// What a key says about an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    New,
    /// The same bytes were appended at this seq.
    Repeat(u64),
    /// Other bytes were.
    Reused(u64),
}

impl Keys {
    pub(crate) fn resume(keys: &[KnownKey]) -> Self {
        let mut resumed = Self::default();
        for key in keys {
            resumed.insert(key.keyed, key.seq, key.at_ms);
        }
        resumed
    }

    pub(crate) fn see(&self, keyed: &Keyed) -> Seen {
        match self.known.get(&keyed.key) {
            None => Seen::New,
            Some(known) if known.body == keyed.body => Seen::Repeat(known.seq),
            Some(known) => Seen::Reused(known.seq),
        }
    }

    /// Takes note of a key that is not known.
    pub(crate) fn insert(&mut self, keyed: Keyed, seq: u64, at_ms: u64) {
        let known = Known { body: keyed.body, seq, at_ms };
        if self.known.insert(keyed.key, known).is_none() {
            self.order.push_back(keyed.key);
        }
    }

    /// Forgets what is out of the window, so that `more` keys have room.
    pub(crate) fn trim(&mut self, window: KeyWindow, now_ms: u64, more: usize) {
        while let Some(oldest) = self.order.front() {
            let at_ms = self.known.get(oldest).map_or(0, |known| known.at_ms);
            let over = self.order.len() + more > window.max_keys as usize;
            if !over && now_ms.saturating_sub(at_ms) < window.age_ms {
                return;
            }
            self.known.remove(oldest);
            self.order.pop_front();
        }
        *self = Self::default();
    }

    /// Forgets the keys of appends that failed.
    pub(crate) fn forget_between(&mut self, from: u64, to: u64) {
        self.known.retain(|_, known| !(from..=to).contains(&known.seq));
        self.order.retain(|key| self.known.contains_key(key));
    }

    /// The oldest.
    #[cfg(feature = "disk")]
    pub(crate) fn oldest(&self) -> Option<&Known> {
        self.known.get(self.order.front()?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The memory taken: 41 bytes a place in the table, 16 a place in the order.
    pub(crate) fn bytes(&self) -> usize {
        let place = size_of::<(IdempotencyKey, Known)>() + 1;
        // The table is never fuller than 7/8, and has a power of two of places.
        let places = self.known.capacity() * 8 / 7;
        places * place + self.order.capacity() * size_of::<IdempotencyKey>()
    }
}
