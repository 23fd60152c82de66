//! What holds for any sequence of pushes and pops.

mod letter;

use std::collections::{BTreeMap, BTreeSet};

use letter::{Letter, chat};
use proptest::prelude::*;
use tidegate_message::{Class, Priority};
use tidegate_queue::{Counters, Item, Limits, Outbox, Overflow, Pushed};

#[derive(Clone, Debug)]
enum Step {
    Push(Letter),
    Pop,
    PopBatch(usize, usize),
}

fn letters() -> impl Strategy<Value = Letter> {
    let class = prop_oneof![
        1 => Just(Class::Droppable),
        3 => Just(Class::Coalescible),
        1 => Just(Class::Critical)
    ];
    let priority = prop_oneof![
        1 => Just(Priority::Low),
        3 => Just(Priority::Normal),
        1 => Just(Priority::High),
        1 => Just(Priority::Critical),
    ];
    let key = prop_oneof![Just(None), (0..3_u64).prop_map(Some)];
    let max_merged = prop_oneof![Just(0), Just(24), Just(usize::MAX)];
    (class, priority, key, any::<bool>(), max_merged, 0..3_usize).prop_map(
        |(class, priority, key, waits, max_merged, size)| Letter {
            class,
            priority,
            key,
            waits,
            max_merged,
            ..chat(&" ".repeat(size))
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => letters().prop_map(Step::Push),
        1 => Just(Step::Pop),
        1 => (0..4_usize, 0..40_usize).prop_map(|(messages, bytes)| Step::PopBatch(messages, bytes)),
    ];
    prop::collection::vec(step, 1..120)
}

fn tight() -> impl Strategy<Value = Limits> {
    (1..12_usize, 8..80_usize, 0..4_usize, 0..20_usize).prop_map(
        |(max_messages, max_bytes, reserve_messages, reserve_bytes)| Limits {
            max_messages,
            max_bytes,
            reserve_messages,
            reserve_bytes,
        },
    )
}

fn is_critical(letter: &Letter) -> bool {
    letter.class == Class::Critical || letter.priority == Priority::Critical
}

/// The numbers of all letters that were merged into this one, itself first.
fn numbers(letter: &Letter) -> Vec<usize> {
    letter
        .text
        .split_whitespace()
        .map(|number| number.parse().expect("a letter is numbers and spaces"))
        .collect()
}

/// An outbox, and what is known of it from outside.
struct Run {
    outbox: Outbox<Letter>,
    limits: Limits,
    /// What was pushed, by number, but for what came back.
    taken: BTreeMap<usize, Letter>,
    popped: Vec<Letter>,
    /// What pushes said that they dropped.
    told_shed: u64,
    told_untold: u64,
}

impl Run {
    fn new(limits: Limits) -> Self {
        let outbox = Outbox::new(limits);
        let (taken, popped) = (BTreeMap::new(), Vec::new());
        Self { outbox, limits, taken, popped, told_shed: 0, told_untold: 0 }
    }

    fn step(&mut self, number: usize, step: Step) {
        match step {
            Step::Push(letter) => {
                // A space on each side keeps merged numbers apart.
                self.push(number, Letter { text: format!(" {number}{} ", letter.text), ..letter });
            }
            Step::Pop => self.popped.extend(self.outbox.pop()),
            Step::PopBatch(messages, bytes) => {
                let mut batch = Vec::new();
                self.outbox.pop_batch(messages, bytes, &mut batch);
                let size: usize = batch.iter().map(|letter| letter.text.len()).sum();
                assert!(batch.len() <= 1 || (batch.len() <= messages && size <= bytes));
                self.popped.extend(batch);
            }
        }
        self.told_untold += self.outbox.take_dropped();
    }

    fn push(&mut self, number: usize, letter: Letter) {
        let before = self.outbox.counters();
        let (len, bytes) = (self.outbox.len(), self.outbox.bytes());
        let ordinary =
            len < self.limits.max_messages && bytes + letter.text.len() <= self.limits.max_bytes;
        match self.outbox.push(letter.clone()) {
            Pushed::Full(back) => {
                assert_eq!(back, letter);
                assert!(!ordinary, "refused although there was room");
                assert!(
                    is_critical(&letter)
                        || (letter.key.is_some() && letter.class != Class::Droppable)
                );
                assert_eq!((self.outbox.len(), self.outbox.bytes()), (len, bytes));
                let after = self.outbox.counters();
                let overflow_events = before.overflow_events + 1;
                assert_eq!(after, Counters { overflow_events, ..before });
                return;
            }
            Pushed::Dropped => {
                assert!(!ordinary && !is_critical(&letter));
                self.told_shed += 1;
            }
            Pushed::Shed { what } => {
                assert!(!ordinary && what.total() > 0);
                self.told_shed += u64::from(what.total());
            }
            Pushed::Lagging { .. } => unreachable!("there is no log"),
            Pushed::Queued | Pushed::Coalesced => {}
        }
        self.taken.insert(number, letter);
    }

    fn check_bounds_and_counters(&self) {
        let Limits { max_messages, max_bytes, reserve_messages, reserve_bytes } = self.limits;
        assert!(self.outbox.len() <= max_messages + reserve_messages);
        assert!(self.outbox.bytes() <= max_bytes + reserve_bytes);
        let counters = self.outbox.counters();
        let inside = self.outbox.len() as u64;
        assert_eq!(
            counters.pushed,
            counters.popped + counters.coalesced + counters.shed + inside,
            "{counters:?}"
        );
        assert_eq!(counters.pushed, self.taken.len() as u64);
        assert_eq!(counters.popped, self.popped.len() as u64);
        assert_eq!(counters.shed, self.told_shed);
    }

    /// Takes all out and compares it with all that was taken in.
    fn finish(mut self) {
        while let Some(letter) = self.outbox.pop() {
            self.popped.push(letter);
        }
        assert_eq!((self.outbox.len(), self.outbox.bytes()), (0, 0));
        assert!(!self.outbox.holds_critical() && !self.outbox.holds_urgent());
        self.check_order_within_keys();
        let left: Vec<_> = self.popped.iter().flat_map(numbers).collect();
        let seen: BTreeSet<_> = left.iter().copied().collect();
        assert_eq!(seen.len(), left.len(), "something left twice");
        let lost: Vec<_> = self.taken.iter().filter(|(number, _)| !seen.contains(number)).collect();
        assert_eq!(lost.len() as u64, self.outbox.counters().shed);
        for (number, letter) in &lost {
            assert!(!is_critical(letter), "lost the critical {number}");
            let droppable = letter.class == Class::Droppable;
            assert!(droppable || letter.key.is_none(), "lost {number}, which has a key");
        }
        let gap = lost.iter().filter(|(_, letter)| letter.class == Class::Coalescible);
        assert_eq!(gap.count() as u64, self.told_untold);
    }

    fn check_order_within_keys(&self) {
        let mut last = BTreeMap::new();
        for letter in self.popped.iter().filter(|letter| letter.key.is_some()) {
            for number in numbers(letter) {
                let before = last.insert(letter.key, number);
                assert!(before < Some(number), "{number} left after {before:?}");
            }
        }
    }
}

/// The priority by which a letter leaves: that of the most urgent one of its key, if it has one.
fn leaves_as(letter: &Letter, inside: &[Letter]) -> Priority {
    let own = |letter: &Letter| match is_critical(letter) {
        true => Priority::Critical,
        false => letter.priority,
    };
    let of_key = inside.iter().filter(|other| letter.key.is_some() && other.key == letter.key);
    of_key.map(own).fold(own(letter), Ord::max)
}

proptest! {
    #[test]
    fn bounds_hold_and_counters_add_up_and_nothing_else_is_lost(limits in tight(), steps in steps()) {
        let mut run = Run::new(limits);
        for (number, step) in steps.into_iter().enumerate() {
            run.step(number, step);
            run.check_bounds_and_counters();
        }
        run.finish();
    }

    #[test]
    fn with_room_for_all_nothing_is_lost_and_urgent_ones_leave_first(steps in steps()) {
        let mut run = Run::new(Limits::default());
        let mut inside: Vec<Letter> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let popped = run.popped.len();
            run.step(number, step);
            inside.extend(run.taken.get(&number).cloned());
            for letter in &run.popped[popped..] {
                let most_urgent = inside.iter().map(|other| leaves_as(other, &inside)).max();
                prop_assert_eq!(Some(leaves_as(letter, &inside)), most_urgent);
                let gone = numbers(letter);
                inside.retain(|other| !gone.contains(&numbers(other)[0]));
            }
            run.check_bounds_and_counters();
        }
        prop_assert_eq!(run.outbox.counters().shed, 0);
        run.finish();
    }
}

