//! A disk in memory that forgets, in chosen ways, what was not synced. Stands below the keeper in place of fjall.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tidegate_journal::disk::{Batch, Change, Mark, Marked, Row, Space, Store, StoreError, Visit};

use super::dice::Dice;

/// How a crash goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process ends: what the system has stays.
    Process,
    /// The machine ends: the first few of the commits that were not synced are there.
    Prefix,
    /// The machine ends: any of the commits that were not synced are there, others are not.
    Reordered,
    /// The same, and one of them is there in part.
    Torn,
}

type Rows = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// What outlives a crash: rows and the mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    synced: Rows,
    /// Commits since the last sync.
    unsynced: Vec<Batch>,
    /// What a reader sees.
    rows: Rows,
    mark: Option<u64>,
    synced_mark: Option<u64>,
    /// A store or mark of an earlier life changes nothing.
    life: u64,
    failed: bool,
    /// The next commit fails; whether it is there all the same.
    fail_commit: Option<bool>,
    fail_sync: bool,
    fail_reopen: bool,
    free: u64,
    pub(crate) syncs: u64,
    pub(crate) commits: u64,
}

/// One life of the store.
#[derive(Debug)]
pub(crate) struct SimStore {
    disk: Disk,
    life: u64,
}

/// One life of the mark.
#[derive(Debug)]
pub(crate) struct SimMark {
    disk: Disk,
    life: u64,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let disk = Self::default();
        disk.lock().free = u64::MAX;
        disk
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    pub(crate) fn open(&self) -> (SimStore, SimMark) {
        let mut content = self.lock();
        content.failed = false;
        let life = content.life;
        drop(content);
        let disk = self.clone();
        (SimStore { disk: disk.clone(), life }, SimMark { disk, life })
    }

    /// Ends this life and forgets.
    pub(crate) fn crash(&self, how: Crash, dice: &mut Dice) {
        let mut content = self.lock();
        content.life += 1;
        content.fail_commit = None;
        (content.fail_sync, content.fail_reopen) = (false, false);
        let unsynced = std::mem::take(&mut content.unsynced);
        if how == Crash::Process {
            content.unsynced = unsynced;
            return;
        }
        let mut rows = std::mem::take(&mut content.synced);
        let count = dice.below(unsynced.len() as u64 + 1) as usize;
        let torn = dice.below(unsynced.len() as u64 + 1) as usize;
        for (place, batch) in unsynced.iter().enumerate() {
            let stays = if how == Crash::Prefix { place < count } else { dice.chance(50) };
            let whole = how != Crash::Torn || place != torn;
            for change in batch.changes() {
                if stays && (whole || dice.chance(50)) {
                    apply(&mut rows, change);
                }
            }
        }
        if dice.chance(50) {
            content.mark = content.synced_mark;
        }
        content.synced_mark = content.mark;
        (content.synced, content.rows) = (rows.clone(), rows);
    }

    pub(crate) fn fail_commit(&self, there_all_the_same: bool) {
        self.lock().fail_commit = Some(there_all_the_same);
    }

    pub(crate) fn fail_sync(&self) {
        self.lock().fail_sync = true;
    }

    pub(crate) fn fail_reopen(&self) {
        self.lock().fail_reopen = true;
    }

    pub(crate) fn set_free(&self, free: u64) {
        self.lock().free = free;
    }

    /// How many syncs and commits there were.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let content = self.lock();
        (content.syncs, content.commits)
    }

    /// All rows, to be damaged.
    pub(crate) fn change_rows(&self, change: impl FnOnce(&mut Rows)) {
        let mut content = self.lock();
        change(&mut content.rows);
        content.synced = content.rows.clone();
        content.unsynced.clear();
    }

    pub(crate) fn set_mark(&self, mark: Option<u64>) {
        let mut content = self.lock();
        (content.mark, content.synced_mark) = (mark, mark);
    }
}

fn apply(rows: &mut Rows, change: &Change) {
    let key = (change.space, change.key.clone());
    match &change.value {
        Some(value) => rows.insert(key, value.clone()),
        None => rows.remove(&key),
    };
}

fn broken(what: &str) -> StoreError {
    StoreError::Disk(format!("the test says that the {what} fails"))
}

impl SimStore {
    fn content(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let content = self.disk.lock();
        if content.life == self.life { Ok(content) } else { Err(StoreError::Closed) }
    }

    fn writing(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let content = self.content()?;
        assert!(!content.failed, "nothing is written between a failure and `reopen`");
        Ok(content)
    }
}

impl Store for SimStore {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut content = self.writing()?;
        let failing = content.fail_commit.take();
        if failing != Some(false) {
            let content = &mut *content;
            batch.changes().iter().for_each(|change| apply(&mut content.rows, change));
            content.unsynced.push(batch.clone());
            content.commits += 1;
        }
        content.failed = failing.is_some();
        if content.failed { Err(broken("commit")) } else { Ok(()) }
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut content = self.writing()?;
        if std::mem::take(&mut content.fail_sync) {
            content.failed = true;
            return Err(broken("sync"));
        }
        let content = &mut *content;
        for batch in content.unsynced.drain(..) {
            batch.changes().iter().for_each(|change| apply(&mut content.synced, change));
        }
        content.syncs += 1;
        Ok(())
    }

    fn row(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let content = self.content()?;
        Ok(content.rows.get(&(space, key.to_vec())).map(|value| Bytes::copy_from_slice(value)))
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let content = self.content()?;
        for ((_, key), value) in content.rows.range((space, from.to_vec())..(space, to.to_vec())) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn last(&self, space: Space, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError> {
        let content = self.content()?;
        let row = content.rows.range((space, from.to_vec())..(space, to.to_vec())).next_back();
        let copy = Bytes::copy_from_slice;
        Ok(row.map(|((_, key), value)| (copy(key), copy(value))))
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut content = self.content()?;
        if std::mem::take(&mut content.fail_reopen) {
            return Err(broken("reopening"));
        }
        content.failed = false;
        Ok(())
    }

    fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(self.content()?.free))
    }
}

impl Mark for SimMark {
    fn read(&self) -> io::Result<Marked> {
        Ok(self.disk.lock().mark.map_or(Marked::Never, Marked::At))
    }

    fn write(&mut self, ordinal: u64, sync: bool) -> io::Result<()> {
        let mut content = self.disk.lock();
        if content.life != self.life {
            return Err(io::Error::other("an earlier life"));
        }
        content.mark = Some(ordinal);
        if sync {
            content.synced_mark = Some(ordinal);
        }
        Ok(())
    }
}
