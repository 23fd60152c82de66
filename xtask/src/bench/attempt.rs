//! One scenario from its start to its entry: the server, the load, the judgement. What goes wrong becomes
//! part of the entry, so that the others go on.

use std::path::Path;

use tidegate_load::dialect::Dialect;
use tidegate_load::job::Target;
use tidegate_load::report::Progress;

use super::files;
use super::gateway::{Gateway, Installed};
use super::generator::{Generator, Measured};
use super::grade::Grade;
use super::judge;
use super::options::Url;
use super::plan::{self, Overrides};
use super::processes::{Interrupt, Program, Scratch};
use super::results::{Entry, Failed, OURS};
use super::scenario::{FOLDER, Load, Scenario};
use super::toml_error;
use crate::Problem;

/// The dialect of the scenarios, in their folder.
const DIALECT: &str = "dialects/gateway.toml";

/// What all scenarios of a run share.
pub(crate) struct Bench {
    pub(crate) gateway: Installed,
    pub(crate) generator: Generator,
    pub(crate) dialect: Dialect,
    pub(crate) server: Server,
    pub(crate) overrides: Overrides,
    /// Files that a process may have open.
    pub(crate) open_files: u64,
    pub(crate) interrupt: Interrupt,
}

/// Whom the load goes to.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    /// A gateway that is started for each scenario, on this `host:port`.
    Started(String),
    /// One that runs already.
    Running(Url),
}

/// A server under load, with what stands behind it; ended with this value.
struct Running {
    address: String,
    gateway: Option<Gateway>,
    _upstream: Option<Program>,
}

/// The dialect in which scenarios speak to the gateway.
///
/// # Errors
/// When the file is missing or wrong.
pub(crate) fn dialect(root: &Path) -> Result<Dialect, Problem> {
    Ok(toml_error::read(&root.join(FOLDER).join(DIALECT))?)
}

impl Bench {
    /// Does `scenario`; `watch` gets each sign of progress.
    pub(crate) fn attempt(&self, scenario: &Scenario, watch: impl FnMut(&Progress)) -> Entry {
        let server = match &self.server {
            Server::Started(_) => OURS,
            Server::Running(url) => &url.address,
        };
        let mut entry = Entry::new(&scenario.name, server, plan::asked(scenario));
        entry.purpose.clone_from(&scenario.purpose);
        entry.expects_said_losses = scenario.expect.said_losses;
        if let Err(problem) = self.measure(scenario, &mut entry, watch) {
            let hint = "nothing was measured".to_owned();
            entry.failure = Some(Failed { what: problem.to_string(), hint });
        }
        if let Some(report) = &entry.report {
            // Of what is partial nobody knows whether it would have met them.
            if entry.failure.is_none() {
                entry.floors = judge::floors(scenario, report);
            }
            if entry.grade.is_none() && entry.is_whole() {
                entry.grade = Some(judge::grade(scenario, report));
            }
        }
        entry
    }

    fn measure(
        &self,
        scenario: &Scenario,
        entry: &mut Entry,
        watch: impl FnMut(&Progress),
    ) -> Result<(), Problem> {
        let doubled = if matches!(scenario.load, Load::Streams(_)) { 2 } else { 1 };
        if let Server::Started(_) = &self.server {
            // The generator has as many processes as it needs; the gateway is one.
            files::suffice(u64::from(scenario.connections()) * doubled, self.open_files)?;
        }
        let scratch = Scratch::new()?;
        let mut running = self.start(scenario, entry, &scratch)?;
        let mut dialect = self.dialect.clone();
        if let Server::Running(url) = &self.server {
            dialect.path.clone_from(&url.path);
        }
        let job = plan::job(scenario, self.overrides, dialect, running.target());
        entry.job = Some(job.clone());
        let measured = self.generator.run(&job, scratch.path(), &self.interrupt, watch)?;
        let Measured { report, failure } = measured;
        (entry.report, entry.failure) = (report, failure);
        if let Some(died) = running.died() {
            if let Some(report) = &mut entry.report {
                report.partial = true;
            }
            entry.grade = Some(Grade::failed(died.what.clone()));
            entry.failure = Some(died);
        }
        Ok(())
    }

    fn start(
        &self,
        scenario: &Scenario,
        entry: &mut Entry,
        scratch: &Scratch,
    ) -> Result<Running, Problem> {
        let listen = match &self.server {
            Server::Running(url) => {
                let address = url.address.clone();
                return Ok(Running { address, gateway: None, _upstream: None });
            }
            Server::Started(listen) => listen,
        };
        let upstream = match scenario.load {
            Load::Streams(_) => Some(self.generator.upstream(scratch.path(), &self.interrupt)?),
            _ => None,
        };
        let (upstream, at) = upstream.unzip();
        entry.config = scenario.config(at.as_deref());
        let gateway = self.gateway.start(&entry.config, listen, scratch.path(), &self.interrupt)?;
        let address = gateway.address.clone();
        Ok(Running { address, gateway: Some(gateway), _upstream: upstream })
    }
}

impl Running {
    fn target(&self) -> Target {
        let pids = self.gateway.iter().map(|gateway| gateway.program.pid()).collect();
        Target { pids, ..Target::at(&self.address) }
    }

