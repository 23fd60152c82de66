//! The server's processes, this one and the machine, as `/proc` shows them. It knows nothing of load.

use std::fs;
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

use crate::error::Error;

/// Clock ticks a second in `/proc`: the same on all of Linux's user side.
const TICKS: f64 = 100.0;
/// The unit of sizes there.
const KIB: u64 = 1024;

/// The processes that are watched.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pids: Vec<u32>,
    children: bool,
}

/// What processes have used so far, and hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Use {
    pub(crate) cpu_s: f64,
    pub(crate) rss_bytes: u64,
}

/// What the machine's cores have done so far, in core seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cores {
    pub(crate) busy_s: f64,
    pub(crate) all_s: f64,
    pub(crate) count: u32,
}

/// What one thread has used so far, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadUse {
    id: u32,
    ran: u64,
    /// It stood ready, and had no core.
    waited: u64,
}

/// What the thread that wanted a core the most had of the time between two moments, as shares of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Busiest {
    pub(crate) ran: f64,
    pub(crate) waited: f64,
}

impl Watch {
    /// Watches `pids`, and their children where asked for.
    ///
    /// # Errors
    /// Names the process that is not there.
    pub(crate) fn new(pids: &[u32], children: bool) -> Result<Option<Self>, Error> {
        for pid in pids {
            if stat(*pid).is_none() {
                return Err(Error::NoProcess { pid: *pid });
            }
        }
        let watch = Self { pids: pids.to_vec(), children };
        Ok((!pids.is_empty()).then_some(watch))
    }

    /// All of them added up. A process that has gone counts as nothing.
    pub(crate) fn used(&self) -> Use {
        let mut sum = Use::default();
        for pid in self.all() {
            if let Some(stat) = stat(pid) {
                sum.cpu_s += cpu_s(pid, &stat);
                sum.rss_bytes += field(pid, "status", "VmRSS:").unwrap_or(0) * KIB;
            }
        }
        sum
    }

    /// The proportional set size of all of them, where the system has it.
    pub(crate) fn pss_bytes(&self) -> Option<u64> {
        let sizes = self.all().into_iter().map(|pid| field(pid, "smaps_rollup", "Pss:"));
        sizes.sum::<Option<u64>>().map(|kib| kib * KIB)
    }

    /// Each of their threads.
    pub(crate) fn threads(&self) -> Vec<ThreadUse> {
        let tasks =
            self.all().into_iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok());
        let threads = tasks.flatten().flatten().filter_map(|thread| {
            let id = thread.file_name().to_str()?.parse().ok()?;
            let (ran, waited) = schedule(&thread.path().join("schedstat"))?;
            Some(ThreadUse { id, ran, waited })
        });
        threads.collect()
    }

    fn all(&self) -> Vec<u32> {
        let mut all = self.pids.clone();
        if self.children {
            let parents = parents();
            let mut at = 0;
            while let Some(parent) = all.get(at).copied() {
                let children = parents.iter().filter(|(_, its)| *its == parent);
                let new: Vec<u32> =
                    children.map(|(pid, _)| *pid).filter(|pid| !all.contains(pid)).collect();
                all.extend(new);
                at += 1;
            }
        }
        all
    }
}

/// CPU time of this process, in seconds.
pub(crate) fn own_cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// What the cores have done since the machine started.
pub(crate) fn cores() -> Cores {
    fs::read_to_string("/proc/stat").map(|text| parse_cores(&text)).unwrap_or_default()
}

/// How long the calling thread has stood ready so far and had no core, in nanoseconds.
pub(crate) fn thread_waited() -> u64 {
    schedule(Path::new("/proc/thread-self/schedstat")).map_or(0, |(_, waited)| waited)
}

