//! Asking for token streams: the first ones evenly over a second, the next when one ended. It knows no tokens.

use super::{Connection, Traffic, Worker};
use crate::clock::{self, SECOND};
use crate::member::{Stage, Stream};
use crate::track::Track;
use crate::wire::marker::{self, Marker};
use crate::wire::template::Fields;

impl Worker {
    pub(super) fn ask_first_streams(&mut self, now: u64) {
        let all = self.roster.len() as u64;
        let ramp = (self.plan.counts_from() - self.plan.epoch).clamp(1, SECOND);
        let since = now.saturating_sub(self.plan.epoch).min(ramp);
        let due = all * since / ramp;
        for index in 0..due as usize {
            let Some(slot) = self.roster.slots().get(index).copied() else { return };
            let is_first = self.connections.get(slot as usize).is_some_and(|connection| {
                connection.as_ref().is_some_and(|connection| connection.member.next == 0)
            });
            if is_first {
                self.ask(slot, now);
            }
        }
    }

    pub(super) fn ask_next_stream(&mut self, slot: u32) {
        let now = clock::now();
        let Some(Some(connection)) = self.connections.get(slot as usize) else { return };
        let member = &connection.member;
        let is_free = member.stream.is_none() && member.next > 0 && member.stage == Stage::Open;
        if is_free && now < self.plan.end() {
            self.ask(slot, now);
        }
    }

    fn ask(&mut self, slot: u32, now: u64) {
        let Traffic::Streams { tokens, per_s, size } = self.traffic else { return };
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        let Some(rules) = &mut self.stream_rules else { return };
        let Connection { link, member, .. } = connection;
        let id = self.streams_asked * self.share.of + self.share.index;
        self.streams_asked += 1;
        rules.send.ask(format!("tokens={tokens} per_s={per_s} size={size} stream={id}"));
        member.stream = Some(Stream { id, asked: now, tokens, last: None });
        member.tracks = vec![Track::from(0)];
        let marker = Marker { sender: id, seq: member.next, time: now };
        member.next += 1;
        self.out.clear();
        let fields = Fields { connection: member.number, marker, size: marker::LENGTH };
        rules.send.append(fields, &mut self.out);
        self.tally.of(true).sent += 1;
        let result = link.send(&self.out);
        self.out.clear();
        match result {
            Ok(()) => self.rearm(slot),
            Err(end) => self.on_end(slot, end),
        }
    }
}
