//! Connections that are cut all at once, by us or by the server, and come back. It knows no messages.

use super::{Connected, Homecoming, Reply, Retry, Returned, Worker};
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::job::Cut;
use crate::member::{Member, Role};
use crate::socket;

impl Worker {
    /// Cuts all connections, or sees them cut, and returns when all are back.
    pub(super) fn bring_back(
        &mut self,
        cut: Cut,
        retry: u64,
        lost_by: u64,
        deadline: u64,
    ) -> Result<Reply, Error> {
        let all = self.roster.len() as u32;
        self.opened = Connected::default();
        self.returning = Some(Homecoming { retry, ..Homecoming::default() });
        match cut {
            Cut::Reset => self.reset_all(),
            Cut::Close => self.close_all(),
            Cut::Server => {}
        }
        while !self.all_are_back(all) && !self.is_stopped() {
            let now = clock::now();
            if now > deadline {
                break;
            }
            self.retry(now)?;
            self.turn(5 * MILLISECOND)?;
            self.show();
            let lost = self.returning.as_ref().map_or(0, |homecoming| homecoming.lost);
            if lost < all && now > lost_by {
                self.returning = None;
                let seconds = clock::seconds(lost_by.saturating_sub(self.present));
                return Err(Error::NotCut { open: all - lost, wanted: all, seconds });
            }
        }
        let homecoming = self.returning.take().unwrap_or_default();
        self.retries.clear();
        let opened = std::mem::take(&mut self.opened);
        Ok(Reply::Returned(Returned {
            cut: all,
            back: self.roster.len() as u32,
            first_cut: homecoming.first_lost,
            last_back: opened.last,
            times: opened.times,
            failed: homecoming.failed,
        }))
    }

    fn all_are_back(&self, all: u32) -> bool {
        let lost = self.returning.as_ref().map_or(0, |homecoming| homecoming.lost);
        lost >= all && self.roster.len() as u32 >= all
    }

    fn reset_all(&mut self) {
        let now = clock::now();
        for slot in self.roster.slots().to_vec() {
            if let Some(connection) = self.remove(slot) {
                socket::reset(connection.link.into_stream());
                self.on_lost(&connection.member, now);
            }
        }
    }

    fn close_all(&mut self) {
        for slot in self.roster.slots().to_vec() {
            self.say_goodbye(slot);
        }
    }

    /// A connection is gone, or an attempt failed: while they are brought back, another is made.
    pub(super) fn on_lost(&mut self, member: &Member, now: u64) {
        let Some(homecoming) = &mut self.returning else { return };
        if matches!(member.role, Role::Publisher(_)) {
            return;
        }
        if member.is_on_its_way() {
            homecoming.failed += 1;
            let due = now + homecoming.retry;
            self.retries.push_back(Retry { due, role: member.role, cut: member.started });
            return;
        }
        if homecoming.lost == 0 {
            homecoming.first_lost = now;
        }
        homecoming.lost += 1;
        self.retries.push_front(Retry { due: now, role: member.role, cut: now });
    }

    fn retry(&mut self, now: u64) -> Result<(), Error> {
        while self.retries.front().is_some_and(|retry| retry.due <= now) {
            let Some(retry) = self.retries.pop_front() else { break };
            match self.open(retry.role)? {
                Some(slot) => {
                    if let Some(Some(connection)) = self.connections.get_mut(slot as usize) {
                        connection.member.started = retry.cut;
                    }
                }
                None => {
                    let Some(homecoming) = &mut self.returning else { break };
                    homecoming.failed += 1;
                    let due = now + homecoming.retry;
                    self.retries.push_back(Retry { due, ..retry });
                }
            }
        }
        Ok(())
    }
}
