//! The works of a comparison: what every server is asked to do, and at what size. Knows the generator's jobs,
//! and no server.

use tidegate_load::dialect::Dialect;
use tidegate_load::job::{Echo, Fanout, FanoutSearch, Idle, Job, Target, Work};

use crate::Problem;
use crate::bench::results::Asked;
use crate::peers::Ability;

/// Bytes of an echoed payload.
const ECHO_SIZE: u32 = 64;

/// Bytes of a published payload.
const FANOUT_SIZE: u32 = 128;

/// Readers of a publication.
const READERS: u32 = 1_000;

/// One work.
pub(crate) struct Load {
    /// How it is asked for.
    pub(crate) name: &'static str,
    /// A sentence for readers.
    pub(crate) purpose: &'static str,
    /// What a server must be able to do for it.
    pub(crate) needs: Ability,
    work: fn(&Scale) -> Work,
    /// Seconds that it takes, as a multiple of the scale's duration, besides start and warm-up.
    durations: f64,
}

/// How long, and how large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    quick: bool,
    /// Seconds that count.
    duration_s: f64,
    /// Connections of one process of the generator, where that was asked for.
    connections_per_process: Option<u32>,
}

pub(crate) const LOADS: [Load; 5] = [
    Load {
        name: "echo",
        purpose: "200 connections, each with one message of 64 bytes under way: what one exchange costs",
        needs: Ability::Echo,
        work: |_| echo(1),
        durations: 1.0,
    },
    Load {
        name: "echo-16",
        purpose: "the same with 16 messages under way: what several in one read save",
        needs: Ability::Echo,
        work: |_| echo(16),
        durations: 1.0,
    },
    Load {
        name: "fanout",
        purpose: "20 messages of 128 bytes a second to 1 000 readers: what a calm room costs",
        needs: Ability::Fanout,
        work: |_| {
            Work::Fanout(Fanout {
                connections: READERS,
                size: FANOUT_SIZE,
                rate: 20.0,
                publishers: 1,
            })
        },
        durations: 1.0,
    },
    Load {
        name: "ceiling",
        purpose: "the highest rate of deliveries to 1 000 readers with a p99 under 100 ms and none lost",
        needs: Ability::Fanout,
        work: |scale| {
            Work::FanoutSearch(FanoutSearch {
                connections: READERS,
                size: FANOUT_SIZE,
                publishers: 1,
                p99_ms: 100.0,
                start: 20.0,
                bisections: if scale.quick { 2 } else { 4 },
            })
        },
        durations: 6.0,
    },
    Load {
        name: "idle",
        purpose: "connections that do nothing: memory for each, and what it costs to take them",
        needs: Ability::Idle,
        work: |scale| Work::Idle(Idle { connections: scale.idle_connections(), subscribe: false }),
        durations: 1.0,
    },
];

/// The works by name, or all.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn choose(named: &[String]) -> Result<Vec<&'static Load>, Problem> {
    if let Some(unknown) = named.iter().find(|name| LOADS.iter().all(|load| load.name != **name)) {
        let names: Vec<&str> = LOADS.iter().map(|load| load.name).collect();
        return Err(format!("no work `{unknown}`; there are {}", names.join(", ")).into());
    }
    let wanted = |load: &&Load| named.is_empty() || named.iter().any(|name| name == load.name);
    Ok(LOADS.iter().filter(wanted).collect())
}

impl Load {
    /// What the generator is told.
    ///
    /// A search begins at half the rate that `found` one before: what holds is looked for where it was, and still
    /// tried.
    pub(crate) fn job(
        &self,
        scale: &Scale,
        target: Target,
        dialect: Dialect,
        found: Option<f64>,
    ) -> Job {
        let mut work = (self.work)(scale);
        if let (Work::FanoutSearch(search), Some(found)) = (&mut work, found) {
            search.start = search.start.max(found / 2.0);
        }
        let is_search = matches!(work, Work::FanoutSearch(_));
        let duration_s = scale.duration_s * if is_search { 0.3 } else { 1.0 };
        let mut job = Job::new(target, dialect, work);
        job.duration_ms = milliseconds(duration_s);
        job.warmup_ms = milliseconds(duration_s.min(1.0));
        job.connections_per_process = scale.connections_per_process;
        job
    }

