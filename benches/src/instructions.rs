//! Instructions per piece of work: the program runs itself under `valgrind --tool=callgrind` with n and with
//! 2n calls; the difference is the work alone, without start and setup.

use std::process::Command;

use crate::case::{Case, Group};

/// Runs `calls` calls of one case and nothing else: what the run under valgrind does.
pub(crate) fn run_alone(case: &Case, calls: u64) {
    let mut runner = (case.start)();
    runner(calls);
}

/// Whether valgrind is there.
pub(crate) fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Instructions per piece of work.
///
/// # Errors
/// When valgrind fails or prints no count; its last line is in the text.
pub(crate) fn measure(group: &Group, case: &Case, calls: u64) -> Result<f64, String> {
    let once = count(group, case, calls)?;
    let twice = count(group, case, calls * 2)?;
    Ok((twice.saturating_sub(once)) as f64 / (calls * group.per_call) as f64)
}

fn count(group: &Group, case: &Case, calls: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--alone", &group.name, &case.name, "--calls", &calls.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said).ok_or_else(|| {
        format!("valgrind gave no count: {}", said.lines().last().unwrap_or("it said nothing"))
    })
}

/// The number in `==7== Collected : 123`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        assert_eq!(collected("==1== Events    : Ir\n==1== Collected : 123456\n"), Some(123_456));
        assert_eq!(collected("valgrind: no such file\n"), None);
    }
}
