//! Who held a figure back: the server, the generator by its own work, or that there were too few cores. It measures nothing.
//!
//! How busy a thread is says little: a reader that has time reads each message by itself, and one that has not reads many at
//! once. What counts is how much of a message's time was the generator's: how late it went, and how long it may have lain
//! in a socket before it was read. Both are known.

use crate::report::{Bound, Generator, ServerUse};

/// A thread this busy has no time left.
const BUSY: f64 = 0.9;
/// A thread that stood ready for this share of the time, and had no core, was held up by that.
const WAITED: f64 = 0.1;
/// A thread that waited for a core less than this share of the time it ran would not have done much more with one.
const HARDLY: f64 = 0.3;
/// So many milliseconds in the 99th percentile are nothing to speak of.
const LATE_MS: f64 = 5.0;
/// With a share like this of the latencies they are the generator's.
const CONSIDERABLE: f64 = 0.5;
/// With such a share of the bound in the 999th of a thousand, losses may be the generator's: they come in the worst moments.
const LOSING: f64 = 0.25;

/// The verdict, and why.
pub(super) type Verdict = (Bound, String);

/// Of an open loop: whether its latencies, with this 99th percentile, are the server's.
pub(super) fn of_open(generator: &Generator, p99_ms: f64) -> Option<Verdict> {
    let own_ms = generator.own_ms();
    let is_considerable = own_ms > LATE_MS && own_ms > CONSIDERABLE * p99_ms;
    is_considerable.then(|| late(generator))
}

/// Of a closed loop: whether the server could have done more.
pub(super) fn of_closed(generator: &Generator, server: Option<&ServerUse>) -> Option<Verdict> {
    let (server_busy, server_waited) = threads(server).unwrap_or_default();
    let busy = generator.busiest_thread;
    if busy > BUSY && server_busy <= BUSY {
        return Some((Bound::Generator, format!("a thread was {:.0} % busy", busy * 100.0)));
    }
    let waited = generator.waited.max(server_waited);
    let is_full = busy + generator.waited > BUSY || server_busy + server_waited > BUSY;
    (is_full && waited > WAITED).then(|| {
        let own = generator.waited * 100.0;
        let servers = server_waited * 100.0;
        let why = format!(
            "for a core the generator waited {own:.0} % of the time, the server {servers:.0} %"
        );
        (Bound::Cores, why)
    })
}

/// How a rate did not hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    /// The bound of the 99th percentile.
    pub(super) bound_ms: f64,
    /// What it was, where that was why.
    pub(super) p99_ms: Option<f64>,
}

/// Of a rate that did not hold: who is to blame.
pub(super) fn of_failed(
    failed: Failed,
    generator: &Generator,
    server: Option<&ServerUse>,
) -> Verdict {
    let Failed { bound_ms, p99_ms } = failed;
    let is_own = match p99_ms {
        // Without the generator's share it would have held.
        Some(p99_ms) => p99_ms - generator.own_ms() < bound_ms,
        None => generator.worst_ms() > LOSING * bound_ms,
    };
    if is_own && generator.own_ms() > LATE_MS {
        return late(generator);
    }
    match threads(server) {
        Some((busy, waited)) if busy + waited > BUSY && waited > WAITED => {
            let waited = waited * 100.0;
            let why =
                format!("the server's busiest thread waited for a core {waited:.0} % of the time");
            (Bound::Cores, why)
        }
        Some((busy, _)) => {
            (Bound::Server, format!("the server's busiest thread was {:.0} % busy", busy * 100.0))
        }
        None => (Bound::Server, format!("{:.1} ms were the generator's", generator.own_ms())),
    }
}

/// The generator was late: by its work, or because it had no core.
fn late(generator: &Generator) -> Verdict {
    let &Generator { busiest_thread: busy, waited, .. } = generator;
    let (ms, busy_percent) = (generator.own_ms(), busy * 100.0);
    let had_cores = waited < busy * HARDLY;
    if busy > BUSY || busy + waited > BUSY && had_cores {
        let why =
            format!("{ms:.1} ms were the generator's own, with a thread {busy_percent:.0} % busy");
        return (Bound::Generator, why);
    }
    let waited = waited * 100.0;
    let why = format!(
        "the generator was {ms:.1} ms late with its busiest thread {busy_percent:.0} % busy: it waited for a core ({waited:.0} % of the time)"
    );
    (Bound::Cores, why)
}

