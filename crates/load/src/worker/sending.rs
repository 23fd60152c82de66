//! Sending what is due. It knows not what comes of it.

use super::{Connection, Traffic, Worker};
use crate::clock::{self, MILLISECOND, SECOND};
use crate::error::Error;
use crate::member::{Role, Stage};
use crate::plan::Plan;
use crate::wire::marker::Marker;
use crate::wire::template::Fields;

/// So many messages are sent before sockets are looked at again.
const AT_ONCE: usize = 256;

/// An answer that takes longer is not waited for in a closed loop.
const FORGIVEN_AFTER: u64 = SECOND;

impl Worker {
    /// Sends what the plan still had to send when it ended: late, and not left out.
    pub(super) fn send_rest(&mut self) -> Result<(), Error> {
        if matches!(self.traffic, Traffic::Open | Traffic::Fanout { .. }) {
            while self.send_scheduled(self.plan.end()) == 0 {
                self.turn(0)?;
            }
        }
        Ok(())
    }

    /// Sends what is due, and says how long nothing will be: 0 when more may be due already.
    pub(super) fn send_due(&mut self, now: u64) -> u64 {
        match self.traffic {
            Traffic::Closed { .. } => self.check_windows(now),
            Traffic::Open | Traffic::Fanout { .. } => return self.send_scheduled(now),
            Traffic::Streams { .. } => self.ask_first_streams(now),
            Traffic::Silence => {}
        }
        5 * MILLISECOND
    }

    fn send_scheduled(&mut self, now: u64) -> u64 {
        let fans_out = matches!(self.traffic, Traffic::Fanout { .. });
        if fans_out && self.publishers.is_empty() {
            return u64::MAX;
        }
        self.out.clear();
        let mut sender = None;
        for _ in 0..AT_ONCE {
            let due = match self.schedule.due(&self.plan) {
                Some(due) if due <= now => due,
                Some(due) => {
                    self.flush_to(sender);
                    return due.saturating_sub(clock::now()).max(1);
                }
                None => {
                    self.flush_to(sender);
                    return u64::MAX;
                }
            };
            self.schedule.advance();
            let next = if fans_out { self.next_publisher() } else { self.roster.next() };
            if next != sender {
                self.flush_to(sender);
                sender = next;
            }
            if !next.is_some_and(|slot| self.prepare(slot, due, clock::now())) {
                self.tally.at(&self.plan, due).unsent += 1;
            }
        }
        self.flush_to(sender);
        0
    }

    fn next_publisher(&mut self) -> Option<u32> {
        self.publisher = (self.publisher + 1) % self.publishers.len().max(1);
        self.publishers.get(self.publisher).copied()
    }

    /// Puts a message of a connection's into the buffer, and notes it as sent.
    fn prepare(&mut self, slot: u32, due: u64, now: u64) -> bool {
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return false };
        let Some(exchanged) = &mut self.exchanged else { return false };
        let Connection { link, member, .. } = connection;
        if !link.has_room() || member.stage != Stage::Open {
            return false;
        }
        let counts = due >= self.plan.counts_from();
        let sender = match member.role {
            Role::Publisher(index) => {
                if !self.load.published.add(index, counts) {
                    return false;
                }
                self.load.first_sender + index
            }
            _ => member.number,
        };
        if counts && member.first_counted.is_none() {
            member.first_counted = Some(member.next);
        }
        let marker = Marker { sender, seq: member.next, time: due };
        member.next += 1;
        let fields = Fields { connection: member.number, marker, size: size(&self.plan, due) };
        let before = self.out.len();
        exchanged.send.append(fields, &mut self.out);
        self.tally.sent(&self.plan, due, now);
        if counts {
            self.tally.bytes_sent += (self.out.len() - before) as u64;
            self.tally.held_back += u64::from(link.is_behind());
        }
        true
    }

    /// Writes what was prepared.
    fn flush_to(&mut self, slot: Option<u32>) {
        let Some(slot) = slot else { return };
        if self.out.is_empty() {
            return;
        }
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        let result = connection.link.send(&self.out);
        self.out.clear();
        match result {
            Ok(()) => self.rearm(slot),
            Err(end) => self.on_end(slot, end),
        }
    }

    /// In a closed loop: sends as many as the connection may have under way.
    pub(super) fn fill_window(&mut self, slot: u32, in_flight: u32) {
        let now = clock::now();
        if now < self.plan.epoch || now >= self.plan.end() {
            return;
        }
        self.out.clear();
        while self.has_window(slot, in_flight) && self.prepare(slot, now, now) {}
        self.flush_to(Some(slot));
    }

    fn has_window(&self, slot: u32, in_flight: u32) -> bool {
        let Some(Some(connection)) = self.connections.get(slot as usize) else { return false };
        connection.member.in_flight() < in_flight && !connection.link.is_behind()
    }

    /// Fills windows that nothing arrives for: the first time, and after losses.
    fn check_windows(&mut self, now: u64) {
        let Traffic::Closed { in_flight, .. } = self.traffic else { return };
        if now < self.plan.epoch || now < self.checked + 100 * MILLISECOND {
            return;
        }
        self.checked = now;
        for index in 0..self.roster.len() {
            let Some(slot) = self.roster.slots().get(index).copied() else { break };
            let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { continue };
            let member = &mut connection.member;
            let silent = now.saturating_sub(member.heard.max(self.plan.epoch)) > FORGIVEN_AFTER;
            if silent && member.in_flight() > 0 {
                member.forgiven = member.next;
                member.heard = now;
            }
            self.fill_window(slot, in_flight);
        }
    }

    /// A connection received something.
    pub(super) fn on_received(&mut self, slot: u32) {
        match self.traffic {
            Traffic::Closed { in_flight, .. } => self.fill_window(slot, in_flight),
            Traffic::Streams { .. } => self.ask_next_stream(slot),
            _ => {}
        }
    }
}

fn size(plan: &Plan, due: u64) -> usize {
    plan.segments.get(plan.segment_at(due)).map_or(0, |segment| segment.size)
}
