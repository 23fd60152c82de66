//! Runs `tidegate-load`: hands it a job, follows its lines, and keeps what it measured, also when it was
//! stopped. Knows the generator's command line and nothing of what a job is for.
#![expect(clippy::disallowed_methods, reason = "a shell: one thread reads the generator's lines")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use tidegate_load::job::Job;
use tidegate_load::report::{Line, Progress, Report};

use super::processes::{Interrupt, Program};
use super::results::Failed;
use crate::Problem;

/// How often it is looked whether somebody asked for the end.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A generator that says nothing for so long is taken for dead: it speaks four times a second.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// The program.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    binary: PathBuf,
}

/// What came of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Of a failure, what was measured until then.
    pub(crate) report: Option<Report>,
    pub(crate) failure: Option<Failed>,
}

impl Generator {
    pub(crate) fn at(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into() }
    }

    /// Does `job` to its end, or until it is asked to stop; `watch` gets each sign of progress. Files go to
    /// `scratch`.
    ///
    /// # Errors
    /// When the generator cannot be started. What goes wrong later is in [`Measured`].
    pub(crate) fn run(
        &self,
        job: &Job,
        scratch: &Path,
        interrupt: &Interrupt,
        mut watch: impl FnMut(&Progress),
    ) -> Result<Measured, Problem> {
        let file = scratch.join("job.json");
        fs::write(&file, serde_json::to_vec_pretty(job)?)?;
        let mut command = Command::new(&self.binary);
        command.arg("run").arg(&file).stdin(Stdio::null()).stdout(Stdio::piped());
        let log = scratch.join("generator.log");
        let mut program = Program::start("the load generator", &mut command, &log, true)?;
        let lines = lines_of(program.stdout().ok_or("the generator's standard output is a pipe")?);
        let mut measured = Measured::default();
        let why = follow(&lines, interrupt, |line| measured.take(line, &mut watch));
        // It may still say what it has when it is told to end.
        let ending = program.end();
        lines.iter().for_each(|line| measured.take(line, &mut watch));
        let silent = measured.report.is_none() && measured.failure.is_none();
        if let Some(why) = why.or_else(|| silent.then(|| died(&program, &ending))) {
            measured.failure = Some(why);
        }
        if let (Some(report), Some(_)) = (&mut measured.report, &measured.failure) {
            report.partial = true;
        }
        Ok(measured)
    }

    /// Starts the HTTP upstream that token streams come from; also answers its `host:port`.
    ///
    /// # Errors
    /// When it cannot be started, or does not say where it listens.
    pub(crate) fn upstream(
        &self,
        scratch: &Path,
        interrupt: &Interrupt,
    ) -> Result<(Program, String), Problem> {
        let mut command = Command::new(&self.binary);
        command.args(["upstream", "--listen", "127.0.0.1:0"]).stdin(Stdio::null());
        let log = scratch.join("upstream.log");
        let program = Program::start("the upstream", &mut command, &log, false)?;
        let limit = Duration::from_secs(10);
        program.wait_until(limit, interrupt, || address_in(&program.said()).is_some())?;
        let address = address_in(&program.said()).ok_or("the upstream says where it listens")?;
        Ok((program, address))
    }
}

impl Measured {
    fn take(&mut self, line: Line, watch: &mut impl FnMut(&Progress)) {
        match line {
            Line::Progress(progress) => watch(&progress),
            Line::Report(report) => self.report = Some(*report),
            Line::Failure(failure) => {
                self.report = failure.partial.map(|partial| *partial);
                self.failure = Some(Failed { what: failure.what, hint: failure.hint });
            }
        }
    }
}

