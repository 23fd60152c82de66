//! Requests to upstreams over HTTP/1, on connections that are used again. Knows no route and no stream: which upstream
//! and what is sent are the request's, how many connections are kept is the pool's.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::HttpConnector;
use tidegate_pool::reuse::{Given, Lent, Reuse, ReuseLimits, ReuseStats};
use tower_service::Service as _;

use super::UpstreamBody;
use crate::config;

/// A request to an upstream: its body is there at once.
pub(crate) type UpstreamRequest = Request<Full<Bytes>>;
/// An upstream's answer: its body comes as it is made.
pub(crate) type UpstreamResponse = Response<UpstreamBody>;
/// A connection on loan.
pub(crate) type Connection = Lent<Authority, http1::SendRequest<Full<Bytes>>>;
/// What went wrong on the way.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Why there was no answer; a sentence for the log.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct Unanswered {
    /// Whether the upstream may have begun to answer.
    pub(crate) is_sent: bool,
    /// Who was asked, by its place in the route's list.
    pub(crate) place: Option<usize>,
    /// Whether everybody in that list was asked, of several.
    pub(crate) none_left: bool,
    #[source]
    fault: Fault,
}

impl Unanswered {
    /// Nothing of the question has reached anybody.
    pub(crate) fn unsent(fault: impl Into<Fault>) -> Self {
        Self { is_sent: false, place: None, none_left: false, fault: fault.into() }
    }
}

/// The client that all routes share; cloning it shares the connections.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    connector: HttpConnector,
    reuse: Reuse<Authority, http1::SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that keeps idle connections as the configuration says. How many are open is bounded by the runs there
    /// may be.
    ///
    /// # Errors
    /// A sentence that names the setting that cannot work.
    pub(crate) fn new(stream: &config::Stream) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(stream.connect_timeout));
        connector.set_keepalive(Some(Duration::from_secs(60)));
        let reuse = Reuse::new(ReuseLimits {
            max_connections: usize::MAX,
            max_idle: stream.pool_idle_connections,
            max_waiting: 0,
            idle_timeout: stream.pool_idle_timeout,
        });
        Ok(Self { connector, reuse: reuse.map_err(|impossible| format!("[stream] {impossible}"))? })
    }

    /// Sends a request and waits for the head of its answer. A request that an old connection did not take, since it
    /// closed just then, is sent over another.
    ///
    /// # Cancel safety
    /// Cancelling closes the connection.
    pub(crate) async fn request(
        &self,
        mut request: UpstreamRequest,
    ) -> Result<UpstreamResponse, Unanswered> {
        let uri = direct(&mut request).map_err(Unanswered::unsent)?;
        loop {
            let mut connection = self.connection(&uri).await.map_err(Unanswered::unsent)?;
            let may_be_stale = connection.is_reused();
            match connection.ready().await {
                Err(_) if may_be_stale => continue,
                ready => ready.map_err(Unanswered::unsent)?,
            }
            let mut failed = match connection.try_send_request(request).await {
                Ok(answer) => return Ok(answer.map(|body| UpstreamBody::new(body, connection))),
                Err(failed) => failed,
            };
            request = match failed.take_message() {
                Some(unsent) if may_be_stale => unsent,
                unsent => {
                    let is_sent = unsent.is_none();
                    return Err(Unanswered { is_sent, ..Unanswered::unsent(failed.into_error()) });
                }
            };
        }
    }

    /// Closes what was idle for too long.
    pub(crate) fn expire(&self, now: Instant) {
        self.reuse.expire(now);
    }

    /// What the connections have been used for.
    pub(crate) fn stats(&self) -> ReuseStats {
        self.reuse.stats()
    }

    /// A connection that is there and not known to be closed, or a new one.
    async fn connection(&self, uri: &Uri) -> Result<Connection, Fault> {
        let authority = uri.authority().cloned().ok_or("the address has no host")?;
        let is_open = |sender: &mut http1::SendRequest<_>| !sender.is_closed();
        match self.reuse.checkout(authority, Instant::now(), is_open).await? {
            Given::Lent(connection) => Ok(connection),
            Given::Vacancy(vacancy) => {
                let stream = self.connector.clone().call(uri.clone()).await?;
                let (sender, driver) = http1::handshake(stream).await?;
                // It ends with its connection. Whoever uses that is told what went wrong; an idle one has nobody
                // to tell.
                tokio::spawn(driver.map(drop));
                Ok(vacancy.fill(sender))
            }
        }
    }
}

/// Makes the request one to the server itself, as HTTP/1 asks (RFC 9112, section 3.2.1): the host goes into its header
/// and the path alone into its first line. The whole address is returned.
fn direct(request: &mut UpstreamRequest) -> Result<Uri, Fault> {
    let path = request.uri().path_and_query().cloned();
    let path = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let uri = std::mem::replace(request.uri_mut(), path);
    let host = uri.host().ok_or("the address has no host")?;
    let host = match uri.port_u16().filter(|&port| port != 80) {
        Some(port) => HeaderValue::try_from(format!("{host}:{port}"))?,
        None => HeaderValue::try_from(host)?,
    };
    request.headers_mut().entry(header::HOST).or_insert(host);
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection so many times, says that it stays open, and closes it.
    async fn closes_after(answers: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                for _ in 0..answers {
                    let mut request = [0; 1024];
                    let read = socket.read(&mut request).await.unwrap();
                    let text = String::from_utf8_lossy(&request[..read]).to_lowercase();
                    assert!(text.starts_with("get /path?q=1 http/1.1"), "{text}");
                    assert!(text.contains(&format!("host: {address}")), "{text}");
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    socket.write_all(answer).await.unwrap();
                }
            }
        });
        format!("http://{address}/path?q=1")
    }

    async fn ask(client: &Client, uri: &str) -> Bytes {
        let request = Request::get(uri).body(Full::default()).unwrap();
        let body = client.request(request).await.unwrap().into_body();
        body.collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_connection_that_closed_while_it_was_idle_is_replaced_unseen() {
        let (client, uri) =
            (Client::new(&config::Stream::default()).unwrap(), closes_after(3).await);
        for _ in 0..20 {
            assert_eq!(ask(&client, &uri).await, "ok");
        }
        let stats = client.stats();
        assert!(stats.pool_hits >= 13 && stats.pool_misses >= 7, "{stats:?}");
    }

    #[tokio::test]
    async fn a_body_that_is_not_read_to_its_end_leaves_no_place_taken() {
        let (client, uri) =
            (Client::new(&config::Stream::default()).unwrap(), closes_after(100).await);
        for _ in 0..5 {
            let request = Request::get(&uri).body(Full::default()).unwrap();
            drop(client.request(request).await.unwrap());
        }
        let stats = client.stats();
        assert!(stats.open == stats.idle && stats.open <= 1, "{stats:?}");
    }

    #[tokio::test]
    async fn an_address_that_nobody_answers_at_is_an_error() {
        let client = Client::new(&config::Stream::default()).unwrap();
        for uri in ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "/path"] {
            let request = Request::get(uri).body(Full::default()).unwrap();
            assert!(client.request(request).await.is_err(), "{uri}");
        }
        assert_eq!(client.stats().open, 0);
    }
}
