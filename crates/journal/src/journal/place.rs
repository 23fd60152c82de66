//! An append to a log on a disk: when readers get it. Knows the keeper's verbs, but no file.

use std::collections::VecDeque;
use std::sync::Arc;

use super::awaited::Awaited;
use super::durable::count_on_disk;
use crate::append::{Append, Durability};
use crate::disk::{BLOCK, Keeper, Landing, LogNumber, Written};
use crate::entry::Entry;
use crate::error::AppendError;
use crate::hot::{Held, Hot};
use crate::log::Placed;
use crate::receipt::Receipt;

/// What a log on a disk has beside its entries.
#[derive(Debug)]
pub(crate) struct Durable {
    pub(super) number: LogNumber,
    /// Seqs up to here are reserved, at least.
    reserved: u64,
    /// The log's floor as the keeper knows it.
    floor: u64,
    /// The keeper has no key before this seq; `None` where it has none at all.
    keys_from: Option<u64>,
    /// For each seq behind the tail how far it must come before readers may have it; `Memory` where nothing is awaited any
    /// more but what is before it.
    pub(super) pending: VecDeque<Durability>,
}

impl Durable {
    pub(super) const fn new(number: LogNumber, reserved: u64, floor: u64, keyed: bool) -> Self {
        let keys_from = if keyed { Some(0) } else { None };
        Self { number, reserved, floor, keys_from, pending: VecDeque::new() }
    }
}

/// A log's lock, with a reserved seq for the next append: one that left this process is never given again.
pub(super) fn ready_on_disk<'a>(keeper: &Keeper, hot: &'a Hot) -> Result<Held<'a>, AppendError> {
    loop {
        let mut held = hot.hold();
        if held.log.uncounted_to().is_some() {
            drop(held);
            count_on_disk(keeper, hot);
            continue;
        }
        let seq = held.log.last_placed().saturating_add(1);
        let Some(durable) = held.durable.as_mut().filter(|durable| seq > durable.reserved) else {
            return Ok(held);
        };
        durable.reserved = keeper.reserved(durable.number);
        if seq <= durable.reserved || hot.is_removed() {
            return Ok(held);
        }
        keeper.accepts()?;
        let ticket = keeper.reserve(durable.number, seq.saturating_add(BLOCK));
        drop(held);
        ticket.wait()?;
    }
}

pub(super) fn place_on_disk(
    keeper: &Arc<Keeper>,
    hot: &Arc<Hot>,
    held: &mut Held<'_>,
    append: Append,
    now_ms: u64,
) -> Result<(Placed, Receipt), AppendError> {
    keeper.accepts()?;
    let seq = held.log.last_placed() + 1;
    let number = held.durable.as_ref().expect("a log of a keeper is durable").number;
    let at_once = append.durability == Durability::Memory;
    let placed = held.log.place(&append, now_ms, at_once)?;
    if placed.repeat {
        return Ok((placed, repeated(keeper, hot, held, placed.seq)));
    }
    if held.log.tail() < seq
        && let Some(durable) = &mut held.durable
    {
        let awaited =
            if at_once { Durability::Memory } else { append.durability.max(Durability::Os) };
        durable.pending.push_back(awaited);
    }
    let (key, durability) = (append.keyed(), append.durability);
    if let (Some(_), Some(durable)) = (key, &mut held.durable) {
        durable.keys_from.get_or_insert(seq);
    }
    let Append { body, class, merge, .. } = append;
    let (at_ms, join) = held.log.newest();
    let entry = Entry::whole(seq, at_ms, class, body);
    let written = Written { number, entry, merge, join, key, durability };
    let told: Arc<dyn Landing> = Arc::clone(hot) as Arc<dyn Landing>;
    let ticket = keeper.write_telling(written, (!at_once).then_some(told));
    tell_floor(keeper, held);
    let receipt = if at_once { Receipt::DONE } else { Receipt::awaited(Awaited::Written(ticket)) };
    Ok((placed, receipt))
}

fn repeated(keeper: &Arc<Keeper>, hot: &Arc<Hot>, held: &Held<'_>, seq: u64) -> Receipt {
    if held.log.tail() >= seq {
        return Receipt::DONE;
    }
    let (hot, keeper) = (Arc::clone(hot), Arc::clone(keeper));
    Receipt::awaited(Awaited::Repeat { hot, seq, ticket: None, keeper })
}

pub(super) fn tell_floor(keeper: &Keeper, held: &mut Held<'_>) {
    let floor = held.log.floor();
    if let Some(durable) = held.durable.as_mut().filter(|durable| durable.floor < floor) {
        durable.floor = floor;
        keeper.trim(durable.number, floor);
    }
}

/// Lets the keeper forget the keys that are out of the window.
pub(super) fn tell_keys(keeper: &Keeper, held: &mut Held<'_>) {
    let (oldest, next) = (held.log.oldest_key(), held.log.last_placed() + 1);
    let Some(durable) = &mut held.durable else { return };
    let from = oldest.unwrap_or(next);
    if durable.keys_from.is_some_and(|known| known < from) {
        keeper.forget_keys(durable.number, from - 1);
        durable.keys_from = oldest;
    }
}

/// Changes what is pending, whose first seq is given, and lets readers have what they may.
pub(super) fn settle(held: &mut Held<'_>, change: impl FnOnce(u64, &mut VecDeque<Durability>)) {
    let first = held.log.tail() + 1;
    let Some(durable) = &mut held.durable else { return };
    change(first, &mut durable.pending);
    let mut tail = first - 1;
    while durable.pending.front() == Some(&Durability::Memory) {
        durable.pending.pop_front();
        tail += 1;
    }
    if tail >= first {
        held.log.settle(tail);
        held.wake_reached();
    }
}

impl Landing for Hot {
    /// Commits are made in the order of the seqs: what is before this and asked for no more has come as far.
    fn landed(&self, seq: u64) {
        settle(&mut self.hold(), |first, pending| {
            let place = seq.checked_sub(first).and_then(|place| usize::try_from(place).ok());
            let Some(place) = place.filter(|place| *place < pending.len()) else { return };
            let come = pending[place];
            let landed = pending.iter_mut().take(place + 1).filter(|awaited| **awaited <= come);
            landed.for_each(|awaited| *awaited = Durability::Memory);
        });
    }
}
