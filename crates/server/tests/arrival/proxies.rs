//! Whose request it is, where proxies stand between.

use tidegate_server::{ForwardedHeader, Proxies, Settings};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::serving::{Running, ask, bound, connector, pair, rest, run, settings, shake, tls};

const V1: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\xc0\0\x02\x01\x9c\x40\x01\xbb";

async fn announced(server: &Running, header: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(header).await.expect("writes");
    stream
}

fn trusting(network: &str) -> Proxies {
    Proxies { trusted: vec![network.parse().expect("a network")], ..Proxies::default() }
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_a_stranger_is_not() {
    let headers = "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nForwarded: for=198.51.100.7\r\n";
    for (network, header, client) in [
        ("127.0.0.0/8", ForwardedHeader::XForwardedFor, "203.0.113.9:0"),
        ("127.0.0.0/8", ForwardedHeader::Forwarded, "198.51.100.7:0"),
        ("10.0.0.0/8", ForwardedHeader::XForwardedFor, "127.0.0.1:"),
    ] {
        let proxies = Proxies { header, ..trusting(network) };
        let server = run(bound(Settings::default()).await.proxies(proxies));
        let answer = ask(announced(&server, b"").await, headers).await;
        assert!(answer.contains(&format!("Some({client}")), "{network} {answer}");
    }
}

#[tokio::test]
async fn both_versions_of_the_proxy_protocol_name_the_client() {
    let proxies = Proxies { proxy_protocol: true, ..trusting("127.0.0.1") };
    let server = run(bound(Settings::default()).await.proxies(proxies));
    for header in [V1, V2] {
        let answer = ask(announced(&server, header).await, "").await;
        assert!(answer.contains("Some(203.0.113.9:40000)"), "{answer}");
        let spoofed = ask(announced(&server, header).await, "X-Forwarded-For: 6.6.6.6\r\n").await;
        assert!(spoofed.contains("Some(203.0.113.9:40000)"), "{spoofed}");
    }
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let answer = ask(announced(&server, header).await, "").await;
        assert!(answer.contains("Some(127.0.0.1:"), "the proxy itself: {answer}");
    }
}

#[tokio::test]
async fn a_proxy_header_comes_before_tls() {
    let pair = pair();
    let proxies = Proxies { proxy_protocol: true, ..trusting("127.0.0.1") };
    let server = bound(Settings::default()).await.proxies(proxies).tls(tls(&pair));
    let server = run(server.plaintext(([127, 0, 0, 1], 0).into()).await.expect("a free port"));
    for header in [V1, V2] {
        let stream = announced(&server, header).await;
        let stream = shake(&connector(&pair, &[]), stream).await.expect("TLS");
        let answer = ask(stream, "").await;
        assert!(answer.contains("Some(203.0.113.9:40000)"), "{answer}");
    }
    let beside = TcpStream::connect(server.plaintext.expect("an address")).await.expect("connects");
    assert!(ask(beside, "").await.contains("Some(127.0.0.1:"), "none is spoken beside");
}

#[tokio::test]
async fn connections_without_a_proxy_header_or_from_strangers_are_closed() {
    let proxies = Proxies { proxy_protocol: true, ..trusting("127.0.0.1") };
    let server = run(bound(settings()).await.proxies(proxies));
    for wrong in
        [&b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"[..], b"PROXY TCP4 a b c d\r\n", b"PROXY TC"]
    {
        assert_eq!(rest(announced(&server, wrong).await).await, "", "{}", wrong.escape_ascii());
    }
    let proxies = Proxies { proxy_protocol: true, ..trusting("192.0.2.1") };
    let server = run(bound(settings()).await.proxies(proxies));
    assert_eq!(rest(announced(&server, V1).await).await, "");
}
