//! When to ask for a sign of life and when to give a client up. Knows times, not sockets.

use std::time::{Duration, Instant};

use crate::settings::Settings;

/// The clock of one session's pings.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    heard: Instant,
    /// When the last ping went, until its pong comes.
    asked: Option<Instant>,
    /// Its number.
    number: u32,
    /// Nothing was heard since.
    waits: bool,
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
        Self { heard: now, asked: None, number: 0, waits: false }
    }

    /// Anything at all came from the client.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.waits = false;
    }

    /// The payload of the ping that is asked for now.
    pub(crate) const fn payload(&self) -> [u8; 4] {
        self.number.to_be_bytes()
    }

    /// A pong came: how long it took, if it answers the last ping.
    pub(crate) fn ponged(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let asked = self.asked.take_if(|_| payload == self.number.to_be_bytes())?;
        Some(now.saturating_duration_since(asked))
    }

    /// When [`Heartbeat::beat`] will next have something to say.
    pub(crate) fn next(&self, settings: &Settings) -> Instant {
        match self.asked {
            Some(asked) if self.waits => asked + settings.ping_timeout,
            _ => self.heard + settings.ping_interval,
        }
    }

    pub(crate) fn beat(&mut self, settings: &Settings, now: Instant) -> Beat {
        if now < self.next(settings) {
            return Beat::Rest;
        }
        if self.waits {
            return Beat::Dead;
        }
        self.asked = Some(now);
        self.number = self.number.wrapping_add(1);
        self.waits = true;
        Beat::Ask
    }
}

#[cfg(test)]
mod tests {
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
    fn only_the_pong_of_the_last_ping_tells_the_latency_and_once() {
        let (mut heart, settings, now) = start();
        assert_eq!(heart.ponged(&heart.payload(), now), None, "nobody has asked");
        let asked = now + INTERVAL;
        assert_eq!(heart.beat(&settings, asked), Beat::Ask);
        let payload = heart.payload();
        heart.heard(asked);
        assert_eq!(heart.ponged(b"else", asked), None);
        assert_eq!(heart.ponged(&payload, asked + TIMEOUT / 2), Some(TIMEOUT / 2));
        assert_eq!(heart.ponged(&payload, asked + TIMEOUT), None);
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
