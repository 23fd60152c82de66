//! The floor: one call of zlib-rs for a message, into a buffer that is large enough. No limit, no check that the
//! message is whole, no copy to where it is wanted.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush};

use crate::work::{MAX_BYTES, Work};

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub struct Deflating {
    work: Work,
    deflate: Deflate,
    out: Vec<u8>,
}

impl Deflating {
    pub fn new(work: Work) -> Self {
        Self { deflate: deflate(&work), work, out: vec![0; MAX_BYTES] }
    }

    /// Bytes that go out.
    pub fn all(&mut self) -> usize {
        self.deflate.reset();
        let mut sent = 0;
        for message in self.work.messages.iter() {
            if self.work.is_small(message) {
                sent += message.len();
                continue;
            }
            if !self.work.takeover {
                self.deflate.reset();
            }
            let before = self.deflate.total_out();
            let status = self.deflate.compress(message, &mut self.out, DeflateFlush::SyncFlush);
            assert!(status.is_ok());
            let payload = (self.deflate.total_out() - before) as usize - TAIL.len();
            sent += self.work.sent(message, payload);
        }
        sent
    }
}

pub struct Inflating {
    work: Work,
    inflate: Inflate,
    out: Vec<u8>,
}

impl Inflating {
    pub fn new(work: Work) -> Self {
        Self { work, inflate: Inflate::new(false, 15), out: vec![0; MAX_BYTES] }
    }

    /// Bytes that come out.
    pub fn all(&mut self) -> usize {
        self.inflate.reset(false);
        let mut inflated = 0;
        for payload in self.work.payloads.iter() {
            if !self.work.takeover {
                self.inflate.reset(false);
            }
            let before = self.inflate.total_out();
            let mut written = 0;
            for input in [payload, &TAIL[..]] {
                let status = self.inflate.decompress(
                    input,
                    &mut self.out[written..],
                    InflateFlush::SyncFlush,
                );
                assert!(status.is_ok());
                written = (self.inflate.total_out() - before) as usize;
            }
            inflated += written;
        }
        inflated
    }
}

/// What a connection holds when each has a stream of its own for each direction.
pub fn connection(work: &Work) -> (Deflate, Inflate) {
    let (mut deflate, mut inflate, mut out) =
        (deflate(work), Inflate::new(false, 15), vec![0; 4096]);
    let _ = deflate.compress(&work.messages[0], &mut out, DeflateFlush::SyncFlush);
    let _ = inflate.decompress(&work.payloads[0], &mut out, InflateFlush::SyncFlush);
    (deflate, inflate)
}

fn deflate(work: &Work) -> Deflate {
    let level = DeflateConfig::new(work.level.into());
    let mem_level = work.memory_level.into();
    Deflate::new_with_config(DeflateConfig { window_bits: -15, mem_level, ..level })
}
