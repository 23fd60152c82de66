//! When to ask for a sign of life and when to give a client up. Knows times, not sockets.

use std::time::{Duration, Instant};

/// The clock of one session's pings.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing yet.
    Rest,
    /// Send a ping.
    Ask,
    /// Nobody is there.
    Dead,
}

impl Heartbeat {
    pub(crate) const fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self { interval, timeout, heard: now, asked: None }
    }

    /// Anything at all came from the client.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// When [`Heartbeat::beat`] will next have something to say.
    pub(crate) fn next(&self) -> Instant {
        match self.asked {
            Some(asked) => asked + self.timeout,
            None => self.heard + self.interval,
        }
    }

    pub(crate) fn beat(&mut self, now: Instant) -> Beat {
        if now < self.next() {
            return Beat::Rest;
        }
        match self.asked {
            Some(_) => Beat::Dead,
            None => {
                self.asked = Some(now);
                Beat::Ask
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const TIMEOUT: Duration = Duration::from_secs(10);

    #[expect(clippy::disallowed_methods, reason = "any instant serves as a start")]
    fn start() -> (Heartbeat, Instant) {
        let now = Instant::now();
        (Heartbeat::new(INTERVAL, TIMEOUT, now), now)
    }

    #[test]
    fn asks_after_the_interval_and_gives_up_after_the_timeout() {
        let (mut heart, now) = start();
        assert_eq!(heart.beat(now + INTERVAL - Duration::from_millis(1)), Beat::Rest);
        assert_eq!(heart.beat(now + INTERVAL), Beat::Ask);
        assert_eq!(heart.beat(now + INTERVAL + TIMEOUT - Duration::from_millis(1)), Beat::Rest);
        assert_eq!(heart.beat(now + INTERVAL + TIMEOUT), Beat::Dead);
    }

    #[test]
    fn any_traffic_counts_as_life() {
        let (mut heart, now) = start();
        assert_eq!(heart.beat(now + INTERVAL), Beat::Ask);
        heart.heard(now + INTERVAL + TIMEOUT / 2);
        assert_eq!(heart.beat(now + INTERVAL + TIMEOUT), Beat::Rest);
        assert_eq!(heart.next(), now + INTERVAL + TIMEOUT / 2 + INTERVAL);
    }
}
