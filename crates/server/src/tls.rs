//! TLS: the certificate in force, and the handshake. It reads no files and no clock.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::Error;
use crate::stream::Stream;

/// What ALPN offers, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [H2, b"http/1.1"];
const H2: &[u8] = b"h2";
/// The first byte of a TLS connection: a record of the type `handshake` (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// TLS 1.2 and 1.3 with one certificate, which can be replaced while connections go on. Clones share it.
///
/// Sessions are resumed by tickets that the server does not remember: a thousand clients that come back
/// cost no signatures and no memory.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

impl Tls {
    /// TLS with this certificate chain, the server's own first, and its private key (PKCS #8, PKCS #1 or SEC1),
    /// both as PEM.
    ///
    /// # Errors
    /// [`Error::Pem`] if one of them cannot be read, [`Error::Certificate`] if they are of no use together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        Ok(Self(Arc::new(RwLock::new(config(chain, key)?))))
    }

    /// Takes another certificate for the handshakes to come. Connections that are open keep theirs; tickets
    /// of the old one are void.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem); then the old certificate stays in force.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), Error> {
        let config = config(chain, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn in_force(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shakes hands. Tells also whether HTTP/2 was agreed.
    pub(crate) async fn accept(&self, tcp: TcpStream) -> Result<(Stream, bool), HandshakeError> {
        let mut first = [0];
        if tcp.peek(&mut first).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if first != [HANDSHAKE_RECORD] {
            return Err(HandshakeError::NotTls { tcp, first: first[0] });
        }
        let stream = TlsAcceptor::from(self.in_force()).accept(tcp).await?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
        Ok((Stream::Tls(Box::new(stream)), is_h2))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Why a connection has no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the TLS handshake failed: {0}")]
    Failed(#[from] io::Error),
    #[error("what came is no TLS: it begins with the byte {first}")]
    NotTls { tcp: TcpStream, first: u8 },
}

fn config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, Error> {
    let chain = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable("certificate", &error))?;
    if chain.is_empty() {
        return Err(unreadable("certificate", &pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| unreadable("unencrypted private key", &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn unreadable(what: &'static str, error: &pem::Error) -> Error {
    let problem = match error {
        pem::Error::NoItemsFound => "there is none".to_owned(),
        other => other.to_string(),
    };
    Error::Pem { what, problem }
}
