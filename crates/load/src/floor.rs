//! The least that a WebSocket server can do: one thread that sends back what comes. What the generator costs is measured
//! against it. It checks nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::MILLISECOND;
use crate::error::Error;
use crate::poll::{Interest, Poll, Ready};

const LISTENER: u64 = u64::MAX;
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// An echo of whole frames under 126 bytes with a masking key of zero: what the generator sends here.
pub(crate) struct Floor {
    listener: TcpListener,
    poll: Poll,
    connections: Vec<Option<(TcpStream, bool)>>,
    buffer: Vec<u8>,
    out: Vec<u8>,
}

impl Floor {
    pub(crate) fn bind() -> Result<(Self, SocketAddr), Error> {
        let fault = Error::system("listen on loopback");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fault)?;
        let ready = listener.set_nonblocking(true).and_then(|()| listener.local_addr());
        let address = ready.map_err(Error::system("listen on loopback"))?;
        let poll = Poll::new().map_err(Error::system("watch sockets"))?;
        let reads = Interest { read: true, write: false };
        poll.add(&listener, LISTENER, reads).map_err(Error::system("watch a socket"))?;
        let (connections, out) = (Vec::new(), Vec::new());
        Ok((Self { listener, poll, connections, buffer: vec![0; 256 * 1024], out }, address))
    }

    pub(crate) fn serve(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        let mut ready: Vec<Ready> = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            ready.clear();
            let wait = self.poll.wait(20 * MILLISECOND, &mut ready);
            wait.map_err(Error::system("wait for sockets"))?;
            for one in &ready {
                if one.token == LISTENER { self.accept() } else { self.echo(one.token as usize) }
            }
        }
        Ok(())
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let slot = self.connections.len();
            let reads = Interest { read: true, write: false };
            let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
            if ready.and_then(|()| self.poll.add(&stream, slot as u64, reads)).is_ok() {
                self.connections.push(Some((stream, false)));
            }
        }
    }

    fn echo(&mut self, slot: usize) {
        let Some(place) = self.connections.get_mut(slot) else { return };
        let Some((stream, is_upgraded)) = place else { return };
        let count = match stream.read(&mut self.buffer) {
            Ok(0) => 0,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => 0,
        };
        self.out.clear();
        if *is_upgraded {
            unmask(&self.buffer[..count], &mut self.out);
        } else {
            *is_upgraded = true;
            self.out.extend(ANSWER);
        }
        // What the socket does not take is lost: the generator would say so.
        if count == 0 || stream.write(&self.out).is_err() {
            *place = None;
        }
    }
}

/// Frames from a client as a server sends them back.
fn unmask(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let [first, length, rest @ ..] = bytes {
        let length = usize::from(length & 0x7f);
        let Some(payload) = rest.get(4..4 + length) else { return };
        out.extend([*first, length as u8]);
        out.extend(payload);
        bytes = &rest[4 + length..];
    }
}
