//! A part of the keys, behind one lock: finding, holding and forgetting them. It does not know a clock, nor other shards.

use std::num::NonZeroU32;

use crate::cells::Cells;
use crate::held::Held;
use crate::place::Kept;
use crate::state::{At, State};
use crate::table::Table;
use crate::window::{HORIZON, ticks_to_drop};
use crate::{Limit, Totals, Verdict};

/// Places that each new key looks at, to forget keys that are idle.
const SWEEP: usize = 8;
/// Keys among which the one to forget is chosen.
const CHOICE: usize = 8;
/// Places that are looked at for them: a new key costs no more, however many are blocked.
const LOOK: usize = 64;
/// Keys that may go for one that has many bytes of its own.
const FORGOTTEN_FOR_ONE: usize = 8;

#[derive(Debug)]
pub(crate) struct Shard<K, W: Kept> {
    table: Table<K, Held<W>>,
    blocks: Cells,
    bounds: Bounds<K>,
    /// Bytes that the keys held have of their own.
    key_bytes: usize,
    /// The tick from which times count here.
    base: u64,
    /// The latest tick seen, from there.
    latest: u32,
    /// Where the next look around begins.
    hand: usize,
    /// Shared by the keys that cannot be held.
    crowd: Held<W>,
    totals: Totals,
    untracked: u64,
}

/// The most that a shard holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<K> {
    pub(crate) keys: usize,
    pub(crate) bytes: usize,
    /// Bytes that a key has of its own.
    pub(crate) key_bytes: fn(&K) -> usize,
}

impl<K: Eq + Clone, W: Kept> Shard<K, W> {
    pub(crate) fn new(limit: &Limit, bounds: Bounds<K>) -> Self {
        Self {
            table: Table::new(),
            blocks: Cells::new(W::block(limit).max(1)),
            bounds,
            key_bytes: 0,
            base: 0,
            latest: 0,
            hand: 0,
            crowd: Held::new(),
            totals: Totals::default(),
            untracked: 0,
        }
    }

    /// The most bytes that one key takes, its own apart: its slot, where the table is emptiest, and its log.
    pub(crate) fn bytes_per_key(limit: &Limit) -> usize {
        Self::slot_bytes() + Self::log_bytes(limit)
    }

    const fn slot_bytes() -> usize {
        Table::<K, Held<W>>::SLOT_BYTES * 4 / 3
    }

    fn log_bytes(limit: &Limit) -> usize {
        W::block(limit) * size_of::<u32>() + 1
    }

    /// Decides; what passes is counted if `rest` passes too.
    #[inline(always)]
    pub(crate) fn check_if(
        &mut self,
        limit: &Limit,
        (hash, key): (NonZeroU32, &K),
        at: At,
        cost: u32,
        rest: impl FnOnce() -> bool,
    ) -> Verdict {
        let at = self.at(limit, at);
        let Self { table, blocks, totals, .. } = self;
        let place = table.find(hash, key);
        match place.and_then(|place| table.get_mut(place)) {
            Some(entry) => entry.value.check_if(blocks, totals, limit, &at, cost, rest),
            None => self.check_new(limit, (hash, key), &at, cost, rest),
        }
    }

    #[inline(never)]
    fn check_new(
        &mut self,
        limit: &Limit,
        (hash, key): (NonZeroU32, &K),
        at: &At,
        cost: u32,
        rest: impl FnOnce() -> bool,
    ) -> Verdict {
        let mut fresh = Held::<W>::new();
        let counts = cost > 0 && cost <= limit.capacity();
        if !counts {
            return fresh.check_if(&mut self.blocks, &mut self.totals, limit, at, cost, rest);
        }
        if !self.find_room(limit, at.tick, key) {
            self.untracked = self.untracked.wrapping_add(1);
            let (crowd, limit) = (&mut self.crowd, limit.without_block());
            return crowd.check_if(&mut self.blocks, &mut self.totals, &limit, at, cost, rest);
        }
        if !rest() {
            return fresh.peek(&self.blocks, limit, at, cost);
        }
        let verdict = fresh.check_if(&mut self.blocks, &mut self.totals, limit, at, cost, || true);
        self.key_bytes = self.key_bytes.saturating_add((self.bounds.key_bytes)(key));
        self.table.insert(hash, key.clone(), fresh);
        verdict
    }

    /// The verdict that [`Self::check_if`] would give, with nothing changed.
    pub(crate) fn peek(
        &mut self,
        limit: &Limit,
        (hash, key): (NonZeroU32, &K),
        at: At,
        cost: u32,
    ) -> Verdict {
        let at = self.at(limit, at);
        match self.table.find(hash, key).and_then(|place| self.table.get(place)) {
            Some(entry) => entry.value.peek(&self.blocks, limit, &at, cost),
            None => State::new(W::default()).peek(&[], limit, &at, cost),
        }
    }

