//! The outbound half of an agreement, and the compressors of a thread.

use std::cell::RefCell;

use bytes::Bytes;
use tidegate_deflate::{
    Compressor, Direction, Settings, TakeoverCompressor, TakeoverSlot, Verdict,
};

use super::Deflate;
use crate::prepared::Prepared;

/// Compressors that a thread keeps for different settings; a process has one kind, rarely two.
const MAX_KINDS: usize = 4;

thread_local! {
    static COMPRESSORS: RefCell<Vec<(Settings, Compressor)>> = const { RefCell::new(Vec::new()) };
    /// Where compressed bytes are written before their length is known.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Compresses by itself, with the thread's compressor; `None` if the message is to be sent as it is.
pub(crate) fn compressed(
    settings: Settings,
    direction: Direction,
    message: &[u8],
) -> Option<Bytes> {
    COMPRESSORS.with_borrow_mut(|kinds| {
        let at = kinds.iter().position(|(kind, _)| *kind == settings).unwrap_or_else(|| {
            kinds.truncate(MAX_KINDS - 1);
            kinds.insert(0, (settings, Compressor::new(settings)));
            0
        });
        let (_, compressor) = kinds.get_mut(at)?;
        in_scratch(|out| compressor.compress(message, direction, out))
    })
}

/// Gives what was written in a buffer of exactly its length.
fn in_scratch(compress: impl FnOnce(&mut Vec<u8>) -> Verdict) -> Option<Bytes> {
    SCRATCH.with_borrow_mut(|out| {
        out.clear();
        match compress(out) {
            Verdict::Compressed => Some(Bytes::copy_from_slice(out)),
            Verdict::Raw => None,
        }
    })
}

/// How one end of a connection compresses: by which settings, and what was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Of the process: all connections have the same.
    pub settings: Settings,
    /// Of the connection.
    pub direction: Direction,
}

/// The outbound half of [`Agreed`](crate::Agreed), for an [`Encoder`](crate::Encoder). Owns nothing but the agreement,
/// unless it takes over context.
#[derive(Debug)]
pub struct Compressing {
    deflate: Deflate,
    direction: Direction,
    context: Context,
}

#[derive(Debug)]
enum Context {
    None,
    /// Until the first message.
    Allowed(TakeoverSlot),
    Kept(Box<TakeoverCompressor>),
}

impl Compressing {
    pub(super) fn new(deflate: Deflate, direction: Direction, slot: Option<TakeoverSlot>) -> Self {
        let context = slot.map_or(Context::None, Context::Allowed);
        Self { deflate, direction, context }
    }

    pub(crate) fn compression(&self) -> Compression {
        Compression { settings: self.deflate.shared.settings, direction: self.direction }
    }

    /// The frame as it goes to this peer. One that was decided about for many is sent as it is.
    pub(crate) fn frame(&mut self, frame: Prepared) -> Prepared {
        let settings = self.deflate.shared.settings;
        if frame.is_decided() {
            if let (Context::Kept(compressor), true) = (&mut self.context, frame.is_compressed()) {
                compressor.reset();
            }
            return frame;
        }
        self.context = match std::mem::replace(&mut self.context, Context::None) {
            Context::Allowed(slot) => {
                Context::Kept(Box::new(TakeoverCompressor::new(settings, self.direction, slot)))
            }
            other => other,
        };
        let Context::Kept(compressor) = &mut self.context else {
            return frame.deflated(settings, self.direction);
        };
        let payload = in_scratch(|out| compressor.compress(frame.payload(), out));
        frame.decided(payload)
    }
}
