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
