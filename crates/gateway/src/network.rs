//! Where a client comes from, as far as limits can tell, and how many connections each such place has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An IPv4 address, or the first 64 bits of an IPv6 one: a customer has the other 64 to choose from. An IPv4
/// address written as IPv6 is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self(match address.ip().to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// How many connections each network has. Holds an entry only for those that have one.
#[derive(Debug, Default)]
pub(crate) struct Networks(Mutex<HashMap<Network, usize>>);

impl Networks {
    /// Counts one more connection, unless there are `max` already.
    pub(crate) fn enter(self: &Arc<Self>, network: Network, max: usize) -> Option<Berth> {
        let mut connections = self.lock();
        let mine = connections.entry(network).or_default();
        if *mine >= max {
            return None;
        }
        *mine += 1;
        Some(Berth { networks: Arc::clone(self), network })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that counts for its network until this is dropped.
#[derive(Debug)]
#[must_use = "a berth that is dropped is free at once"]
pub(crate) struct Berth {
    networks: Arc<Networks>,
    network: Network,
}

impl Drop for Berth {
    fn drop(&mut self) {
        let mut connections = self.networks.lock();
        if let Some(mine) = connections.get_mut(&self.network) {
            *mine -= 1;
            if *mine == 0 {
                connections.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(ip: &str) -> Network {
        Network::of(SocketAddr::new(ip.parse().unwrap(), 1))
    }

    #[test]
    fn an_ipv6_network_has_64_bits_and_a_mapped_address_is_ipv4() {
        for (one, other, same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("192.0.2.1", "192.0.2.2", false),
            ("::1", "127.0.0.1", false),
        ] {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_network_has_its_berths_and_leaves_nothing_behind() {
        let networks = Arc::new(Networks::default());
        let (here, there) = (network("192.0.2.1"), network("192.0.2.2"));
        let berths = [networks.enter(here, 2), networks.enter(here, 2)];
        assert!(berths.iter().all(Option::is_some));
        assert!(networks.enter(here, 2).is_none());
        assert!(networks.enter(there, 2).is_some());
        drop(berths);
        assert!(networks.enter(here, 1).is_some());
        assert!(networks.lock().is_empty());
    }
}
