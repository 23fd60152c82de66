//! `flate2` as its documentation shows it: `compress_vec` and `decompress_vec` into a vector with room, here on zlib-rs too. It has
//! no memory level: 8, always.

use std::rc::Rc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::work::{MAX_BYTES, Work};

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub struct Deflating {
    work: Work,
    compress: Compress,
    out: Vec<u8>,
}

impl Deflating {
    pub fn new(work: Work) -> Self {
        let compress = Compress::new(Compression::new(work.level.into()), false);
        Self { work, compress, out: Vec::new() }
    }

    /// Bytes that go out.
    pub fn all(&mut self) -> usize {
        self.compress.reset();
        let mut sent = 0;
        for message in self.work.messages.iter() {
            if self.work.is_small(message) {
                sent += message.len();
                continue;
            }
            if !self.work.takeover {
                self.compress.reset();
            }
            self.out.clear();
            // What does not compress grows by a header for each block.
            self.out.reserve(message.len() + message.len() / 1000 + 64);
            let status = self.compress.compress_vec(message, &mut self.out, FlushCompress::Sync);
            assert!(status.is_ok() && self.out.ends_with(&TAIL));
            sent += self.work.sent(message, self.out.len() - TAIL.len());
        }
        sent
    }
}

pub struct Inflating {
    work: Work,
    decompress: Decompress,
    out: Vec<u8>,
}

impl Inflating {
    pub fn new(work: Work) -> Self {
        Self { work, decompress: Decompress::new(false), out: Vec::new() }
    }

    /// Bytes that come out.
    pub fn all(&mut self) -> usize {
        self.decompress.reset(false);
        let mut inflated = 0;
        let payloads = Rc::clone(&self.work.payloads);
        for payload in payloads.iter() {
            if !self.work.takeover {
                self.decompress.reset(false);
            }
            self.out.clear();
            for input in [payload, &TAIL[..]] {
                self.append(input);
            }
            inflated += self.out.len();
        }
        inflated
    }

    fn append(&mut self, input: &[u8]) {
        let (start, mut rest) = (self.decompress.total_in(), input);
        loop {
            if self.out.capacity() - self.out.len() < 1024 {
                self.out.reserve(rest.len() * 4 + 1024);
            }
            let sync = FlushDecompress::Sync;
            assert!(self.decompress.decompress_vec(rest, &mut self.out, sync).is_ok());
            assert!(self.out.len() <= MAX_BYTES);
            rest = &input[(self.decompress.total_in() - start) as usize..];
            if rest.is_empty() && self.out.len() < self.out.capacity() {
                return;
            }
        }
    }
}

/// What a connection holds when each has a stream of its own for each direction.
pub fn connection(work: &Work) -> (Compress, Decompress) {
    let (mut compress, mut decompress) =
        (Compress::new(Compression::new(work.level.into()), false), Decompress::new(false));
    let mut out = Vec::with_capacity(4096);
    let _ = compress.compress_vec(&work.messages[0], &mut out, FlushCompress::Sync);
    let _ = decompress.decompress_vec(&work.payloads[0], &mut out, FlushDecompress::Sync);
    (compress, decompress)
}
