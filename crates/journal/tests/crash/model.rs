//! What must hold of one log: ten lines of state, and the check of what a reader sees.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_journal::disk::{Loaded, Stored};
use tidegate_journal::{Cuts, Durability, Entry, Epoch, Keyed};

/// One life of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    /// The highest floor that was asked for.
    pub(crate) floor: u64,
    /// Seqs whose bytes have left, and what they were.
    pub(crate) left: BTreeMap<u64, Vec<u8>>,
    /// What was tried at a seq and may be there.
    pub(crate) tried: BTreeMap<u64, Vec<Vec<u8>>>,
    /// What was promised of a seq, and is still in force.
    pub(crate) promised: BTreeMap<u64, Durability>,
    /// Seqs that were said to be lost.
    pub(crate) holes: BTreeSet<u64>,
    /// Keys by the seq of their append.
    pub(crate) keys: BTreeMap<u64, Keyed>,
    pub(crate) forgotten: u64,
}

/// What a log may be after a crash: absent, or of one of these epochs.
pub(crate) type May = Vec<Option<Epoch>>;

impl Life {
    /// A seq leaves the process.
    pub(crate) fn leave(&mut self, seq: u64, body: &[u8]) {
        let before = self.left.entry(seq).or_insert_with(|| body.to_vec());
        assert_eq!(before, body, "seq {seq} is there twice, in two ways");
    }

    /// An append was answered: it, and all before it, are as durable as that.
    pub(crate) fn promise(&mut self, seq: u64, durability: Durability) {
        self.promised.insert(seq, durability);
        for (_, before) in self.promised.range_mut(..seq) {
            *before = (*before).max(durability);
        }
    }

    /// A crash takes the promises of the weaker levels.
    pub(crate) fn crash(&mut self, survives: Durability) {
        self.promised.retain(|_, durability| *durability >= survives);
    }

    /// After an orderly end all that was ever tried is there.
    pub(crate) fn settle(&mut self, next: u64) {
        for seq in self.floor + 1..next {
            if !self.holes.contains(&seq) {
                self.promised.insert(seq, Durability::Fsync);
            }
        }
    }

    /// Forgets what is promised below the floor. What was tried there may come back: a floor is written down behind.
    pub(crate) fn prune(&mut self) {
        self.promised = self.promised.split_off(&(self.floor + 1));
        self.holes = self.holes.split_off(&(self.floor + 1));
        self.keys = self.keys.split_off(&(self.forgotten + 1));
    }

    /// The head as it is found after a start.
    pub(crate) fn check_head(&mut self, loaded: &Loaded) {
        let head = &loaded.head;
        let last = self.left.last_key_value().map_or(0, |(seq, _)| *seq);
        assert!(head.next > last, "seq {last} has left, and {} comes next", head.next);
        assert!(head.floor <= self.floor, "a floor of {} was never asked for", head.floor);
        let (forgotten, promised) = (self.forgotten, &self.promised);
        self.keys.retain(|seq, keyed| {
            let known = head.keys.iter().any(|known| known.seq == *seq && known.keyed == *keyed);
            let must = *seq > forgotten && promised.contains_key(seq);
            assert!(known || !must, "the key of seq {seq} is forgotten");
            known
        });
    }

    /// What a reader sees behind `after`: without a hole that is not said, without a loss that breaks a promise, and
    /// with the right bytes. Returns how far it reads.
    pub(crate) fn check_read(&mut self, after: u64, items: &[Stored], may_lose: bool) -> u64 {
        let mut at = after;
        for item in items {
            let (first, last) = match item {
                Stored::Entry(entry) => (entry.first, entry.last),
                Stored::Lost(lost) => (lost.from, lost.to),
            };
            assert_eq!(first, at + 1, "a hole that is not said, or something twice");
            assert!(last >= first);
            match item {
                Stored::Entry(entry) => self.check_entry(entry),
                Stored::Lost(_) => self.check_lost(first, last, may_lose),
            }
            at = last;
        }
        at
    }

    fn check_lost(&mut self, first: u64, last: u64, may_lose: bool) {
        let promised = self.promised.range(first.max(self.floor + 1)..).next();
        if let Some((seq, durability)) = promised.filter(|(seq, _)| **seq <= last) {
            panic!("seq {seq} is lost, and was promised at {durability:?}");
        }
        for seq in first..=last {
            let new = self.holes.insert(seq);
            let below = seq <= self.floor;
            assert!(!new || may_lose || below, "seq {seq} is lost without a crash");
        }
    }

    fn check_entry(&mut self, entry: &Entry) {
        assert!(entry.is_sound());
        if matches!(entry.cuts, Cuts::Latest) {
            return self.check_body(entry.last, &entry.body);
        }
        for seq in entry.first..=entry.last {
            let rest = entry.after(seq - 1).expect("the seq is in it");
            let behind = entry.after(seq).map_or(0, |behind| behind.body.len());
            let body = &rest.body[..rest.body.len() - behind];
            self.check_body(seq, body);
        }
    }

    fn check_body(&mut self, seq: u64, body: &[u8]) {
        let tried = self.tried.get(&seq).is_some_and(|tried| tried.iter().any(|it| it == body));
        assert!(
            tried,
            "seq {seq} has bytes that were never written to it: {:?}, but {:?}",
            String::from_utf8_lossy(body),
            self.tried.get(&seq).map(|tried| tried
                .iter()
                .map(|it| String::from_utf8_lossy(it))
                .collect::<Vec<_>>())
        );
        self.leave(seq, body);
    }
}
