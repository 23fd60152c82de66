//! A fixed table from text to a value, made once and asked for every key of every message.
//!
//! Open addressing over FNV-1a. Its contents are configured, never taken from a peer, so that no
//! peer can make it slow; its load is at most a half.

type Slot<V> = Option<(Box<str>, V)>;

/// An immutable map. A lookup of a key longer than the longest costs one comparison.
#[derive(Debug)]
pub(crate) struct Table<V> {
    slots: Box<[Slot<V>]>,
    longest: usize,
}

impl<V> Table<V> {
    /// Of two equal keys the first is kept.
    pub(crate) fn new(entries: Vec<(Box<str>, V)>) -> Self {
        let size = (entries.len() * 2).next_power_of_two().max(2);
        let longest = entries.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let mut slots: Box<[Slot<V>]> = (0..size).map(|_| None).collect();
        for (key, value) in entries {
            let free = Self::probe(size, &key).find(|&at| {
                slots.get(at).is_some_and(|s| s.as_ref().is_none_or(|(held, _)| *held == key))
            });
            if let Some(slot @ None) = free.and_then(|at| slots.get_mut(at)) {
                *slot = Some((key, value));
            }
        }
        Self { slots, longest }
    }

    pub(crate) fn find(&self, key: &str) -> Option<&V> {
        if key.len() > self.longest {
            return None;
        }
        for at in Self::probe(self.slots.len(), key) {
            match self.slots.get(at)? {
                Some((held, value)) if **held == *key => return Some(value),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// The slots to look at, in order; each once.
    fn probe(size: usize, key: &str) -> impl Iterator<Item = usize> + use<V> {
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let first = (hash ^ (hash >> 32)) as usize;
        (0..size).map(move |step| first.wrapping_add(step) & (size - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let keys: Vec<String> = (0..500).map(|n| format!("key_{n}")).collect();
        let table = Table::new(keys.iter().map(|k| (k.as_str().into(), k.len())).collect());
        assert!(keys.iter().all(|key| table.find(key) == Some(&key.len())));
        assert_eq!(table.find("key_500"), None);
        assert_eq!(table.find(""), None);
    }

    #[test]
    fn keeps_the_first_of_two_equal_keys() {
        let table = Table::new(vec![("a".into(), 1), ("a".into(), 2)]);
        assert_eq!(table.find("a"), Some(&1));
    }

    #[test]
    fn an_empty_table_finds_nothing() {
        assert_eq!(Table::<u8>::new(Vec::new()).find("a"), None);
    }
}
