//! Fetches a document of bounded size in bounded time. Knows nothing of keys.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::pem;
use crate::config::Auth;

/// How one address is fetched.
pub(super) struct Fetch {
    uri: Uri,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    limit: Duration,
    max_bytes: usize,
}

impl Fetch {
    /// The way to an address, with the limits of the configuration.
    ///
    /// # Errors
    /// A sentence, if there is no authority to trust for an `https` address.
    pub(super) fn new(uri: Uri, auth: &Auth) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(auth.jwks_timeout));
        // A list of authorities is long: it is read where it is needed.
        let authorities = if uri.scheme_str() == Some("https") {
            authorities(auth.jwks_ca_file.as_deref())?
        } else {
            RootCertStore::empty()
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        // Minutes lie between two fetches: no connection is kept.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        let (limit, max_bytes) = (auth.jwks_timeout, auth.max_jwks_bytes.bytes());
        Ok(Self { uri, client, limit, max_bytes })
    }

    /// The document. Only an answer 200 is one; redirects are not followed.
    ///
    /// # Errors
    /// A sentence for the log. It holds nothing of what was received.
    ///
    /// # Cancel safety
    /// Cancelling closes the connection.
    pub(super) async fn document(&self) -> Result<Bytes, String> {
        match timeout(self.limit, self.receive()).await {
            Ok(received) => received,
            Err(_) => Err(format!("no whole answer within {} s", self.limit.as_secs_f64())),
        }
    }

    async fn receive(&self) -> Result<Bytes, String> {
        let request = Request::get(self.uri.clone())
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await.map_err(|error| match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        })?;
        if answer.status() != StatusCode::OK {
            return Err(format!("answered with {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), self.max_bytes).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() {
                format!("longer than {} bytes", self.max_bytes)
            } else {
                "broke off".to_owned()
            }
        })
    }
}

/// The authorities of a file, or those of the system.
fn authorities(file: Option<&str>) -> Result<RootCertStore, String> {
    let certificates = match file {
        Some(file) => pem::certificates(file).map_err(|why| format!("auth.jwks_ca_file: {why}"))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates);
    if store.is_empty() {
        let why = "auth.jwks_url is an https:// address, and no authority is there to vouch for it: \
                   install the system's certificates, or set auth.jwks_ca_file";
        return Err(why.to_owned());
    }
    Ok(store)
}
