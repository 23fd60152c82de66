//! Comma-separated header values.

use http::HeaderMap;
use http::header::HeaderName;

/// The elements of all header lines of one name, trimmed, in order. Lines that are not visible ASCII and
/// empty elements are left out.
pub(super) fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

/// Whether a token is among the elements, in any case.
pub(super) fn has(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(token))
}

/// The value of a header that must stand there exactly once.
pub(super) fn only(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// All lines of a header, if they are visible ASCII.
pub(super) fn lines(headers: &HeaderMap, name: HeaderName) -> Option<Vec<&str>> {
    headers.get_all(name).into_iter().map(|value| value.to_str().ok()).collect()
}
