//! Handshakes: what is accepted, what is refused with which status, and the client's checks of an answer.
#![expect(clippy::unwrap_used, reason = "fixtures are part of the tests")]

use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use tidegate_ws::handshake::{HandshakeError, Opening, accept, offered_protocols};

fn request() -> Request<()> {
    Request::get("/ws")
        .header("Host", "server.example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
        .body(())
        .unwrap()
}

fn with(name: &'static str, value: &str) -> Request<()> {
    let mut request = request();
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn without(name: &str) -> Request<()> {
    let mut request = request();
    request.headers_mut().remove(name);
    request
}

#[track_caller]
fn refused(request: &Request<()>, status: u16, error: HandshakeError) {
    let refusal = accept(request, &[]).unwrap_err();
    assert_eq!(refusal, error);
    assert_eq!(refusal.status().as_u16(), status);
}

#[test]
fn answers_the_example_of_the_rfc() {
    let accepted = accept(&request(), &["chat"]).unwrap();
    assert_eq!(accepted.response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let headers = accepted.response.headers();
    assert_eq!(headers["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(
        (&headers["Upgrade"], &headers["Connection"]),
        (&"websocket".parse().unwrap(), &"Upgrade".parse().unwrap())
    );
    assert!(!headers.contains_key("Sec-WebSocket-Protocol"));
    assert_eq!(accepted.protocol, None);
}

#[test]
fn accepts_the_parts_of_a_request() {
    let (parts, ()) = request().into_parts();
    assert!(accept(&parts, &[]).is_ok());
}

#[test]
fn refuses_other_methods_with_405() {
    let mut post = request();
    *post.method_mut() = Method::POST;
    refused(&post, 405, HandshakeError::Method);
    assert_eq!(HandshakeError::Method.response().headers()["Allow"], "GET");
}

#[test]
fn refuses_other_versions_with_426_and_names_13() {
    refused(&without("Sec-WebSocket-Version"), 426, HandshakeError::Version);
    refused(&with("Sec-WebSocket-Version", "8"), 426, HandshakeError::Version);
    let response = HandshakeError::Version.response();
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(response.headers()["Sec-WebSocket-Version"], "13");
    assert_eq!(response.headers()["Upgrade"], "websocket");
}

#[test]
fn refuses_what_is_no_upgrade_with_400() {
    refused(&without("Upgrade"), 400, HandshakeError::Upgrade);
    refused(&with("Upgrade", "h2c"), 400, HandshakeError::Upgrade);
    refused(&without("Connection"), 400, HandshakeError::Connection);
    refused(&with("Connection", "keep-alive"), 400, HandshakeError::Connection);
    let mut old = request();
    *old.version_mut() = Version::HTTP_10;
    refused(&old, 400, HandshakeError::HttpVersion);
}

#[test]
fn refuses_keys_that_are_not_sixteen_bytes_of_base64() {
    for key in [
        "",
        "short==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZSE=",
        "dGhlIHNhbXBsZSBub25j!Q==",
    ] {
        refused(&with("Sec-WebSocket-Key", key), 400, HandshakeError::Key);
    }
    refused(&without("Sec-WebSocket-Key"), 400, HandshakeError::Key);
    let mut twice = request();
    twice.headers_mut().append("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
    refused(&twice, 400, HandshakeError::Key);
}

#[test]
fn accepts_lists_in_any_case() {
    let mut request = with("Connection", "keep-alive , uPGRADE");
    request.headers_mut().insert("Upgrade", "WebSocket, other".parse().unwrap());
    assert!(accept(&request, &[]).is_ok());
}

#[test]
fn chooses_by_the_servers_liking() {
    let request = with("Sec-WebSocket-Protocol", "a, tidegate.bearer.x.y-z, b");
    let accepted = accept(&request, &["c", "b", "a"]).unwrap();
    assert_eq!(accepted.protocol.as_deref(), Some("b"));
    assert_eq!(accepted.response.headers()["Sec-WebSocket-Protocol"], "b");
    assert_eq!(accept(&request, &["c"]).unwrap().protocol, None);
}

#[test]
fn lists_offers_over_several_lines() {
    let mut headers = HeaderMap::new();
    headers.append("Sec-WebSocket-Protocol", "a,, tidegate.bearer.x.y-z".parse().unwrap());
    headers.append("Sec-WebSocket-Protocol", " b ".parse().unwrap());
    let offers: Vec<&str> = offered_protocols(&headers).collect();
    assert_eq!(offers, ["a", "tidegate.bearer.x.y-z", "b"]);
}

fn opening() -> Opening {
    Opening::new(*b"the sample nonce").protocol("chat")
}

fn answer() -> Response<()> {
    let request = opening().request(&"ws://user@host:81/a?b=c".parse().unwrap()).unwrap();
    accept(&request, &["chat"]).unwrap().response
}

#[test]
fn a_client_asks_as_the_rfc_shows() {
    let request = opening().request(&"ws://user@host:81/a?b=c".parse().unwrap()).unwrap();
    assert_eq!(request.uri(), "/a?b=c");
    assert_eq!(request.headers()["Host"], "host:81");
    assert_eq!(request.headers()["Sec-WebSocket-Key"], "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(opening().verify(&answer()), Ok(Some("chat".to_owned())));
}

#[test]
fn a_client_refuses_answers_that_do_not_belong_to_it() {
    let changed = |name: &'static str, value: &str| {
        let mut answer = answer();
        answer.headers_mut().insert(name, value.parse().unwrap());
        opening().verify(&answer)
    };
    assert_eq!(changed("Sec-WebSocket-Accept", "c3BhbQ=="), Err(HandshakeError::Accept));
    assert_eq!(changed("Sec-WebSocket-Protocol", "other"), Err(HandshakeError::Protocol));
    assert_eq!(
        changed("Sec-WebSocket-Extensions", "permessage-deflate"),
        Err(HandshakeError::Extension)
    );
    assert_eq!(changed("Upgrade", "h2c"), Err(HandshakeError::Unconfirmed));
    let redirect = Response::builder().status(302).header("Location", "/").body(()).unwrap();
    assert_eq!(opening().verify(&redirect), Err(HandshakeError::Refused(StatusCode::FOUND)));
}
