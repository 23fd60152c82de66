//! Values in numbered places, and lists through them: to take one out of the middle costs no search, and a
//! place is used again. It knows no time.

/// No place.
const NONE: u32 = u32::MAX;

/// A place that a value had; a later value in the same place has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    index: u32,
    generation: u32,
}

impl Place {
    /// As one number, for others to keep.
    pub(crate) const fn to_u64(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    pub(crate) const fn from_u64(number: u64) -> Self {
        Self { index: number as u32, generation: (number >> 32) as u32 }
    }
}

#[derive(Debug)]
pub(crate) struct Slab<T> {
    nodes: Vec<Node<T>>,
    /// The first free place; the others follow by `next`.
    free: u32,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    value: Option<T>,
    previous: u32,
    next: u32,
    generation: u32,
}

/// A list through the places of a slab. A value is in one list at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl List {
    pub(crate) const fn is_empty(&self) -> bool {
        self.first == NONE
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: NONE, len: 0 }
    }
}

impl<T> Slab<T> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Puts a value into a place; `None` with four billion inside.
    pub(crate) fn insert(&mut self, value: T) -> Result<Place, T> {
        if let Some(node) = self.nodes.get_mut(self.free as usize) {
            let index = std::mem::replace(&mut self.free, node.next);
            (node.previous, node.next, node.value) = (NONE, NONE, Some(value));
            self.len += 1;
            return Ok(Place { index, generation: node.generation });
        }
        let index = match u32::try_from(self.nodes.len()) {
            Ok(index) if index < NONE => index,
            _ => return Err(value),
        };
        self.nodes.push(Node { value: Some(value), previous: NONE, next: NONE, generation: 0 });
        self.len += 1;
        Ok(Place { index, generation: 0 })
    }

    pub(crate) fn get(&self, place: Place) -> Option<&T> {
        let node = self.nodes.get(place.index as usize)?;
        node.value.as_ref().filter(|_| node.generation == place.generation)
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        let node = self.nodes.get_mut(place.index as usize)?;
        node.value.as_mut().filter(|_| node.generation == place.generation)
    }

    /// All values, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &T)> {
        let places = self.nodes.iter().zip(0..);
        places.filter_map(|(node, index)| {
            Some((Place { index, generation: node.generation }, node.value.as_ref()?))
        })
    }

    /// The first of a list.
    pub(crate) fn first(&self, list: &List) -> Option<Place> {
        let node = self.nodes.get(list.first as usize)?;
        Some(Place { index: list.first, generation: node.generation })
    }

    /// Adds a value that is in no list to the end of one.
    pub(crate) fn append(&mut self, list: &mut List, place: Place) {
        let Some(node) = self.nodes.get_mut(place.index as usize) else { return };
        (node.previous, node.next) = (list.last, NONE);
        match self.nodes.get_mut(list.last as usize) {
            Some(last) => last.next = place.index,
            None => list.first = place.index,
        }
        list.last = place.index;
    }

    /// Takes a value out of the list that it is in.
    pub(crate) fn unlink(&mut self, list: &mut List, place: Place) {
        let Some(node) = self.nodes.get_mut(place.index as usize) else { return };
        let (previous, next) = (node.previous, node.next);
        (node.previous, node.next) = (NONE, NONE);
        match self.nodes.get_mut(previous as usize) {
            Some(node) => node.next = next,
            None => list.first = next,
        }
        match self.nodes.get_mut(next as usize) {
            Some(node) => node.previous = previous,
            None => list.last = previous,
        }
    }

    /// Takes a value that is in no list out of its place.
    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        let node = self.nodes.get_mut(place.index as usize)?;
        if node.generation != place.generation {
            return None;
        }
        let value = node.value.take()?;
        node.generation = node.generation.wrapping_add(1);
        node.next = std::mem::replace(&mut self.free, place.index);
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(slab: &mut Slab<u32>, list: &mut List) -> Vec<u32> {
        let mut values = Vec::new();
        while let Some(place) = slab.first(list) {
            slab.unlink(list, place);
            values.extend(slab.remove(place));
        }
        values
    }

    #[test]
    fn list_keeps_its_order_when_any_of_it_is_taken_out() {
        for gone in 0..3 {
            let (mut slab, mut list) = (Slab::default(), List::default());
            let places: Vec<_> = (0..3).map(|value| slab.insert(value).unwrap()).collect();
            places.iter().for_each(|place| slab.append(&mut list, *place));
            slab.unlink(&mut list, places[gone]);
            assert_eq!(slab.remove(places[gone]), Some(gone as u32));
            let left: Vec<_> = (0..3).filter(|value| *value != gone as u32).collect();
            assert_eq!(values(&mut slab, &mut list), left);
            assert!(list.is_empty() && slab.len() == 0);
        }
    }

    #[test]
    fn place_that_is_used_again_is_another_one() {
        let mut slab = Slab::default();
        let old = slab.insert('a').unwrap();
        assert_eq!(slab.remove(old), Some('a'));
        let new = slab.insert('b').unwrap();
        assert_eq!(slab.get(old), None);
        assert_eq!(slab.remove(old), None);
        assert_eq!((slab.get(new), slab.len(), slab.nodes.len()), (Some(&'b'), 1, 1));
        assert_eq!(Place::from_u64(new.to_u64()), new);
    }
}