    pub(crate) fn forget(&mut self, (hash, key): (NonZeroU32, &K)) {
        if let Some(place) = self.table.find(hash, key) {
            self.remove(place);
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes held, those that the keys have of their own included.
    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes() + self.blocks.bytes() + self.key_bytes
    }

    pub(crate) const fn totals(&self) -> Totals {
        self.totals
    }

    /// Requests that the crowd decided about.
    pub(crate) const fn untracked(&self) -> u64 {
        self.untracked
    }

    /// The moment, in times of this shard.
    #[inline(always)]
    fn at(&mut self, limit: &Limit, at: At) -> At {
        let mut tick = limit.tick(at.nanos).saturating_sub(self.base);
        if tick >= HORIZON {
            tick -= self.rebase(limit, tick);
        }
        // Below the horizon, so a u32.
        self.latest = self.latest.max(tick as u32);
        At { nanos: at.nanos.saturating_sub(limit.tick_nanos(self.base)), tick: self.latest, ..at }
    }

    /// Counts time from a later moment on: says by how many ticks.
    #[cold]
    #[inline(never)]
    fn rebase(&mut self, limit: &Limit, now: u64) -> u64 {
        let by = ticks_to_drop(limit, now);
        for entry in self.table.iter_mut() {
            entry.value.rebase(&mut self.blocks, limit, now, by);
        }
        self.crowd.rebase(&mut self.blocks, limit, now, by);
        self.base += by;
        self.latest = 0;
        by
    }

    /// Makes room for one key more; `false`: all that were looked at are blocked.
    fn find_room(&mut self, limit: &Limit, now: u32, key: &K) -> bool {
        self.sweep(limit, now);
        let own = (self.bounds.key_bytes)(key);
        for _ in 0..FORGOTTEN_FOR_ONE {
            if self.has_room(limit, own) {
                return true;
            }
            match self.least_needed(limit, now) {
                Some(place) => self.remove(place),
                None => return false,
            }
        }
        self.has_room(limit, own)
    }

    fn has_room(&self, limit: &Limit, own: usize) -> bool {
        let keys = self.table.len() + 1;
        // What is held counts even where it is not used now.
        let slots = Self::slot_bytes().saturating_mul(keys).max(self.table.bytes());
        let logs = Self::log_bytes(limit).saturating_mul(keys).max(self.blocks.bytes());
        let bytes = [slots, logs, self.key_bytes, own].into_iter().fold(0, usize::saturating_add);
        keys <= self.bounds.keys && bytes <= self.bounds.bytes
    }

    /// Forgets the idle ones among the next few places.
    fn sweep(&mut self, limit: &Limit, now: u32) {
        for _ in 0..SWEEP {
            let place = self.next_place();
            if self.table.get(place).is_some_and(|e| e.value.is_idle(&self.blocks, limit, now)) {
                self.remove(place);
                // What followed stands there now.
                self.hand = place;
            }
        }
    }

    /// The place of the key that is missed least: of the next few that are not blocked the one with the lowest load.
    fn least_needed(&mut self, limit: &Limit, now: u32) -> Option<usize> {
        let (mut seen, mut best) = (0, None);
        for _ in 0..LOOK.min(self.table.places()) {
            let place = self.next_place();
            let Some(entry) = self.table.get(place) else { continue };
            let Some(load) = entry.value.load_unless_blocked(&self.blocks, limit, now) else {
                continue;
            };
            if best.is_none_or(|(least, _)| load < least) {
                best = Some((load, place));
            }
            seen += 1;
            if load == 0 || seen == CHOICE {
                break;
            }
        }
        best.map(|(_, place)| place)
    }

    /// Moves the hand on, and around.
    fn next_place(&mut self) -> usize {
        let place = self.hand;
        self.hand += 1;
        if self.hand >= self.table.places() {
            self.hand = 0;
        }
        place
    }

    fn remove(&mut self, place: usize) {
        if let Some(removed) = self.table.remove(place) {
            let own = (self.bounds.key_bytes)(&removed.key);
            self.key_bytes = self.key_bytes.saturating_sub(own);
            removed.value.give_back(&mut self.blocks);
            if self.table.shrink() {
                self.compact();
            }
        }
    }

    /// Moves the logs together, after many were given back.
    fn compact(&mut self) {
        let mut blocks = self.blocks.empty();
        for entry in self.table.iter_mut() {
            entry.value.relocate(&self.blocks, &mut blocks);
        }
        self.crowd.relocate(&self.blocks, &mut blocks);
        self.blocks = blocks;
    }
}
