//! Logs that are ahead of their reader: nothing of them is lost, doubled or out of order.

mod letter;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use letter::messages;
use proptest::prelude::*;
use tidegate_message::{Class, Priority};
use tidegate_queue::{Evicted, Item, Lagging, Limits, Outbox, Overflow, Pushed};

/// An entry of a log, or several neighbours merged.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    log: u64,
    positions: RangeInclusive<u64>,
    class: Class,
    priority: Priority,
    bytes: usize,
}

fn entry(log: u64, position: u64) -> Entry {
    let positions = position..=position;
    Entry { log, positions, class: Class::Coalescible, priority: Priority::Normal, bytes: 9 }
}

impl Entry {
    fn critical(self) -> Self {
        Self { class: Class::Critical, ..self }
    }

    fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }
}

impl Item for Entry {
    fn class(&self) -> Class {
        self.class
    }

    fn priority(&self) -> Priority {
        self.priority
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn order_key(&self) -> Option<u64> {
        Some(self.log)
    }

    fn positions(&self) -> Option<RangeInclusive<u64>> {
        (self.class != Class::Droppable).then(|| self.positions.clone())
    }

    fn merge(&mut self, later: Self) -> Result<(), Self> {
        // Entries of nine bytes do not merge.
        if self.bytes == 9
            || later.bytes == 9
            || self.positions.end() + 1 != *later.positions.start()
        {
            return Err(later);
        }
        self.positions = *self.positions.start()..=*later.positions.end();
        self.bytes += later.bytes;
        Ok(())
    }
}

fn leaving(limits: Limits) -> Outbox<Entry> {
    Outbox::with_overflow(limits, Overflow::LeaveToLog)
}

fn drain(outbox: &mut Outbox<Entry>) -> Vec<(u64, u64)> {
    std::iter::from_fn(|| outbox.pop()).map(|entry| (entry.log, *entry.positions.start())).collect()
}

fn lagging(outbox: &Outbox<Entry>) -> Vec<(u64, u64)> {
    outbox.lagging().map(|Lagging { key, since }| (key, since)).collect()
}

#[test]
fn entry_without_room_stays_in_its_log_and_so_do_all_behind_it() {
    let mut outbox = leaving(messages(2, 0));
    assert_eq!(outbox.push(entry(1, 1)), Pushed::Queued);
    assert_eq!(outbox.push(entry(2, 1)), Pushed::Queued);
    assert_eq!(outbox.push(entry(1, 2)), Pushed::Lagging { since: 2 });
    assert_eq!(drain(&mut outbox), [(1, 1), (2, 1)]);
    assert_eq!(outbox.push(entry(1, 3)), Pushed::Lagging { since: 2 });
    assert_eq!(outbox.push(entry(2, 2)), Pushed::Queued, "another log does not lag");
    assert_eq!(lagging(&outbox), [(1, 2)]);
}

#[test]
fn log_has_caught_up_with_the_last_entry_that_was_refused() {
    let mut outbox = leaving(messages(1, 0));
    for position in 1..=3 {
        let _ = outbox.push(entry(1, position));
    }
    assert_eq!(outbox.refill(entry(1, 2)), Pushed::Lagging { since: 2 }, "there is no room");
    assert_eq!(drain(&mut outbox), [(1, 1)]);
    assert_eq!(outbox.refill(entry(1, 2)), Pushed::Queued);
    assert_eq!(lagging(&outbox), [(1, 3)]);
    assert_eq!(outbox.refill(entry(1, 2)), Pushed::Lagging { since: 3 }, "it was there before");
    assert_eq!(drain(&mut outbox), [(1, 2)]);
    assert_eq!(outbox.refill(entry(1, 3)), Pushed::Queued);
    assert_eq!(lagging(&outbox), []);
    assert_eq!(drain(&mut outbox), [(1, 3)]);
    assert_eq!(outbox.push(entry(1, 4)), Pushed::Queued);
}

#[test]
fn less_urgent_logs_are_left_for_a_more_urgent_entry() {
    let mut outbox = leaving(messages(3, 0));
    let low = |log, position| entry(log, position).priority(Priority::Low);
    for entry in [low(1, 1), low(2, 1), low(1, 2)] {
        assert_eq!(outbox.push(entry), Pushed::Queued);
    }
    let what = Evicted { left_to_log: 2, ..Evicted::default() };
    assert_eq!(outbox.push(entry(3, 1)), Pushed::Shed { what });
    assert_eq!(lagging(&outbox), [(1, 1)], "the log of the oldest, from its oldest on");
    assert_eq!(drain(&mut outbox), [(3, 1), (2, 1)]);
    let counters = outbox.counters();
    assert_eq!((counters.pushed, counters.left_to_log, counters.shed), (4, 2, 0));
}

#[test]
fn log_that_lags_already_is_read_from_the_earlier_position_when_more_of_it_is_left() {
    let mut outbox = leaving(Limits { max_bytes: 18, ..messages(2, 0) });
    let low = |log, position| entry(log, position).priority(Priority::Low);
    assert_eq!(outbox.push(low(1, 1)), Pushed::Queued);
    assert_eq!(outbox.push(entry(2, 1)), Pushed::Queued);
    assert_eq!(outbox.push(low(1, 2)), Pushed::Lagging { since: 2 });
    assert!(outbox.push(entry(2, 2)).is_inside());
    assert_eq!(lagging(&outbox), [(1, 1)]);
}

#[test]
fn critical_entry_stays_with_all_that_its_log_holds_before_it() {
    let mut outbox = leaving(messages(3, 0));
    let low = |log, position| entry(log, position).priority(Priority::Low);
    for entry in [low(1, 1), low(2, 1), low(1, 2)] {
        assert_eq!(outbox.push(entry), Pushed::Queued);
    }
    assert!(outbox.push(entry(1, 3).critical()).is_inside());
    assert_eq!(lagging(&outbox), [(2, 1)], "its own log is not left for it");
    assert_eq!(drain(&mut outbox), [(1, 1), (1, 2), (1, 3)]);
}

#[test]
fn critical_entry_of_a_log_that_lags_waits_for_it_and_comes_first_when_refilled() {
    let mut outbox = leaving(messages(1, 4));
    for position in 1..=2 {
        let _ = outbox.push(entry(1, position));
    }
    assert_eq!(outbox.push(entry(1, 3).critical()), Pushed::Lagging { since: 2 });
    assert_eq!(drain(&mut outbox), [(1, 1)]);
    assert_eq!(outbox.refill(entry(1, 2)), Pushed::Queued);
    assert_eq!(outbox.refill(entry(1, 3).critical()), Pushed::Queued);
    assert!(outbox.holds_critical());
    assert_eq!(drain(&mut outbox), [(1, 2), (1, 3)]);
}

#[test]
fn critical_entry_for_which_nothing_may_go_comes_back() {
    let mut outbox = leaving(messages(1, 0));
    assert_eq!(outbox.push(entry(1, 1).critical()), Pushed::Queued);
    let second = entry(2, 1).critical();
    assert_eq!(outbox.push(second.clone()), Pushed::Full(second));
    assert_eq!(lagging(&outbox), []);
}

#[test]
fn entry_that_can_never_fit_comes_back() {
    let mut outbox = leaving(Limits { max_bytes: 8, ..messages(9, 0) });
    assert_eq!(outbox.push(entry(1, 1)), Pushed::Full(entry(1, 1)));
}

#[test]
fn droppable_message_of_a_log_that_lags_is_dropped() {
    let mut outbox = leaving(messages(1, 0));
    for position in 1..=2 {
        let _ = outbox.push(entry(1, position));
    }
    assert_eq!(drain(&mut outbox), [(1, 1)]);
    assert_eq!(outbox.push(Entry { class: Class::Droppable, ..entry(1, 0) }), Pushed::Dropped);
    assert_eq!(outbox.counters().shed_droppable, 1);
}

#[test]
fn log_that_nobody_follows_no_longer_lags() {
    let mut outbox = leaving(messages(1, 0));
    for position in 1..=2 {
        let _ = outbox.push(entry(1, position));
    }
    outbox.unfollow(1);
    assert_eq!(lagging(&outbox), []);
    assert_eq!((outbox.pop(), outbox.push(entry(1, 3))), (Some(entry(1, 1)), Pushed::Queued));
}

#[test]
fn room_is_what_fits_beside_what_is_inside() {
    let mut outbox = leaving(Limits { max_bytes: 20, ..messages(3, 1) });
    assert!(outbox.push(entry(1, 1).critical()).is_inside());
    let room = outbox.room();
    assert_eq!((room.messages, room.bytes), (2, 11));
}

#[derive(Clone, Debug)]
enum Step {
    Publish(Entry),
    Pop(usize),
    Refill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop_oneof![
        1 => Just(Class::Droppable), 6 => Just(Class::Coalescible), 1 => Just(Class::Critical)
    ];
    let priority = prop_oneof![
        1 => Just(Priority::Low), 3 => Just(Priority::Normal), 1 => Just(Priority::High)
    ];
    let published = (1..4_u64, class, priority, prop_oneof![Just(9_usize), 1..4_usize]).prop_map(
        |(log, class, priority, bytes)| Entry { class, priority, bytes, ..entry(log, 0) },
    );
    let step = prop_oneof![
        6 => published.prop_map(Step::Publish),
        1 => (0..4_usize).prop_map(Step::Pop),
        1 => Just(Step::Refill),
    ];
    prop::collection::vec(step, 1..150)
}

/// Logs, an outbox that lags behind them, and what has come out of it.
struct Run {
    outbox: Outbox<Entry>,
    limits: Limits,
    logs: BTreeMap<u64, Vec<Entry>>,
    out: BTreeMap<u64, Vec<u64>>,
}

impl Run {
    fn publish(&mut self, entry: Entry) {
        if entry.class == Class::Droppable {
            let _ = self.outbox.push(entry);
            return;
        }
        let log = self.logs.entry(entry.log).or_default();
        let position = log.last().map_or(1, |last| last.positions.end() + 1);
        let entry = Entry { positions: position..=position, ..entry };
        log.push(entry.clone());
        if let Pushed::Full(back) = self.outbox.push(entry) {
            // Its reader would be ended; here the log forgets it, and the position stays unused.
            assert!(back.class == Class::Critical);
            let log = self.logs.entry(back.log).or_default();
            log.retain(|entry| entry.positions != back.positions);
        }
    }

