//! A connection that follows token streams, one after the other. It knows not when they are asked for.

use super::{Context, Member};
use crate::plan::Plan;
use crate::tally::Tally;
use crate::track::Seen;
use crate::wire::marker::{self, Found};

/// The stream that a connection follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) id: u32,
    pub(crate) asked: u64,
    pub(crate) tokens: u32,
    /// Arrival, and the upstream's time, of the last token.
    pub(crate) last: Option<(u64, u64)>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    /// The server said that it failed.
    Failed,
    /// Its connection ended.
    Broken,
    /// The load ended before it.
    Left,
}

impl Member {
    pub(super) fn tokens(&mut self, message: &[u8], now: u64, context: &mut Context<'_>) {
        let Some(stream) = &mut self.stream else { return };
        let (plan, tally) = (context.plan, &mut *context.tally);
        let track = &mut self.tracks;
        let mut found = false;
        marker::scan(message, |one| match one {
            Found::Marker(marker, _) if marker.sender == stream.id => {
                found = true;
                let seen = track.first_mut().map(|track| track.note(marker.seq));
                match seen {
                    Some(Seen::New { .. }) => {}
                    Some(Seen::Late) => tally.of(true).late += 1,
                    Some(Seen::Doubled) | None => {
                        tally.of(true).doubled += 1;
                        return;
                    }
                }
                stream.token(marker.time, now, plan, tally);
            }
            Found::Marker(..) => {}
            Found::Corrupt => tally.at(plan, now).corrupt += 1,
        });
        self.heard = now;
        if found
            && now >= plan.counts_from()
            && let Some(streams) = &mut tally.streams
        {
            streams.messages += 1;
        }
        self.stream_end(message, context);
    }

    fn stream_end(&mut self, message: &[u8], context: &mut Context<'_>) {
        let Some(rules) = context.stream_rules else { return };
        let failed = rules.error.as_ref().is_some_and(|error| error.occurs_in(message));
        if !failed && !rules.end.occurs_in(message) {
            return;
        }
        let how = if failed { Ended::Failed } else { Ended::Well };
        self.close_stream(context.plan, context.tally, how);
    }

    /// Settles the account of the stream that it follows.
    pub(crate) fn close_stream(&mut self, plan: &Plan, tally: &mut Tally, how: Ended) {
        let (Some(stream), Some(track)) = (self.stream.take(), self.tracks.first()) else { return };
        // Of one that was left in the middle, nobody knows what was on its way.
        let end = if how == Ended::Left { track.next() } else { stream.tokens };
        let missing = track.missing_in(0..end);
        let numbers = tally.of(true);
        numbers.expected += u64::from(end);
        numbers.lost += missing;
        numbers.refused += if how == Ended::Failed { missing } else { 0 };
        if stream.asked >= plan.counts_from()
            && let Some(streams) = &mut tally.streams
        {
            streams.completed += u64::from(how == Ended::Well);
            streams.failed += u64::from(matches!(how, Ended::Failed | Ended::Broken));
        }
    }
}

impl Stream {
    /// A token came at `now` that the upstream sent at `sent`.
    fn token(&mut self, sent: u64, now: u64, plan: &Plan, tally: &mut Tally) {
        tally.token(plan, sent, now);
        if sent >= plan.counts_from()
            && let Some(streams) = &mut tally.streams
        {
            streams.tokens += 1;
            streams.added.note(now.saturating_sub(sent));
            match self.last {
                Some((arrived, upstream)) => {
                    streams.between.note(now.saturating_sub(arrived));
                    streams.upstream_between.note(sent.saturating_sub(upstream));
                }
                None => {
                    streams.first.note(now.saturating_sub(self.asked));
                    streams.first_added.note(now.saturating_sub(sent));
                }
            }
        }
        self.last = Some((now, sent));
    }
}
