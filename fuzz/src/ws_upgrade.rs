//! Handshakes over any HTTP head: what is accepted holds, what is refused has its status, and a client that offered
//! takes only what belongs to it.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tidegate_deflate::{ClientPolicy, ServerPolicy};
use tidegate_ws::Deflate;
use tidegate_ws::handshake::{Opening, accept, accept_deflate, offered_protocols};

/// The bytes are a request's head, or a response's.
pub fn run(data: &[u8]) {
    request(data);
    response(data);
}

fn request(data: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    if !matches!(parsed.parse(data), Ok(httparse::Status::Complete(_))) {
        return;
    }
    let request = Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(parsed.path.unwrap_or_default());
    let Ok(mut request) = request.body(()) else { return };
    fill(request.headers_mut(), parsed.headers);
    let protocols = ["tidegate.v1.json", "b"];
    let plain = accept(&request, &protocols);
    let deflate = Deflate::default();
    match accept_deflate(&request, &protocols, ServerPolicy::new(), &deflate) {
        Ok(accepted) => {
            assert_eq!(accepted.response.status(), 101);
            if let Some(protocol) = &accepted.protocol {
                assert!(offered_protocols(request.headers()).any(|offer| offer == protocol));
            }
            let named = accepted.response.headers().contains_key("sec-websocket-extensions");
            assert_eq!(named, accepted.deflate.is_some());
            assert!(plain.is_ok_and(|plain| plain.deflate.is_none()));
        }
        Err(error) => {
            assert!(matches!(error.status().as_u16(), 400 | 405 | 426), "{error}");
            assert_eq!(error.response().status(), error.status());
        }
    }
}

fn response(data: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Response::new(&mut headers);
    if !matches!(parsed.parse(data), Ok(httparse::Status::Complete(_))) {
        return;
    }
    let Ok(mut response) = Response::builder().status(parsed.code.unwrap_or_default()).body(())
    else {
        return;
    };
    fill(response.headers_mut(), parsed.headers);
    let plain = Opening::new(*b"the sample nonce").protocol("b");
    let offering = plain.clone().deflate(ClientPolicy::new(), &Deflate::default());
    let extended = response.headers().contains_key("sec-websocket-extensions");
    if let Ok(granted) = plain.verify(&response) {
        assert!(!extended && granted.deflate.is_none());
        assert!(granted.protocol.is_none_or(|protocol| protocol == "b"));
    }
    if let Ok(granted) = offering.verify(&response) {
        assert_eq!(response.status(), 101);
        assert!(extended || granted.deflate.is_none());
    }
}

fn fill(headers: &mut HeaderMap, parsed: &[httparse::Header<'_>]) {
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value)) {
            headers.append(name, value);
        }
    }
}
