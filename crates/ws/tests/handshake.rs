//! Handshakes: what is accepted, what is refused with which status, and the client's checks of an answer.
#![expect(clippy::unwrap_used, reason = "fixtures are part of the tests")]

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use tidegate_deflate::{ClientPolicy, InflaterPool, ServerPolicy, Settings, TakeoverSlots};
use tidegate_ws::Deflate;
use tidegate_ws::handshake::{
    Accepted, HandshakeError, Opening, accept, accept_deflate, offered_protocols,
};

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
    assert_eq!(opening().verify(&answer()).unwrap().protocol.as_deref(), Some("chat"));
}

#[test]
fn a_client_refuses_answers_that_do_not_belong_to_it() {
    let changed = |name: &'static str, value: &str| {
        let mut answer = answer();
        answer.headers_mut().insert(name, value.parse().unwrap());
        opening().verify(&answer).unwrap_err()
    };
    assert_eq!(changed("Sec-WebSocket-Accept", "c3BhbQ=="), HandshakeError::Accept);
    assert_eq!(changed("Sec-WebSocket-Protocol", "other"), HandshakeError::Protocol);
    assert_eq!(
        changed("Sec-WebSocket-Extensions", "permessage-deflate"),
        HandshakeError::Extension
    );
    assert_eq!(changed("Upgrade", "h2c"), HandshakeError::Unconfirmed);
}

#[test]
fn a_client_follows_no_redirect() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = Response::builder().status(status).header("Location", "/").body(()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(opening().verify(&redirect).unwrap_err(), HandshakeError::Refused(status));
    }
}

/// What a server with this policy answers to these offers.
fn deflate(policy: ServerPolicy, slots: usize, offers: &[&'static str]) -> Accepted {
    let mut request = request();
    for offer in offers {
        request.headers_mut().append("Sec-WebSocket-Extensions", offer.parse().unwrap());
    }
    let deflate = Deflate::new(Settings::new(), InflaterPool::new(1), TakeoverSlots::new(slots));
    accept_deflate(&request, &[], policy, &deflate).unwrap()
}

fn extensions(accepted: &Accepted) -> Option<&str> {
    Some(accepted.response.headers().get("Sec-WebSocket-Extensions")?.to_str().unwrap())
}

#[test]
fn agrees_on_deflate_only_where_it_is_offered() {
    let accepted = deflate(ServerPolicy::new(), 0, &["x-other", "permessage-deflate"]);
    let header = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(extensions(&accepted), Some(header));
    assert!(!accepted.deflate.unwrap().agreement().from_client.takeover);
    for offers in [&[][..], &["x-webkit-deflate-frame"], &["permessage-deflate; unknown"]] {
        let accepted = deflate(ServerPolicy::new(), 0, offers);
        assert_eq!((extensions(&accepted), accepted.deflate.is_none()), (None, true));
    }
    let plain = accept(&request(), &[]).unwrap();
    assert!(plain.deflate.is_none());
}

#[test]
fn grants_takeover_only_while_there_are_slots() {
    let policy = ServerPolicy::new().inbound_takeover(true).outbound_takeover(true);
    for (slots, inbound, outbound) in [(0, false, false), (1, true, false), (2, true, true)] {
        let accepted = deflate(policy, slots, &["permessage-deflate"]);
        let agreement = accepted.deflate.as_ref().unwrap().agreement();
        let granted = (agreement.from_client.takeover, agreement.from_server.takeover);
        assert_eq!(granted, (inbound, outbound), "with {slots} slots");
        let header = extensions(&accepted).unwrap();
        assert_eq!(header.contains("client_no_context_takeover"), !inbound);
        assert_eq!(header.contains("server_no_context_takeover"), !outbound);
    }
}

#[test]
fn slots_are_free_again_when_their_connection_is_gone() {
    let slots = TakeoverSlots::new(2);
    let shared = Deflate::new(Settings::new(), InflaterPool::new(1), slots.clone());
    let policy = ServerPolicy::new().inbound_takeover(true).outbound_takeover(true);
    let mut request = request();
    let offer = "permessage-deflate".parse().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Extensions", offer);
    let agreed = accept_deflate(&request, &[], policy, &shared).unwrap().deflate.unwrap();
    assert_eq!(slots.free(), 0);
    drop(agreed.halves());
    assert_eq!(slots.free(), 2);
}

#[test]
fn refuses_a_malformed_list_of_extensions() {
    for value in [&b"permessage-deflate; ="[..], b"a;;b", b"\xff"] {
        let mut request = request();
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().insert("Sec-WebSocket-Extensions", value);
        let refused = accept_deflate(&request, &[], ServerPolicy::new(), &Deflate::default());
        let error = refused.unwrap_err();
        assert_eq!((error, error.status()), (HandshakeError::Extensions, StatusCode::BAD_REQUEST));
    }
}

#[test]
fn a_client_judges_the_answer_to_its_offer() {
    let opening =
        Opening::new(*b"the sample nonce").deflate(ClientPolicy::new(), &Deflate::default());
    let request = opening.request(&"ws://host/".parse().unwrap()).unwrap();
    let offer = request.headers()["Sec-WebSocket-Extensions"].to_str().unwrap();
    assert_eq!(offer, ClientPolicy::new().offer());
    let verify = |value: &'static str| {
        let mut answer = accept(&request, &[]).unwrap().response;
        answer.headers_mut().insert("Sec-WebSocket-Extensions", value.parse().unwrap());
        opening.verify(&answer)
    };
    let granted = verify("permessage-deflate; server_no_context_takeover").unwrap();
    assert!(!granted.deflate.unwrap().agreement().from_server.takeover);
    assert!(matches!(verify("permessage-deflate"), Err(HandshakeError::Deflate(_))));
    for other in ["x-other", "permessage-deflate; server_no_context_takeover, x-other"] {
        assert_eq!(verify(other).unwrap_err(), HandshakeError::Extension);
    }
    let declined = accept(&request, &[]).unwrap().response;
    assert!(opening.verify(&declined).unwrap().deflate.is_none());
}
