//! One connection: what came of it in part, and what is still to be written to it. Knows the poll, and nothing of
//! other connections.

use std::io::{self, Write};
use std::net::TcpStream;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;

use crate::wire::{self, Message};

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    is_upgraded: bool,
    /// The begin of a request or frame whose end has not come yet.
    partial: Vec<u8>,
    /// What the socket did not take.
    unwritten: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, is_upgraded: false, partial: Vec::new(), unwritten: Vec::new() }
    }

    /// Takes what was read and hands over each whole message.
    ///
    /// # Errors
    /// When the connection is to end: it said so, or what it sent is no WebSocket's. What was put into
    /// `answer` is to be sent before.
    pub(crate) fn input(
        &mut self,
        read: &mut [u8],
        answer: &mut Vec<u8>,
        hand_over: impl FnMut(&Message<'_>, &mut Vec<u8>),
    ) -> io::Result<()> {
        if self.partial.is_empty() {
            let used = consume(&mut self.is_upgraded, read, answer, hand_over)?;
            self.partial.extend_from_slice(&read[used..]);
        } else {
            self.partial.extend_from_slice(read);
            let used = consume(&mut self.is_upgraded, &mut self.partial, answer, hand_over)?;
            self.partial.drain(..used);
        }
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        Ok(())
    }

    /// Writes what it can of what was left and of `bytes`, and keeps the rest until the socket takes more.
    ///
    /// # Errors
    /// When the socket is broken.
    pub(crate) fn send(&mut self, poll: &OwnedFd, token: u64, bytes: &[u8]) -> io::Result<()> {
        let was_waiting = !self.unwritten.is_empty();
        if was_waiting {
            self.unwritten.extend_from_slice(bytes);
            let written = write(&mut self.stream, &self.unwritten)?;
            self.unwritten.drain(..written);
        } else if !bytes.is_empty() {
            let written = write(&mut self.stream, bytes)?;
            self.unwritten.extend_from_slice(&bytes[written..]);
        }
        let waits = !self.unwritten.is_empty();
        if waits != was_waiting {
            let interest = if waits { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            epoll::modify(poll, &self.stream, EventData::new_u64(token), interest)?;
        }
        Ok(())
    }
}

/// How many of `bytes` were whole messages.
fn consume(
    is_upgraded: &mut bool,
    bytes: &mut [u8],
    answer: &mut Vec<u8>,
    mut hand_over: impl FnMut(&Message<'_>, &mut Vec<u8>),
) -> io::Result<usize> {
    let mut used = 0;
    if !*is_upgraded {
        let Some(end) = wire::handshake(bytes, answer)? else { return Ok(0) };
        *is_upgraded = true;
        used = end;
    }
    while let Some((message, length)) = wire::decode(&mut bytes[used..])? {
        hand_over(&message, answer);
        if matches!(message, Message::Close(_)) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        used += length;
    }
    Ok(used)
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(length) => written += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