/// A message of a size that may be a lie.
#[derive(Clone, Debug)]
struct Blob {
    bytes: usize,
    class: Class,
    key: Option<u64>,
    merges: bool,
}

impl Item for Blob {
    fn class(&self) -> Class {
        self.class
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn order_key(&self) -> Option<u64> {
        self.key
    }

    fn positions(&self) -> Option<std::ops::RangeInclusive<u64>> {
        self.key.map(|key| key..=u64::MAX)
    }

    fn merge(&mut self, later: Self) -> Result<(), Self> {
        if !self.merges {
            return Err(later);
        }
        // Larger than both together, which the trait forbids.
        self.bytes = usize::MAX;
        Ok(())
    }
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..200_usize,
        any::<usize>(),
        Just(usize::MAX),
        Just(u32::MAX as usize),
        Just(u32::MAX as usize + 1),
    ]
}

proptest! {
    #[test]
    fn hostile_numbers_panic_nowhere_and_counters_still_add_up(
        limits in [sizes(), sizes(), sizes(), sizes()],
        leaves in any::<bool>(),
        steps in prop::collection::vec(
            (sizes(), 0..3_u8, prop::option::of(prop_oneof![0..3_u64, any::<u64>()]), any::<(bool, bool)>()), 1..60
        ),
    ) {
        let [max_messages, max_bytes, reserve_messages, reserve_bytes] = limits;
        let limits = Limits { max_messages, max_bytes, reserve_messages, reserve_bytes };
        let overflow = if leaves { Overflow::LeaveToLog } else { Overflow::Shed };
        let mut outbox = Outbox::with_overflow(limits, overflow);
        for (bytes, class, key, (merges, pops)) in steps {
            let class = [Class::Droppable, Class::Coalescible, Class::Critical][usize::from(class)];
            let blob = Blob { bytes, class, key, merges };
            let _ = if pops { outbox.refill(blob) } else { outbox.push(blob) };
            if pops {
                outbox.pop_batch(bytes, bytes, &mut Vec::new());
            }
            let all = outbox.counters();
            let gone = all.popped + all.coalesced + all.shed + all.left_to_log;
            prop_assert_eq!(all.pushed, gone + outbox.len() as u64);
            let _ = (outbox.room(), outbox.has_room(bytes, class), outbox.lagging().count());
        }
        while outbox.pop().is_some() {}
        prop_assert!(!outbox.holds_urgent() && !outbox.holds_critical());
    }
}
