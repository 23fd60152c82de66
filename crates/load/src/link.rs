//! One connection's bytes: the upgrade, frames, fragments, what is not written yet. It knows not what messages mean.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::clock;
use crate::wire::frame::{self, Head, opcode};
use crate::wire::handshake::{self, Answer};
use crate::wire::http;

/// More than this waits for no connection: what is sent then counts as unsent.
const MAX_BACKLOG: usize = 8 << 20;

/// One connection.
///
/// At rest it owns no buffer: bytes are kept only while a frame is partial, or while the socket takes none.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    speaks: Speaks,
    partial: Vec<u8>,
    backlog: Vec<u8>,
    written: usize,
    fragments: Option<Vec<u8>>,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// The answer to the upgrade.
    Upgrade,
    Frames,
    /// Answers to publications.
    Http,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input<'a> {
    Upgraded,
    Message(&'a [u8]),
    Ping(&'a [u8]),
    /// A close frame; without a code 1005.
    Close(u16, &'a [u8]),
    /// The status of a publication.
    Answered(u16),
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// HTTP, but no upgrade: the status.
    NotUpgraded(String),
    /// No WebSocket server: what it said.
    Strange(String),
    /// A close frame: its code, and its reason.
    Closed(u16, String),
    /// In words.
    Broken(&'static str),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUpgraded(status) => write!(f, "upgrade refused with {status}"),
            Self::Strange(said) => write!(f, "upgrade answered with {said}"),
            Self::Closed(code, reason) => write!(f, "closed {code} {reason}"),
            Self::Broken(how) => f.write_str(how),
        }
    }
}

impl Link {
    pub(crate) fn new(stream: TcpStream, speaks: Speaks) -> Self {
        Self {
            stream,
            speaks,
            partial: Vec::new(),
            backlog: Vec::new(),
            written: 0,
            fragments: None,
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    pub(crate) fn speaks_http(&self) -> bool {
        self.speaks == Speaks::Http
    }

    /// Whether something waits to be written.
    pub(crate) fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Whether more may be sent now.
    pub(crate) fn has_room(&self) -> bool {
        self.backlog.len() < MAX_BACKLOG
    }

    /// Writes what the socket takes, and keeps the rest.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        let mut taken = 0;
        if self.backlog.is_empty() {
            taken = write(&mut self.stream, bytes)?;
        }
        self.backlog.extend(&bytes[taken..]);
        Ok(())
    }

    /// Writes more of what was kept.
    pub(crate) fn flush(&mut self) -> Result<(), End> {
        self.written += write(&mut self.stream, &self.backlog[self.written..])?;
        if self.written == self.backlog.len() {
            self.backlog = Vec::new();
            self.written = 0;
        }
        Ok(())
    }

    /// Reads once, and calls `input` for all that is whole, with the time of the read. Returns how many bytes were read.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut input: impl FnMut(Input<'_>, u64),
    ) -> Result<usize, End> {
        let count = match self.stream.read(buffer) {
            Ok(0) => return Err(End::Broken("ended without a close")),
            Ok(count) => count,
            Err(error) => return blocked(&error).map(|()| 0),
        };
        let now = clock::now();
        let mut sink = |one: Input<'_>| input(one, now);
        if self.partial.is_empty() {
            let bytes = &buffer[..count];
            let used = self.parse(bytes, &mut sink)?;
            self.partial.extend(&bytes[used..]);
        } else {
            let mut bytes = std::mem::take(&mut self.partial);
            bytes.extend(&buffer[..count]);
            let used = self.parse(&bytes, &mut sink)?;
            bytes.drain(..used);
            self.partial = if bytes.is_empty() { Vec::new() } else { bytes };
        }
        Ok(count)
    }

    fn parse(&mut self, bytes: &[u8], input: &mut impl FnMut(Input<'_>)) -> Result<usize, End> {
        let mut used = 0;
        if self.speaks == Speaks::Upgrade {
            used = match handshake::judge(bytes) {
                Answer::Incomplete => return Ok(0),
                Answer::Upgraded(used) => used,
                Answer::Refused(status) => return Err(End::NotUpgraded(status)),
                Answer::Strange(said) => return Err(End::Strange(said)),
            };
            self.speaks = Speaks::Frames;
            input(Input::Upgraded);
        }
        let rest = &bytes[used..];
        Ok(used
            + match self.speaks {
                Speaks::Http => answers(rest, input)?,
                _ => self.frames(rest, input)?,
            })
    }

    fn frames(&mut self, bytes: &[u8], input: &mut impl FnMut(Input<'_>)) -> Result<usize, End> {
        let mut used = 0;
        while let Some(head) = frame::read_head(&bytes[used..]).map_err(End::Broken)? {
            let start = used + head.head;
            let Some(payload) = bytes.get(start..start + head.payload) else { break };
            self.frame(head, payload, input)?;
            used = start + head.payload;
        }
        Ok(used)
    }

    fn frame(
        &mut self,
        head: Head,
        payload: &[u8],
        input: &mut impl FnMut(Input<'_>),
    ) -> Result<(), End> {
        match (head.opcode, head.fin) {
            (opcode::TEXT | opcode::BINARY, true) => input(Input::Message(payload)),
            (opcode::TEXT | opcode::BINARY, false) => self.fragments = Some(payload.to_vec()),
            (opcode::CONTINUATION, fin) => {
                let fragments = self.fragments.as_mut();
                let fragments = fragments.ok_or(End::Broken("a fragment of no message"))?;
                fragments.extend(payload);
                if fin && let Some(whole) = self.fragments.take() {
                    input(Input::Message(&whole));
                }
            }
            (opcode::PING, _) => input(Input::Ping(payload)),
            (opcode::PONG, _) => {}
            (opcode::CLOSE, _) => match payload.split_first_chunk::<2>() {
                Some((code, reason)) => input(Input::Close(u16::from_be_bytes(*code), reason)),
                None => input(Input::Close(1005, &[])),
            },
            _ => return Err(End::Broken("a frame of an unknown kind")),
        }
        Ok(())
    }
}

fn answers(bytes: &[u8], input: &mut impl FnMut(Input<'_>)) -> Result<usize, End> {
    let mut used = 0;
    while let Some(answer) = http::read(&bytes[used..]).map_err(End::Broken)? {
        input(Input::Answered(answer.status));
        used += answer.length;
    }
    Ok(used)
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, End> {
    match stream.write(bytes) {
        Ok(count) => Ok(count),
        Err(error) => blocked(&error).map(|()| 0),
    }
}

fn blocked(error: &io::Error) -> Result<(), End> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(End::Broken("reset")),
        ErrorKind::ConnectionRefused => Err(End::Broken("refused")),
        ErrorKind::TimedOut => Err(End::Broken("timed out")),
        _ => Err(End::Broken("failed")),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const UPGRADED: &[u8] = b"HTTP/1.1 101 Fine\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    fn pair(speaks: Speaks) -> (Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Link::new(ours, speaks), listener.accept().unwrap().0)
    }

    /// What is read of `bytes`, which come `at_once` at a time.
    fn read(bytes: &[u8], at_once: usize) -> (Vec<String>, Option<End>) {
        let (mut link, mut server) = pair(Speaks::Upgrade);
        let mut seen = Vec::new();
        let mut buffer = [0; 1024];
        for part in bytes.chunks(at_once) {
            server.write_all(part).unwrap();
            let mut left = part.len();
            while left > 0 {
                let read = link.receive(&mut buffer, |input, _| seen.push(format!("{input:?}")));
                match read {
                    Ok(count) => left -= count,
                    Err(end) => return (seen, Some(end)),
                }
            }
        }
        assert_eq!(link.partial.capacity(), 0, "nothing is kept at rest");
        (seen, None)
    }

    #[test]
    fn pieces_make_no_difference() {
        let frames = b"\x81\x02hi\x01\x01a\x89\x01p\x80\x01b\x88\x03\x03\xe8x";
        let bytes = [UPGRADED, frames].concat();
        let expected = [
            "Upgraded",
            "Message([104, 105])",
            "Ping([112])",
            "Message([97, 98])",
            "Close(1000, [120])",
        ];
        for at_once in [1, 2, 7, 1_000] {
            assert_eq!(read(&bytes, at_once), (expected.map(String::from).to_vec(), None));
        }
    }

    #[test]
    fn what_no_server_may_send_ends_the_connection() {
        for frames in [b"\xc1\x00", b"\x81\x80", b"\x80\x00", b"\x83\x00"] {
            let (seen, end) = read(&[UPGRADED, &frames[..]].concat(), 1_000);
            assert_eq!(seen, ["Upgraded"]);
            assert!(matches!(end, Some(End::Broken(_))), "{end:?}");
        }
    }

    #[test]
    fn what_the_socket_does_not_take_is_written_later() {
        let (mut link, mut server) = pair(Speaks::Frames);
        link.stream.set_nonblocking(true).unwrap();
        let bytes: Vec<u8> = (0..6_000_000_u32).map(|number| number as u8).collect();
        link.send(&bytes[..4_000_000]).unwrap();
        link.send(&bytes[4_000_000..]).unwrap();
        assert!(link.is_behind());
        let reader = std::thread::Builder::new().spawn(move || {
            let mut all = vec![0; 6_000_000];
            server.read_exact(&mut all).map(|()| all)
        });
        while link.is_behind() {
            link.flush().unwrap();
        }
        assert!(reader.unwrap().join().unwrap().unwrap() == bytes);
        assert_eq!(link.backlog.capacity(), 0, "nothing is kept at rest");
    }

    #[test]
    fn too_much_is_not_kept() {
        let (mut link, _server) = pair(Speaks::Frames);
        link.stream.set_nonblocking(true).unwrap();
        let chunk = vec![0; 1 << 20];
        let sent = (0..200).take_while(|_| link.has_room() && link.send(&chunk).is_ok()).count();
        assert!((8..200).contains(&sent), "{sent} MiB");
    }
}
