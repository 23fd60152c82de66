//! Connections that do nothing: what they cost the server. It knows no messages.

use super::crew::Kind;
use super::load::{Scene, act, connect};
use super::{Bench, Measured};
use crate::error::Error;
use crate::job::Idle;
use crate::member::Role;
use crate::plan::Plan;
use crate::report::{IdleCost, Run};
use crate::worker::Traffic;

pub(super) fn idle(bench: &mut Bench<'_>, idle: &Idle) -> Result<Measured, Error> {
    let role = Role::Idle { subscribe: idle.subscribe };
    meet(bench, role)?;
    let crew = bench.crew(Kind::Nothing)?;
    let connecting = connect(bench, &crew, role, idle.connections)?;
    let (warmup, duration) = (bench.job.warmup_ms, bench.job.duration_ms);
    let scene = Scene {
        kind: Kind::Nothing,
        role,
        connections: idle.connections,
        publishers: 0,
        plan: Plan::steady(idle.connections, 0.0, 32, warmup, duration),
        traffic: Traffic::Silence,
    };
    let (mut run, gone) = act(bench, &crew, scene)?;
    run.asked_per_s = None;
    run.connections = connecting.connections;
    run.connecting = connecting;
    run.idle = Some(cost(&run));
    Ok((run, gone))
}

/// Opens one connection and ends it: what a server does at the first, and never again, is no cost of connections.
fn meet(bench: &mut Bench<'_>, role: Role) -> Result<(), Error> {
    let crew = bench.crew(Kind::Nothing)?;
    connect(bench, &crew, role, 1)?;
    drop(crew);
    bench.monitor.begin_anew();
    Ok(())
}

fn cost(run: &Run) -> IdleCost {
    let connections = run.connections;
    let each =
        |after: u64, before: u64| (after as f64 - before as f64) / f64::from(connections.max(1));
    let server = run.server.as_ref();
    IdleCost {
        connections,
        rss_bytes_per_connection: server.map(|it| each(it.rss_bytes, it.rss_before_bytes)),
        pss_bytes_per_connection: server
            .and_then(|it| Some(each(it.pss_bytes?, it.pss_before_bytes?))),
        server_cpu_percent: server.map(|it| it.cpu_percent),
        broken: run.accounting.broken,
    }
}
