//! When to ask for a sign of life and when to give a client up. Knows times, not sockets.

use std::time::Instant;

use crate::settings::Settings;

/// The clock of one session's pings.
#[derive(Debug)]
pub(crate) struct Heartbeat {
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
    pub(crate) const fn new(now: Instant) -> Self {
        Self { heard: now, asked: None }
    }

    /// Anything at all came from the client.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// When [`Heartbeat::beat`] will next have something to say.
    pub(crate) fn next(&self, settings: &Settings) -> Instant {
        match self.asked {
            Some(asked) => asked + settings.ping_timeout,
            None => self.heard + settings.ping_interval,
        }
    }

    pub(crate) fn beat(&mut self, settings: &Settings, now: Instant) -> Beat {
        if now < self.next(settings) {
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
    use std::time::Duration;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const TIMEOUT: Duration = Duration::from_secs(10);

    #[expect(clippy::disallowed_methods, reason = "any instant serves as a start")]
    fn start() -> (Heartbeat, Settings, Instant) {
        let now = Instant::now();
        let settings =
            Settings { ping_interval: INTERVAL, ping_timeout: TIMEOUT, ..Settings::default() };
        (Heartbeat::new(now), settings, now)
    }

    #[test]
    fn asks_after_the_interval_and_gives_up_after_the_timeout() {
        let (mut heart, settings, now) = start();
        let mut beat = |at| heart.beat(&settings, at);
        assert_eq!(beat(now + INTERVAL - Duration::from_millis(1)), Beat::Rest);
        assert_eq!(beat(now + INTERVAL), Beat::Ask);
        assert_eq!(beat(now + INTERVAL + TIMEOUT - Duration::from_millis(1)), Beat::Rest);
        assert_eq!(beat(now + INTERVAL + TIMEOUT), Beat::Dead);
    }

    #[test]
    fn any_traffic_counts_as_life() {
        let (mut heart, settings, now) = start();
        assert_eq!(heart.beat(&settings, now + INTERVAL), Beat::Ask);
        heart.heard(now + INTERVAL + TIMEOUT / 2);
        assert_eq!(heart.beat(&settings, now + INTERVAL + TIMEOUT), Beat::Rest);
        assert_eq!(heart.next(&settings), now + INTERVAL + TIMEOUT / 2 + INTERVAL);
    }
}
