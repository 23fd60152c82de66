//! Who may use which part of the HTTP side, and how a key or token is found in a request.

use http::{HeaderMap, Request, header};
use subtle::ConstantTimeEq as _;

/// The bearer token of a request (RFC 6750 section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// One parameter of the query string, percent-decoded.
pub(crate) fn query<'a>(uri: &'a http::Uri, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))
}

/// Whether a request carries the key of the server API. Takes the same time however much of it is right.
pub(crate) fn has_key<B>(request: &Request<B>, key: &str) -> bool {
    bearer(request.headers()).is_some_and(|given| given.as_bytes().ct_eq(key.as_bytes()).into())
}

/// The host of an origin or of a `Host` header, without its port.
pub(crate) fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.split_inclusive(']').next().unwrap_or(authority);
    }
    authority.split(':').next().unwrap_or(authority)
}

/// An address as it may be logged: a query may hold a key.
pub(crate) fn without_query(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.authority().map_or("", |authority| authority.as_str());
    format!("{scheme}://{host}{}", uri.path())
}

/// Whether an address is this machine's.
pub(crate) fn is_local(uri: &http::Uri) -> bool {
    uri.host().is_some_and(is_loopback_host)
}

/// Whether a host name means this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bearer_token_whatever_the_case_of_its_scheme() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(bearer(&headers), expected, "{value}");
        }
    }

    #[test]
    fn reads_a_query_parameter_decoded() {
        let uri: http::Uri = "/ws?agree=a%2Cb&token=t".parse().unwrap();
        assert_eq!(query(&uri, "agree").as_deref(), Some("a,b"));
        assert_eq!(query(&uri, "nothing"), None);
    }

    #[test]
    fn the_key_must_be_whole_and_right() {
        for (given, expected) in
            [("Bearer secret", true), ("Bearer secre", false), ("Bearer ", false)]
        {
            let request = Request::builder().header("authorization", given).body(()).unwrap();
            assert_eq!(has_key(&request, "secret"), expected, "{given}");
        }
    }

    #[test]
    fn an_address_is_logged_without_its_query() {
        let uri: http::Uri = "https://login.example.com:8443/keys?key=secret".parse().unwrap();
        assert_eq!(without_query(&uri), "https://login.example.com:8443/keys");
        assert!(!is_local(&uri) && is_local(&"http://[::1]:80/keys".parse().unwrap()));
    }

    #[test]
    fn knows_loopback_hosts_with_and_without_ports() {
        for (authority, expected) in [
            ("localhost:8765", true),
            ("127.0.0.1:8765", true),
            ("127.8.8.8", true),
            ("[::1]:8765", true),
            ("LOCALHOST", true),
            ("app.localhost:1", true),
            ("localhost.example.com", false),
            ("192.168.0.1", false),
            ("example.com:8765", false),
        ] {
            assert_eq!(is_loopback_host(host_of(authority)), expected, "{authority}");
        }
    }
}
