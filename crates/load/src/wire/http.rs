//! Answers to pipelined HTTP publications. It reads their status and where they end, and knows nothing else of HTTP.

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Bytes of it.
    pub(crate) length: usize,
}

/// Reads the first answer in `bytes`; `None` while it is not all there.
///
/// # Errors
/// When that is no answer.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Answer>, &'static str> {
    if bytes.len() >= 5 && !bytes.starts_with(b"HTTP/") {
        return Err("no HTTP answer");
    }
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "an HTTP head that is no text")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or("an HTTP head without a status")?;
    let body = end + 4;
    let length = match field(head, "content-length") {
        Some(length) => length.parse().map_err(|_| "an HTTP body of no length")?,
        None if field(head, "transfer-encoding").is_some() => {
            match memchr::memmem::find(&bytes[body..], b"0\r\n\r\n") {
                Some(last) => last + 5,
                None => return Ok(None),
            }
        }
        None => 0,
    };
    Ok((bytes.len() - body >= length).then_some(Answer { status, length: body + length }))
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_where_they_say() {
        let counted = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 2";
        assert_eq!(read(counted), Ok(Some(Answer { status: 202, length: 46 })));
        let chunked = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        assert_eq!(read(chunked), Ok(Some(Answer { status: 503, length: chunked.len() })));
        let bare = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(read(bare), Ok(Some(Answer { status: 204, length: bare.len() })));
    }

    #[test]
    fn a_part_of_an_answer_is_waited_for() {
        let whole = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}";
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), Ok(None), "{length}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(read(b"\x81\x05hello").is_err());
    }
}
