//! What the first process of a job and the others say to each other: a line of JSON each. It knows no pipes.

use serde::{Deserialize, Serialize};

use super::crew::Kind;
use crate::error::Error;
use crate::job::Job;
use crate::plan::Share;
use crate::worker::{Command, Reply};

/// What a process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// First of all: what it will have a part in.
    Begin(Box<Begin>),
    /// To do this, and to answer.
    Do(Command),
    /// To begin nothing more.
    WrapUp,
    /// To drop everything.
    Abort,
}

/// What a process has a part in, and which.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) job: Job,
    pub(super) kind: Kind,
    pub(super) shares: Shares,
}

/// What a process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// How far it is, now and then.
    Flow(Flow),
    /// What came of a command.
    Done(Vec<Reply>),
    /// Why it cannot go on.
    Failed(Error),
}

/// How far a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) connections: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) missing: u64,
}

/// The threads of one process, among those of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shares {
    /// The number of the first.
    first: u32,
    threads: u32,
    /// How many there are in all.
    of: u32,
}

impl Shares {
    /// All threads are in one process.
    pub(super) fn alone(threads: u32) -> Self {
        Self { first: 0, threads, of: threads }
    }

    /// As few processes as can be, when each may have `most` of so many connections; `threads` in all, and one at least in
    /// each process.
    pub(super) fn of_processes(connections: u32, most: u32, threads: u32) -> Vec<Self> {
        let most = most.max(1);
        let mut processes = connections.div_ceil(most).max(1);
        loop {
            let each = threads.div_ceil(processes).max(1);
            let of = processes * each;
            // A thread with one connection more than others is in the first process.
            if connections.div_ceil(of) * each <= most || connections <= processes {
                let firsts = (0..processes).map(|process| process * each);
                return firsts.map(|first| Self { first, threads: each, of }).collect();
            }
            processes += 1;
        }
    }

    /// The share of each of its threads.
    pub(super) fn all(self) -> impl Iterator<Item = Share> {
        (self.first..self.first + self.threads).map(move |index| Share { index, of: self.of })
    }

    /// How many of `whole` its threads have.
    pub(super) fn of_count(self, whole: u32) -> u32 {
        self.all().map(|share| share.of_count(whole)).sum()
    }

    pub(super) fn threads(self) -> u32 {
        self.threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_process_has_more_than_it_may() {
        for (connections, most, threads) in
            [(10, 4, 1), (38_000, 19_000, 1), (38_001, 19_000, 2), (7, 1, 1), (9, 5, 4)]
        {
            let all = Shares::of_processes(connections, most, threads);
            let counts: Vec<u32> = all.iter().map(|shares| shares.of_count(connections)).collect();
            assert!(
                counts.iter().all(|count| *count <= most),
                "{connections} by {most}: {counts:?}"
            );
            assert_eq!(counts.iter().sum::<u32>(), connections);
        }
        assert_eq!(Shares::of_processes(38_000, 19_000, 1).len(), 2);
    }

    #[test]
    fn every_thread_has_a_share_of_its_own() {
        let all = Shares::of_processes(100, 30, 8);
        let indexes: Vec<u32> =
            all.iter().flat_map(|it| it.all()).map(|share| share.index).collect();
        assert_eq!(indexes, (0..8).collect::<Vec<_>>());
        assert_eq!(Shares::alone(2).of_count(5), 5);
    }
}
