//! The envelope of a batch: `{"type":"batch","messages":[…]}`. Its parts are encoded already.

use bytes::{BufMut, Bytes, BytesMut};

use crate::form::Encoding;
use crate::pack;

/// The value of `type` in a batch.
pub(crate) const TYPE: &str = "batch";
/// The key of the parts.
pub(crate) const MESSAGES: &str = "messages";

const JSON_START: &[u8] = br#"{"type":"batch","messages":["#;
const JSON_END: &[u8] = b"]}";
/// A map of two: `type`, `batch`, `messages`. The array's header follows.
const PACKED_START: &[u8] = b"\x82\xa4type\xa5batch\xa8messages";

/// How many levels a batch adds around a message.
pub(crate) const LEVELS: usize = 2;

/// Whether a payload (uncompressed) begins as [`wrap`] lets a batch begin.
pub(crate) fn is_start(payload: &[u8], encoding: Encoding) -> bool {
    payload.starts_with(match encoding {
        Encoding::Json => JSON_START,
        Encoding::MessagePack => PACKED_START,
    })
}

/// The parts in one envelope, in their order.
pub(crate) fn wrap(parts: &[Bytes], encoding: Encoding) -> Bytes {
    let inside: usize = parts.iter().map(|part| part.len() + 1).sum();
    let mut out = BytesMut::with_capacity(JSON_START.len() + inside + JSON_END.len());
    match encoding {
        Encoding::Json => {
            out.put_slice(JSON_START);
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.put_u8(b',');
                }
                out.put_slice(part);
            }
            out.put_slice(JSON_END);
        }
        Encoding::MessagePack => {
            out.put_slice(PACKED_START);
            let mut header = Vec::with_capacity(5);
            pack::array_header(&mut header, u32::try_from(parts.len()).unwrap_or(u32::MAX));
            out.put_slice(&header);
            parts.iter().for_each(|part| out.put_slice(part));
        }
    }
    out.freeze()
}
