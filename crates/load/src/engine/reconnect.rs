//! Connections that are cut all at once: how long until all are back. It knows no messages.

use super::crew::Kind;
use super::load::connect;
use super::monitor::machine;
use super::{Bench, Measured, assemble};
use crate::clock::{self, MILLISECOND, SECOND};
use crate::error::Error;
use crate::job::Reconnect;
use crate::member::Role;
use crate::plan::Plan;
use crate::report::{Back, Run};
use crate::tally::Tally;
use crate::worker::{Command, Reply, Returned};

pub(super) fn reconnect(bench: &mut Bench<'_>, reconnect: &Reconnect) -> Result<Measured, Error> {
    let role = Role::Idle { subscribe: reconnect.subscribe };
    let crew = bench.crew(Kind::Nothing)?;
    let connecting = connect(bench, &crew, role, reconnect.connections)?;
    bench.monitor.phase("reconnect");
    let begin = bench.monitor.moment();
    let lost_by = begin.at + bench.job.duration_ms * MILLISECOND;
    let command = Command::Return {
        cut: reconnect.cut,
        retry: reconnect.retry_ms * MILLISECOND,
        lost_by,
        deadline: lost_by + bench.job.connect_timeout_ms * MILLISECOND,
    };
    let returned = gather(crew.ask(&command, &mut || bench.monitor.tick())?);
    let end = bench.monitor.moment();
    let mut back = Back {
        connections: returned.cut,
        back: returned.back,
        all_back_s: returned.last_back.saturating_sub(returned.first_cut) as f64 / SECOND as f64,
        latency: returned.times.latency(),
        failed_attempts: returned.failed,
        server_cpu_s: end.server.zip(begin.server).map(|(end, begin)| end.cpu_s - begin.cpu_s),
    };
    // A server that was started anew began at zero.
    back.server_cpu_s = back.server_cpu_s.filter(|cpu| *cpu >= 0.0);
    let error = (returned.back < returned.cut).then(|| Error::ConnectTimeout {
        open: returned.back,
        wanted: returned.cut,
        seconds: clock::seconds(end.at - begin.at),
        last: "; they did not all come back".into(),
    });
    let run = Run {
        elapsed_s: clock::seconds(end.at - begin.at),
        connections: connecting.connections,
        latency: back.latency,
        generator: assemble::generator(&Tally::new(&Plan::empty()), &begin, &end, false),
        machine: machine(&begin, &end),
        server: bench.monitor.server_use(&begin, &end, 0),
        connecting,
        reconnect: Some(back),
        ..Run::default()
    };
    Ok((run, error))
}

fn gather(replies: Vec<Reply>) -> Returned {
    let mut all = Returned::default();
    for reply in replies {
        let Reply::Returned(one) = reply else { continue };
        if one.cut > 0 {
            let first = if all.cut == 0 { u64::MAX } else { all.first_cut };
            all.first_cut = first.min(one.first_cut);
        }
        all.cut += one.cut;
        all.back += one.back;
        all.last_back = all.last_back.max(one.last_back);
        all.failed += one.failed;
        all.times.add(&one.times);
    }
    all
}