/// How busy the server's busiest thread was, and how long it waited for a core.
fn threads(server: Option<&ServerUse>) -> Option<(f64, f64)> {
    let server = server?;
    Some((server.busiest_thread?, server.waited?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Latency;

    fn generator(busy: f64, waited: f64, late_ms: f64, reading_ms: f64) -> Generator {
        let p99 = |ms| Latency { count: 1, p99: ms, p999: ms, ..Latency::default() };
        Generator {
            busiest_thread: busy,
            waited,
            lateness: p99(late_ms),
            reading: p99(reading_ms),
            ..Generator::default()
        }
    }

    fn server(busy: f64, waited: f64) -> ServerUse {
        ServerUse { busiest_thread: Some(busy), waited: Some(waited), ..ServerUse::default() }
    }

    fn failed(p99_ms: f64) -> Failed {
        Failed { bound_ms: 100.0, p99_ms: Some(p99_ms) }
    }

    #[test]
    fn a_busy_generator_that_reads_at_once_is_no_bottleneck() {
        let prompt = generator(0.96, 0.01, 0.3, 1.5);
        assert_eq!(of_open(&prompt, 40.0), None);
        let (who, why) = of_failed(failed(400.0), &prompt, Some(&server(0.99, 0.0)));
        assert_eq!(
            (who, why.as_str()),
            (Bound::Server, "the server's busiest thread was 99 % busy")
        );
        assert_eq!(of_failed(failed(400.0), &prompt, None).0, Bound::Server);
    }

    #[test]
    fn a_generator_without_which_it_would_have_held_is_the_bottleneck() {
        let slow = generator(0.98, 0.01, 10.0, 60.0);
        let (who, why) = of_failed(failed(150.0), &slow, Some(&server(0.5, 0.0)));
        assert_eq!(who, Bound::Generator);
        assert!(
            why.starts_with("70.0 ms were the generator's own, with a thread 98 % busy"),
            "{why}"
        );
        assert_eq!(of_failed(failed(180.0), &slow, Some(&server(0.99, 0.0))).0, Bound::Server);
        let nearly = generator(0.85, 0.15, 10.0, 60.0);
        assert_eq!(of_failed(failed(150.0), &nearly, None).0, Bound::Generator);
        assert_eq!(of_open(&slow, 130.0).unwrap().0, Bound::Generator);
        assert_eq!(of_open(&slow, 150.0), None);
    }

    #[test]
    fn who_had_no_core_is_told_apart_from_who_had_no_time() {
        let held_up = generator(0.6, 0.35, 40.0, 30.0);
        let (who, why) = of_failed(failed(120.0), &held_up, Some(&server(0.6, 0.3)));
        assert_eq!(who, Bound::Cores);
        assert!(why.ends_with("it waited for a core (35 % of the time)"), "{why}");
        let prompt = generator(0.6, 0.35, 1.0, 3.0);
        let (who, why) = of_failed(failed(900.0), &prompt, Some(&server(0.65, 0.3)));
        assert_eq!(who, Bound::Cores);
        assert_eq!(why, "the server's busiest thread waited for a core 30 % of the time");
    }

    #[test]
    fn losses_are_the_generator_s_where_it_was_late_in_its_worst_moments() {
        let lost = Failed { bound_ms: 100.0, p99_ms: None };
        let stalled = generator(0.95, 0.0, 6.0, 60.0);
        assert_eq!(of_failed(lost, &stalled, None).0, Bound::Generator);
        let prompt = generator(0.95, 0.0, 1.0, 6.0);
        assert_eq!(of_failed(lost, &prompt, None).0, Bound::Server);
    }

    #[test]
    fn a_closed_loop_is_bounded_by_whoever_has_no_time() {
        let verdict = |generator, server| of_closed(&generator, Some(&server)).map(|it| it.0);
        let busy = generator(0.97, 0.01, 0.0, 0.0);
        assert_eq!(verdict(busy.clone(), server(0.5, 0.0)), Some(Bound::Generator));
        assert_eq!(verdict(busy.clone(), server(0.98, 0.0)), None);
        assert_eq!(of_closed(&busy, None).map(|it| it.0), Some(Bound::Generator));
        let crowded = generator(0.65, 0.33, 0.0, 0.0);
        assert_eq!(verdict(crowded, server(0.66, 0.33)), Some(Bound::Cores));
        assert_eq!(verdict(generator(0.3, 0.2, 0.0, 0.0), server(0.3, 0.2)), None);
    }
}
