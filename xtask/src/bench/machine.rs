//! What a figure was taken on and with: the machine, the versions, the revision. Reads `/proc` and asks git
//! and rustc; knows nothing of measurements.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine, as far as it decides figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Of `uname`: `Linux 6.18.44 x86_64`.
    pub(crate) kernel: String,
    pub(crate) cpu_model: String,
    /// Cores that this process may use.
    pub(crate) cores: usize,
    pub(crate) memory_bytes: u64,
    /// Open files that a process may have: the soft limit.
    pub(crate) max_open_files: u64,
    /// The system's queue of connections that wait to be accepted.
    pub(crate) somaxconn: u64,
    /// Load averages over 1, 5 and 15 minutes when the run began: what else was going on.
    pub(crate) load_average: [f64; 3],
}

/// The state of the work tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revision {
    /// The commit's hash; empty outside a git work tree.
    pub(crate) commit: String,
    /// Whether the tree differs from the commit.
    pub(crate) dirty: bool,
}

impl Machine {
    /// What can be read of this machine; what cannot is empty or 0.
    pub(crate) fn read() -> Self {
        Self {
            kernel: said(Command::new("uname").arg("-srm")),
            cpu_model: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: kibibytes(&field(&read("/proc/meminfo"), "MemTotal")) * 1024,
            max_open_files: open_files(&read("/proc/self/limits")),
            somaxconn: read("/proc/sys/net/core/somaxconn").trim().parse().unwrap_or_default(),
            load_average: load_average(&read("/proc/loadavg")),
        }
    }

    /// In what `other` is another machine than this: figures of the two say nothing about one another.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("kernel", self.kernel.clone(), other.kernel.clone()),
            ("CPU", self.cpu_model.clone(), other.cpu_model.clone()),
            ("cores", self.cores.to_string(), other.cores.to_string()),
            ("memory", gibibytes(self.memory_bytes), gibibytes(other.memory_bytes)),
        ];
        let differ = pairs.into_iter().filter(|(_, left, right)| left != right);
        differ.map(|(what, left, right)| format!("{what}: {left} against {right}")).collect()
    }

    /// One line for a person.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{}, {} cores, {}, {}, {} open files, load {:.2}",
            self.cpu_model,
            self.cores,
            gibibytes(self.memory_bytes),
            self.kernel,
            self.max_open_files,
            self.load_average[0]
        )
    }
}

impl Revision {
    pub(crate) fn read(root: &Path) -> Self {
        let git = |arguments: &[&str]| said(Command::new("git").args(arguments).current_dir(root));
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
        Self { commit: git(&["rev-parse", "HEAD"]), dirty: !changed.is_empty() }
    }

    /// The beginning of the hash, and whether there was more: `1a2b3c4d5e, changed`.
    pub(crate) fn describe(&self) -> String {
        let commit = self.commit.get(..10).unwrap_or("no revision");
        format!("{commit}{}", if self.dirty { ", changed" } else { "" })
    }
}

/// Versions by name: the compiler, and each program at its path.
pub(crate) fn versions(programs: &[(&str, &Path)]) -> BTreeMap<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiler = ("rustc".to_owned(), said(Command::new(rustc).arg("--version")));
    let programs = programs
        .iter()
        .map(|(name, path)| ((*name).to_owned(), said(Command::new(path).arg("--version"))));
    std::iter::once(compiler).chain(programs).filter(|(_, version)| !version.is_empty()).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The standard output of a program that ended well, trimmed.
fn said(command: &mut Command) -> String {
    match command.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => String::new(),
    }
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> String {
    let values = text.lines().filter_map(|line| line.split_once(':'));
    let mut found = values.filter(|(key, _)| key.trim() == name);
    found.next().map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

fn kibibytes(text: &str) -> u64 {
    text.trim_end_matches("kB").trim().parse().unwrap_or_default()
}

/// The soft limit in `/proc/self/limits`; `unlimited` is the largest number.
fn open_files(limits: &str) -> u64 {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
    if soft == "unlimited" { u64::MAX } else { soft.parse().unwrap_or_default() }
}

fn load_average(text: &str) -> [f64; 3] {
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap_or_default());
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_read_as_they_stand_there() {
        let cpu = "processor\t: 0\nmodel name\t: Fast CPU @ 3.0GHz: v2\n\nmodel name\t: Other\n";
        assert_eq!(field(cpu, "model name"), "Fast CPU @ 3.0GHz: v2");
        assert_eq!(kibibytes(&field("MemTotal:       2048 kB\n", "MemTotal")), 2048);
        let limits =
            "Limit  Soft  Hard  Units\nMax open files            20000    524288    files\n";
        assert_eq!(open_files(limits), 20_000);
        assert_eq!(load_average("0.50 1.25 2.00 1/200 77\n"), [0.5, 1.25, 2.0]);
    }

    #[test]
    fn what_cannot_be_read_is_empty_and_no_failure() {
        assert_eq!(field("", "model name"), "");
        assert_eq!(open_files("no such line"), 0);
        assert_eq!(load_average(""), [0.0; 3]);
        assert_eq!(said(&mut Command::new("no-such-program-here")), "");
    }

    #[test]
    fn another_machine_is_told_by_what_decides_figures() {
        let here = Machine { cores: 2, kernel: "Linux 6".into(), ..Machine::default() };
        let busy = Machine { load_average: [9.0; 3], max_open_files: 7, ..here.clone() };
        assert_eq!(here.differences(&busy), Vec::<String>::new());
        let larger = Machine { cores: 8, ..here.clone() };
        assert_eq!(here.differences(&larger), ["cores: 2 against 8"]);
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::read();
        assert!(machine.cores > 0 && machine.memory_bytes > 0, "{machine:?}");
        assert!(machine.max_open_files > 0 && !machine.kernel.is_empty(), "{machine:?}");
    }
}
