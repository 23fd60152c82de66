//! WebSocket frames (RFC 6455, section 5.2), as a client writes and reads them. It knows no messages.
//!
//! The masking key of our own frames is zero: allowed, and the payload stays as it was prepared.

/// What a frame is.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;
}

/// No server has a reason to send more at once.
const MAX_PAYLOAD: u64 = 64 << 20;

/// The head of a frame from a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whether it is the last of its message.
    pub(crate) fin: bool,
    pub(crate) opcode: u8,
    /// Bytes of the head.
    pub(crate) head: usize,
    /// Bytes behind it.
    pub(crate) payload: usize,
}

/// Writes the head of a whole message of ours.
pub(crate) fn write_head(opcode: u8, payload: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload {
        // Each arm's cast is within its pattern.
        0..=125 => out.push(0x80 | payload as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend((payload as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend((payload as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
}

/// Writes a whole message of ours.
pub(crate) fn write(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    write_head(opcode, payload.len(), out);
    out.extend(payload);
}

/// Reads a head; `None` while it is not all there.
///
/// # Errors
/// What a server may not send, in words.
pub(crate) fn read_head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err("a frame with bits of an extension that was not agreed");
    }
    if second & 0x80 != 0 {
        return Err("a masked frame");
    }
    let (payload, head) = match second {
        126 => match rest.first_chunk::<2>() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        length => (u64::from(length), 2),
    };
    if payload > MAX_PAYLOAD {
        return Err("a frame of more than 64 MiB");
    }
    Ok(Some(Head { fin: first & 0x80 != 0, opcode: first & 15, head, payload: payload as usize }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head of ours as a server would have sent it: without the mask.
    fn returned(payload: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_head(opcode::TEXT, payload, &mut bytes);
        bytes.truncate(bytes.len() - 4);
        bytes[1] &= 0x7f;
        bytes
    }

    #[test]
    fn all_three_lengths_come_back() {
        for (payload, head) in [(0, 2), (125, 2), (126, 4), (0xffff, 4), (0x1_0000, 10)] {
            let expected = Head { fin: true, opcode: opcode::TEXT, head, payload };
            assert_eq!(read_head(&returned(payload)), Ok(Some(expected)));
        }
    }

    #[test]
    fn a_part_of_a_head_is_waited_for() {
        let whole = returned(70_000);
        for length in 0..whole.len() {
            assert_eq!(read_head(&whole[..length]), Ok(None));
        }
    }

    #[test]
    fn what_a_server_may_not_send_is_an_error() {
        assert!(read_head(&[0xc1, 0]).is_err());
        assert!(read_head(&[0x81, 0x80]).is_err());
        assert!(read_head(&[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]).is_err());
    }
}
