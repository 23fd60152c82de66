//! How an append finds its place in a log: known keys, merging, pages.

use super::{Log, More};
use crate::append::Append;
use crate::error::AppendError;
use crate::keys::Seen;
use crate::merge::{Join, Mergeable};
use crate::page::{Kept, Loose, New, Open, PAGED_BYTES};
use crate::position::Position;
use tidegate_message::Class;

/// Where an append stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its seq; that of the first where it is a repeat.
    pub seq: u64,
    /// Whether its key was known with the same bytes, so that nothing was appended.
    pub repeat: bool,
    /// How it went together with the newest entry.
    pub join: Join,
}

impl Log {
    /// Appends, and answers where.
    ///
    /// # Errors
    /// The key was used for other bytes; the log has ended, or has no seqs left.
    pub fn append(&mut self, append: &Append, now_ms: u64) -> Result<Placed, AppendError> {
        self.place(append, now_ms, true)
    }

    /// Appends something that readers get only when it is [settled](Self::settle). What comes after it waits with it.
    ///
    /// # Errors
    /// As [`append`](Self::append) says.
    pub fn append_held(&mut self, append: &Append, now_ms: u64) -> Result<Placed, AppendError> {
        self.place(append, now_ms, false)
    }

    pub(crate) fn place(
        &mut self,
        append: &Append,
        now_ms: u64,
        at_once: bool,
    ) -> Result<Placed, AppendError> {
        let keyed = append.keyed();
        if let Some(keyed) = &keyed {
            let window = self.rules.keys;
            let keys = &mut self.more.get_or_insert_default().keys;
            keys.trim(window, now_ms, 1);
            match keys.see(keyed) {
                Seen::New => {}
                Seen::Repeat(seq) => return Ok(Placed { seq, repeat: true, join: Join::No }),
                Seen::Reused(seq) => {
                    let first = Position { epoch: self.epoch, seq };
                    return Err(AppendError::KeyReused { first });
                }
            }
        }
        if self.ended_at_ms != u64::MAX {
            return Err(AppendError::Ended);
        }
        let seq = self.next;
        self.next = seq.checked_add(1).ok_or(AppendError::Exhausted)?;
        let at_once = at_once && self.visible + 1 == seq;
        let join = self.store(append, now_ms, at_once, seq);
        if at_once {
            self.visible = seq;
        }
        if let Some(keyed) = keyed {
            let more = self.more.get_or_insert_default();
            more.keys.insert(keyed, seq, now_ms);
            more.grown = true;
        }
        self.keep_within();
        self.charge_grown();
        Ok(Placed { seq, repeat: false, join })
    }

    fn store(&mut self, append: &Append, now_ms: u64, at_once: bool, seq: u64) -> Join {
        let more =
            self.more.get_or_insert_with(|| Box::new(More { grown: true, ..More::default() }));
        let newest = &mut more.newest;
        let at_ms = now_ms.max(newest.at_ms);
        let may_belong = append.class == Class::Coalescible;
        let join = if may_belong { append.merge.join(&newest.merge) } else { Join::No };
        (newest.at_ms, newest.join) = (at_ms, join);
        let body = &append.body[..];
        more.body_bytes += body.len() as u64;
        let new = New { at_ms, class: append.class, body, join };
        if at_once
            && join != Join::No
            && let Some(open) = self.open.as_mut().filter(|open| open.may_join(&new))
            && open.index().last() + 1 == seq
        {
            let joined = match join {
                Join::No => None,
                Join::Concatenate => open.concatenate(new).then_some(0),
                Join::Replace => open.replace(new),
            };
            if let Some(replaced) = joined {
                more.body_bytes -= replaced as u64;
                return join;
            }
        }
        newest.merge = match append.class {
            Class::Coalescible => append.merge.clone(),
            Class::Critical | Class::Droppable => Mergeable::NEVER,
        };
        self.push(new, seq);
        Join::No
    }

    fn push(&mut self, new: New<'_>, seq: u64) {
        if new.body.len() > PAGED_BYTES {
            return self.push_large(new, seq);
        }
        match &mut self.open {
            Some(open) if open.index().last() + 1 == seq && open.has_room(&new) => {
                open.push(new);
                return;
            }
            Some(_) => self.seal(),
            None => {}
        }
        self.open = Some(Box::new(Open::new(seq, new)));
    }

    fn push_large(&mut self, new: New<'_>, seq: u64) {
        if let Some(open) = self.open.take_if(|open| open.is_little()) {
            let (first, entries) = open.each();
            (first..).zip(entries).for_each(|(seq, entry)| self.push_loose(entry, seq));
            open.discharge(&self.budget);
        }
        self.seal();
        self.push_loose(new, seq);
    }

    fn push_loose(&mut self, new: New<'_>, seq: u64) {
        let more = self.more.get_or_insert_default();
        let newest = more.sealed.back();
        if !matches!(newest, Some(Kept::Loose(page)) if page.has_room(seq, &new)) {
            more.sealed.push_back(Kept::Loose(Box::new(Loose::new(seq, new.at_ms))));
            more.grown = true;
        }
        if let Some(Kept::Loose(page)) = more.sealed.back_mut() {
            more.sealed_bytes -= page.charged();
            page.push(new, &self.budget);
            more.sealed_bytes += page.charged();
        }
    }

    /// Ends the growth of the newest page.
    pub(super) fn seal(&mut self) {
        if let Some(open) = self.open.take() {
            let page = open.seal(&self.budget);
            let more = self.more.get_or_insert_default();
            more.sealed_bytes += page.charged();
            more.sealed.push_back(Kept::Sealed(Box::new(page)));
            more.grown = true;
        }
    }
}
