//! The listener: accepts connections and gives their requests to a service until told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

use crate::{Body, Error};

/// The other end of a request's connection; in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Bounds on what a connection may cost before its request is understood.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The request's line and headers, in bytes; at least 8 192 (hyper's least). More is answered by 431.
    pub max_header_bytes: usize,
    /// From the first byte of a request to the end of its headers.
    pub header_timeout: Duration,
}

impl Default for Settings {
    /// 16 KiB and 10 s.
    fn default() -> Self {
        Self { max_header_bytes: 16 * 1024, header_timeout: Duration::from_secs(10) }
    }
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    settings: Settings,
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
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Self { listener, settings }),
            Err(source) => Err(Error::Bind { address, source }),
        }
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// What the system says; not seen on a bound listener.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
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
        // Each connection's task holds a receiver: told by the value, counted by being there.
        let (ending, seen) = watch::channel(false);
        let http = self.http();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    connection(&http, seen.clone(), stream, peer, service.clone());
                }
                Err(error) => pause_after(&error).await,
            }
        }
        drop((self.listener, seen));
        // An error means that no connection is left to be told.
        let _ = ending.send(true);
        ending.closed().await;
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.settings.header_timeout)
            .max_buf_size(self.settings.max_header_bytes.max(8192));
        http
    }
}

fn connection<S>(
    http: &http1::Builder,
    mut ending: watch::Receiver<bool>,
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
) where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot switch Nagle's algorithm off");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let mut service = service.clone();
        async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    // The task ends with its connection, and `serve` waits for it.
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = told(&mut ending) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "HTTP connection ended");
        }
    });
}

/// Waits until the server ends; a server that is gone has ended. Cancel safe.
async fn told(ending: &mut watch::Receiver<bool>) {
    let _ = ending.wait_for(|ending| *ending).await;
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
