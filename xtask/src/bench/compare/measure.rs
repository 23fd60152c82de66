//! Measures: each step starts a server afresh, loads it, ends it, and keeps what was found. Knows nothing of where
//! servers come from or of how tables look.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use tidegate_load::job::{Job, Target};
use tidegate_load::report::{Progress, Report};

use super::figures::FIGURES;
use super::joined::joined;
use super::order::{Step, steps};
use super::table;
use super::works::{Load, Scale};
use crate::Problem;
use crate::bench::figures::Mark;
use crate::bench::generator::{Generator, Measured, interrupted};
use crate::bench::paper;
use crate::bench::processes::{Interrupt, Scratch};
use crate::bench::results::{Entry, Failed, Results};
use crate::bench::screen::Screen;
use crate::peers::{Peer, Places, Server};
use crate::test::process::Stopwatch;

/// A server of the comparison.
pub(crate) struct Contestant {
    pub(crate) peer: Peer,
    pub(crate) places: Places,
    /// Whether it could not be started once; then it is not tried again.
    pub(crate) is_left_out: bool,
}

/// All that a comparison needs, and what it has found.
pub(crate) struct Comparison<'a> {
    pub(crate) generator: Generator,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) works: Vec<&'static Load>,
    pub(crate) scale: Scale,
    pub(crate) repetitions: u32,
    pub(crate) is_verbose: bool,
    pub(crate) results: Results,
    pub(crate) output: PathBuf,
}

/// What is kept of one work of one server, over the repetitions.
#[derive(Default)]
struct Kept {
    job: Option<Job>,
    whole: Vec<Report>,
    /// Of a repetition that failed.
    partial: Option<Report>,
    failure: Option<Failed>,
}

