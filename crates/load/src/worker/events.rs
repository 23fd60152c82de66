//! What a ready socket leads to. It knows not what load is.

use super::settling::{self, By};
use super::{Connection, Worker};
use crate::clock;
use crate::link::{End, Input};
use crate::member::{Context, Member, Role, Stage, Stall};
use crate::poll::{Interest, Ready};
use crate::socket;
use crate::wire::frame::{self, opcode};

/// After an attempt that failed, so long none is made that a plan asks for.
const PAUSE: u64 = 50 * clock::MILLISECOND;

impl Worker {
    pub(super) fn on_ready(&mut self, ready: Ready) {
        // The token's halves.
        let (slot, generation) = (ready.token as u32, (ready.token >> 32) as u32);
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        if connection.generation != generation {
            return;
        }
        let result = match connection.member.stage {
            Stage::Connecting => self.on_connected(slot, ready),
            _ => self.on_traffic(slot, ready),
        };
        match result {
            Ok(()) => self.rearm(slot),
            Err(end) => self.on_end(slot, end),
        }
    }

    fn on_connected(&mut self, slot: u32, ready: Ready) -> Result<(), End> {
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return Ok(()) };
        if ready.failed {
            let error = socket::connected(connection.link.stream()).err();
            let refused =
                error.is_some_and(|it| it.kind() == std::io::ErrorKind::ConnectionRefused);
            return Err(End::Broken(if refused { "refused" } else { "reset" }));
        }
        connection.member.stage = Stage::Upgrading;
        if connection.link.speaks_http() {
            connection.member.stage = Stage::Open;
            self.on_open(slot);
            return Ok(());
        }
        let request = self.rules.request(connection.member.number);
        connection.link.send(&request)
    }

    fn on_traffic(&mut self, slot: u32, ready: Ready) -> Result<(), End> {
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return Ok(()) };
        if ready.write {
            connection.link.flush()?;
        }
        if ready.read && (connection.member.stall != Stall::Stalled || ready.failed) {
            self.on_readable(slot)?;
        }
        Ok(())
    }

    fn on_readable(&mut self, slot: u32) -> Result<(), End> {
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return Ok(()) };
        self.out.clear();
        let Connection { link, member, .. } = connection;
        let was_open = member.is_open();
        let mut context = Context {
            rules: &mut self.rules,
            plan: &self.plan,
            tally: &mut self.tally,
            load: &self.load,
            stream_rules: self.stream_rules.as_ref(),
            out: &mut self.out,
        };
        let (mut read_at, mut messages) = (0, 0);
        let count = link.receive(&mut self.buffer, |input, now| {
            read_at = now;
            messages += u64::from(matches!(input, Input::Message(_)));
            take(member, input, now, &mut context);
        })?;
        if count == self.buffer.len() {
            self.tours.left_over();
        }
        if messages > 0 && self.plan.counts_from() <= read_at {
            self.tally.reading.note_many(self.tours.waited(read_at), messages);
        }
        if self.plan.counts_from() <= read_at && read_at < self.plan.end() {
            self.tally.bytes_received += count as u64;
        }
        if !self.out.is_empty() {
            connection.link.send(&self.out)?;
        }
        let close = connection.member.close.clone();
        if connection.member.is_open() && !was_open {
            self.on_open(slot);
        }
        match close {
            Some((code, reason)) => Err(End::Closed(code, reason)),
            None => {
                self.on_received(slot);
                Ok(())
            }
        }
    }

    /// Watches for what the connection now waits for.
    pub(super) fn rearm(&mut self, slot: u32) {
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        let reads = connection.member.stall != Stall::Stalled;
        let writes = connection.link.is_behind();
        if (connection.reads, connection.writes) == (reads, writes) {
            return;
        }
        (connection.reads, connection.writes) = (reads, writes);
        let token = u64::from(connection.generation) << 32 | u64::from(slot);
        let wants = Interest { read: reads, write: writes };
        if self.poll.change(connection.link.stream(), token, wants).is_err() {
            self.on_end(slot, End::Broken("failed"));
        }
    }

    /// Counts a connection to its end.
    pub(super) fn settle(&mut self, member: &mut Member, by: By) {
        self.load.published.refresh();
        settling::settle(member, by, &self.plan, &self.load, &mut self.tally);
    }

    /// A connection ended by itself.
    pub(super) fn on_end(&mut self, slot: u32, end: End) {
        let Some(mut connection) = self.remove(slot) else { return };
        let now = clock::now();
        let left = matches!(connection.member.stage, Stage::Leaving { told: true, .. });
        let by = match &end {
            _ if left => By::Us,
            End::Closed(..) => By::Close,
            _ => By::Accident,
        };
        self.settle(&mut connection.member, by);
        if left {
            self.on_lost(&connection.member, now);
            return;
        }
        let numbers = self.tally.at(&self.plan, now);
        if connection.member.is_on_its_way() {
            numbers.failed_connects += 1;
        } else {
            numbers.broken += 1;
        }
        self.tally.because(&end.to_string());
        self.on_lost(&connection.member, now);
        self.ended += 1;
        self.pause = if connection.member.is_on_its_way() { now + PAUSE } else { self.pause };
        self.last_end = Some(end);
        if connection.member.close.is_some() {
            // The answer to a close; whether it arrives is the server's matter.
            let mut answer = Vec::new();
            frame::write(opcode::CLOSE, &1000_u16.to_be_bytes(), &mut answer);
            let _ = connection.link.send(&answer);
        }
    }
}

fn take(member: &mut Member, input: Input<'_>, now: u64, context: &mut Context<'_>) {
    match input {
        Input::Upgraded => member.upgraded(context),
        Input::Message(message) => member.message(message, now, context),
        Input::Ping(payload) => frame::write(opcode::PONG, payload, context.out),
        Input::Close(code, reason) => {
            member.close = Some((code, String::from_utf8_lossy(reason).into_owned()));
        }
        Input::Answered(status) => {
            if !(200..300).contains(&status) && matches!(member.role, Role::Publisher(_)) {
                context.tally.at(context.plan, now).refused += 1;
                context.tally.because(&format!("publication answered with {status}"));
            }
        }
    }
}
