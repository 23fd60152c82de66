//! A bare epoll loop on one thread: one read, one write, nothing between them. What it costs is what the kernel
//! costs, and no server can be below it by much.
//!
//! `s` subscribes, `p…` goes to all subscribers, everything else comes back. Knows no limits, no time-outs and
//! only the valid part of the protocol: it is a yardstick and no server to use.

mod connection;
mod wire;

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;

use connection::Connection;
use wire::Message;

/// The token of the listener; connections count from 1.
const LISTENER: u64 = 0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT")?.parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    // The standard library asks for a backlog of 128: a second call makes it what the kernel allows.
    rustix::net::listen(&listener, 4096)?;
    Server::new(listener)?.run()?;
    Ok(())
}

struct Server {
    poll: OwnedFd,
    listener: TcpListener,
    connections: HashMap<u64, Connection>,
    subscribers: HashSet<u64>,
    next_token: u64,
    /// What one connection sent; the same buffer for all.
    scratch: Vec<u8>,
    /// Frames for all subscribers, gathered in one turn of the loop.
    published: Vec<u8>,
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&poll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            poll,
            listener,
            connections: HashMap::new(),
            subscribers: HashSet::new(),
            next_token: LISTENER + 1,
            scratch: vec![0; 64 * 1024],
            published: Vec::new(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        loop {
            events.clear();
            match epoll::wait(&self.poll, spare_capacity(&mut events), None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                match { event.data }.u64() {
                    LISTENER => self.accept()?,
                    token => self.serve(token, event.flags),
                }
            }
            self.publish();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // The client went away before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let token = self.next_token;
            self.next_token += 1;
            epoll::add(&self.poll, &stream, EventData::new_u64(token), EventFlags::IN)?;
            self.connections.insert(token, Connection::new(stream));
        }
    }

    fn serve(&mut self, token: u64, flags: EventFlags) {
        let served = match self.connections.get_mut(&token) {
            Some(connection) if flags.contains(EventFlags::OUT) => {
                connection.send(&self.poll, token, &[]).and_then(|()| self.read(token))
            }
            Some(_) => self.read(token),
            None => Ok(()),
        };
        if served.is_err() {
            self.connections.remove(&token);
            self.subscribers.remove(&token);
        }
    }

    /// Reads once and answers once.
    fn read(&mut self, token: u64) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else { return Ok(()) };
        let length = match connection.stream.read(&mut self.scratch) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut answer = Vec::new();
        let (subscribers, published) = (&mut self.subscribers, &mut self.published);
        let left = connection.input(&mut self.scratch[..length], &mut answer, |message, answer| {
            match message {
                Message::Data { payload: [b'p', ..], .. } => message.write(published),
                Message::Data { payload: [b's', ..], .. } => {
                    subscribers.insert(token);
                    message.write(answer);
                }
                Message::Data { .. } | Message::Ping(_) | Message::Close(_) => {
                    message.write(answer);
                }
                Message::Pong => {}
            }
        });
        connection.send(&self.poll, token, &answer)?;
        left
    }

    /// One write for each subscriber, with everything that was published in this turn.
    fn publish(&mut self) {
        if self.published.is_empty() {
            return;
        }
        let (connections, poll, published) = (&mut self.connections, &self.poll, &self.published);
        self.subscribers.retain(|token| {
            let connection = connections.get_mut(token);
            connection.is_some_and(|connection| connection.send(poll, *token, published).is_ok())
        });
        self.published.clear();
    }
}
