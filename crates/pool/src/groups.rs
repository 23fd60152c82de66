//! Groups: their members, the strategy of each, and who gets a message. Knows sessions only as seats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tidegate_message::{GroupId, SessionId, UserId};

use crate::Strategy;
use crate::balance::{Candidates, choose};
use crate::exclude::Excluded;
use crate::roster::{Roster, Slot};
use crate::seat::Seat;
use crate::shards::Shards;

/// How many groups without members keep the strategy that was set for them. Beyond that, a group that is
/// emptied forgets it. About 200 bytes each.
pub const MAX_REMEMBERED_STRATEGIES: usize = 10_000;

#[derive(Debug)]
struct Group<H> {
    members: Roster<H>,
    strategy: Strategy,
    turn: AtomicU64,
}

type Shard<H> = HashMap<GroupId, Group<H>>;

/// All groups. A group is there while it has members, or a strategy that was set for it.
#[derive(Debug)]
pub(crate) struct Groups<H> {
    shards: Shards<Shard<H>>,
    /// Groups that are there for their strategy alone.
    remembered: AtomicUsize,
}

impl<H> Groups<H> {
    pub(crate) fn new() -> Self {
        Self { shards: Shards::new(), remembered: AtomicUsize::new(0) }
    }

    /// Adds a session that is not in the group.
    pub(crate) fn add(&self, group: &GroupId, seat: Arc<Seat<H>>, weight: u32) {
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
            entry.members.push(seat, weight);
        });
    }

    pub(crate) fn reweigh(&self, group: &GroupId, session: SessionId, weight: u32) {
        self.shards.write(group, |groups| {
            if let Some(group) = groups.get_mut(group) {
                group.members.reweigh(session, weight);
            }
        });
    }

    /// Removes a session; an empty group without a strategy goes with it.
    pub(crate) fn remove(&self, group: &GroupId, session: SessionId) {
        self.shards.write(group, |groups| {
            let Some(entry) = groups.get_mut(group) else { return };
            let removed = entry.members.remove(session).is_some();
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

    /// Collects who gets a message to the group, by its strategy.
    pub(crate) fn collect(
        &self,
        group: &GroupId,
        excluded: &Excluded<'_>,
        into: &mut Vec<Arc<Seat<H>>>,
    ) {
        self.shards.read(group, |groups| {
            let Some(group) = groups.get(group) else { return };
            let slots = group.members.slots();
            if let Some(method) = group.strategy.method() {
                let turn = group.turn.fetch_add(1, Relaxed);
                let picked = choose(method, turn, &Members { slots, excluded }, 0);
                into.extend(picked.and_then(|at| slots.get(at)).map(|slot| Arc::clone(&slot.seat)));
            } else {
                let all = slots.iter().filter(|slot| excluded.admits(&slot.seat));
                into.extend(all.map(|slot| Arc::clone(&slot.seat)));
            }
        });
    }

    /// Who is in the group.
    pub(crate) fn presence(&self, group: &GroupId) -> Vec<(UserId, SessionId)> {
        let who = |slot: &Slot<H>| (slot.seat.user.clone(), slot.seat.session);
        self.shards
            .read(group, |groups| {
                groups.get(group).map(|group| group.members.slots().iter().map(who).collect())
            })
            .unwrap_or_default()
    }

    /// The groups that have members, and how many.
    pub(crate) fn list(&self) -> Vec<(GroupId, usize)> {
        let mut list = Vec::new();
        self.shards.each(|groups| {
            let sizes = groups.iter().map(|(id, group)| (id.clone(), group.members.len()));
            list.extend(sizes.filter(|&(_, members)| members > 0));
        });
        list
    }

    /// Takes room for one group without members.
    fn remember(&self) -> bool {
        let more = |count| (count < MAX_REMEMBERED_STRATEGIES).then_some(count + 1);
        self.remembered.fetch_update(Relaxed, Relaxed, more).is_ok()
    }
}

impl<H> Group<H> {
    fn new(strategy: Strategy) -> Self {
        Self { members: Roster::default(), strategy, turn: AtomicU64::new(0) }
    }
}

/// The members of a group as a balancer sees them.
struct Members<'a, H> {
    slots: &'a [Slot<H>],
    excluded: &'a Excluded<'a>,
}

impl<H> Candidates for Members<'_, H> {
    fn count(&self) -> usize {
        self.slots.len()
    }

    fn is_available(&self, index: usize) -> bool {
        self.slots.get(index).is_some_and(|slot| self.excluded.admits(&slot.seat))
    }

    fn load(&self, index: usize) -> u64 {
        self.slots.get(index).map_or(u64::MAX, |slot| slot.seat.facts.in_flight().into())
    }

    fn weight(&self, index: usize) -> u32 {
        self.slots.get(index).map_or(0, |slot| slot.weight)
    }
}
