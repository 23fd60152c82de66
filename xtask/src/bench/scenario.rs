//! What a scenario file says (`xtask/scenarios/*.toml`): a purpose, the gateway's configuration, one load,
//! and what is expected of it. Reads and judges files; what is made of them is for others.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tidegate_load::job::{Exchange, Probe};

use super::toml_error;
use crate::Problem;

/// Where scenarios lie, from the repository's root.
pub(crate) const FOLDER: &str = "xtask/scenarios";

/// One scenario.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) position: u32,
    pub(crate) quick: bool,
    pub(crate) repeat: u32,
    pub(crate) warmup_seconds: f64,
    pub(crate) gateway: toml::Table,
    pub(crate) load: Load,
    pub(crate) expect: Expect,
    pub(crate) floors: Floors,
}

/// The load: one of these tables stands in the file.
#[derive(Clone, Debug)]
pub(crate) enum Load {
    Messages(Messages),
    Streams(Streams),
    Recovery(Recovery),
    Limits(Limits),
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Why anybody would run it, as a sentence.
    purpose: String,
    /// Its place among the others; the smallest is run first.
    position: u32,
    /// Whether `--quick` runs it.
    #[serde(default)]
    quick: bool,
    /// How often it is done, where the command line does not say.
    #[serde(default = "three")]
    repeat: u32,
    /// How long load runs before it counts.
    #[serde(default = "two_seconds")]
    warmup_seconds: f64,
    /// What the gateway is started with, beside its defaults: sections and keys of `docs/CONFIG.md`.
    /// `{upstream}` stands for the address of the upstream that streams come from.
    #[serde(default)]
    gateway: toml::Table,
    messages: Option<Messages>,
    streams: Option<Streams>,
    recovery: Option<Recovery>,
    limits: Option<Limits>,
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    floors: Floors,
}

/// Requests that are answered, or publications to a group of all, at a rate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Messages {
    #[serde(default)]
    pub(crate) exchange: Exchange,
    /// With `exchange = "fanout"`: who publishes, beside the readers.
    #[serde(default = "one")]
    pub(crate) publishers: u32,
    /// Bytes of a message's content.
    pub(crate) size: u32,
    pub(crate) phases: Vec<Phase>,
}

/// A stretch of time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) seconds: f64,
    /// At its end; they come or go evenly.
    pub(crate) connections: u32,
    /// Messages a second over all connections.
    pub(crate) rate: f64,
    /// Connections a second that leave and are replaced.
    #[serde(default)]
    pub(crate) churn: f64,
    /// Readers that read nothing during the phase, and read on after it.
    #[serde(default)]
    pub(crate) stalled: u32,
}

/// Token streams from an upstream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Streams {
    /// At a time, one a connection.
    pub(crate) streams: u32,
    pub(crate) tokens_per_s: f64,
    /// Of one stream.
    pub(crate) tokens: u32,
    pub(crate) seconds: f64,
}

/// Connections that are all cut at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recovery {
    pub(crate) connections: u32,
    pub(crate) seconds: f64,
}

/// Questions about limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) probes: Vec<Probe>,
}

/// What belongs to the scenario and is no fault.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Messages that the server says it left out (a `gap`, a refusal, a close with a code) are no errors.
    #[serde(default)]
    pub(crate) said_losses: bool,
}

/// What must be met, each a line of the result. That nothing is lost without a word always is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Floors {
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) error_percent: Option<f64>,
    /// Of one core.
    pub(crate) cpu_percent: Option<f64>,
    pub(crate) memory_mib: Option<f64>,
    pub(crate) memory_mib_per_connection: Option<f64>,
    /// Until all connections that were cut are back.
    pub(crate) recovery_s: Option<f64>,
}

const fn one() -> u32 {
    1
}
const fn three() -> u32 {
    3
}
const fn two_seconds() -> f64 {
    2.0
}

impl Scenario {
    /// All files of the folder, in their order.
    ///
    /// # Errors
    /// A sentence for each file that is wrong.
    pub(crate) fn all(root: &Path) -> Result<Vec<Self>, Problem> {
        let (mut scenarios, mut wrong) = (Vec::new(), Vec::new());
        for path in files(&root.join(FOLDER))? {
            match Self::read(&path) {
                Ok(scenario) => scenarios.push(scenario),
                Err(why) => wrong.push(why),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n").into());
        }
        scenarios.sort_by_key(|scenario| scenario.position);
        Ok(scenarios)
    }

    fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let shown = format!("{FOLDER}/{name}.toml");
        let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        Self::parse(&name, &shown, &text)
    }

