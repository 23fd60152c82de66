//! The upstream behind a server whose streams are measured: real HTTP, a token stream for each request, the time of its
//! write in each token. It knows nothing of the server.
//!
//! What to send is read out of the request's body, wherever it stands: `tokens=200 per_s=50 size=36 stream=17`.

mod answer;
mod request;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use self::request::{Order, Request};
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::poll::{Interest, Poll, Ready};

const LISTENER: u64 = u64::MAX;

/// A backend that streams tokens: server-sent events in the form of OpenAI's chat completions, HTTP/1.1, chunked.
pub struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
    poll: Poll,
    connections: Vec<Option<Connection>>,
    /// The next token of each stream, the earliest first.
    due: BinaryHeap<Reverse<(u64, usize, u32)>>,
    streams: u32,
    buffer: Vec<u8>,
    out: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    request: Request,
    backlog: Vec<u8>,
    run: Option<Run>,
    writes: bool,
}

/// A stream under way.
struct Run {
    number: u32,
    order: Order,
    begun: u64,
    next: u32,
}

impl Upstream {
    /// Listens at `listen`, as `host:port`; port 0 is a free one.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub fn bind(listen: &str) -> Result<Self, Error> {
        let fault = |error: std::io::Error| Error::Address {
            address: listen.into(),
            why: error.to_string(),
        };
        let listener = TcpListener::bind(listen).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let poll = Poll::new().map_err(Error::system("watch sockets"))?;
        let reads = Interest { read: true, write: false };
        poll.add(&listener, LISTENER, reads).map_err(Error::system("watch a socket"))?;
        Ok(Self {
            listener,
            address,
            poll,
            connections: Vec::new(),
            due: BinaryHeap::new(),
            streams: 0,
            buffer: vec![0; 64 * 1024],
            out: Vec::new(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is true, which it looks at every 50 ms.
    ///
    /// # Errors
    /// When the system does not let it wait for sockets.
    pub fn serve(&mut self, stop: &AtomicBool) -> Result<(), Error> {
        clock::wake_sharply();
        let mut ready: Vec<Ready> = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let wait = self.send_due();
            ready.clear();
            self.poll
                .wait(wait.min(50 * MILLISECOND), &mut ready)
                .map_err(Error::system("wait for sockets"))?;
            for one in &ready {
                if one.token == LISTENER {
                    self.accept();
                } else {
                    self.on_ready(one.token as usize, *one);
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let free = self.connections.iter().position(Option::is_none);
            let slot = free.unwrap_or(self.connections.len());
            let reads = Interest { read: true, write: false };
            let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
            if ready.and_then(|()| self.poll.add(&stream, slot as u64, reads)).is_err() {
                continue;
            }
            let connection = Connection {
                stream,
                request: Request::default(),
                backlog: Vec::new(),
                run: None,
                writes: false,
            };
            match self.connections.get_mut(slot) {
                Some(place) => *place = Some(connection),
                None => self.connections.push(Some(connection)),
            }
        }
    }

    fn on_ready(&mut self, slot: usize, ready: Ready) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        let mut lives = true;
        if ready.write {
            let backlog = std::mem::take(&mut connection.backlog);
            lives = connection.write(&backlog);
        }
        if lives && ready.read {
            lives = self.read(slot);
        }
        self.rearm(slot, lives);
    }

    fn read(&mut self, slot: usize) -> bool {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return false };
        match connection.stream.read(&mut self.buffer) {
            Ok(0) => return false,
            Ok(count) => connection.request.add(&self.buffer[..count]),
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
        let Some(order) = connection.request.take() else { return true };
        let now = clock::now();
        self.streams = self.streams.wrapping_add(1);
        let number = self.streams;
        connection.run = Some(Run { number, order, begun: now, next: 0 });
        self.due.push(Reverse((now, slot, number)));
        connection.write(answer::HEAD)
    }

    /// Writes the tokens that are due, and says how long none will be.
    fn send_due(&mut self) -> u64 {
        while let Some(Reverse((due, slot, number))) = self.due.peek().copied() {
            let now = clock::now();
            if due > now {
                return due - now;
            }
            self.due.pop();
            let lives = self.send_token(slot, number, now);
            self.rearm(slot, lives);
        }
        u64::MAX
    }

    fn send_token(&mut self, slot: usize, number: u32, now: u64) -> bool {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return true };
        let Some(run) = connection.run.as_mut().filter(|run| run.number == number) else {
            return true;
        };
        self.out.clear();
        if run.next < run.order.tokens {
            answer::token(&run.order, run.next, now, &mut self.out);
            run.next += 1;
        }
        if run.next >= run.order.tokens {
            answer::end(&mut self.out);
            connection.run = None;
        } else {
            let due = run.begun + run.order.due(run.next);
            self.due.push(Reverse((due, slot, number)));
        }
        connection.write(&self.out)
    }

    fn rearm(&mut self, slot: usize, lives: bool) {
        let Some(place) = self.connections.get_mut(slot) else { return };
        let Some(connection) = place else { return };
        let writes = !connection.backlog.is_empty();
        let mut lives = lives;
        if lives && writes != connection.writes {
            connection.writes = writes;
            let wants = Interest { read: true, write: writes };
            lives = self.poll.change(&connection.stream, slot as u64, wants).is_ok();
        }
        if !lives {
            *place = None;
        }
    }
}

impl Connection {
    /// Writes what the socket takes and keeps the rest. Returns whether the connection lives.
    fn write(&mut self, bytes: &[u8]) -> bool {
        let mut taken = 0;
        if self.backlog.is_empty() {
            taken = match self.stream.write(bytes) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(_) => return false,
            };
        }
        self.backlog.extend(&bytes[taken..]);
        true
    }
}
