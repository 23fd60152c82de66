//! The limits that many share: those of a user's and of an address's sessions, of handshakes, of the HTTP API.
//! It does not know how a refusal is told.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::time::Instant;

use tidegate_message::UserId;
use tidegate_ratelimit::{Keyed, Limit, Network, Refused, Totals};

use crate::config::{Config, Quota};

/// Who asks the HTTP API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// The holder of the API key.
    Key,
    /// Anybody else, by address; those without one count together.
    Address(Option<Network>),
}

/// A limit for each of many keys, or none.
#[derive(Debug)]
pub(crate) struct Shared<K>(Option<Keyed<K>>);

/// Every limit that outlives a session.
#[derive(Debug)]
pub(crate) struct SharedLimits {
    /// Commands of a user.
    pub(crate) user: Shared<UserId>,
    /// Commands of an address.
    pub(crate) ip: Shared<Network>,
    /// Handshakes of an address.
    pub(crate) ip_handshakes: Shared<Network>,
    /// Handshakes of all.
    pub(crate) handshakes: Shared<()>,
    /// Requests to the HTTP API.
    pub(crate) api: Shared<Caller>,
}

impl SharedLimits {
    pub(crate) fn new(config: &Config) -> Self {
        let (limits, listen) = (&config.rate_limit, &config.listen);
        let max_keys = limits.max_keys;
        let per_second = |count| (count > 0).then(|| Limit::per_second(count));
        Self {
            user: Shared::new(limits.user.as_ref().map(Quota::limit), max_keys),
            ip: Shared::new(limits.ip.as_ref().map(Quota::limit), max_keys),
            ip_handshakes: Shared::new(
                per_second(listen.max_handshakes_per_second_per_ip),
                max_keys,
            ),
            handshakes: Shared::new(per_second(listen.max_handshakes_per_second), 1),
            api: Shared::new(limits.api.as_ref().map(Quota::limit), max_keys),
        }
    }

    /// Whether two configurations ask for the same limits.
    pub(crate) fn are_same(one: &Config, other: &Config) -> bool {
        let handshakes = |config: &Config| {
            let listen = &config.listen;
            (listen.max_handshakes_per_second, listen.max_handshakes_per_second_per_ip)
        };
        one.rate_limit == other.rate_limit && handshakes(one) == handshakes(other)
    }

    /// Whether any limit on commands is on.
    pub(crate) fn concern_commands(&self) -> bool {
        self.user.0.is_some() || self.ip.0.is_some()
    }

    /// A command of this user from this address; one that either refuses counts for neither.
    pub(crate) fn command(
        &self,
        user: &UserId,
        ip: Option<Network>,
        now: Instant,
    ) -> Result<(), Refused> {
        both((&self.user, Some(user)), (&self.ip, ip.as_ref()), now)
    }

    /// A handshake from this address; one that either refuses counts for neither.
    pub(crate) fn handshake(&self, ip: Option<Network>, now: Instant) -> Result<(), Refused> {
        both((&self.ip_handshakes, ip.as_ref()), (&self.handshakes, Some(&())), now)
    }
}

impl<K: Hash + Eq + Clone> Shared<K> {
    pub(crate) fn new(limit: Option<Limit>, max_keys: usize) -> Self {
        let max_keys = NonZeroUsize::new(max_keys).unwrap_or(NonZeroUsize::MIN);
        Self(limit.map(|limit| Keyed::new(limit, max_keys)))
    }

    /// The limit and its keys, where there is one.
    pub(crate) fn keyed(&self) -> Option<&Keyed<K>> {
        self.0.as_ref()
    }

    /// Decides about one request, and counts it if it passes.
    pub(crate) fn check(&self, key: &K, now: Instant) -> Result<(), Refused> {
        let Some(keyed) = &self.0 else { return Ok(()) };
        keyed.check(key, now, 1).into_result(keyed.limit())
    }

    pub(crate) fn totals(&self) -> Totals {
        self.0.as_ref().map(Keyed::totals).unwrap_or_default()
    }
}

/// Passes if both limits let it; what one refuses the other does not count. The pairs are always asked in the same
/// order, as [`Keyed::check_if`] wants it.
fn both<A: Hash + Eq + Clone, B: Hash + Eq + Clone>(
    (first, a): (&Shared<A>, Option<&A>),
    (second, b): (&Shared<B>, Option<&B>),
    now: Instant,
) -> Result<(), Refused> {
    let mut rest = Ok(());
    let mut ask_second = || {
        rest = b.map_or(Ok(()), |key| second.check(key, now));
        rest.is_ok()
    };
    match (first.keyed(), a) {
        (Some(keyed), Some(key)) => {
            keyed.check_if(key, now, 1, ask_second).into_result(keyed.limit())?;
        }
        _ => {
            ask_second();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn limits(first: u32, second: u32) -> (Shared<u8>, Shared<u8>) {
        let limit = |count| Some(Limit::per_minute(count));
        (Shared::new(limit(first), 10), Shared::new(limit(second), 10))
    }

    fn left(shared: &Shared<u8>, now: Instant) -> u32 {
        match shared.keyed().unwrap().peek(&0, now, 0) {
            tidegate_ratelimit::Verdict::Allowed { remaining, .. } => remaining,
            refused => panic!("{refused:?}"),
        }
    }

    #[test]
    fn what_one_limit_refuses_the_other_does_not_count() {
        let now = Instant::now();
        for (first, second) in [(2, 5), (5, 2)] {
            let (one, other) = limits(first, second);
            for n in 0..4 {
                let passes = both((&one, Some(&0)), (&other, Some(&0)), now).is_ok();
                assert_eq!(passes, n < 2);
            }
            assert_eq!((left(&one, now), left(&other, now)), (first - 2, second - 2));
        }
    }

    #[test]
    fn without_limits_or_keys_everything_passes() {
        let now = Instant::now();
        let none: Shared<u8> = Shared::new(None, 10);
        let (one, _) = limits(1, 1);
        for _ in 0..10 {
            assert!(both((&none, Some(&0)), (&one, None), now).is_ok());
        }
        assert_eq!(none.totals(), Totals::default());
    }

    #[test]
    fn a_refused_key_of_either_limit_is_blocked() {
        let now = Instant::now();
        let blocking = Limit::per_second(1).block(Duration::from_secs(60));
        let (free, blocked) = (limits(9, 9).0, Shared::new(Some(blocking), 10));
        for _ in 0..2 {
            let _ = both((&free, Some(&0)), (&blocked, Some(&0)), now);
        }
        let later = now + Duration::from_secs(2);
        assert!(both((&free, Some(&0)), (&blocked, Some(&0)), later).is_err());
        assert_eq!(left(&free, later), 8);
    }
}