    /// # Errors
    /// A sentence with the file and, where there is one, the line.
    pub(crate) fn parse(name: &str, file: &str, text: &str) -> Result<Self, String> {
        let written: Written = toml_error::parse(file, text)?;
        written.judged(name).map_err(|why| format!("{file}: {why}"))
    }

    /// The scenarios that `names` ask for, in their order; all (or all quick ones) where there is none.
    ///
    /// # Errors
    /// Names what is no scenario, and what there is.
    pub(crate) fn chosen(
        all: Vec<Self>,
        names: &[String],
        quick: bool,
    ) -> Result<Vec<Self>, Problem> {
        let known: Vec<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("no scenario `{name}`; there are {}", known.join(", ")).into());
        }
        let wanted = |scenario: &Self| match names {
            [] => scenario.quick || !quick,
            names => names.contains(&scenario.name),
        };
        Ok(all.into_iter().filter(wanted).collect())
    }

    /// The configuration as the gateway reads it.
    pub(crate) fn config(&self, upstream: Option<&str>) -> String {
        let text = toml::to_string(&self.gateway).unwrap_or_default();
        text.replace("{upstream}", upstream.unwrap_or("{upstream}"))
    }

    /// Connections at the most.
    pub(crate) fn connections(&self) -> u32 {
        match &self.load {
            Load::Messages(messages) => {
                let most = messages.phases.iter().map(|phase| phase.connections).max();
                let publishers = messages.exchange == Exchange::Fanout;
                most.unwrap_or(0) + if publishers { messages.publishers } else { 0 }
            }
            Load::Streams(streams) => streams.streams,
            Load::Recovery(recovery) => recovery.connections,
            Load::Limits(limits) => limits.connections(),
        }
    }
}

impl Limits {
    fn connections(&self) -> u32 {
        let of = |probe: &Probe| match probe.act {
            tidegate_load::job::Act::Connect { connections } => connections,
            tidegate_load::job::Act::Send { .. } => 1,
        };
        self.probes.iter().map(of).max().unwrap_or(0)
    }
}

impl Written {
    fn judged(self, name: &str) -> Result<Scenario, String> {
        let mut loads: Vec<Load> = self.messages.map(Load::Messages).into_iter().collect();
        loads.extend(self.streams.map(Load::Streams));
        loads.extend(self.recovery.map(Load::Recovery));
        loads.extend(self.limits.map(Load::Limits));
        let count = loads.len();
        let (Some(load), 1) = (loads.pop(), count) else {
            let tables = "[messages], [streams], [recovery], [limits]";
            return Err(format!("a scenario has one load, this has {count}: give one of {tables}"));
        };
        load.judge()?;
        if !(1..=100).contains(&self.repeat) {
            return Err(format!("repeat = {}: give 1 to 100", self.repeat));
        }
        if !(0.0..=600.0).contains(&self.warmup_seconds) {
            return Err(format!("warmup_seconds = {}: give 0 to 600", self.warmup_seconds));
        }
        Ok(Scenario {
            name: name.to_owned(),
            purpose: self.purpose,
            position: self.position,
            quick: self.quick,
            repeat: self.repeat,
            warmup_seconds: self.warmup_seconds,
            gateway: self.gateway,
            load,
            expect: self.expect,
            floors: self.floors,
        })
    }
}

impl Load {
    fn judge(&self) -> Result<(), String> {
        match self {
            Self::Messages(messages) => messages.judge(),
            Self::Streams(streams) => {
                within("streams", f64::from(streams.streams), 1.0, 100_000.0)?;
                within("tokens_per_s", streams.tokens_per_s, 0.1, 10_000.0)?;
                within("tokens", f64::from(streams.tokens), 2.0, 1e6)?;
                within("seconds", streams.seconds, 1.0, 86_400.0)
            }
            Self::Recovery(recovery) => {
                within("connections", f64::from(recovery.connections), 1.0, 1e6)?;
                within("seconds", recovery.seconds, 1.0, 86_400.0)
            }
            Self::Limits(limits) if limits.probes.is_empty() => Err("it has no probes".into()),
            Self::Limits(_) => Ok(()),
        }
    }
}

impl Messages {
    fn judge(&self) -> Result<(), String> {
        within("size", f64::from(self.size), 32.0, f64::from(16 << 20))?;
        within("publishers", f64::from(self.publishers), 1.0, 10_000.0)?;
        if self.phases.is_empty() {
            return Err("it has no [[messages.phases]]".into());
        }
        for phase in &self.phases {
            within("seconds", phase.seconds, 0.1, 86_400.0)?;
            within("connections", f64::from(phase.connections), 1.0, 1e6)?;
            within("rate", phase.rate, 0.0, 1e7)?;
            within("churn", phase.churn, 0.0, 1e5)?;
            within("stalled", f64::from(phase.stalled), 0.0, f64::from(phase.connections))?;
        }
        Ok(())
    }
}

