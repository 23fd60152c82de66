//! A hash table of what is held for each key: one array, sorted by hash, with gaps. It does not know limits.
//!
//! ```text
//! home     0    1    2    3    4    5    6    7  | spare
//! entry    ·   13   17   21    ·   55    ·   88  |  89   ·       hashes of 0..100
//! tag      0    3    7    1    0    5    0    8  |   9   0       their last digit, never 0
//! ```
//! The home of a hash is its share of the array. Entries stand in the order of their hashes, none before its home, and
//! no gap between an entry and its home. So a search ends at a gap, and a table is copied into a larger one in one
//! pass. It grows by a tenth, so that little of it is ever empty. A search reads tags, which are many to a cache line, and
//! mostly only the one entry that it finds.

use std::num::NonZeroU32;

/// Entries for 20 homes at most are 17.
const fn most_for(homes: usize) -> usize {
    homes / 20 * 17 + homes % 20 * 17 / 20
}

/// Homes for so many entries at least.
const fn homes_for(entries: usize) -> usize {
    entries.saturating_mul(20).div_ceil(17)
}

/// What stands in the table; the key's value is the caller's.
#[derive(Debug)]
pub(crate) struct Entry<K, V> {
    hash: NonZeroU32,
    pub(crate) key: K,
    pub(crate) value: V,
}

/// Of the bits that have the least to say about the home; never 0.
#[inline]
const fn tag(hash: NonZeroU32) -> u8 {
    match hash.get() as u8 {
        0 => 1,
        tag => tag,
    }
}

#[derive(Debug)]
pub(crate) struct Table<K, V> {
    /// A byte of each slot's hash, or 0 where there is none.
    tags: Vec<u8>,
    slots: Vec<Option<Entry<K, V>>>,
    homes: usize,
    len: usize,
}

impl<K, V> Table<K, V> {
    pub(crate) const SLOT_BYTES: usize = size_of::<Option<Entry<K, V>>>() + size_of::<u8>();

    pub(crate) const fn bytes(&self) -> usize {
        self.slots.capacity() * Self::SLOT_BYTES
    }
}

