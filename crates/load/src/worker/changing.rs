//! Connections that come, go, are replaced and stall, as the plan says. It knows no messages.

use super::Worker;
use super::settling::By;
use crate::clock::{MILLISECOND, SECOND};
use crate::error::Error;
use crate::member::{Role, Stage, Stall};
use crate::wire::frame::{self, opcode};

/// So many begin to connect before others are through.
const AT_ONCE: u32 = 64;

/// What is under way is waited for so long before a connection leaves.
const LAST_ANSWERS: u64 = SECOND;

/// The server's close is waited for so long.
const LAST_CLOSE: u64 = 2 * SECOND;

impl Worker {
    /// Does what the plan says for `now`.
    pub(super) fn change(&mut self, now: u64) -> Result<(), Error> {
        self.see_off(now);
        if !self.plan.changes || now < self.plan.epoch {
            return Ok(());
        }
        self.stall(now);
        let due = self.plan.churn_until(now) / f64::from(self.share.of);
        while (self.churned as f64) < due.floor() {
            self.churned += 1;
            self.retire(now);
        }
        self.grow(now)
    }

    fn grow(&mut self, now: u64) -> Result<(), Error> {
        let wanted = self.share.of_count(self.plan.connections_at(now));
        while self.roster.len() as u32 > wanted {
            self.retire(now);
        }
        while (self.roster.len() as u32 + self.connecting) < wanted
            && self.connecting < AT_ONCE
            && now >= self.pause
        {
            let role = match self.load.published.is_empty() {
                true => Role::Echo,
                false => Role::Reader { late: true },
            };
            if self.open(role)?.is_none() {
                self.tally.at(&self.plan, now).failed_connects += 1;
                break;
            }
        }
        Ok(())
    }

    /// Lets the one that came first go, more or less.
    fn retire(&mut self, now: u64) {
        let Some(slot) = self.roster.slots().first().copied() else { return };
        self.take_out(0);
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        connection.member.place = None;
        connection.member.stage = Stage::Leaving { since: now, told: false };
        self.leaving.push(slot);
    }

    /// Says goodbye to those that wait for nothing any more.
    fn see_off(&mut self, now: u64) {
        for slot in std::mem::take(&mut self.leaving) {
            let Some(Some(connection)) = self.connections.get(slot as usize) else { continue };
            let Stage::Leaving { since, told } = connection.member.stage else { continue };
            let waits = connection.member.role == Role::Echo && connection.member.in_flight() > 0;
            let age = now.saturating_sub(since);
            if !told && (!waits || age > LAST_ANSWERS) {
                self.say_goodbye(slot);
            } else if told && age > LAST_CLOSE {
                if let Some(mut connection) = self.remove(slot) {
                    self.settle(&mut connection.member, By::Us);
                }
                continue;
            }
            self.leaving.push(slot);
        }
    }

    /// Sends a close. What comes of it is seen when the server answers.
    pub(super) fn say_goodbye(&mut self, slot: u32) {
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        let is_open = matches!(connection.member.stage, Stage::Open | Stage::Leaving { .. });
        if connection.link.speaks_http() || !is_open {
            return;
        }
        let since = crate::clock::now();
        connection.member.stage = Stage::Leaving { since, told: true };
        let mut close = Vec::new();
        frame::write(opcode::CLOSE, &1000_u16.to_be_bytes(), &mut close);
        match connection.link.send(&close) {
            Ok(()) => self.rearm(slot),
            Err(end) => self.on_end(slot, end),
        }
    }

    /// Stalls readers as the segment says that began.
    fn stall(&mut self, now: u64) {
        let segment = self.plan.segment_at(now);
        if self.segment == Some(segment) {
            return;
        }
        self.segment = Some(segment);
        self.resume_stalled(now);
        let stalled = self.plan.segments.get(segment).map_or(0, |segment| segment.stalled);
        let mut candidates = self.roster.slots().to_vec();
        for _ in 0..self.share.of_count(stalled) {
            if candidates.is_empty() {
                return;
            }
            let chosen = (self.random() % candidates.len() as u64) as usize;
            let slot = candidates.swap_remove(chosen);
            self.set_stall(slot, Stall::Stalled);
        }
    }

    /// Lets those read on that did not.
    pub(super) fn resume_stalled(&mut self, now: u64) {
        for slot in 0..self.connections.len() as u32 {
            let Some(Some(connection)) = self.connections.get(slot as usize) else { continue };
            if connection.member.stall == Stall::Stalled {
                self.set_stall(slot, Stall::CatchingUp(now + MILLISECOND));
            }
        }
    }

    fn set_stall(&mut self, slot: u32, stall: Stall) {
        if let Some(Some(connection)) = self.connections.get_mut(slot as usize) {
            connection.member.stall = stall;
            self.rearm(slot);
        }
    }

    /// splitmix64: all that is random here, and the same with the same seed.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