fn within(key: &str, value: f64, least: f64, most: f64) -> Result<(), String> {
    let sound = (least..=most).contains(&value);
    if sound { Ok(()) } else { Err(format!("{key} = {value}: give {least} to {most}")) }
}

/// The TOML files of `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "purpose = \"To try.\"\nposition = 1\n[messages]\nsize = 64\n\
                         [[messages.phases]]\nseconds = 2\nconnections = 10\nrate = 20\n";

    fn parse(text: &str) -> Result<Scenario, String> {
        Scenario::parse("small", "small.toml", text)
    }

    fn shipped() -> Vec<Scenario> {
        Scenario::all(&crate::repository::root().unwrap()).unwrap()
    }

    #[test]
    fn the_shipped_scenarios_can_be_read_and_two_are_quick() {
        let all = shipped();
        let names: Vec<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
        let wanted = [
            "baseline", "moderate", "high", "extreme", "ramp", "spike", "churn", "overflow",
            "recovery", "defaults", "streams",
        ];
        assert_eq!(names, wanted);
        let quick = Scenario::chosen(all, &[], true).unwrap();
        let quick: Vec<&str> = quick.iter().map(|scenario| scenario.name.as_str()).collect();
        assert_eq!(quick, ["baseline", "high"]);
    }

    #[test]
    fn the_four_published_sizes_are_what_they_are_published_as() {
        let all = shipped();
        for (name, connections, rate) in [
            ("baseline", 100, 150.0),
            ("moderate", 500, 750.0),
            ("high", 1_000, 1_200.0),
            ("extreme", 2_000, 2_100.0),
        ] {
            let scenario = all.iter().find(|scenario| scenario.name == name).unwrap();
            assert_eq!(scenario.connections(), connections, "{name}");
            let Load::Messages(messages) = &scenario.load else { panic!("{name}") };
            assert!(messages.phases.iter().all(|phase| phase.rate == rate), "{name}");
        }
    }

    #[test]
    fn a_scenario_says_what_it_leaves_to_the_defaults() {
        let scenario = parse(SMALL).unwrap();
        assert_eq!((scenario.repeat, scenario.quick), (3, false));
        assert_eq!(scenario.config(None), "");
        assert!(!scenario.expect.said_losses);
    }

    #[test]
    fn an_unknown_key_is_named_with_file_line_and_nearest() {
        let said = parse(&SMALL.replace("connections", "conections")).unwrap_err();
        assert!(said.starts_with("small.toml:7: no key `conections`"), "{said}");
        assert!(said.contains("`connections`"), "{said}");
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused() {
        for (from, to, said) in [
            ("size = 64", "size = 8", "size = 8: give 32"),
            ("connections = 10", "connections = 0", "connections = 0: give 1"),
            ("rate = 20", "rate = -1", "rate = -1: give 0"),
            ("rate = 20", "rate = 20\nstalled = 11", "stalled = 11: give 0 to 10"),
            ("position = 1", "position = 1\nrepeat = 0", "give 1 to 100"),
            ("[messages]", "[recovery]\nconnections = 1\nseconds = 1\n[messages]", "this has 2"),
        ] {
            let error = parse(&SMALL.replace(from, to)).unwrap_err();
            assert!(error.contains(said) && error.starts_with("small.toml"), "{error}");
        }
        let error = parse("purpose = \"\"\nposition = 1\n").unwrap_err();
        assert!(error.contains("this has 0"), "{error}");
    }

    #[test]
    fn a_name_that_is_no_scenario_gets_the_list() {
        let all = vec![parse(SMALL).unwrap()];
        let error = Scenario::chosen(all.clone(), &["smal".into()], false).unwrap_err();
        assert_eq!(error.to_string(), "no scenario `smal`; there are small");
        assert_eq!(Scenario::chosen(all, &["small".into()], true).unwrap().len(), 1);
    }

    #[test]
    fn the_upstream_s_address_goes_where_the_configuration_wants_it() {
        let text = format!("{SMALL}[[gateway.routes]]\nupstream = \"http://{{upstream}}/a\"\n");
        let config = parse(&text).unwrap().config(Some("127.0.0.1:81"));
        assert!(config.contains("http://127.0.0.1:81/a"), "{config}");
    }
}
