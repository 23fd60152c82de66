//! Work that is load by a plan: echo, fan-out, phases, streams. It knows no sockets.

use std::sync::Arc;

use super::crew::{Crew, Kind};
use super::{Bench, Measured, assemble};
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::job::{self, Exchange};
use crate::member::Role;
use crate::plan::{Plan, Segment};
use crate::report::Connecting;
use crate::tally::Tally;
use crate::worker::{Command, Connected, Reply, Traffic};

/// Within this time other processes of the generator have heard when to begin.
const TELLING: u64 = 100 * MILLISECOND;

/// What stands ready, and what is then done.
pub(super) struct Scene {
    pub(super) kind: Kind,
    pub(super) role: Role,
    pub(super) connections: u32,
    pub(super) publishers: u32,
    pub(super) plan: Plan,
    pub(super) traffic: Traffic,
}

pub(super) fn echo(bench: &mut Bench<'_>, echo: &job::Echo) -> Result<Measured, Error> {
    let (warmup, duration) = (bench.job.warmup_ms, bench.job.duration_ms);
    let rate = echo.rate.unwrap_or(0.0);
    let in_flight = echo.in_flight.max(1);
    let traffic = match echo.rate {
        Some(_) => Traffic::Open,
        None => Traffic::Closed { in_flight },
    };
    play(
        bench,
        Scene {
            kind: Kind::Echo,
            role: Role::Echo,
            connections: echo.connections,
            publishers: 0,
            plan: Plan::steady(echo.connections, rate, echo.size, warmup, duration),
            traffic,
        },
    )
}

pub(super) fn fanout(bench: &mut Bench<'_>, fanout: &job::Fanout) -> Result<Measured, Error> {
    let (warmup, duration) = (bench.job.warmup_ms, bench.job.duration_ms);
    let plan = Plan::steady(fanout.connections, fanout.rate, fanout.size, warmup, duration);
    let scene = fanout_scene(bench, fanout.connections, fanout.publishers, plan)?;
    play(bench, scene)
}

/// Readers and publishers, and what the plan says.
pub(super) fn fanout_scene(
    bench: &Bench<'_>,
    connections: u32,
    publishers: u32,
    plan: Plan,
) -> Result<Scene, Error> {
    let publishers = publishers.max(1);
    let published = bench.board(publishers)?;
    Ok(Scene {
        kind: Kind::Publications,
        role: Role::Reader { late: false },
        connections,
        publishers,
        plan,
        traffic: Traffic::Fanout { first_sender: 0, published },
    })
}

pub(super) fn phases(bench: &mut Bench<'_>, phases: &job::Phases) -> Result<Measured, Error> {
    let Some(first) = phases.phases.first() else {
        return Err(Error::Job("`phases` has none".into()));
    };
    let connections = first.connections;
    let mut plan = Plan { changes: true, ..Plan::empty() };
    let warm_up = job::Phase { churn_per_s: 0.0, stalled: 0, ..first.clone() };
    plan.push(bench.job.warmup_ms, segment("warm-up".into(), &warm_up, false));
    for (number, phase) in (1..).zip(&phases.phases) {
        let unnamed = phase.name.is_empty();
        let name = if unnamed { format!("phase {number}") } else { phase.name.clone() };
        plan.push(phase.duration_ms, segment(name, phase, true));
    }
    let scene = match phases.exchange {
        Exchange::Fanout => fanout_scene(bench, connections, phases.publishers, plan)?,
        Exchange::Echo => Scene {
            kind: Kind::Echo,
            role: Role::Echo,
            connections,
            publishers: 0,
            plan,
            traffic: Traffic::Open,
        },
    };
    play(bench, scene)
}

fn segment(name: String, phase: &job::Phase, counts: bool) -> Segment {
    Segment {
        name,
        start: 0,
        end: 0,
        rate: phase.rate,
        size: phase.size as usize,
        connections: phase.connections,
        churn_per_s: phase.churn_per_s,
        stalled: phase.stalled,
        counts,
    }
}

