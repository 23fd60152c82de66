//! Runs one program and keeps all it says. The only place here that reads the clock or starts a thread.
//! Knows nothing of stages.
#![expect(
    clippy::disallowed_methods,
    reason = "a shell: it waits for programs, so it reads the clock and has one thread per program"
)]

use std::fmt;
use std::io::{self, BufRead, BufReader, PipeReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// How long a program may be silent on the screen before a sign of life is shown.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// How long a program that was told to stop may take before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) success: bool,
    /// Standard output and standard error, in the order in which they were written.
    pub(crate) output: String,
}

/// A moment from which time is measured.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// A cargo command without the variables that `cargo run` set for xtask itself: build scripts that
/// watch them would otherwise be run anew each time.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_xtask = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if of_xtask {
            command.env_remove(name);
        }
    }
    command.env("CARGO_TERM_COLOR", "never");
    command
}

/// Runs `command` to its end, or for `limit` at most; `alive` is called with the time that has passed and
/// the last line, every [`SIGN_OF_LIFE`].
///
/// A program that cannot be started, or that takes too long, is a [`Run`] without success whose output
/// says so.
pub(crate) fn run(command: &mut Command, limit: Duration, alive: impl Fn(Duration, &str)) -> Run {
    let shown = Shown::of(command);
    match start(command) {
        Ok((child, lines)) => follow(child, &lines, limit, &shown, alive),
        Err(error) => Run { success: false, output: format!("$ {shown}\ncannot start: {error}\n") },
    }
}

fn start(command: &mut Command) -> io::Result<(Child, Receiver<String>)> {
    let (reader, writer) = io::pipe()?;
    let child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .env("NO_COLOR", "1")
        .spawn()?;
    // The command keeps the pipe's writing ends; while it does, the reader sees no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (lines, received) = sync_channel(1024);
    std::thread::spawn(move || read_lines(reader, |line| lines.send(line).is_ok()));
    Ok((child, received))
}

/// Reads on, on a thread of its own, so that a program that nobody listens to can still write.
pub(crate) fn forget(lines: impl Iterator + Send + 'static) {
    std::thread::spawn(move || lines.for_each(drop));
}

/// Hands over each line until the pipe's end, or until nobody wants more.
fn read_lines(reader: PipeReader, mut hand_over: impl FnMut(String) -> bool) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        if !hand_over(String::from_utf8_lossy(&line).into_owned()) {
            return;
        }
        line.clear();
    }
}

fn follow(
    mut child: Child,
    lines: &Receiver<String>,
    limit: Duration,
    shown: &Shown,
    alive: impl Fn(Duration, &str),
) -> Run {
    let watch = Stopwatch::start();
    let mut output = format!("$ {shown}\n");
    let mut next_sign = SIGN_OF_LIFE;
    loop {
        let until = next_sign.min(limit).saturating_sub(watch.elapsed());
        match lines.recv_timeout(until) {
            Ok(line) => output.push_str(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let elapsed = watch.elapsed();
        if elapsed >= limit {
            stop(&mut child);
            output.push_str(&format!("stopped: not done after {} s\n", limit.as_secs()));
            return Run { success: false, output };
        }
        if elapsed >= next_sign {
            next_sign += SIGN_OF_LIFE;
            alive(elapsed, output.trim_end().lines().next_back().unwrap_or_default());
        }
    }
    let status = child.wait();
    let success = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    if !success {
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        output.push_str(&format!("{how}\n"));
    }
    Run { success, output }
}

/// Asks first, so that a test runner can end what it started; kills what does not listen.
fn stop(child: &mut Child) {
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    let watch = Stopwatch::start();
    while asked.is_ok() && watch.elapsed() < STOP_TIMEOUT {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // It may have ended in between; then there is nothing to kill and nothing to report.
    let _ = child.kill();
    let _ = child.wait();
}

/// A command as it would be typed, without its folder and variables.
struct Shown(String);

impl Shown {
    fn of(command: &Command) -> Self {
        let mut text = String::new();
        for part in std::iter::once(command.get_program()).chain(command.get_args()) {
            text.push_str(&part.to_string_lossy());
            text.push(' ');
        }
        Self(text.trim_end().to_owned())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Run {
        run(Command::new("sh").args(["-c", script]), limit, |_, _| {})
    }

    #[test]
    fn keeps_both_outputs_in_the_order_of_writing() {
        let run = shell("echo one; echo two >&2; echo three", Duration::from_secs(60));
        assert!(run.success);
        assert!(run.output.ends_with("one\ntwo\nthree\n"), "{}", run.output);
    }

    #[test]
    fn a_failing_program_keeps_its_output_and_says_its_status() {
        let run = shell("echo why; exit 3", Duration::from_secs(60));
        assert!(!run.success);
        assert!(
            run.output.contains("why\n") && run.output.contains("exit status: 3"),
            "{}",
            run.output
        );
    }

    #[test]
    fn a_program_past_its_limit_is_stopped() {
        let run = shell("echo begun; exec sleep 600", Duration::from_millis(300));
        assert!(!run.success);
        assert!(run.output.contains("stopped: not done"), "{}", run.output);
    }

    #[test]
    fn a_missing_program_is_named() {
        let run = run(&mut Command::new("no-such-program-here"), Duration::from_secs(1), |_, _| {});
        assert!(!run.success);
        assert!(run.output.contains("no-such-program-here"), "{}", run.output);
    }
}
