//! The gateway over TLS: sessions by wss, the API by HTTP/2, certificates that change while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tidegate::config::Config;
use tidegate::start::Gateway;
use tidegate_testkit::client::Client;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::running::{API_KEY, Running, gateway, get, token, with_tokens};

/// A certificate made on the spot, in two files.
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Files of the test of this name, and a certificate in them.
    fn new(test: &str) -> (Self, CertificateDer<'static>) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        std::fs::create_dir_all(&folder).expect("cargo's folder for test files can be written to");
        let files = Self { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        let certificate = files.renew();
        (files, certificate)
    }

    /// Puts another certificate there.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        std::fs::write(&self.key, made.signing_key.serialize_pem()).expect("written");
        std::fs::write(&self.cert, made.cert.pem()).expect("written");
        made.cert.der().clone()
    }

    fn configure(&self, config: &mut Config) {
        config.tls.cert = Some(self.cert.to_string_lossy().into_owned());
        config.tls.key = Some(self.key.to_string_lossy().into_owned());
        config.tls.reload_interval = Duration::from_millis(10);
    }
}

/// A TLS connection that trusts this certificate alone.
async fn shake(
    gateway: &Running,
    certificate: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let tcp = TcpStream::connect(gateway.address).await.expect("connects");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// A session by wss, `welcome` read.
async fn session(gateway: &Running, certificate: &CertificateDer<'static>, path: &str) -> Client {
    let stream = shake(gateway, certificate, "http/1.1").await.expect("TLS");
    let url = format!("wss://localhost:{}{path}", gateway.address.port());
    let mut client = Client::connect_over(stream, &url, &[], &[]).await.expect("let in");
    client.expect("welcome").await;
    client
}

/// One request by HTTP/2: its status and its body.
async fn ask_h2(
    gateway: &Running,
    certificate: &CertificateDer<'static>,
    method: Method,
    path: &str,
    body: &str,
) -> (StatusCode, String) {
    let stream = shake(gateway, certificate, "h2").await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    let mut request = Request::builder()
        .method(&method)
        .uri(format!("https://localhost:{}{path}", gateway.address.port()));
    if method == Method::POST {
        request = request.header("authorization", format!("Bearer {API_KEY}"));
    }
    let request = request.body(Full::<bytes::Bytes>::from(body.to_owned())).expect("a request");
    let asking = async {
        let response = client.send_request(request).await.expect("an answer");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a whole body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    tokio::select! {
        answer = asking => answer,
        ended = connection => panic!("the connection ended first: {ended:?}"),
    }
}

#[tokio::test]
async fn a_session_by_wss_is_like_any_other() {
    let (files, certificate) = Files::new("session");
    let gateway = gateway(|config| {
        with_tokens(config);
        files.configure(config);
    })
    .await;
    let path = format!("/ws?token={}", token(json!({ "sub": "42" })));
    let mut client = session(&gateway, &certificate, &path).await;
    // Many TLS records each way, in one message.
    let long = "tide ".repeat(100_000);
    client.send_json(json!({ "type": "message", "id": 1, "content": long })).await;
    assert_eq!(client.expect("message").await["content"], long);
    client.close(1000, "").await;
    assert_eq!(client.close_frame().await.map(|frame| frame.0), Some(1000));
}

#[tokio::test]
async fn the_api_is_served_by_http2_and_a_session_is_not() {
    let (files, certificate) = Files::new("http2");
    let gateway = gateway(|config| files.configure(config)).await;
    let mut client = session(&gateway, &certificate, "/ws").await;
    let publication = r#"{"to":"all","content":"over h2"}"#;
    let (status, body) =
        ask_h2(&gateway, &certificate, Method::POST, "/api/v1/publish", publication).await;
    assert_eq!(status, 202, "{body}");
    assert_eq!(client.expect("message").await["content"], "over h2");
    let (status, body) = ask_h2(&gateway, &certificate, Method::GET, "/ws", "").await;
    assert_eq!(status, 400);
    assert!(body.contains("bad_handshake") && body.contains("HTTP/1.1"), "{body}");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the files are looked at by the clock")]
async fn a_new_certificate_is_used_for_new_connections_and_a_bad_one_never() {
    let (files, first) = Files::new("renewal");
    let gateway = gateway(|config| files.configure(config)).await;
    let mut old = session(&gateway, &first, "/ws").await;
    std::fs::write(&files.cert, "no certificate").unwrap();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        shake(&gateway, &first, "http/1.1").await.expect("the old one stays in force");
    }
    let second = files.renew();
    let mut waits = 0;
    while shake(&gateway, &second, "http/1.1").await.is_err() {
        waits += 1;
        assert!(waits < 500, "the new certificate never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(shake(&gateway, &first, "http/1.1").await.is_err());
    old.send_json(json!({ "type": "ping" })).await;
    old.expect("pong").await;
    session(&gateway, &second, "/ws").await;
}

#[tokio::test]
async fn plaintext_is_served_beside_tls_and_both_are_announced() {
    let (files, certificate) = Files::new("beside");
    let gateway = gateway(|config| {
        files.configure(config);
        config.listen.plaintext_address = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let beside = gateway.plaintext.expect("a second address");
    assert_eq!(get(beside, "/livez").await, 200);
    let mut plain = Client::connect(&format!("ws://{beside}/ws")).await;
    plain.expect("welcome").await;
    let mut client = session(&gateway, &certificate, "/ws").await;
    // The embedded agent is asked in the clear.
    client.send_json(json!({ "type": "stream", "id": 1, "query": "tides" })).await;
    client.expect("stream_start").await;
    client.expect("stream_chunk").await;
    let said = &gateway.announcement;
    for expected in [
        format!("wss://{}/ws", gateway.address),
        format!("https://{}/", gateway.address),
        format!("ws://{beside}/ws"),
    ] {
        assert!(said.contains(&expected), "{expected} in {said}");
    }
}

#[tokio::test]
async fn with_tls_alone_nothing_is_served_in_the_clear() {
    let (files, certificate) = Files::new("alone");
    let gateway = gateway(|config| files.configure(config)).await;
    assert_eq!(get(gateway.address, "/livez").await, 400);
    assert!(!gateway.announcement.contains("http://"), "{}", gateway.announcement);
    let (status, _) = ask_h2(&gateway, &certificate, Method::GET, "/livez", "").await;
    assert_eq!(status, 200);
    session(&gateway, &certificate, "/ws").await;
}

#[tokio::test]
async fn a_certificate_of_no_use_is_told_with_its_key_and_file() {
    let (files, _) = Files::new("useless");
    let (others, _) = Files::new("useless-others");
    for (cert, key, told) in [
        (files.cert.with_extension("none"), files.key.clone(), "tls.cert ("),
        (files.cert.clone(), files.key.with_extension("none"), "tls.key ("),
        (files.key.clone(), files.key.clone(), "no certificate in PEM form"),
        (files.cert.clone(), files.cert.clone(), "no unencrypted private key in PEM form"),
        (files.cert.clone(), others.key, "cannot be used"),
    ] {
        let mut config = Config::default();
        config.listen.address.set_port(0);
        config.tls.cert = Some(cert.to_string_lossy().into_owned());
        config.tls.key = Some(key.to_string_lossy().into_owned());
        let Err(error) = Gateway::bind(config).await else { panic!("{told}: it started") };
        assert!(error.contains(told) && error.contains("useless"), "{error}");
        assert!(!error.contains("PRIVATE"), "{error}");
    }
}

#[tokio::test]
async fn a_stop_says_goodbye_by_wss_too() {
    let (files, certificate) = Files::new("stop");
    let gateway = gateway(|config| files.configure(config)).await;
    let mut client = session(&gateway, &certificate, "/ws").await;
    let listening = async {
        client.expect("goaway").await;
        client.close_frame().await
    };
    let ((), close) = tokio::join!(gateway.stop(), listening);
    assert_eq!(close.map(|frame| frame.0), Some(1001));
}
