//! An address that publishes keys, or pretends to.
#![expect(clippy::disallowed_methods, reason = "it runs in tasks of its own beside the test")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// 200 with this body.
    Body(String),
    /// This status and nothing.
    Status(&'static str),
    /// 200 and bytes without end.
    Endless,
    /// Nothing, while the connection stays open.
    Silence,
    /// The connection is closed in the middle.
    Broken,
}

/// A server of keys. Dropping it ends it.
pub(crate) struct Publisher {
    pub(crate) address: SocketAddr,
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
    scheme: &'static str,
    /// The authority that vouches for it, in PEM.
    pub(crate) authority: String,
}

impl Publisher {
    pub(crate) async fn new(says: Says) -> Self {
        Self::start(says, None, String::new()).await
    }

    /// The same over TLS, with a certificate for 127.0.0.1.
    pub(crate) async fn secure(says: Says) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(
            params,
            KeyPair::generate().expect("a publisher of this test"),
        )
        .expect("a publisher of this test");
        let pair = KeyPair::generate().expect("a publisher of this test");
        let params =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a publisher of this test");
        let certificate = params.signed_by(&pair, &authority).expect("a publisher of this test");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("a publisher of this test")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a publisher of this test");
        Self::start(says, Some(TlsAcceptor::from(Arc::new(config))), authority.pem()).await
    }

    async fn start(says: Says, tls: Option<TlsAcceptor>, authority: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a publisher of this test");
        let address = listener.local_addr().expect("a publisher of this test");
        let (says, asked) = (Arc::new(Mutex::new(says)), Arc::new(AtomicUsize::new(0)));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn({
            let (says, asked) = (Arc::clone(&says), Arc::clone(&asked));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (says, asked) = (Arc::clone(&says), Arc::clone(&asked));
                    match tls.clone() {
                        None => drop(tokio::spawn(answer(stream, says, asked))),
                        Some(tls) => drop(tokio::spawn(async move {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, says, asked).await;
                            }
                        })),
                    }
                }
            }
        });
        Self { address, says, asked, task, scheme, authority }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}/keys", self.scheme, self.address)
    }

    pub(crate) fn say(&self, says: Says) {
        *self.says.lock().expect("a publisher of this test") = says;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Relaxed)
    }

    /// Waits until it was asked so many times more.
    pub(crate) async fn asked_again(&self, times: usize) {
        let wanted = self.asked() + times;
        for _ in 0..1000 {
            if self.asked() >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the keys were not fetched again");
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    asked.fetch_add(1, Relaxed);
    let says = says.lock().expect("a publisher of this test").clone();
    let _ = match says {
        Says::Body(body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await
        }
        Says::Status(status) => {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await
        }
        Says::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
            while stream.write_all(&[b' '; 65_536]).await.is_ok() {}
            Ok(())
        }
        // Nothing, until who asked has gone.
        Says::Silence => stream.read_to_end(&mut Vec::new()).await.map(drop),
        Says::Broken => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{").await,
    };
    let _ = stream.shutdown().await;
}
