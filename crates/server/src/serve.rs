//! The listener: accepts connections and gives their requests to a service until told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

use crate::connection::Entrance;
use crate::{Body, Error, Proxies, Tls};

/// The client of a request; in the request's extensions. Behind trusted proxies it is the client that they
/// name, with the port 0 where they do not tell one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Bounds on what a connection may cost before its request is understood.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The request's line and headers, in bytes; at least 8 192 (hyper's least). More is answered by 431.
    pub max_header_bytes: usize,
    /// From the first byte of a request to the end of its headers.
    pub header_timeout: Duration,
    /// Connections that speak HTTP, or nothing yet, at once; upgraded ones do not count. Further ones are closed
    /// unread.
    pub max_http_connections: usize,
    /// Connections that wait to be accepted, at most; the system may allow fewer (`net.core.somaxconn`). Where thousands
    /// come back at once, those that do not fit try again after a second.
    pub backlog: u32,
}

impl Default for Settings {
    /// 16 KiB, 10 s, 10 000 connections, 4 096 that wait.
    fn default() -> Self {
        Self {
            max_header_bytes: 16 * 1024,
            header_timeout: Duration::from_secs(10),
            max_http_connections: 10_000,
            backlog: 4096,
        }
    }
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    /// Takes connections in the clear, where the other one speaks TLS.
    plaintext: Option<TcpListener>,
    settings: Settings,
    tls: Option<Tls>,
    proxies: Proxies,
}

impl Server {
    /// Listens on an address; port 0 takes a free one, which [`Server::address`] tells.
    ///
    /// # Errors
    /// [`Error::Bind`] if the address is in use, not this machine's, or not allowed.
    ///
    /// # Cancel safety
    /// Cancelling leaves nothing behind.
    pub async fn bind(address: SocketAddr, settings: Settings) -> Result<Self, Error> {
        let listener = listen(address, settings.backlog)?;
        Ok(Self { listener, plaintext: None, settings, tls: None, proxies: Proxies::default() })
    }

    /// The same, speaking TLS: HTTP/2 and HTTP/1.1, as the client likes (ALPN).
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The same, behind these proxies.
    #[must_use]
    pub fn proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// The same, with a second address where neither TLS nor the PROXY protocol is spoken.
    ///
    /// # Errors
    /// As [`Server::bind`].
    ///
    /// # Cancel safety
    /// Cancelling lets go of both addresses.
    pub async fn plaintext(self, address: SocketAddr) -> Result<Self, Error> {
        Ok(Self { plaintext: Some(listen(address, self.settings.backlog)?), ..self })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// What the system says; not seen on a bound listener.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The second address, in the clear, if there is one.
    ///
    /// # Errors
    /// As [`Server::address`].
    pub fn plaintext_address(&self) -> io::Result<Option<SocketAddr>> {
        self.plaintext.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until `stop` is ready; then accepts nothing more and waits for the requests that are under way.
    /// Upgraded connections are no longer this server's and are not waited for.
    ///
    /// # Cancel safety
    /// Cancelling stops accepting at once; requests under way are finished in their own tasks.
    pub async fn serve<S>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let Self { listener, plaintext, settings, tls, proxies } = self;
        let announced = proxies.proxy_protocol;
        let proxies = Arc::new(proxies);
        let main = Arc::new(Entrance::new(settings, tls, Arc::clone(&proxies), announced));
        let beside = Arc::new(Entrance::new(settings, None, proxies, false));
        // Each connection's task holds a receiver: told by the value, counted by being there.
        let (ending, seen) = watch::channel(false);
        let mut stop = pin!(stop);
        loop {
            // In no fixed order, so that a flood at one address leaves the other one its turn.
            let (entrance, accepted) = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => (&main, accepted),
                accepted = accept(plaintext.as_ref()) => (&beside, accepted),
            };
            match accepted {
                // One of the receivers is our own.
                Ok((stream, peer)) if ending.receiver_count() > settings.max_http_connections => {
                    tracing::debug!(%peer, "no room for another HTTP connection");
                    drop(stream);
                }
                Ok((stream, peer)) => {
                    let (entrance, service) = (Arc::clone(entrance), service.clone());
                    let ending = seen.clone();
                    // The task ends with its connection, and `serve` waits for it. Whatever a client must do
                    // first, it does there: accepting waits for nobody.
                    tokio::spawn(
                        async move { entrance.serve(stream, peer, service, ending).await },
                    );
                }
                Err(error) => pause_after(&error).await,
            }
        }
        drop((listener, plaintext, seen));
        // An error means that no connection is left to be told.
        let _ = ending.send(true);
        ending.closed().await;
    }
}

fn listen(address: SocketAddr, backlog: u32) -> Result<TcpListener, Error> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the last connections of the process before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(backlog)
    };
    listen().map_err(|source| Error::Bind { address, source })
}

/// The next connection; never, where nobody listens.
async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Errors of one connection concern nobody else. Out of file descriptors, a pause lets some go.
async fn pause_after(error: &io::Error) {
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    ) {
        return;
    }
    tracing::error!(%error, "cannot accept connections; trying again in 100 ms");
    tokio::time::sleep(Duration::from_millis(100)).await;
}
