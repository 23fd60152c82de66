//! Whether limits are where they should be: one probe after the other. It knows no load.

mod client;

use self::client::Met;
use super::{Bench, Measured};
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::job::{Act, Expected, Limits, Probe};
use crate::report::{ProbeRow, Run};
use crate::rules::Rules;
use crate::wire::marker::{self, Found, Marker};
use crate::wire::pattern::Pattern;
use crate::wire::template::{Fields, Template};

/// Connections that a probe opens.
pub(super) fn connections(probe: &Probe) -> u32 {
    match probe.act {
        Act::Connect { connections } => connections,
        Act::Send { .. } => 1,
    }
}

pub(super) fn limits(bench: &mut Bench<'_>, limits: &Limits) -> Result<Measured, Error> {
    let mut run = Run { connections: 1, ..Run::default() };
    let begun = clock::now();
    for probe in &limits.probes {
        bench.monitor.phase(&probe.name);
        bench.monitor.tick();
        if bench.monitor.is_stopped() {
            return Ok((run, Some(Error::Stopped)));
        }
        match probe_once(bench, probe) {
            Ok(row) => run.probes.push(row),
            Err(error) => return Ok((run, Some(error))),
        }
    }
    run.elapsed_s = clock::seconds(clock::now() - begun);
    Ok((run, None))
}

fn probe_once(bench: &mut Bench<'_>, probe: &Probe) -> Result<ProbeRow, Error> {
    let mut rules = bench.rules()?;
    let seen = match &probe.act {
        Act::Connect { connections } => connect(bench, &mut rules, *connections, probe)?,
        Act::Send { .. } => send(bench, &mut rules, probe)?,
    };
    Ok(row(probe, &seen))
}

/// What came of a probe. The same things that can be expected.
#[derive(Debug, Default)]
struct Seen {
    answered: u32,
    refused: u32,
    close: Option<(u16, String)>,
    broken: Option<String>,
    accepted: u32,
    closed: u32,
    /// The status line of the first that was not accepted.
    status: Option<String>,
}

fn row(probe: &Probe, seen: &Seen) -> ProbeRow {
    let expected = &probe.expect;
    let mut all = Row::default();
    all.compare("answered", expected.answered, seen.answered);
    all.compare("refused", expected.refused, seen.refused);
    all.compare("accepted", expected.accepted, seen.accepted);
    all.compare("accepted only to be closed", expected.closed, seen.closed);
    all.close(expected, seen);
    if let Some(status) = expected.status {
        let line = seen.status.as_deref();
        let same = line.is_some_and(|line| line.starts_with(&status.to_string()));
        all.add(
            format!("others get {status}"),
            format!("others get {}", line.unwrap_or("none")),
            same,
        );
    }
    if let Some(broken) = &seen.broken {
        all.seen.push(format!("the connection was {broken}"));
    }
    let row = |parts: Vec<String>| parts.join(", ");
    ProbeRow {
        name: probe.name.clone(),
        expected: row(all.expected),
        seen: row(all.seen),
        ok: !all.differs,
    }
}

#[derive(Default)]
struct Row {
    expected: Vec<String>,
    seen: Vec<String>,
    differs: bool,
}

impl Row {
    fn add(&mut self, expected: String, seen: String, same: bool) {
        self.expected.push(expected);
        self.seen.push(seen);
        self.differs |= !same;
    }

    fn compare(&mut self, what: &str, expected: Option<u32>, seen: u32) {
        if let Some(expected) = expected {
            self.add(format!("{expected} {what}"), format!("{seen} {what}"), expected == seen);
        }
    }

    fn close(&mut self, expected: &Expected, seen: &Seen) {
        if expected.close.is_none() && expected.reason.is_none() {
            return;
        }
        let words = |code: Option<u16>, reason: &str| match code {
            Some(code) => format!("close {code} {reason}").trim_end().to_owned(),
            None => format!("close {reason}"),
        };
        let reason = expected.reason.as_deref();
        let (code, said) = match &seen.close {
            Some((code, said)) => (Some(*code), said.as_str()),
            None => (None, "none"),
        };
        let same_code = expected.close.is_none_or(|expected| code == Some(expected));
        let same_reason =
            reason.is_none_or(|reason| Pattern::new(reason).occurs_in(said.as_bytes()));
        self.add(
            words(expected.close, reason.unwrap_or("")),
            words(code, said),
            same_code && same_reason && code.is_some(),
        );
    }
}

