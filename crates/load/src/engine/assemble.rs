//! A run's figures, put together of what the threads counted and what was seen from outside. It measures nothing.

use super::monitor::{Moment, Monitor, machine};
use super::verdict::{self, Verdict};
use crate::clock;
use crate::plan::Plan;
use crate::report::{Bound, Connecting, Generator, PhaseRow, Run, Second, StreamTimes};
use crate::tally::{StreamTally, Tally};
use crate::worker::Connected;

/// The figures of a run by a plan.
pub(super) fn run(plan: &Plan, tally: &Tally, is_open: bool, monitor: &mut Monitor<'_>) -> Run {
    let (begin, end) = monitor.window();
    // Messages count by when they were due: by the plan's time, or until the server was gone or somebody wanted the end.
    let done = plan.until(monitor.over(plan));
    let elapsed_s = clock::seconds(done.counted()).max(0.001);
    let (accounting, warm_up) = tally.accounts();
    let latency = tally.latency().latency();
    let streams = tally.streams.as_deref().map(stream_times);
    // Streams are accounted for whole; tokens that came while it counted are fewer.
    let received = streams.as_ref().map_or(accounting.received, |streams| streams.tokens);
    let server = monitor.server_use(&begin, &end, received);
    let mut generator = generator(tally, &begin, &end, is_open);
    let verdict = match is_open {
        true => verdict::of_open(&generator, latency.p99),
        false => verdict::of_closed(&generator, server.as_ref()),
    };
    judge(&mut generator, verdict);
    Run {
        generator,
        server,
        elapsed_s,
        asked_per_s: is_open.then(|| asked_per_s(&done)),
        sent_per_s: accounting.sent as f64 / elapsed_s,
        received_per_s: received as f64 / elapsed_s,
        bytes_sent: tally.bytes_sent,
        bytes_received: tally.bytes_received,
        latency: streams.as_ref().map_or(latency, |streams| streams.added),
        machine: machine(&begin, &end),
        timeline: timeline(tally, monitor, &begin),
        streams,
        accounting,
        warm_up,
        ..Run::default()
    }
}

/// Messages a second that a plan asks for, where it counts.
fn asked_per_s(plan: &Plan) -> f64 {
    let counted = plan.segments.iter().filter(|segment| segment.counts);
    let asked: f64 =
        counted.map(|segment| segment.rate * clock::seconds(segment.end - segment.start)).sum();
    match clock::seconds(plan.counted()) {
        0.0 => 0.0,
        seconds => asked / seconds,
    }
}

/// What the generator used, and how late it was. Who held the figures back is for others to say.
pub(super) fn generator(tally: &Tally, begin: &Moment, end: &Moment, is_open: bool) -> Generator {
    let elapsed = end.at.saturating_sub(begin.at).max(1) as f64;
    let greatest = |of: &[u64]| (of.iter().copied().max().unwrap_or(0) as f64 / elapsed).min(1.0);
    Generator {
        cpu_s: end.own_cpu_s - begin.own_cpu_s,
        busiest_thread: greatest(&tally.cpu),
        waited: greatest(&tally.waited),
        lateness: if is_open { tally.lateness.latency() } else { Default::default() },
        reading: tally.reading.latency(),
        held_back: tally.held_back,
        ..Generator::default()
    }
}

/// Takes over what was found.
pub(super) fn judge(generator: &mut Generator, verdict: Option<Verdict>) {
    let bound = verdict.as_ref().map(|(bound, _)| *bound);
    generator.limited = bound == Some(Bound::Generator);
    generator.crowded = bound == Some(Bound::Cores);
    generator.why = verdict.filter(|(bound, _)| *bound != Bound::Server).map(|(_, why)| why);
}

fn timeline(tally: &Tally, monitor: &Monitor<'_>, begin: &Moment) -> Vec<Second> {
    let mut before = (begin.at, begin.server);
    let mut rows = Vec::new();
    for (second, counted) in (0..).zip(&tally.seconds) {
        let seen = monitor.seconds().get(second as usize).copied().unwrap_or_default();
        let (p50, p99) = counted.latency.p50_p99();
        let cpu = seen.server.zip(before.1).map(|(now, then)| (now.cpu_s - then.cpu_s) * 100.0);
        before.1 = seen.server.or(before.1);
        rows.push(Second {
            second,
            sent: counted.sent,
            received: counted.received,
            p50,
            p99,
            connections: seen.connections,
            server_cpu_percent: cpu.map(|cpu| cpu.max(0.0)),
            server_rss_bytes: seen.server.map(|server| server.rss_bytes),
        });
    }
    rows
}

/// One row for each segment that counts.
pub(super) fn phases(plan: &Plan, tally: &Tally, monitor: &Monitor<'_>) -> Vec<PhaseRow> {
    let both = plan.segments.iter().zip(&tally.segments);
    let counted = both.filter(|(segment, _)| segment.counts);
    let row = |(segment, tally): (&crate::plan::Segment, &crate::tally::SegmentTally)| {
        let last = clock::seconds(plan.epoch + segment.end - plan.counts_from()).ceil() as usize;
        let seen = monitor.seconds().get(last.saturating_sub(1)).or(monitor.seconds().last());
        PhaseRow {
            name: segment.name.clone(),
            elapsed_s: clock::seconds(segment.end - segment.start),
            connections: seen.map_or(0, |seen| seen.connections),
            asked_per_s: segment.rate,
            sent: tally.numbers.sent,
            received: tally.numbers.received,
            latency: tally.latency.latency(),
            stalled_latency: tally.stalled.latency(),
        }
    };
    counted.map(row).collect()
}

/// How connecting went, which began and ended at these moments.
pub(super) fn connecting(all: &Connected, begin: &Moment, end: &Moment) -> Connecting {
    let elapsed_s = clock::seconds(all.last.saturating_sub(begin.at)).max(1e-6);
    let server = end.server.zip(begin.server).map(|(end, begin)| end.cpu_s - begin.cpu_s);
    Connecting {
        connections: all.open,
        elapsed_s,
        per_s: f64::from(all.open) / elapsed_s,
        latency: all.times.latency(),
        server_cpu_s_per_1000: server
            .map(|cpu| cpu.max(0.0) * 1_000.0 / f64::from(all.open.max(1))),
    }
}

fn stream_times(tally: &StreamTally) -> StreamTimes {
    StreamTimes {
        completed: tally.completed,
        failed: tally.failed,
        tokens: tally.tokens,
        messages: tally.messages,
        first_token: tally.first.latency(),
        inter_token: tally.between.latency(),
        upstream_inter_token: tally.upstream_between.latency(),
        added: tally.added.latency(),
        first_added: tally.first_added.latency(),
    }
}