impl Comparison<'_> {
    /// Measures everything and writes the results after each step, so that nothing is lost. Ends with the table.
    ///
    /// # Errors
    /// When results cannot be written, or the generator cannot be started.
    pub(crate) fn run(mut self) -> Result<ExitCode, Problem> {
        let began = Stopwatch::start();
        let can =
            |work: usize, server: usize| self.contestants[server].peer.can(self.works[work].needs);
        let steps = steps(self.works.len(), self.contestants.len(), self.repetitions, can);
        let seconds: f64 = steps.iter().map(|at| self.works[at.work].takes_s(&self.scale)).sum();
        println!("{} measurements, about {:.0} min", steps.len(), (seconds / 60.0).max(1.0));
        let mut kept: BTreeMap<(usize, usize), Kept> = BTreeMap::new();
        for (number, step) in (1..).zip(&steps) {
            if self.interrupt.is_asked() {
                break;
            }
            let said = self.measure(*step, kept.entry((step.work, step.server)).or_default())?;
            println!("[{number}/{}] {said}", steps.len());
            self.results.entries = self.entries(&kept);
            self.results.took_s = began.elapsed().as_secs_f64();
            self.results.write(&self.output)?;
        }
        self.finish()
    }

    /// Does one step, and says in a line what came of it.
    fn measure(&mut self, step: Step, kept: &mut Kept) -> Result<String, Problem> {
        let (load, contestant) = (self.works[step.work], &self.contestants[step.server]);
        let name = &contestant.peer.name;
        let what = format!("{} · {name} · {} of {}", load.name, step.repetition, self.repetitions);
        if contestant.is_left_out {
            return Ok(format!("{what}: left out"));
        }
        let started = Server::start(&contestant.peer, &contestant.places, self.interrupt);
        let said = match started {
            Ok(server) => self.load(step, server, &what, kept)?,
            Err(_) if self.interrupt.is_asked() => interrupted().what,
            Err(why) => {
                let note = format!("{name} is left out, it cannot be started: {why}");
                self.results.notes.push(note.clone());
                self.contestants[step.server].is_left_out = true;
                note
            }
        };
        Ok(format!("{what}: {said}"))
    }

    /// Loads a server that runs, and ends it.
    fn load(
        &self,
        step: Step,
        mut server: Server,
        what: &str,
        kept: &mut Kept,
    ) -> Result<String, Problem> {
        let (load, peer) = (self.works[step.work], &self.contestants[step.server].peer);
        let address = server.address().to_string();
        let target = Target { address, pids: vec![server.pid()], children: true };
        let job = load.job(&self.scale, target, peer.dialect.clone(), kept.found());
        let job = kept.job.insert(job);
        let scratch = Scratch::new()?;
        let mut screen = Screen::new(what, 1);
        // Elsewhere the line that each measurement ends with says enough.
        let is_terminal = std::io::stdout().is_terminal();
        let watch = |progress: &Progress| {
            if is_terminal {
                screen.show(progress);
            }
        };
        let mut measured = self.generator.run(job, scratch.path(), self.interrupt, watch)?;
        screen.done();
        if let (Some(failure), Some(end)) = (&mut measured.failure, server.end_by_itself()) {
            failure.what = format!("{}; the server's process ended: {end}", failure.what);
            let words = server.last_words();
            failure.hint = match words.trim_end() {
                "" => format!("{} It said nothing.", failure.hint),
                words => format!("{} Its last words:\n{words}", failure.hint),
            };
        }
        if self.is_verbose {
            println!("{}", server.last_words());
        }
        Ok(kept.take(load, measured))
    }

    /// What is kept so far, one work after the other.
    fn entries(&self, kept: &BTreeMap<(usize, usize), Kept>) -> Vec<Entry> {
        let done = kept.iter().filter(|(_, kept)| kept.job.is_some());
        let entries = done.map(|((work, server), kept)| {
            let (load, peer) = (self.works[*work], &self.contestants[*server].peer);
            let mut entry = Entry::new(load.name, &peer.name, load.asked(&self.scale));
            entry.purpose = load.purpose.to_owned();
            entry.config = peer.config();
            entry.job = kept.job.clone();
            entry.report = joined(&kept.whole).or_else(|| kept.partial.clone());
            entry.failure = kept.failure.clone();
            entry
        });
        entries.collect()
    }

    /// Success even without peers that this machine has not got, but not without ours.
    fn finish(mut self) -> Result<ExitCode, Problem> {
        let is_done = !self.interrupt.is_asked();
        if !is_done {
            self.results.notes.push(format!("{}: not everything was measured", interrupted().what));
        }
        let is_whole = self.results.entries.iter().all(Entry::is_whole);
        self.results.complete = is_whole && self.results.notes.is_empty();
        let written = paper::write(&self.results, &self.output)?;
        println!("\n{}", table::summary(&self.results).text());
        table::remarks(&self.results).iter().for_each(|remark| println!("{remark}"));
        let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        println!("\nwritten: {}", written.join(", "));
        Ok(if is_done && self.has_ours() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn has_ours(&self) -> bool {
        let mut ours = self.contestants.iter().filter(|contestant| contestant.peer.is_ours);
        ours.all(|contestant| {
            let name = &contestant.peer.name;
            let mut entries = self.results.entries.iter().filter(|entry| entry.server == *name);
            !contestant.is_left_out && entries.all(Entry::is_whole)
        })
    }
}

impl Kept {
    /// The highest rate of publications that a search before has found to hold.
    fn found(&self) -> Option<f64> {
        let steps = self.whole.last()?.runs.iter().flat_map(|run| &run.steps);
        steps.filter(|step| step.ok).map(|step| step.rate).max_by(f64::total_cmp)
    }

    /// Takes what came of a repetition, and says it in a few words.
    fn take(&mut self, load: &Load, measured: Measured) -> String {
        if let Some(failure) = measured.failure {
            let said = format!("failed: {}; {}", failure.what, failure.hint);
            self.failure.get_or_insert(failure);
            self.partial = self.partial.take().or(measured.report);
            return said;
        }
        let Some(report) = measured.report else { return "nothing came of it".to_owned() };
        let figures = FIGURES.iter().filter(|figure| figure.work == load.name);
        let said = figures.filter_map(|figure| {
            let value = figure.of_runs(&report.runs)?.median;
            Some(format!("{} {}", table::number(value), figure.short))
        });
        let mut said: Vec<String> = said.collect();
        said.extend(Mark::of(&report).map(|mark| mark.said().to_owned()));
        self.whole.push(report);
        said.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::bench::processes::scripted;
    use crate::bench::results::Kind;
    use crate::peers;

    /// A comparison of servers that are shell scripts, with a generator that is one.
    fn comparison<'a>(
        root: &Scratch,
        servers: &[(&str, &str)],
        generator: &str,
        interrupt: &'a Interrupt,
    ) -> Comparison<'a> {
        let folder = root.path().join("xtask/peers");
        for (name, script) in servers {
            fs::create_dir_all(folder.join(name)).unwrap();
            let peer = format!(
                "title = \"{name}\"\nhome = \"b\"\nlicence = \"c\"\nnote = \"\"\nworks = [\"idle\"]\n\
                 [install]\nkind = \"gateway\"\n\
                 [start]\nsays = \"never\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n"
            );
            fs::write(folder.join(name).join("peer.toml"), peer).unwrap();
            fs::write(folder.join(name).join("dialect.toml"), "").unwrap();
        }
        let peers = peers::choose(root.path(), &[]).unwrap();
        let contestants = peers.into_iter().map(|peer| Contestant {
            places: Places { folder: peer.folder.clone(), gateway: PathBuf::new() },
            peer,
            is_left_out: false,
        });
        Comparison {
            generator: Generator::at(scripted(root.path(), generator)),
            interrupt,
            contestants: contestants.collect(),
            works: super::super::works::choose(&["idle".to_owned()]).unwrap(),
            scale: Scale::new(true, None),
            repetitions: 2,
            is_verbose: false,
            results: Results::begin(Path::new("."), Kind::Comparison, &[]),
            output: root.path().join("results.json"),
        }
    }

    #[test]
    fn a_server_that_does_not_start_is_left_out_with_its_last_lines_and_not_tried_again() {
        let (root, interrupt) = (Scratch::new().unwrap(), Interrupt::default());
        let servers = [("one", "echo no licence; exit 1")];
        let comparison = comparison(&root, &servers, "exit 1", &interrupt);
        let output = comparison.output.clone();
        comparison.run().unwrap();
        let results = Results::read(&output).unwrap();
        assert_eq!(results.notes.len(), 1, "{:?}", results.notes);
        let note = &results.notes[0];
        assert!(note.starts_with("one is left out") && note.contains("| no licence"), "{note}");
        assert!(!results.complete && results.entries.is_empty());
    }

    #[test]
    fn repetitions_that_failed_do_not_spoil_those_that_did_not() {
        let load = super::super::works::choose(&["idle".to_owned()]).unwrap()[0];
        let report = |partial| Some(Report { partial, ..Report::default() });
        let mut kept = Kept::default();
        let said = kept.take(load, Measured { report: report(true), failure: Some(interrupted()) });
        assert!(said.starts_with("failed: interrupted"), "{said}");
        kept.take(load, Measured { report: report(false), failure: None });
        assert!(!joined(&kept.whole).unwrap().partial);
        assert_eq!(kept.failure.unwrap().what, "interrupted");
    }
}