/// Opens connections and holds them.
fn connect(
    bench: &mut Bench<'_>,
    rules: &mut Rules,
    count: u32,
    probe: &Probe,
) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let mut held = Vec::new();
    for number in 0..count {
        match client::meet(bench.job, rules, number)? {
            Met::Open(client) => held.push(client),
            Met::Closed(code, reason) => {
                seen.closed += 1;
                seen.close.get_or_insert((code, reason));
            }
            Met::NotUpgraded(status) => drop(seen.status.get_or_insert(status)),
            Met::Broken(how) => drop(seen.broken.get_or_insert(how)),
        }
        bench.monitor.tick();
    }
    // Those that are told only after they could be used are told by now.
    for (index, client) in held.iter_mut().enumerate() {
        let quiet = if index == 0 { probe.quiet_ms } else { 1 };
        client.listen(rules, quiet * MILLISECOND, |_| {});
        match client.ended() {
            None => seen.accepted += 1,
            Some(Met::Closed(code, reason)) => {
                seen.closed += 1;
                seen.close.get_or_insert((*code, reason.clone()));
            }
            Some(Met::Broken(how)) => drop(seen.broken.get_or_insert(how.clone())),
            Some(_) => {}
        }
    }
    Ok(seen)
}

/// Sends a message some number of times over one connection.
fn send(bench: &mut Bench<'_>, rules: &mut Rules, probe: &Probe) -> Result<Seen, Error> {
    let Act::Send { send, answer, times, size, message_bytes } = &probe.act else {
        return Ok(Seen::default());
    };
    let mut template = match send {
        Some(text) => rules.probe(text)?,
        None => rules.echo()?.send,
    };
    let mut client = match client::meet(bench.job, rules, 0)? {
        Met::Open(client) => client,
        other => {
            return Err(Error::Job(format!(
                "the probe `{}` got no connection: {other}",
                probe.name
            )));
        }
    };
    let size = payload_size(&mut template, *size, *message_bytes);
    let mut out = Vec::new();
    for seq in 0..*times {
        template.append(fields(seq, size), &mut out);
    }
    client.send(&out);
    let mut seen = Seen::default();
    let refusal = rules.refusal.take();
    let answer = answer.as_deref().map(Pattern::new);
    client.listen(rules, probe.quiet_ms * MILLISECOND, |message| {
        let refused = refusal.as_ref().map_or(0, |refusal| refusal.count_in(message));
        seen.refused += refused as u32;
        seen.answered += match &answer {
            Some(answer) => u32::from(answer.occurs_in(message)),
            None => markers(message),
        };
    });
    match client.ended() {
        Some(Met::Closed(code, reason)) => seen.close = Some((*code, reason.clone())),
        Some(Met::Broken(how)) => seen.broken = Some(how.clone()),
        _ => {}
    }
    Ok(seen)
}

fn fields(seq: u32, size: usize) -> Fields {
    Fields { connection: 0, marker: Marker { sender: 0, seq, time: clock::now() }, size }
}

/// How large `{payload}` must be for the message to have so many bytes.
fn payload_size(template: &mut Template, size: u32, message_bytes: Option<u32>) -> usize {
    let Some(wanted) = message_bytes else { return (size as usize).max(marker::LENGTH) };
    let around = template.body_length(fields(0, marker::LENGTH)) - marker::LENGTH;
    (wanted as usize).saturating_sub(around).max(marker::LENGTH)
}

fn markers(message: &[u8]) -> u32 {
    let mut count = 0;
    marker::scan(message, |found| count += u32::from(matches!(found, Found::Marker(..))));
    count
}