pub(super) fn streams(bench: &mut Bench<'_>, streams: &job::Streams) -> Result<Measured, Error> {
    let (warmup, duration) = (bench.job.warmup_ms, bench.job.duration_ms);
    let rate = f64::from(streams.streams) * streams.tokens_per_s;
    let &job::Streams { tokens, tokens_per_s: per_s, size, .. } = streams;
    play(
        bench,
        Scene {
            kind: Kind::Streams,
            role: Role::Streams,
            connections: streams.streams,
            publishers: 0,
            plan: Plan::steady(streams.streams, rate, size, warmup, duration),
            traffic: Traffic::Streams { tokens, per_s, size },
        },
    )
}

fn play(bench: &mut Bench<'_>, scene: Scene) -> Result<Measured, Error> {
    let crew = bench.crew(scene.kind)?;
    let connecting = set(bench, &crew, &scene)?;
    let (mut run, gone) = act(bench, &crew, scene)?;
    run.connections = connecting.connections;
    run.connecting = connecting;
    Ok((run, gone))
}

/// Opens all connections of a scene.
pub(super) fn set(bench: &mut Bench<'_>, crew: &Crew, scene: &Scene) -> Result<Connecting, Error> {
    let connecting = connect(bench, crew, scene.role, scene.connections)?;
    if scene.publishers > 0 {
        let deadline = bench.connect_deadline();
        let command = Command::Publishers { count: scene.publishers, deadline };
        crew.ask(&command, &mut || bench.monitor.tick())?;
    }
    Ok(connecting)
}

/// Opens connections, and says how that went.
pub(super) fn connect(
    bench: &mut Bench<'_>,
    crew: &Crew,
    role: Role,
    count: u32,
) -> Result<Connecting, Error> {
    bench.monitor.phase("connect");
    let begin = bench.monitor.moment();
    let command = Command::Connect { role, count, deadline: bench.connect_deadline() };
    let mut all = Connected::default();
    let replies = crew.ask(&command, &mut || bench.monitor.tick());
    let replies = replies.map_err(|error| match error {
        // One of them says so, of its own share.
        Error::ConnectTimeout { seconds, last, .. } => {
            let open = bench.monitor.connections();
            Error::ConnectTimeout { open, wanted: count, seconds, last }
        }
        other => other,
    })?;
    for reply in replies {
        if let Reply::Connected(connected) = reply {
            all.open += connected.open;
            all.last = all.last.max(connected.last);
            all.times.add(&connected.times);
        }
    }
    let end = bench.monitor.moment();
    Ok(assemble::connecting(&all, &begin, &end))
}

/// Runs the plan of a scene whose connections are open.
pub(super) fn act(bench: &mut Bench<'_>, crew: &Crew, scene: Scene) -> Result<Measured, Error> {
    let settle = match &bench.job.dialect.subscribe {
        Some(subscribe) if subscribe.ready.is_none() => 200 * MILLISECOND,
        _ => 20 * MILLISECOND,
    };
    // All begin at the same time, wherever they are.
    let far = if bench.parts.is_empty() { 0 } else { TELLING };
    let plan = Arc::new(Plan { epoch: clock::now() + settle + far, ..scene.plan });
    bench.monitor.follow(&plan);
    let is_open = matches!(scene.traffic, Traffic::Open | Traffic::Fanout { .. });
    let changes = plan.changes;
    let command = Command::Run { plan: Arc::clone(&plan), traffic: scene.traffic };
    let mut tally = Tally::new(&plan);
    let mut gone = None;
    for reply in crew.ask(&command, &mut || bench.monitor.tick())? {
        if let Reply::Ran { tally: one, gone: why } = reply {
            tally.add(*one);
            gone = gone.or(why);
        }
    }
    if bench.monitor.is_stopped() && bench.monitor.over(&plan) <= plan.counts_from() {
        // Nothing counted yet.
        return Err(Error::Stopped);
    }
    let mut run = assemble::run(&plan, &tally, is_open, &mut bench.monitor);
    if changes {
        run.phases = assemble::phases(&plan, &tally, &bench.monitor);
    }
    Ok((run, gone))
}
