//! One connection, from its first byte to its last request: PROXY header, TLS, HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use crate::tls::HandshakeError;
use crate::{Body, Peer, Problem, Proxies, Settings, Stream, Tls, proxy_protocol};

/// Requests of one HTTP/2 connection that may be under way at once.
const MAX_STREAMS: u32 = 100;
/// What is read and thrown away of a client that speaks plain HTTP where TLS is spoken, so that it sees our answer.
const MAX_MISTAKEN_BYTES: u64 = 64 * 1024;

/// What all connections of one listener share.
pub(crate) struct Entrance {
    settings: Settings,
    tls: Option<Tls>,
    proxies: Arc<Proxies>,
    /// Whether connections begin with a header of the PROXY protocol.
    announced: bool,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

/// Why a connection was let go before its first request.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the PROXY protocol is not taken from this address: it is none of the trusted proxies")]
    Stranger,
    #[error("the PROXY header was not read: {0}")]
    Proxy(#[from] io::Error),
    #[error(transparent)]
    Tls(#[from] HandshakeError),
    #[error("nothing was understood in time")]
    TooSlow,
}

impl Entrance {
    pub(crate) fn new(
        settings: Settings,
        tls: Option<Tls>,
        proxies: Arc<Proxies>,
        announced: bool,
    ) -> Self {
        let max_header_bytes = settings.max_header_bytes.max(8192);
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout)
            .max_buf_size(max_header_bytes);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(max_header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(settings.header_timeout)
            .keep_alive_timeout(settings.header_timeout);
        Self { settings, tls, proxies, announced, http1, http2 }
    }

    /// Serves a connection until either side ends it, or the server asks it to end.
    pub(crate) async fn serve<S>(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        service: S,
        mut ending: watch::Receiver<bool>,
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
        let arrived = tokio::select! {
            arrived = self.arrive(stream, peer) => arrived,
            () = told(&mut ending) => return,
        };
        let (stream, is_h2, peer) = match arrived {
            Ok(arrived) => arrived,
            Err(error) => return self.turn_away(error, peer).await,
        };
        if let Err(error) = self.speak(stream, is_h2, peer, service, ending).await {
            tracing::debug!(%peer, %error, "HTTP connection ended");
        }
    }

    /// HTTP, to the last request.
    async fn speak<S>(
        &self,
        stream: Stream,
        is_h2: bool,
        peer: SocketAddr,
        service: S,
        mut ending: watch::Receiver<bool>,
    ) -> hyper::Result<()>
    where
        S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let begun = Arc::new(AtomicU64::new(0));
        let (counted, proxies) = (Arc::clone(&begun), Arc::clone(&self.proxies));
        let service = service_fn(move |mut request: Request<Incoming>| {
            counted.fetch_add(1, Relaxed);
            let client = proxies.client(peer, request.headers());
            request.extensions_mut().insert(Peer(client));
            name_host(&mut request);
            let mut service = service.clone();
            async move {
                std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(request).await
            }
        });
        let io = TokioIo::new(stream);
        if !is_h2 {
            // hyper's own time-out for a head closes idle connections of HTTP/1.1.
            let connection = self.http1.serve_connection(io, service).with_upgrades();
            let end = async {
                told(&mut ending).await;
                Goodbye::Graceful
            };
            return until(connection, end).await;
        }
        let end = async {
            tokio::select! {
                () = told(&mut ending) => {}
                () = idle(&begun, self.settings.header_timeout) => {}
            }
            // Before its first request a client may not even have said that it speaks HTTP/2: it would never
            // hear a goodbye.
            if begun.load(Relaxed) == 0 { Goodbye::None } else { Goodbye::Graceful }
        };
        until(self.http2.serve_connection(io, service), end).await
    }

    /// What comes before HTTP, in time.
    async fn arrive(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<(Stream, bool, SocketAddr), Refused> {
        if self.tls.is_none() && !self.announced {
            return Ok((Stream::Plain(stream.into()), false, peer));
        }
        match timeout(self.settings.header_timeout, self.introduce(stream, peer)).await {
            Ok(arrived) => arrived,
            Err(_) => Err(Refused::TooSlow),
        }
    }

    async fn introduce(
        &self,
        mut stream: TcpStream,
        mut peer: SocketAddr,
    ) -> Result<(Stream, bool, SocketAddr), Refused> {
        if self.announced {
            if !self.proxies.trusts(peer.ip()) {
                return Err(Refused::Stranger);
            }
            peer = proxy_protocol::read(&mut stream).await?.unwrap_or(peer);
        }
        match &self.tls {
            None => Ok((Stream::Plain(stream.into()), false, peer)),
            Some(tls) => {
                let (stream, is_h2) = tls.accept(stream).await?;
                Ok((stream, is_h2, peer))
            }
        }
    }

    /// Says what can be said to a client that did not get in: plain HTTP is answered in plain HTTP.
    async fn turn_away(&self, refused: Refused, peer: SocketAddr) {
        tracing::debug!(%peer, %refused, "connection let go");
        if let Refused::Tls(HandshakeError::NotTls { tcp, first }) = refused
            && first.is_ascii_uppercase()
        {
            // It had its time; whatever fails here, it is gone.
            let _ = timeout(self.settings.header_timeout, mistaken(tcp)).await;
        }
    }
}

/// Answers a plain request on a TLS port, and reads on until the client has the answer: an unread rest would reset
/// the connection and take the answer away.
async fn mistaken(mut tcp: TcpStream) -> io::Result<()> {
    let detail = "TLS is spoken here: use https:// or wss://";
    let (head, body) =
        Problem::new(StatusCode::BAD_REQUEST, "tls_required", detail).bytes().into_parts();
    let mut text = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    text.extend_from_slice(b"Content-Type: application/problem+json\r\nConnection: close\r\n");
    text.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    text.extend_from_slice(&body);
    tcp.write_all(&text).await?;
    tcp.shutdown().await?;
    tokio::io::copy(&mut tcp.take(MAX_MISTAKEN_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}

/// HTTP/2 names the host in its `:authority`; handlers look for `Host` (RFC 9113 section 8.3.1).
fn name_host(request: &mut Request<Incoming>) {
    if let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
}

/// A connection of hyper's that can be asked to end after the requests under way.
trait Graceful: Future<Output = hyper::Result<()>> {
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<S> Graceful for http1::UpgradeableConnection<TokioIo<Stream>, S>
where
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S> Graceful for http2::Connection<TokioIo<Stream>, S, TokioExecutor>
where
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    TokioExecutor: hyper::rt::bounds::Http2ServerConnExec<S::Future, Body>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// How a connection is ended.
enum Goodbye {
    /// After the requests under way.
    Graceful,
    /// At once: nothing is under way.
    None,
}

/// Drives a connection to its end, or to the one that is ordered.
async fn until<C: Graceful>(
    connection: C,
    end: impl Future<Output = Goodbye>,
) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    let goodbye = tokio::select! {
        ended = &mut connection => return ended,
        goodbye = end => goodbye,
    };
    match goodbye {
        Goodbye::None => Ok(()),
        Goodbye::Graceful => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Ready when no request has begun for a while.
async fn idle(begun: &AtomicU64, wait: Duration) {
    let mut before = None;
    while before != Some(begun.load(Relaxed)) {
        before = Some(begun.load(Relaxed));
        sleep(wait).await;
    }
}

/// Waits until the server ends; a server that is gone has ended. Cancel safe.
async fn told(ending: &mut watch::Receiver<bool>) {
    let _ = ending.wait_for(|ending| *ending).await;
}
