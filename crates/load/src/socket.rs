//! TCP sockets that do not block, from chosen source addresses. It knows nothing of what is said over them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Error;
use crate::job::Job;

/// Connections of one source address, where the job does not say how many of those there are.
const PER_SOURCE: u32 = 4_000;

/// Where connections go, and where they come from.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    target: SocketAddr,
    /// How many addresses from 127.0.0.1 on; 0 where the system chooses.
    sources: u32,
    /// Bytes that the system may hold for a reader; none: as many as it likes.
    receive_buffer: Option<u32>,
}

impl Route {
    /// To `address`, from as many loopback addresses as the job says, or `connections` need.
    pub(crate) fn new(address: &str, job: &Job, connections: u32) -> Result<Self, Error> {
        let Job { sources, receive_buffer, .. } = *job;
        let fault = |why: String| Error::Address { address: address.to_owned(), why };
        let mut found = address.to_socket_addrs().map_err(|error| fault(error.to_string()))?;
        let target = found.next().ok_or_else(|| fault("it has no address".into()))?;
        let on_loopback = matches!(target, SocketAddr::V4(target) if target.ip().is_loopback());
        let wanted = sources.unwrap_or_else(|| connections.div_ceil(PER_SOURCE)).clamp(1, 250);
        Ok(Self { target, sources: if on_loopback { wanted } else { 0 }, receive_buffer })
    }

    /// Begins to connect; the socket becomes writable when that is done or has failed.
    pub(crate) fn connect(&self, number: u32) -> io::Result<TcpStream> {
        let family = match self.target {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        if let Some(bytes) = self.receive_buffer {
            sockopt::set_socket_recv_buffer_size(&socket, bytes as usize)?;
        }
        if let Some(index) = number.checked_rem(self.sources) {
            let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + index);
            rustix::net::bind(&socket, &SocketAddrV4::new(source, 0))?;
        }
        match rustix::net::connect(&socket, &self.target) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
            Err(error) => Err(error.into()),
        }
    }
}

/// How an attempt to connect ended.
pub(crate) fn connected(stream: &TcpStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)
}

/// Ends a connection by a reset, so that no port of ours waits for late packets.
pub(crate) fn reset(stream: TcpStream) {
    // Where the system refuses, the connection ends without a reset.
    let _ = sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
    drop(stream);
}

/// Makes sure that as many files can be open, by raising the soft limit where that suffices.
pub(crate) fn reserve_files(wanted: u64) -> Result<(), Error> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit { current: maximum, maximum };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    match allowed {
        Some(allowed) if allowed < wanted => Err(Error::TooFewFiles { wanted, allowed }),
        _ => Ok(()),
    }
}