    /// Its size, for readers.
    pub(crate) fn asked(&self, scale: &Scale) -> Asked {
        let (connections, rate_per_s) = match (self.work)(scale) {
            Work::Echo(echo) => (echo.connections, echo.rate),
            Work::Fanout(fanout) => (fanout.connections, Some(fanout.rate)),
            Work::FanoutSearch(search) => (search.connections, None),
            Work::Idle(idle) => (idle.connections, None),
            _ => (0, None),
        };
        Asked { connections, rate_per_s }
    }

    /// About how many seconds one repetition takes.
    pub(crate) fn takes_s(&self, scale: &Scale) -> f64 {
        scale.duration_s * self.durations + 3.0
    }
}

impl Scale {
    pub(crate) fn new(quick: bool, duration_s: Option<f64>) -> Self {
        let duration_s = duration_s.unwrap_or(if quick { 2.0 } else { 5.0 });
        Self { quick, duration_s, connections_per_process: None }
    }

    /// The same with a generator that is divided among processes.
    pub(crate) fn divided(self, connections_per_process: Option<u32>) -> Self {
        Self { connections_per_process, ..self }
    }

    fn idle_connections(self) -> u32 {
        if self.quick { 2_000 } else { 10_000 }
    }
}

fn echo(in_flight: u32) -> Work {
    Work::Echo(Echo { connections: 200, in_flight, size: ECHO_SIZE, rate: None })
}

fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, scale: Scale) -> Job {
        let load = LOADS.iter().find(|load| load.name == name).unwrap();
        load.job(&scale, Target::at("127.0.0.1:1"), Dialect::default(), None)
    }

    #[test]
    fn works_are_chosen_by_name_in_their_own_order() {
        let chosen = choose(&["idle".to_owned(), "echo".to_owned()]).unwrap();
        assert_eq!(chosen.iter().map(|load| load.name).collect::<Vec<_>>(), ["echo", "idle"]);
        assert_eq!(choose(&[]).unwrap().len(), LOADS.len());
        let error = choose(&["ehco".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("no work `ehco`") && error.contains("echo-16"), "{error}");
    }

    #[test]
    fn a_step_of_a_search_is_shorter_than_what_is_done_once() {
        let scale = Scale::new(false, None);
        assert_eq!(
            (job("fanout", scale).duration_ms, job("ceiling", scale).duration_ms),
            (5_000, 1_500)
        );
        assert_eq!(job("ceiling", Scale::new(true, None)).warmup_ms, 600);
    }

    #[test]
    fn a_search_begins_near_what_one_found_before() {
        let load = LOADS.iter().find(|load| load.name == "ceiling").unwrap();
        for (found, start) in [(None, 20.0), (Some(2_880.0), 1_440.0), (Some(30.0), 20.0)] {
            let scale = Scale::new(false, None).divided(Some(300));
            let job = load.job(&scale, Target::at("127.0.0.1:1"), Dialect::default(), found);
            assert_eq!(job.connections_per_process, Some(300));
            let Work::FanoutSearch(search) = job.work else { panic!("{:?}", job.work) };
            assert_eq!(search.start, start);
        }
    }

    #[test]
    fn a_short_run_holds_fewer_idle_connections() {
        for (quick, connections) in [(true, 2_000), (false, 10_000)] {
            let scale = Scale::new(quick, Some(1.0));
            assert_eq!(LOADS[4].asked(&scale).connections, connections);
            assert_eq!(job("idle", scale).duration_ms, 1_000);
        }
    }
}
