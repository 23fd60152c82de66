//! Groups: their members, the strategy of each, and who gets a message. Knows sessions only as seats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tidegate_message::GroupId;

use crate::Strategy;
use crate::balance::{Candidates, Turn};
use crate::chunk::Chunk;
use crate::hash::NameHash;
use crate::roster::{Roster, Slot, Walk};
use crate::seat::Seat;
use crate::shards::Shards;
use crate::sync::{Arc, AtomicUsize, Ordering::Relaxed};

/// How many groups without members keep the strategy that was set for them. Beyond that, a group that is
/// emptied forgets it. About 200 bytes each.
pub const MAX_REMEMBERED_STRATEGIES: usize = 10_000;

#[derive(Debug)]
struct Group<H> {
    members: Roster<H>,
    strategy: Strategy,
    turn: Turn,
}

type Shard<H> = HashMap<GroupId, Group<H>, NameHash>;

/// All groups. A group is there while it has members, or a strategy that was set for it.
#[derive(Debug)]
pub(crate) struct Groups<H> {
    shards: Shards<Shard<H>, NameHash>,
    /// Groups that are there for their strategy alone.
    remembered: AtomicUsize,
}

impl<H> Groups<H> {
    pub(crate) fn new() -> Self {
        let shards = Shards::new(NameHash::default(), HashMap::with_hasher);
        Self { shards, remembered: AtomicUsize::new(0) }
    }

    /// Adds a session that is not in the group; the stamp of its place is returned.
    pub(crate) fn add(&self, group: &GroupId, seat: Arc<Seat<H>>, weight: u32) -> u64 {
        self.shards.write(group, |groups| {
            let entry = match groups.entry(group.clone()) {
                Entry::Vacant(entry) => entry.insert(Group::new(Strategy::Broadcast)),
                Entry::Occupied(entry) => {
                    let entry = entry.into_mut();
                    if entry.members.is_empty() {
                        self.remembered.fetch_sub(1, Relaxed);
                    }
                    entry
                }
            };
            entry.members.push(seat, weight)
        })
    }

    pub(crate) fn reweigh(&self, group: &GroupId, stamp: u64, weight: u32) {
        self.shards.write(group, |groups| {
            if let Some(group) = groups.get_mut(group) {
                group.members.reweigh(stamp, weight);
            }
        });
    }

    /// Removes a session; an empty group without a strategy goes with it.
    pub(crate) fn remove(&self, group: &GroupId, stamp: u64) {
        self.shards.write(group, |groups| {
            let Some(entry) = groups.get_mut(group) else { return };
            let removed = entry.members.remove(stamp).is_some();
            let emptied = removed && entry.members.is_empty();
            if emptied && !(entry.strategy != Strategy::Broadcast && self.remember()) {
                groups.remove(group);
            }
        });
    }

    /// Sets the strategy; false if the group has no members and no more such groups are remembered.
    pub(crate) fn set_strategy(&self, group: &GroupId, strategy: Strategy) -> bool {
        self.shards.write(group, |groups| match groups.get_mut(group) {
            Some(entry) if entry.members.is_empty() && strategy == Strategy::Broadcast => {
                groups.remove(group);
                self.remembered.fetch_sub(1, Relaxed);
                true
            }
            Some(entry) => {
                entry.strategy = strategy;
                entry.turn = Turn::default();
                true
            }
            None if strategy == Strategy::Broadcast => true,
            None => {
                let room = self.remember();
                if room {
                    groups.insert(group.clone(), Group::new(strategy));
                }
                room
            }
        })
    }

    pub(crate) fn strategy(&self, group: &GroupId) -> Strategy {
        self.shards
            .read(group, |groups| groups.get(group).map(|group| group.strategy))
            .unwrap_or_default()
    }

    /// How a message to the group begins: who is picked, or a walk over all.
    pub(crate) fn begin(&self, group: &GroupId, wanted: impl Fn(&Seat<H>) -> bool) -> Begin<H> {
        self.shards.read(group, |groups| {
            let Some(group) = groups.get(group) else { return Begin::One(None) };
            let Some(method) = group.strategy.method() else { return Begin::All(Walk::default()) };
            let members = Members { roster: &group.members, wanted };
            let picked = group.turn.pick(method, &members, 0);
            Begin::One(picked.and_then(|at| members.slot(at)?.seat()).cloned())
        })
    }

    /// Takes the next members into `chunk`. False when the walk is over.
    pub(crate) fn walk(
        &self,
        group: &GroupId,
        walk: &mut Walk,
        wanted: impl Fn(&Seat<H>) -> bool,
        chunk: &mut Chunk<H>,
    ) -> bool {
        self.shards.read(group, |groups| {
            groups.get(group).is_some_and(|group| group.members.walk(walk, wanted, chunk))
        })
    }

    /// How many members a group has.
    pub(crate) fn size(&self, group: &GroupId) -> usize {
        self.shards.read(group, |groups| groups.get(group).map_or(0, |group| group.members.len()))
    }

    /// The groups that have members, and how many.
    pub(crate) fn list(&self) -> Vec<(GroupId, usize)> {
        let sizes = |groups: &Shard<H>| {
            let sizes = groups.iter().map(|(id, group)| (id.clone(), group.members.len()));
            sizes.filter(|&(_, members)| members > 0).collect::<Vec<_>>()
        };
        self.shards.each(sizes).flatten().collect()
    }

    /// Takes room for one group without members.
    fn remember(&self) -> bool {
        let more = |count| (count < MAX_REMEMBERED_STRATEGIES).then_some(count + 1);
        self.remembered.fetch_update(Relaxed, Relaxed, more).is_ok()
    }
}

impl<H> Group<H> {
    fn new(strategy: Strategy) -> Self {
        Self { members: Roster::default(), strategy, turn: Turn::default() }
    }
}

/// How a message to a group begins.
pub(crate) enum Begin<H> {
    /// It goes to this one, or nobody is there for it.
    One(Option<Arc<Seat<H>>>),
    /// It goes to everybody.
    All(Walk),
}

/// The members of a group as a balancer sees them; holes are not available.
struct Members<'a, H, W> {
    roster: &'a Roster<H>,
    wanted: W,
}

impl<H, W> Members<'_, H, W> {
    fn slot(&self, index: usize) -> Option<&Slot<H>> {
        self.roster.slots().get(index)
    }
}

impl<H, W: Fn(&Seat<H>) -> bool> Candidates for Members<'_, H, W> {
    fn count(&self) -> usize {
        self.roster.slots().len()
    }

    fn is_available(&self, index: usize) -> bool {
        self.slot(index).and_then(Slot::seat).is_some_and(|seat| (self.wanted)(seat))
    }

    fn load(&self, index: usize) -> u64 {
        let seat = self.slot(index).and_then(Slot::seat);
        seat.map_or(u64::MAX, |seat| seat.facts.in_flight().into())
    }

    fn weight(&self, index: usize) -> u32 {
        self.slot(index).map_or(0, Slot::weight)
    }

    fn mark(&self, index: usize) -> u64 {
        self.slot(index).map_or(u64::MAX, Slot::stamp)
    }

    fn place(&self, mark: u64) -> usize {
        self.roster.place(mark)
    }
}
