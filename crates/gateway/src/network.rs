//! How many connections each network has. It does not know how a client's address is found.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_ratelimit::Network;

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
        Network::of(ip.parse().unwrap())
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
