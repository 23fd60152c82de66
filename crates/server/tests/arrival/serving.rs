//! A server that tells each client how it was seen, and a client that trusts one certificate.
#![expect(
    clippy::disallowed_methods,
    reason = "the server runs in a task of its own beside the test"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, header};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tidegate_server::{Body, Incoming, Peer, Server, Settings, Tls};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) plaintext: Option<SocketAddr>,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

/// Bounds that a test can wait for.
pub(crate) fn settings() -> Settings {
    Settings { header_timeout: Duration::from_millis(300), ..Settings::default() }
}

pub(crate) async fn bound(settings: Settings) -> Server {
    Server::bind(([127, 0, 0, 1], 0).into(), settings).await.expect("a free port")
}

/// Answers every request with the client, the version and the host that were seen.
pub(crate) fn run(server: Server) -> Running {
    let address = server.address().expect("bound");
    let plaintext = server.plaintext_address().expect("bound");
    let (stop, stopped) = oneshot::channel();
    let service = tower::service_fn(|request: Request<Incoming>| async move {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let host = request.headers().get(header::HOST).cloned();
        let seen = format!("{peer:?} {:?} {host:?}", request.version());
        Ok::<_, Infallible>(Response::new(Body::from(seen)))
    });
    let task = tokio::spawn(server.serve(service, async {
        let _ = stopped.await;
    }));
    Running { address, plaintext, stop, task }
}

/// A certificate made on the spot.
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) der: CertificateDer<'static>,
}

pub(crate) fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, der) = (made.cert.pem(), made.cert.der().clone());
    Pair { chain, key: made.signing_key.serialize_pem(), der }
}

pub(crate) fn tls(pair: &Pair) -> Tls {
    Tls::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).expect("a pair")
}

/// A client that trusts this certificate alone and offers these protocols. It resumes sessions.
pub(crate) fn connector(pair: &Pair, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(pair.der.clone()).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_root_certificates(roots)
    .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn shake(
    connector: &TlsConnector,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").expect("a name");
    connector.connect(name, stream).await
}

/// Asks over HTTP/1.1 and reads the whole answer.
pub(crate) async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, headers: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("writes");
    rest(stream).await
}

/// What comes until the other side ends.
pub(crate) async fn rest(mut stream: impl AsyncRead + Unpin) -> String {
    let mut all = Vec::new();
    let reading = stream.read_to_end(&mut all);
    // A reset is an end as well.
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end in time");
    String::from_utf8_lossy(&all).into_owned()
}