    /// How the gateway ended, if it ended by itself.
    fn died(&mut self) -> Option<Failed> {
        let gateway = self.gateway.as_mut().filter(|gateway| gateway.program.has_ended())?;
        let how = gateway.program.end();
        Some(Failed {
            what: format!("the gateway ended in the middle: {how}"),
            hint: format!("its last words:\n{}", gateway.program.last_words(4)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::processes::scripted;
    use super::*;

    const GATEWAY: &str = "echo '  WebSocket  ws://127.0.0.1:4711/ws'\n\
                           echo '  Stop with Ctrl-C'";

    fn bench(scratch: &Scratch, gateway: &str, generator: &str) -> Bench {
        let (gateways, generators) =
            (scratch.path().join("gateway"), scratch.path().join("generator"));
        std::fs::create_dir_all(&gateways).unwrap();
        std::fs::create_dir_all(&generators).unwrap();
        Bench {
            gateway: Installed::at(scripted(&gateways, gateway)),
            generator: Generator::at(scripted(&generators, generator)),
            dialect: Dialect::default(),
            server: Server::Started("127.0.0.1:0".into()),
            overrides: Overrides::default(),
            open_files: 10_000,
            interrupt: Interrupt::default(),
        }
    }

    fn scenario() -> Scenario {
        let text = "purpose = \"To try.\"\nposition = 1\n[messages]\nsize = 64\n\
                    [[messages.phases]]\nseconds = 2\nconnections = 10\nrate = 20\n";
        Scenario::parse("small", "small.toml", text).unwrap()
    }

    fn reporting() -> String {
        let line = r#"{"report":{"schema":1,"version":"0","kind":"phases","partial":false,
            "closed_loop":false,"generator_limited":false,"runs":[],"sustained_per_s":null,
            "spread":{},"notes":[]}}"#;
        format!("cp \"$2\" \"$(dirname \"$0\")/seen.json\"; echo '{}'", line.replace('\n', ""))
    }

    #[test]
    fn a_scenario_s_job_goes_to_the_gateway_that_was_started() {
        let scratch = Scratch::new().unwrap();
        let gateway = format!("{GATEWAY}\nexec sleep 600");
        let bench = bench(&scratch, &gateway, &reporting());
        let entry = bench.attempt(&scenario(), |_| {});
        assert!(entry.is_whole(), "{:?}", entry.failure);
        assert!(entry.grade.is_some());
        let target = entry.job.unwrap().target;
        assert_eq!((target.address.as_str(), target.pids.len()), ("127.0.0.1:4711", 1));
        let seen = std::fs::read_to_string(scratch.path().join("generator/seen.json")).unwrap();
        assert!(seen.contains("127.0.0.1:4711"), "{seen}");
    }

    #[test]
    fn a_gateway_that_dies_in_the_middle_keeps_what_was_measured_and_is_an_f() {
        let scratch = Scratch::new().unwrap();
        let begun = scratch.path().join("generator/seen.json");
        let begun = begun.display();
        let gateway = format!(
            "{GATEWAY}\nwhile ! test -e {begun}; do sleep 0.02; done\necho 'out of cheese' >&2; exit 7"
        );
        // Only once the gateway is gone does this generator end.
        let generator = format!("{}; sleep 0.5", reporting());
        let entry = bench(&scratch, &gateway, &generator).attempt(&scenario(), |_| {});
        let failed = entry.failure.clone().unwrap_or_else(|| panic!("{entry:?}"));
        assert!(failed.what.contains("exit status: 7"), "{failed:?}");
        assert!(failed.hint.contains("out of cheese"), "{failed:?}");
        assert!(entry.report.unwrap().partial && entry.floors.is_empty());
        assert_eq!(entry.grade.unwrap().letter, super::super::grade::Letter::F);
    }

    #[test]
    fn too_few_files_are_said_before_anything_is_started() {
        let scratch = Scratch::new().unwrap();
        let bench = Bench { open_files: 50, ..bench(&scratch, "exit 1", "exit 1") };
        let entry = bench.attempt(&scenario(), |_| {});
        assert!(entry.failure.unwrap().what.contains("ulimit -n 210"));
        assert!(entry.grade.is_none() && entry.job.is_none());
    }

    #[test]
    fn a_server_that_runs_already_is_not_started() {
        let scratch = Scratch::new().unwrap();
        let url = Url { address: "127.0.0.1:99".into(), path: "/chat".into() };
        let bench =
            Bench { server: Server::Running(url), ..bench(&scratch, "exit 1", &reporting()) };
        let entry = bench.attempt(&scenario(), |_| {});
        assert!(entry.is_whole(), "{:?}", entry.failure);
        let job = entry.job.unwrap();
        assert_eq!((entry.server.as_str(), job.dialect.path.as_str()), ("127.0.0.1:99", "/chat"));
        assert!(job.target.pids.is_empty());
    }

    #[test]
    fn the_shipped_dialect_can_be_read() {
        let dialect = dialect(&crate::repository::root().unwrap()).unwrap();
        assert_eq!(dialect.path, "/ws");
        assert!(dialect.echo.is_some() && dialect.publish.is_some() && dialect.stream.is_some());
    }
}