impl<K: Eq, V> Table<K, V> {
    pub(crate) const fn new() -> Self {
        Self { tags: Vec::new(), slots: Vec::new(), homes: 0, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Places that a walk over all entries looks at.
    pub(crate) const fn places(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(crate) fn find(&self, hash: NonZeroU32, key: &K) -> Option<usize> {
        let (home, wanted) = (self.home(hash), tag(hash));
        for (offset, &tag) in self.tags.get(home..)?.iter().enumerate() {
            if tag == wanted && self.is_at(home + offset, hash, key) {
                return Some(home + offset);
            }
            if tag == 0 {
                return None;
            }
        }
        None
    }

    #[inline]
    fn is_at(&self, place: usize, hash: NonZeroU32, key: &K) -> bool {
        self.get(place).is_some_and(|entry| entry.hash == hash && entry.key == *key)
    }

    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&Entry<K, V>> {
        self.slots.get(place)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Entry<K, V>> {
        self.slots.get_mut(place)?.as_mut()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry<K, V>> {
        self.slots.iter_mut().flatten()
    }

    /// Adds a key that is not there, and says where.
    pub(crate) fn insert(&mut self, hash: NonZeroU32, key: K, value: V) -> usize {
        if self.len >= most_for(self.homes) {
            self.resize(homes_for((self.len + self.len / 10).max(4)));
        }
        let (place, gap) = self.place_for(hash);
        if let Some(shifted) = self.slots.get_mut(place..=gap) {
            shifted.rotate_right(1);
        }
        if let Some(shifted) = self.tags.get_mut(place..=gap) {
            shifted.rotate_right(1);
        }
        if let Some(tagged) = self.tags.get_mut(place) {
            *tagged = tag(hash);
        }
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Some(Entry { hash, key, value });
            self.len += 1;
        }
        place
    }

    /// Takes out what stands there; what follows moves up.
    pub(crate) fn remove(&mut self, place: usize) -> Option<Entry<K, V>> {
        let removed = self.slots.get_mut(place)?.take()?;
        self.len -= 1;
        let mut gap = place;
        while let Some(entry) = self.get(gap + 1)
            && self.home(entry.hash) <= gap
        {
            self.slots.swap(gap, gap + 1);
            self.tags.swap(gap, gap + 1);
            gap += 1;
        }
        if let Some(tag) = self.tags.get_mut(gap) {
            *tag = 0;
        }
        Some(removed)
    }

    /// Gives memory back where little of it is used; says whether it did.
    pub(crate) fn shrink(&mut self) -> bool {
        let much = self.homes > 64 && self.len < self.homes / 4;
        if much {
            self.resize(homes_for((self.len + self.len / 10).max(4)));
        }
        much
    }

    #[inline]
    fn home(&self, hash: NonZeroU32) -> usize {
        ((u64::from(hash.get()) * self.homes as u64) >> 32) as usize
    }

    /// Where an entry of that hash goes, and the first gap from there; both are added if there is none.
    fn place_for(&mut self, hash: NonZeroU32) -> (usize, usize) {
        let home = self.home(hash);
        let before = |slot: &&Option<Entry<K, V>>| matches!(slot, Some(entry) if entry.hash < hash);
        let place = home + self.slots.iter().skip(home).take_while(before).count();
        let gap = place + self.tags.iter().skip(place).take_while(|tag| **tag != 0).count();
        if gap >= self.slots.len() {
            self.slots.reserve_exact(1);
            self.slots.push(None);
            self.tags.reserve_exact(1);
            self.tags.push(0);
        }
        (place, gap)
    }

    /// Copies all into an array of so many homes, which is more than there are entries.
    fn resize(&mut self, homes: usize) {
        // The last few entries may stand behind the last home.
        let mut slots = Vec::with_capacity(homes + 8);
        let before = std::mem::take(&mut self.slots);
        self.homes = homes;
        for entry in before.into_iter().flatten() {
            let home = self.home(entry.hash);
            while slots.len() < home {
                slots.push(None);
            }
            // A push alone would double the room.
            slots.reserve_exact(1);
            slots.push(Some(entry));
        }
        while slots.len() < homes {
            slots.push(None);
        }
        let tag = |slot: &Option<Entry<K, V>>| slot.as_ref().map_or(0, |entry| tag(entry.hash));
        // First the old ones go.
        self.tags = Vec::new();
        self.tags.reserve_exact(slots.capacity());
        self.tags.extend(slots.iter().map(tag));
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn hash(key: u32, spread: u32) -> NonZeroU32 {
        NonZeroU32::new(key.wrapping_mul(spread) | 1).unwrap()
    }

    fn assert_sound(table: &Table<u32, u32>) {
        let entries = || table.slots.iter().enumerate().filter_map(|(i, s)| Some((i, s.as_ref()?)));
        assert!(entries().map(|(_, entry)| entry.hash).is_sorted());
        for (place, entry) in entries() {
            let home = table.home(entry.hash);
            assert!((home..=place).all(|between| table.slots[between].is_some()));
        }
        assert_eq!(entries().count(), table.len());
        let tag = |slot: &Option<Entry<u32, u32>>| slot.as_ref().map_or(0, |entry| tag(entry.hash));
        assert!(table.slots.iter().map(tag).eq(table.tags.iter().copied()));
    }

    proptest! {
        #[test]
        fn it_is_a_map(
            steps in prop::collection::vec((0..200_u32, any::<bool>()), 1..600),
            spread in prop_oneof![Just(1), Just(0x9E37_79B1), Just(1 << 31), Just(u32::MAX)],
        ) {
            let (mut table, mut model) = (Table::new(), BTreeMap::new());
            for (key, add) in steps {
                let found = table.find(hash(key, spread), &key);
                prop_assert_eq!(found.is_some(), model.contains_key(&key));
                match (found, add) {
                    (None, true) => {
                        let place = table.insert(hash(key, spread), key, key + 1);
                        prop_assert_eq!(table.get(place).map(|entry| entry.key), Some(key));
                        model.insert(key, key + 1);
                    }
                    (Some(place), false) => {
                        prop_assert_eq!(table.remove(place).map(|entry| entry.value), model.remove(&key));
                        table.shrink();
                    }
                    _ => {}
                }
            }
            assert_sound(&table);
            for (key, value) in model {
                let place = table.find(hash(key, spread), &key).unwrap();
                prop_assert_eq!(table.get(place).map(|entry| entry.value), Some(value));
            }
        }
    }

    #[test]
    fn it_is_never_much_larger_than_what_it_holds() {
        let mut table = Table::new();
        for key in 0..10_000_u32 {
            table.insert(hash(key, 0x9E37_79B1), key, ());
            let room = table.slots.capacity().saturating_sub(16);
            assert!(
                key < 100 || room * 3 <= table.len() * 4 + 4,
                "{room} slots for {}",
                table.len()
            );
        }
    }

    #[test]
    fn it_gives_memory_back() {
        let mut table = Table::new();
        for key in 0..10_000_u32 {
            table.insert(hash(key, 0x9E37_79B1), key, ());
        }
        while let Some(place) = (0..table.places()).find(|&place| table.get(place).is_some()) {
            table.remove(place);
            table.shrink();
        }
        assert!(table.places() < 100);
    }
}
