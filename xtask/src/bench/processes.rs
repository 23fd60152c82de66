//! Programs that a bench starts, and their end: each stands in a process group of its own, and the group is
//! ended when its value goes, also after a failure and on Ctrl-C. Knows no program by name.
#![expect(
    clippy::disallowed_methods,
    reason = "a shell: it waits for programs, so it sleeps and reads the clock"
)]

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{self, Pid, Signal, WaitId, WaitIdOptions};

use crate::Problem;

/// How long a group that was told to end may take before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// How often something that is waited for is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Whether somebody asked for the end: Ctrl-C, a terminal that went, a plain `kill`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes the three signals from now on.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub(crate) fn listen() -> io::Result<Self> {
        let asked = Self::default();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            signal_hook::flag::register(signal.as_raw(), Arc::clone(&asked.0))?;
        }
        Ok(asked)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A program that runs, and whatever it starts.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    group: Pid,
    log: PathBuf,
    /// How it ended, once it is reaped.
    ended: Option<String>,
}

impl Program {
    /// Starts `command` in a group of its own. What it says goes to `log`, but for a standard output that the
    /// command has been given already by [`Command::stdout`] when `keeps_stdout` is set.
    ///
    /// # Errors
    /// When the program is missing, or its log cannot be written: a sentence that names it.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        log: &Path,
        keeps_stdout: bool,
    ) -> Result<Self, Problem> {
        let file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        if !keeps_stdout {
            command.stdout(file.try_clone()?);
        }
        let child = command
            .stderr(file)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {name} ({command:?}): {error}"))?;
        let group = Pid::from_child(&child);
        Ok(Self { name: name.to_owned(), child, group, log: log.to_owned(), ended: None })
    }

    /// The process that was started; its children are not counted.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, once, where the command asked for a pipe.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether it has ended by itself. It is not reaped here, so that its group keeps its number.
    pub(crate) fn has_ended(&self) -> bool {
        if self.ended.is_some() {
            return true;
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(process::waitid(WaitId::Pid(self.group), look), Ok(None))
    }

    /// The last lines of what it said.
    pub(crate) fn last_words(&self, lines: usize) -> String {
        last_lines(&fs::read_to_string(&self.log).unwrap_or_default(), lines)
    }

    /// All that it said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `is_ready` says so.
    ///
    /// # Errors
    /// When the program ends before, when `limit` passes, or when the end is asked for; with its last words.
    pub(crate) fn wait_until(
        &self,
        limit: Duration,
        interrupt: &Interrupt,
        mut is_ready: impl FnMut() -> bool,
    ) -> Result<(), Problem> {
        let begun = Instant::now();
        loop {
            if is_ready() {
                return Ok(());
            }
            let why = if self.has_ended() {
                "ended before it was ready".to_owned()
            } else if interrupt.is_asked() {
                "was not waited for: interrupted".to_owned()
            } else if begun.elapsed() > limit {
                format!("was not ready within {} s", limit.as_secs())
            } else {
                std::thread::sleep(LOOK_INTERVAL);
                continue;
            };
            return Err(format!("{} {why}\n{}", self.name, self.last_words(12)).trim_end().into());
        }
    }

    /// Asks the group to end unless the program has ended by itself, kills what is left of it, and says how
    /// the program ended: `exit status: 3`, `signal: 9 (SIGKILL)`.
    pub(crate) fn end(&mut self) -> String {
        if let Some(how) = &self.ended {
            return how.clone();
        }
        let begun = Instant::now();
        if !self.has_ended() {
            // A group that is gone in this moment needs no signal.
            let _ = process::kill_process_group(self.group, Signal::TERM);
        }
        while !self.has_ended() && begun.elapsed() < END_TIMEOUT {
            std::thread::sleep(LOOK_INTERVAL);
        }
        // Not reaped yet, so the number is still this group's.
        let _ = process::kill_process_group(self.group, Signal::KILL);
        let how = self.child.wait().map_or_else(|error| error.to_string(), |how| how.to_string());
        self.ended.insert(how).clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// Characters of a line that are shown.
const LINE: usize = 140;

/// The last `count` lines of `text`, each indented, to be shown below a sentence.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = lines.iter().skip(lines.len().saturating_sub(count));
    shown.map(|line| format!("  | {}\n", line.chars().take(LINE).collect::<String>())).collect()
}

/// A folder of this run's own, gone at its end.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// # Errors
    /// When the system's temporary folder cannot be written to.
    pub(crate) fn new() -> Result<Self, Problem> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-bench-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left-over files in the system's temporary folder are no reason to fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program that is a shell script, for tests. Written by a process of its own: one that is started in this
/// very moment by another test would inherit the open file, and an open file cannot be run.
#[cfg(test)]
pub(crate) fn scripted(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("program");
    let write = "printf '#!/bin/sh\n%s\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", write, "sh", script]).arg(&path);
    assert!(command.status().unwrap().success());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(scratch: &Scratch, script: &str) -> Program {
        let log = scratch.path().join("log");
        Program::start("the program", Command::new("sh").args(["-c", script]), &log, false).unwrap()
    }

    fn ready(program: &Program, word: &str) -> Result<(), Problem> {
        let limit = Duration::from_secs(20);
        program.wait_until(limit, &Interrupt::default(), || program.said().contains(word))
    }

    #[test]
    fn a_program_is_ended_with_what_it_started() {
        let scratch = Scratch::new().unwrap();
        let mut program = shell(&scratch, "sleep 600 & echo child $!; wait");
        ready(&program, "child").unwrap();
        let said = program.said();
        let child: i32 = said.trim().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(program.end().contains("signal"), "{}", program.end());
        let begun = Instant::now();
        let is_gone = || {
            let state = fs::read_to_string(format!("/proc/{child}/stat"));
            state.map_or(true, |state| state.contains(") Z "))
        };
        while !is_gone() && begun.elapsed() < END_TIMEOUT {
            std::thread::sleep(LOOK_INTERVAL);
        }
        assert!(is_gone());
    }

    #[test]
    fn what_a_program_left_running_goes_too_when_it_ended_by_itself() {
        let scratch = Scratch::new().unwrap();
        let program = shell(&scratch, "sleep 600 & echo child $!; exit 3");
        ready(&program, "child").unwrap();
        let error = ready(&program, "never said").unwrap_err().to_string();
        assert!(error.contains("the program ended before it was ready"), "{error}");
        assert!(error.contains("| child"), "{error}");
        let group = program.group;
        drop(program);
        // The signal is sent; the system needs a moment for what it does.
        let begun = Instant::now();
        while !is_gone(group) && begun.elapsed() < END_TIMEOUT {
            std::thread::sleep(LOOK_INTERVAL);
        }
        assert!(is_gone(group));
    }

    /// Whether nothing of the group runs; what init has not reaped yet does not.
    fn is_gone(group: Pid) -> bool {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let of_group = stats.filter(|stat| {
            let rest = stat.rsplit(')').next().unwrap_or_default();
            rest.split_whitespace().nth(2) == Some(&group.as_raw_nonzero().to_string())
        });
        of_group.into_iter().all(|stat| stat.contains(") Z "))
    }

    #[test]
    fn a_wait_ends_when_the_end_is_asked_for() {
        let scratch = Scratch::new().unwrap();
        let program = shell(&scratch, "sleep 600");
        let interrupt = Interrupt::default();
        interrupt.0.store(true, Ordering::Relaxed);
        let error = program.wait_until(Duration::from_secs(60), &interrupt, || false).unwrap_err();
        assert!(error.to_string().contains("interrupted"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let scratch = Scratch::new().unwrap();
        let log = scratch.path().join("log");
        let mut command = Command::new("no-such-program-here");
        let error = Program::start("the server", &mut command, &log, false).unwrap_err();
        assert!(error.to_string().contains("the server"), "{error}");
        assert!(error.to_string().contains("no-such-program-here"), "{error}");
    }

    #[test]
    fn a_folder_goes_with_its_run() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("file"), "x").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