/// Hands over lines until the last one; `Some` when that did not come of itself.
fn follow(
    lines: &Receiver<Line>,
    interrupt: &Interrupt,
    mut take: impl FnMut(Line),
) -> Option<Failed> {
    let mut heard = Instant::now();
    loop {
        match lines.recv_timeout(LOOK_INTERVAL) {
            Ok(line) => {
                heard = Instant::now();
                take(line);
            }
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if heard.elapsed() > SILENCE_TIMEOUT => {
                return Some(Failed {
                    what: "the load generator said nothing for a minute and was stopped".into(),
                    hint: "run it again; if that repeats, --verbose shows the job it had".into(),
                });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if interrupt.is_asked() {
            return Some(interrupted());
        }
    }
}

/// What an entry says that was stopped by a person.
pub(crate) fn interrupted() -> Failed {
    Failed { what: "interrupted".into(), hint: "what was measured until then is kept".into() }
}

fn died(program: &Program, ending: &str) -> Failed {
    Failed {
        what: format!("the load generator ended without a report: {ending}"),
        hint: format!("its last words:\n{}", program.last_words(6)),
    }
}

/// The lines that can be read, as they come. Others are left out: a later generator may say more.
fn lines_of(stdout: impl Read + Send + 'static) -> Receiver<Line> {
    let (send, receive) = sync_channel(64);
    std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        for line in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

/// The address in the first line of `text` that is a JSON object with one.
fn address_in(text: &str) -> Option<String> {
    let objects =
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut addresses = objects.filter_map(|object| Some(object["address"].as_str()?.to_owned()));
    addresses.next()
}

#[cfg(test)]
mod tests {
    use tidegate_load::job::{Target, Work};

    use super::super::processes::{Scratch, scripted};
    use super::*;

    fn run(script: &str) -> (Measured, Vec<f64>) {
        let scratch = Scratch::new().unwrap();
        let idle = serde_json::from_str::<Work>("{\"kind\":\"idle\",\"connections\":1}").unwrap();
        let job = Job::new(Target::at("127.0.0.1:1"), Default::default(), idle);
        let mut rates = Vec::new();
        let generator = Generator::at(scripted(scratch.path(), script));
        let measured = generator.run(&job, scratch.path(), &Interrupt::default(), |progress| {
            rates.push(progress.sent_per_s);
        });
        (measured.unwrap(), rates)
    }

    fn line(line: &Line) -> String {
        format!("echo '{}'", serde_json::to_string(line).unwrap())
    }

    #[test]
    fn progress_is_handed_on_and_the_report_is_kept() {
        let progress = Progress { sent_per_s: 7.0, ..Progress::default() };
        let report = Report { kind: "idle".into(), ..Report::default() };
        let script = [line(&Line::Progress(progress)), line(&Line::Report(Box::new(report)))];
        let (measured, rates) = run(&script.join("\n"));
        assert_eq!(rates, [7.0]);
        assert_eq!(measured.report.unwrap().kind, "idle");
        assert_eq!(measured.failure, None);
    }

    #[test]
    fn of_a_failure_the_partial_report_is_kept_and_marked() {
        let partial = Some(Box::new(Report { kind: "idle".into(), ..Report::default() }));
        let what = "the server closed all connections".to_owned();
        let failure = tidegate_load::report::Failure { what, hint: "look".into(), partial };
        let (measured, _) = run(&format!("{}; exit 1", line(&Line::Failure(failure))));
        assert!(measured.report.unwrap().partial);
        assert_eq!(measured.failure.unwrap().hint, "look");
    }

    #[test]
    fn a_generator_that_dies_is_said_with_its_last_words() {
        let (measured, _) = run("echo 'no such file' >&2; exit 3");
        let failure = measured.failure.unwrap();
        assert!(failure.what.contains("exit status: 3"), "{failure:?}");
        assert!(failure.hint.contains("no such file"), "{failure:?}");
        assert!(measured.report.is_none());
    }

    #[test]
    fn the_upstream_says_where_it_listens() {
        let scratch = Scratch::new().unwrap();
        let script = "echo '{\"address\":\"127.0.0.1:81\"}'; exec sleep 600";
        let generator = Generator::at(scripted(scratch.path(), script));
        let (_, address) = generator.upstream(scratch.path(), &Interrupt::default()).unwrap();
        assert_eq!(address, "127.0.0.1:81");
        assert_eq!(address_in("ready\n{\"port\":1}\n"), None);
    }
}
