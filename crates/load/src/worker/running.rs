//! A run: load by a plan, then the wait for what is missing, then the account. It knows no sockets.

use std::sync::Arc;

use super::settling::{self, By};
use super::{Reply, Traffic, Worker};
use crate::clock::{self, MILLISECOND, SECOND};
use crate::error::Error;
use crate::member::Load;
use crate::plan::{Plan, Schedule, Share};
use crate::tally::{StreamTally, Tally};
use crate::watch;
use crate::wire::marker;

/// How long a thread sleeps at most: so exact are growth, churn and the figures that are shown.
const LONGEST_SLEEP: u64 = 5 * MILLISECOND;

/// So long without any connection, and a server is taken for gone even where new ones are tried.
const HOPELESS: u64 = 2 * SECOND;

/// So long is waited for what is missing when the job was told to stop; five times that in all.
const LAST_PATIENCE: u64 = 400 * MILLISECOND;

impl Worker {
    /// Loads by `plan`, and returns what was counted.
    pub(super) fn run(&mut self, plan: Arc<Plan>, traffic: Traffic) -> Result<Reply, Error> {
        self.begin(plan, traffic);
        let mut gone = None;
        let mut used = None;
        let mut changed = 0;
        while gone.is_none() && !self.is_stopped() {
            let now = clock::now();
            if used.is_none() && now >= self.plan.counts_from() {
                used = Some((clock::thread_cpu(), watch::thread_waited()));
            }
            if now >= self.plan.end() {
                break;
            }
            if now >= changed {
                self.change(now)?;
                self.show();
                changed = now + LONGEST_SLEEP;
                gone = self.judge_presence(now);
            }
            let wait = self.send_due(now);
            self.turn(wait.min(LONGEST_SLEEP))?;
        }
        let (cpu, waited) = used.unwrap_or((clock::thread_cpu(), watch::thread_waited()));
        self.tally.cpu.push(clock::thread_cpu() - cpu);
        self.tally.waited.push(watch::thread_waited().saturating_sub(waited));
        if gone.is_none() && !self.is_stopped() {
            self.send_rest()?;
        }
        self.finish_publishing();
        if gone.is_none() {
            self.drain()?;
        }
        Ok(self.finish(gone))
    }

    fn begin(&mut self, plan: Arc<Plan>, traffic: Traffic) {
        self.tally = Tally::new(&plan);
        self.schedule = Schedule::new(self.part_in(&traffic));
        self.load = self.under_way(&plan, &traffic);
        if matches!(traffic, Traffic::Streams { .. }) {
            self.tally.streams = Some(Box::new(StreamTally::default()));
        }
        (self.plan, self.traffic) = (plan, traffic);
        (self.churned, self.ended, self.streams_asked, self.segment) = (0, 0, 0, None);
        self.checked = 0;
        self.last_end = None;
        self.present = clock::now();
        let publishers = self.load.published.len();
        for connection in self.connections.iter_mut().flatten() {
            connection.member.begin_run(publishers);
        }
    }

    /// Lets readers know that this thread's publishers send nothing more.
    fn finish_publishing(&self) {
        let Share { index, of } = self.share;
        let all = 0..self.load.published.len() as u32;
        for publisher in all.filter(|publisher| publisher % of == index) {
            // Where it cannot be said, readers wait until nothing comes any more.
            self.load.published.finish(publisher);
        }
    }

    fn finish(&mut self, gone: Option<Error>) -> Reply {
        self.load.published.refresh();
        for connection in self.connections.iter_mut().flatten() {
            let member = &mut connection.member;
            settling::settle(member, By::TheEnd, &self.plan, &self.load, &mut self.tally);
        }
        self.show();
        self.traffic = Traffic::Silence;
        let fresh = Tally::new(&self.plan);
        Reply::Ran { tally: Box::new(std::mem::replace(&mut self.tally, fresh)), gone }
    }

    /// Which of how many threads this is, of those that send.
    fn part_in(&self, traffic: &Traffic) -> Share {
        match traffic {
            Traffic::Fanout { published, .. } => {
                Share { index: self.share.index, of: self.share.of.min(published.len() as u32) }
            }
            _ => self.share,
        }
    }

    fn under_way(&self, plan: &Plan, traffic: &Traffic) -> Load {
        let largest = plan.segments.iter().map(|segment| segment.size).max().unwrap_or(0);
        let Some(exchanged) = &self.exchanged else { return Load::default() };
        let length = if exchanged.filled { largest.saturating_sub(marker::LENGTH) } else { 0 };
        let load = Load {
            receive: exchanged.receive.clone(),
            filler: marker::filler(length),
            ..Load::default()
        };
        match traffic {
            Traffic::Fanout { first_sender, published } => {
                Load { first_sender: *first_sender, published: Arc::clone(published), ..load }
            }
            _ => load,
        }
    }

    /// Whether the server ended everything.
    fn judge_presence(&mut self, now: u64) -> Option<Error> {
        let wanted = self.share.of_count(self.plan.connections_at(now));
        if !self.roster.is_empty() {
            self.present = now;
        }
        let publishes = !self.publishers.is_empty();
        let mute = publishes && !self.publishers.iter().any(|slot| self.is_there(*slot));
        let alone = self.roster.is_empty() && wanted > 0 && self.ended > 0;
        let hopes = self.plan.changes && now < self.present + HOPELESS;
        if !mute && (!alone || hopes) {
            return None;
        }
        let reason = self.last_end.as_ref().map_or("gone".into(), ToString::to_string);
        let seconds = clock::seconds(now.saturating_sub(self.plan.epoch));
        Some(Error::ServerGone { seconds, reason })
    }

    fn is_there(&self, slot: u32) -> bool {
        self.connections.get(slot as usize).is_some_and(Option::is_some)
    }

    /// Waits for what is missing, until all is there or nothing has come for a while.
    fn drain(&mut self) -> Result<(), Error> {
        let begun = clock::now();
        let (mut heard, mut received) = (begun, 0);
        self.resume_stalled(begun);
        while !self.line.halt.is_aborted() {
            let now = clock::now();
            let patience = self.patience();
            self.load.published.refresh();
            let total: u64 = self.tally.segments.iter().map(|it| it.numbers.received).sum();
            if total > received {
                (received, heard) = (total, now);
            }
            // What comes twice comes soon.
            let soon = now < begun + 30 * MILLISECOND;
            let quiet = now - heard > patience || now - begun > 5 * patience;
            if !soon && (quiet || self.has_everything()) {
                break;
            }
            self.show();
            self.turn(5 * MILLISECOND)?;
        }
        Ok(())
    }

    fn has_everything(&self) -> bool {
        if matches!(self.traffic, Traffic::Streams { .. } | Traffic::Silence) {
            return true;
        }
        let mut members = self.connections.iter().flatten().map(|connection| &connection.member);
        self.load.published.is_done() && members.all(|member| member.has_everything(&self.load))
    }

    /// How long what is missing is waited for. Whoever wants the end does not wait long.
    fn patience(&self) -> u64 {
        if self.is_stopped() { self.patience.min(LAST_PATIENCE) } else { self.patience }
    }
}