    fn pop(&mut self) -> bool {
        let Some(entry) = self.outbox.pop() else { return false };
        if entry.class != Class::Droppable {
            self.out.entry(entry.log).or_default().extend(entry.positions);
        }
        true
    }

    fn refill(&mut self) {
        let behind: Vec<_> = self.outbox.lagging().collect();
        for Lagging { key, since } in behind {
            let from = |entry: &&Entry| *entry.positions.start() >= since;
            for entry in self.logs[&key].iter().filter(from) {
                if !self.outbox.lagging().any(|lag| lag.key == key)
                    || !self.outbox.refill(entry.clone()).is_inside()
                {
                    break;
                }
            }
        }
    }

    fn check(&self) {
        let Limits { max_messages, max_bytes, reserve_messages, reserve_bytes } = self.limits;
        assert!(self.outbox.len() <= max_messages + reserve_messages);
        assert!(self.outbox.bytes() <= max_bytes + reserve_bytes);
        let all = self.outbox.counters();
        let inside = self.outbox.len() as u64;
        assert_eq!(all.pushed, all.popped + all.coalesced + all.shed + all.left_to_log + inside);
        assert_eq!(all.shed_coalescible, 0, "what has a log is not lost");
    }
}

proptest! {
    #[test]
    fn every_entry_of_every_log_comes_out_once_and_in_order(
        limits in (1..8_usize, 20..80_usize, 0..3_usize, 0..20_usize), steps in steps(),
    ) {
        let (max_messages, max_bytes, reserve_messages, reserve_bytes) = limits;
        let limits = Limits { max_messages, max_bytes, reserve_messages, reserve_bytes };
        let (logs, out) = (BTreeMap::new(), BTreeMap::new());
        let mut run = Run { outbox: leaving(limits), limits, logs, out };
        for step in steps {
            match step {
                Step::Publish(entry) => run.publish(entry),
                Step::Pop(count) => (0..count).for_each(|_| { run.pop(); }),
                Step::Refill => run.refill(),
            }
            run.check();
        }
        while run.pop() || run.outbox.lagging().next().is_some() {
            run.refill();
            run.check();
        }
        for (log, entries) in &run.logs {
            let published: Vec<_> = entries.iter().map(|entry| *entry.positions.start()).collect();
            prop_assert_eq!(published, run.out.remove(log).unwrap_or_default());
        }
    }
}
