//! From a scenario to the generator's job. Knows both forms; starts nothing.

use tidegate_load::dialect::Dialect;
use tidegate_load::job::{self, Job, Target, Work};

use super::results::Asked;
use super::scenario::{Limits, Load, Messages, Recovery, Scenario, Streams};

/// What the command line says instead of the scenario.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Overrides {
    /// Seconds that count, of each repetition; phases are stretched or pressed alike.
    pub(crate) duration: Option<f64>,
    pub(crate) repeat: Option<u32>,
    pub(crate) connections_per_process: Option<u32>,
}

/// How large the load of `scenario` is.
pub(crate) fn asked(scenario: &Scenario) -> Asked {
    let rate_per_s = match &scenario.load {
        Load::Messages(messages) => Some(messages.mean_rate()),
        Load::Streams(streams) => Some(f64::from(streams.streams) * streams.tokens_per_s),
        Load::Recovery(_) | Load::Limits(_) => None,
    };
    Asked { connections: scenario.connections(), rate_per_s }
}

/// The job that puts the load of `scenario` on `target`.
pub(crate) fn job(
    scenario: &Scenario,
    overrides: Overrides,
    dialect: Dialect,
    target: Target,
) -> Job {
    let seconds = scenario.load.seconds();
    let wanted = overrides.duration.unwrap_or(seconds);
    let scale = if seconds > 0.0 { wanted / seconds } else { 1.0 };
    let work = match &scenario.load {
        Load::Messages(messages) => messages.work(scale),
        Load::Streams(streams) => streams.work(),
        Load::Recovery(recovery) => recovery.work(),
        Load::Limits(limits) => limits.work(),
    };
    let mut job = Job::new(target, dialect, work);
    job.warmup_ms = milliseconds(scenario.warmup_seconds);
    job.duration_ms = milliseconds(wanted);
    job.repeat = overrides.repeat.unwrap_or(scenario.repeat);
    job.connections_per_process = overrides.connections_per_process;
    job
}

impl Load {
    /// Seconds of one repetition that count; of limits, 0: they take what they take.
    fn seconds(&self) -> f64 {
        match self {
            Self::Messages(messages) => messages.seconds(),
            Self::Streams(streams) => streams.seconds,
            Self::Recovery(recovery) => recovery.seconds,
            Self::Limits(_) => 0.0,
        }
    }
}

impl Messages {
    fn seconds(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }

    fn mean_rate(&self) -> f64 {
        let messages: f64 = self.phases.iter().map(|phase| phase.rate * phase.seconds).sum();
        messages / self.seconds()
    }

    fn work(&self, scale: f64) -> Work {
        let phases = self.phases.iter().map(|phase| job::Phase {
            name: phase.name.clone(),
            duration_ms: milliseconds(phase.seconds * scale),
            connections: phase.connections,
            rate: phase.rate,
            size: self.size,
            churn_per_s: phase.churn,
            stalled: phase.stalled,
        });
        Work::Phases(job::Phases {
            exchange: self.exchange,
            publishers: self.publishers,
            phases: phases.collect(),
        })
    }
}

impl Streams {
    fn work(&self) -> Work {
        Work::Streams(job::Streams {
            streams: self.streams,
            tokens_per_s: self.tokens_per_s,
            tokens: self.tokens,
            size: 36,
        })
    }
}

impl Recovery {
    fn work(&self) -> Work {
        Work::Reconnect(job::Reconnect {
            connections: self.connections,
            cut: job::Cut::Reset,
            subscribe: false,
            retry_ms: 100,
        })
    }
}

impl Limits {
    fn work(&self) -> Work {
        Work::Limits(job::Limits { probes: self.probes.clone() })
    }
}

fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(load: &str) -> Scenario {
        let text = format!("purpose = \"To try.\"\nposition = 1\n{load}");
        Scenario::parse("small", "small.toml", &text).unwrap()
    }

    fn ramp() -> Scenario {
        scenario(
            "[messages]\nsize = 64\n\
             [[messages.phases]]\nseconds = 10\nconnections = 10\nrate = 20\n\
             [[messages.phases]]\nseconds = 30\nconnections = 40\nrate = 60\nchurn = 5\n",
        )
    }

    fn planned(scenario: &Scenario, overrides: Overrides) -> Job {
        job(scenario, overrides, Dialect::default(), Target::at("127.0.0.1:1"))
    }

    #[test]
    fn what_is_asked_for_is_the_most_connections_and_the_mean_rate() {
        assert_eq!(asked(&ramp()), Asked { connections: 40, rate_per_s: Some(50.0) });
        let streams =
            scenario("[streams]\nstreams = 200\ntokens_per_s = 50\ntokens = 9\nseconds = 5");
        assert_eq!(asked(&streams), Asked { connections: 200, rate_per_s: Some(10_000.0) });
    }

    #[test]
    fn a_scenario_s_phases_become_the_job_s() {
        let job = planned(&ramp(), Overrides::default());
        assert_eq!((job.warmup_ms, job.duration_ms, job.repeat), (2_000, 40_000, 3));
        let Work::Phases(phases) = job.work else { panic!("{:?}", job.work) };
        let second = &phases.phases[1];
        assert_eq!((second.duration_ms, second.connections, second.size), (30_000, 40, 64));
        assert_eq!((second.rate, second.churn_per_s, second.stalled), (60.0, 5.0, 0));
    }

    #[test]
    fn another_duration_presses_all_phases_alike() {
        let overrides = Overrides { duration: Some(4.0), repeat: Some(1), ..Overrides::default() };
        let job = planned(&ramp(), overrides);
        let Work::Phases(phases) = job.work else { panic!("{:?}", job.work) };
        let lengths: Vec<u64> = phases.phases.iter().map(|phase| phase.duration_ms).collect();
        assert_eq!((lengths, job.repeat), (vec![1_000, 3_000], 1));
    }

    #[test]
    fn other_loads_are_jobs_of_their_kind() {
        let recovery = scenario("[recovery]\nconnections = 7\nseconds = 5\n");
        let Work::Reconnect(reconnect) = planned(&recovery, Overrides::default()).work else {
            panic!("no reconnect")
        };
        assert_eq!(reconnect.connections, 7);
        let limits = scenario(
            "[[limits.probes]]\nname = \"a\"\nact.connect = { connections = 9 }\n\
             expect = { accepted = 9 }\n",
        );
        assert_eq!(limits.connections(), 9);
        let job = planned(&limits, Overrides { duration: Some(9.0), ..Overrides::default() });
        assert!(matches!(job.work, Work::Limits(limits) if limits.probes.len() == 1));
    }
}