/// Of all threads at two moments, `nanos` apart, the one that wanted a core the most.
pub(crate) fn busiest(from: &[ThreadUse], to: &[ThreadUse], nanos: u64) -> Busiest {
    let before =
        |id| from.iter().find(|thread| thread.id == id).map_or((0, 0), |it| (it.ran, it.waited));
    let used = to.iter().map(|thread| {
        let (ran, waited) = before(thread.id);
        (thread.ran.saturating_sub(ran), thread.waited.saturating_sub(waited))
    });
    let (ran, waited) = used.max_by_key(|(ran, waited)| ran + waited).unwrap_or_default();
    let share = |of: u64| (of as f64 / nanos.max(1) as f64).min(1.0);
    Busiest { ran: share(ran), waited: share(waited) }
}

/// How long a thread ran, and how long it waited for a core.
fn schedule(file: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(file).ok()?;
    let mut numbers = text.split_whitespace().map_while(|it| it.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

fn parse_cores(text: &str) -> Cores {
    let mut cores = Cores::default();
    for line in text.lines().filter(|line| line.starts_with("cpu")) {
        let (name, numbers) = line.split_once(' ').unwrap_or((line, ""));
        if name != "cpu" {
            cores.count += 1;
            continue;
        }
        let ticks: Vec<f64> = numbers.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; what comes behind is counted in them already.
        let sum = |range: &[f64]| range.iter().sum::<f64>() / TICKS;
        let first = ticks.get(..8).unwrap_or(&ticks);
        cores.all_s = sum(first);
        cores.busy_s = cores.all_s - sum(first.get(3..5).unwrap_or(&[]));
    }
    cores
}

/// CPU time of a process: to the nanosecond from its threads, where none of them has ended; else to the tick.
fn cpu_s(pid: u32, stat: &Stat) -> f64 {
    let coarse = stat.ticks as f64 / TICKS;
    let exact = threads_cpu_s(pid).unwrap_or(0.0);
    if exact + 2.0 / TICKS < coarse { coarse } else { exact }
}

fn threads_cpu_s(pid: u32) -> Option<f64> {
    let mut sum = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        sum += schedule(&thread.path().join("schedstat"))?.0 as f64 / 1e9;
    }
    Some(sum)
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// A name may hold spaces and brackets, so fields are counted from its end.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let parent = fields.get(1)?.parse().ok()?;
    Some(Stat { parent, ticks: number(11)? + number(12)? })
}

/// All processes with their parents.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, stat(pid)?.parent))).collect()
}

fn field(pid: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = parse_stat("7 (a (b) c) S 3 7 7 0 -1 0 1 0 0 0 250 50 9 9 20").unwrap();
        assert_eq!((stat.parent, stat.ticks), (3, 300));
    }

    #[test]
    fn waiting_is_not_busy() {
        let cores = parse_cores("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2\ncpu1 1 2\nintr 5\n");
        assert_eq!(cores, Cores { busy_s: 1.5, all_s: 10.0, count: 2 });
    }

    #[test]
    fn this_process_is_seen() {
        let watch = Watch::new(&[std::process::id()], true).unwrap().unwrap();
        assert!(watch.used().rss_bytes > 100_000);
        assert!(own_cpu_s() > 0.0);
        assert!(cores().count > 0);
    }

    #[test]
    fn the_thread_that_wanted_a_core_the_most_is_found() {
        let thread = |id, ran, waited| ThreadUse { id, ran, waited };
        let from = [thread(1, 500, 0), thread(2, 10, 0)];
        let to = [thread(1, 600, 0), thread(2, 60, 90), thread(3, 20, 0)];
        assert_eq!(busiest(&from, &to, 200), Busiest { ran: 0.25, waited: 0.45 });
        assert_eq!(busiest(&[], &[], 200), Busiest::default());
    }

    #[test]
    fn threads_of_this_process_are_seen() {
        let watch = Watch::new(&[std::process::id()], false).unwrap().unwrap();
        assert!(watch.threads().iter().any(|thread| thread.ran > 0));
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = Watch::new(&[u32::MAX], false).unwrap_err();
        assert_eq!(error.to_string(), "process 4294967295 is not there to be watched");
    }
}
