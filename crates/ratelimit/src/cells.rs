//! Memory for the logs of many keys: blocks of one size, handed out by number. It does not know what is in them.

/// Blocks that are allocated at one time: few, so that little is held that nobody uses.
const CHUNK: usize = 16;

/// Blocks of `stride` cells. One that is given back is the next to be handed out.
#[derive(Debug)]
pub(crate) struct Cells {
    stride: usize,
    chunks: Vec<Box<[u32]>>,
    handed_out: u32,
    /// The block last given back; its first cell names the one before.
    free: u32,
}

/// No block.
pub(crate) const NONE: u32 = u32::MAX;

impl Cells {
    /// `stride` is at least 1.
    pub(crate) const fn new(stride: usize) -> Self {
        Self { stride, chunks: Vec::new(), handed_out: 0, free: NONE }
    }

    /// A store of blocks of the same size, without any.
    pub(crate) const fn empty(&self) -> Self {
        Self::new(self.stride)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * self.stride * size_of::<u32>()
            + self.chunks.capacity() * size_of::<Box<[u32]>>()
    }

    /// A block, with anything in it.
    pub(crate) fn take(&mut self) -> u32 {
        if self.free != NONE {
            let block = self.free;
            self.free = self.get(block).first().copied().unwrap_or(NONE);
            return block;
        }
        let block = self.handed_out;
        if block as usize == self.chunks.len() * CHUNK {
            self.chunks.reserve_exact(self.chunks.len() / 8 + 1);
            self.chunks.push(vec![0; self.stride * CHUNK].into());
        }
        self.handed_out += 1;
        block
    }

    /// Gives a block back.
    pub(crate) fn give_back(&mut self, block: u32) {
        let before = self.free;
        if let Some(first) = self.get_mut(block).first_mut() {
            *first = before;
            self.free = block;
        }
    }

    pub(crate) fn get(&self, block: u32) -> &[u32] {
        let (chunk, start) = self.place(block);
        let chunk = self.chunks.get(chunk);
        chunk.and_then(|chunk| chunk.get(start..start + self.stride)).unwrap_or_default()
    }

    pub(crate) fn get_mut(&mut self, block: u32) -> &mut [u32] {
        let (chunk, start) = self.place(block);
        let stride = self.stride;
        let chunk = self.chunks.get_mut(chunk);
        chunk.and_then(|chunk| chunk.get_mut(start..start + stride)).unwrap_or_default()
    }

    fn place(&self, block: u32) -> (usize, usize) {
        (block as usize / CHUNK, block as usize % CHUNK * self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_and_used_again() {
        let mut cells = Cells::new(3);
        let blocks: Vec<u32> = (0..40).map(|_| cells.take()).collect();
        for &block in &blocks {
            cells.get_mut(block).fill(block);
        }
        assert!(blocks.iter().all(|&block| cells.get(block) == [block; 3]));
        cells.give_back(7);
        cells.give_back(30);
        assert_eq!([cells.take(), cells.take(), cells.take()], [30, 7, 40]);
        assert_eq!(cells.chunks.len(), 3);
    }

    #[test]
    fn no_block_is_empty() {
        assert!(Cells::new(3).get(NONE).is_empty());
        assert!(Cells::new(3).get_mut(5).is_empty());
    }
}
