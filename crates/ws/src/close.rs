//! Close frames: which codes may stand in one, and how its body is read and written (RFC 6455, 5.5.1 and 7.4).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::Violation;
use crate::text::Text;

/// Payload that a control frame may carry, in bytes.
pub(crate) const MAX_CONTROL_BYTES: usize = 125;
/// What the code leaves of it for the reason.
pub(crate) const MAX_REASON_BYTES: usize = MAX_CONTROL_BYTES - 2;

/// Why the peer closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// One of the codes that RFC 6455 7.4 and the IANA registry allow in a frame.
    pub code: u16,
    /// At most 123 bytes of prose; often empty.
    pub reason: Text,
}

/// Whether a code may stand in a Close frame: the assigned ones of the registry, libraries' and private ones.
/// 1005, 1006 and 1015 are words for what was not said, and never sent.
#[must_use]
pub(crate) const fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads the body of a Close frame. An error carries the index of the byte at fault.
pub(crate) fn parse(mut body: Bytes) -> Result<Option<CloseFrame>, (Violation, usize)> {
    let &[high, low, ..] = &body[..] else {
        return if body.is_empty() { Ok(None) } else { Err((Violation::CloseBody, 0)) };
    };
    let code = u16::from_be_bytes([high, low]);
    if !is_sendable(code) {
        return Err((Violation::CloseCode, 0));
    }
    let reason = Text::try_from(body.split_off(2))
        .map_err(|error| (Violation::CloseReason, 2 + error.valid_up_to()))?;
    Ok(Some(CloseFrame { code, reason }))
}

/// Writes the body of a Close frame: the reason is cut to 123 bytes between characters; a code that may not
/// be sent leaves the body empty.
pub(crate) fn body(code: u16, reason: &str) -> Bytes {
    if !is_sendable(code) {
        return Bytes::new();
    }
    let end = reason.floor_char_boundary(MAX_REASON_BYTES);
    let reason = &reason.as_bytes()[..end];
    let mut body = BytesMut::with_capacity(2 + reason.len());
    body.put_u16(code);
    body.put_slice(reason);
    body.freeze()
}
