//! Which logs there are, by their names, in shards with a lock each. Knows no content of a log.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::hot::Hot;
use crate::name::LogName;
use crate::sync::{Mutex, lock};

#[cfg(not(tidegate_loom))]
const SHARDS: usize = 64;
#[cfg(tidegate_loom)]
const SHARDS: usize = 1;

/// All logs in memory.
#[derive(Debug)]
pub(crate) struct Table {
    shards: Box<[Shard]>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Debug)]
struct Shard {
    logs: Mutex<HashTable<Arc<Hot>>>,
    /// Held while a log is brought in or put out, so that there is never a second one of a name.
    changing: Mutex<()>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let shard = |_| Shard { logs: Mutex::new(HashTable::new()), changing: Mutex::new(()) };
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    fn hash(&self, name: &LogName) -> u64 {
        self.hasher.hash_one(name.as_str())
    }

    fn shard(&self, hash: u64) -> &Shard {
        // The table itself uses the lowest and the highest bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// The log of a name, if it is in memory.
    #[inline]
    pub(crate) fn find(&self, name: &LogName) -> Option<Arc<Hot>> {
        let hash = self.hash(name);
        let logs = lock(&self.shard(hash).logs);
        logs.find(hash, |hot| hot.name() == name).cloned()
    }

    /// The log of a name; if it is not in memory, what `make` brings. Others of the shard can be used meanwhile, but
    /// none is brought in or put out.
    pub(crate) fn find_or<E>(
        &self,
        name: &LogName,
        make: impl FnOnce() -> Result<Option<Arc<Hot>>, E>,
    ) -> Result<Option<Arc<Hot>>, E> {
        if let Some(hot) = self.find(name) {
            return Ok(Some(hot));
        }
        let hash = self.hash(name);
        let shard = self.shard(hash);
        let _changing = lock(&shard.changing);
        if let Some(hot) = self.find(name) {
            return Ok(Some(hot));
        }
        let Some(hot) = make()? else { return Ok(None) };
        lock(&shard.logs).insert_unique(hash, Arc::clone(&hot), |hot| self.hash(hot.name()));
        Ok(Some(hot))
    }

    /// Puts out the log of a name, if `which` says so.
    pub(crate) fn put_out(
        &self,
        name: &LogName,
        which: impl FnOnce(&Arc<Hot>) -> bool,
    ) -> Option<Arc<Hot>> {
        let hash = self.hash(name);
        let shard = self.shard(hash);
        let _changing = lock(&shard.changing);
        let mut logs = lock(&shard.logs);
        let found = logs.find_entry(hash, |hot| hot.name() == name).ok()?;
        if !which(found.get()) {
            return None;
        }
        let hot = found.remove().0;
        if logs.len() < logs.capacity() / 4 {
            logs.shrink_to_fit(|hot| self.hash(hot.name()));
        }
        Some(hot)
    }

    /// Shows all logs, a shard at a time. Others of the shard wait meanwhile: what takes time is done afterwards.
    pub(crate) fn each(&self, mut show: impl FnMut(&Arc<Hot>)) {
        for shard in &self.shards {
            lock(&shard.logs).iter().for_each(&mut show);
        }
    }

    /// The logs of one shard after the other.
    pub(crate) fn by_shard(&self) -> impl Iterator<Item = Vec<Arc<Hot>>> {
        self.shards.iter().map(|shard| lock(&shard.logs).iter().cloned().collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(&shard.logs).len()).sum()
    }
}
