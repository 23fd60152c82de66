//! gzip and lz4 for one payload, and back without ever making more than a limit allows.

use std::io::{Read, Write};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use crate::error::{Fail, Fault};
use crate::form::Compression;

/// An LZ4 sequence makes at most 255 bytes of one, but for a few at its ends.
const LZ4_MAX_RATIO: usize = 255;

/// Appends the compressed data. `false` where that cannot be done; what was appended is then void.
pub(crate) fn compress(with: Compression, data: &[u8], level: u32, out: &mut Vec<u8>) -> bool {
    match with {
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(out, flate2::Compression::new(level));
            encoder.write_all(data).and_then(|()| encoder.finish()).is_ok()
        }
        Compression::Lz4 => {
            let Ok(length) = u32::try_from(data.len()) else { return false };
            out.extend_from_slice(&length.to_le_bytes());
            let start = out.len();
            out.resize(start + lz4_flex::block::get_maximum_output_size(data.len()), 0);
            let room = out.get_mut(start..).unwrap_or_default();
            let Ok(written) = lz4_flex::block::compress_into(data, room) else { return false };
            out.truncate(start + written);
            true
        }
    }
}

/// What was compressed, if it is no larger than `max_bytes`. `at` is where the data begins.
pub(crate) fn decompress(
    with: Compression,
    data: &[u8],
    at: usize,
    max_bytes: usize,
) -> Result<Vec<u8>, Fail> {
    match with {
        Compression::Gzip => gunzip(data, at, max_bytes),
        Compression::Lz4 => unlz4(data, at, max_bytes),
    }
}

fn gunzip(data: &[u8], at: usize, max_bytes: usize) -> Result<Vec<u8>, Fail> {
    let mut rest = data;
    let mut decoder = GzDecoder::new(&mut rest);
    let mut out = Vec::with_capacity(data.len().saturating_mul(4).min(max_bytes));
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let outcome = decoder.by_ref().take(limit).read_to_end(&mut out);
    let consumed = at + data.len() - rest.len();
    if out.len() > max_bytes {
        return Err(Fail::new(consumed, Fault::TooLarge { limit: max_bytes }));
    }
    if outcome.is_err() || !rest.is_empty() {
        return Err(Fail::new(consumed, Fault::Compressed("gzip")));
    }
    Ok(out)
}

fn unlz4(data: &[u8], at: usize, max_bytes: usize) -> Result<Vec<u8>, Fail> {
    let damaged = || Fail::new(at, Fault::Compressed("lz4"));
    let (length, block) = data.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > max_bytes {
        return Err(Fail::new(at, Fault::TooLarge { limit: max_bytes }));
    }
    if length / LZ4_MAX_RATIO > block.len() {
        return Err(damaged());
    }
    let mut out = vec![0; length];
    match lz4_flex::block::decompress_into(block, &mut out) {
        Ok(written) if written == length => Ok(out),
        _ => Err(damaged()),
    }
}
