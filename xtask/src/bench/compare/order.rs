//! In which order servers are measured: interleaved, so that a machine that changes hits all of them alike.
//! Plain numbers; knows neither works nor servers.

/// One server, doing one work once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) work: usize,
    pub(crate) server: usize,
    /// From 1.
    pub(crate) repetition: u32,
}

/// All steps: a whole repetition of everything before the next, in it one work after the other, and in each
/// every server that `can` do it in turn. Who is first goes on with each work, and by an even share of the
/// servers with each repetition.
pub(crate) fn steps(
    works: usize,
    servers: usize,
    repetitions: u32,
    can: impl Fn(usize, usize) -> bool,
) -> Vec<Step> {
    let stride = (servers / repetitions.max(1) as usize).max(1);
    let mut steps = Vec::new();
    for repetition in 0..repetitions {
        for work in 0..works {
            let first = work + repetition as usize * stride;
            let turn = (0..servers).map(|turn| (first + turn) % servers);
            let able = turn.filter(|server| can(work, *server));
            steps.extend(able.map(|server| Step { work, server, repetition: repetition + 1 }));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(steps: &[Step], work: usize, repetition: u32) -> Vec<usize> {
        let of = |step: &&Step| (step.work, step.repetition) == (work, repetition);
        steps.iter().filter(of).map(|step| step.server).collect()
    }

    #[test]
    fn each_server_does_each_work_once_in_each_repetition() {
        let steps = steps(3, 4, 2, |_, _| true);
        assert_eq!(steps.len(), 3 * 4 * 2);
        for (work, repetition) in [(0, 1), (2, 1), (1, 2)] {
            let mut seen = servers(&steps, work, repetition);
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn another_server_is_first_with_each_work_and_repetition() {
        let steps = steps(2, 6, 3, |_, _| true);
        assert_eq!(servers(&steps, 0, 1), [0, 1, 2, 3, 4, 5]);
        assert_eq!(servers(&steps, 1, 1), [1, 2, 3, 4, 5, 0]);
        assert_eq!(servers(&steps, 0, 2), [2, 3, 4, 5, 0, 1]);
        assert_eq!(servers(&steps, 0, 3), [4, 5, 0, 1, 2, 3]);
    }

    #[test]
    fn a_repetition_is_whole_before_the_next_begins() {
        let steps = steps(5, 3, 4, |_, _| true);
        assert!(steps.is_sorted_by_key(|step| (step.repetition, step.work)));
    }

    #[test]
    fn a_server_is_not_asked_for_what_it_cannot_do() {
        let steps = steps(2, 3, 2, |work, server| (work, server) != (1, 2));
        assert_eq!(steps.len(), 10);
        assert!(servers(&steps, 1, 2).iter().all(|server| *server != 2));
    }

    #[test]
    fn with_nobody_there_is_nothing_to_do() {
        assert_eq!(steps(5, 0, 3, |_, _| true), []);
        assert_eq!(steps(5, 3, 0, |_, _| true), []);
    }
}
