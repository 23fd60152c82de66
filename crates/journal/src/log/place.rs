//! How an append finds its place in a log: known keys, merging, pages.

use super::Log;
use crate::append::Append;
use crate::error::AppendError;
use crate::keys::Seen;
use crate::merge::{Join, Mergeable};
use crate::page::{COPIED_BYTES, New, Open, Sealed};
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
            self.more.get_or_insert_default().keys.insert(keyed, seq, now_ms);
        }
        self.keep_within();
        self.charge();
        Ok(Placed { seq, repeat: false, join })
    }

    fn store(&mut self, append: &Append, now_ms: u64, at_once: bool, seq: u64) -> Join {
        let (newest_seq, newest_at_ms) = self.newest();
        let at_ms = now_ms.max(newest_at_ms);
        let more = self.more.get_or_insert_default();
        let may_join = at_once && newest_seq + 1 == seq && append.class == Class::Coalescible;
        let join = if may_join { append.merge.join(&more.newest) } else { Join::No };
        let continues = join == Join::Concatenate;
        let body = &append.body[..];
        more.body_bytes += body.len() as u64;
        let new = New { at_ms, class: append.class, body, continues };
        if let Some(open) = self.open.as_mut().filter(|open| open.may_join(&new)) {
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
        more.newest = match append.class {
            Class::Coalescible => append.merge.clone(),
            Class::Critical | Class::Droppable => Mergeable::NEVER,
        };
        self.push(append, new, seq);
        Join::No
    }

    fn push(&mut self, append: &Append, new: New<'_>, seq: u64) {
        let large = new.body.len() > COPIED_BYTES;
        match &mut self.open {
            Some(open) if !large && open.index().last() + 1 == seq && open.has_room(&new) => {
                open.push(new);
                return;
            }
            Some(_) => self.seal(),
            None => {}
        }
        if large {
            let page = Sealed::of_one(seq, new, append.body.clone(), &self.budget);
            self.keep_sealed(page);
        } else {
            self.open = Some(Box::new(Open::new(seq, new)));
        }
    }

    /// Ends the growth of the newest page.
    pub(super) fn seal(&mut self) {
        if let Some(open) = self.open.take() {
            let page = open.seal(&self.budget);
            self.keep_sealed(page);
        }
    }

    fn keep_sealed(&mut self, page: Sealed) {
        let more = self.more.get_or_insert_default();
        more.sealed_bytes += page.charged();
        more.sealed.push_back(Box::new(page));
    }

    /// The newest seq that is in memory, and when it was appended.
    fn newest(&self) -> (u64, u64) {
        let sealed = || self.more.as_ref()?.sealed.back().map(|page| page.index());
        let newest = self.open.as_ref().map(|open| open.index()).or_else(sealed);
        newest.map_or((u64::MAX - 1, 0), |index| (index.last(), index.at_ms()))
    }
}
