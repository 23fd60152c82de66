//! Whose request is it, where proxies stand between? `X-Forwarded-For` and `Forwarded` (RFC 7239), read from
//! the nearest proxy outwards, and believed only as far as each teller is trusted.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};

use crate::Network;

/// The header in which proxies say for whom they ask. Only the one that they set is read: the other may be the
/// client's own invention, passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239).
    Forwarded,
}

/// The proxies that stand before a server, and how they speak of their clients.
///
/// ```
/// use tidegate_server::Proxies;
/// let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..Proxies::default() };
/// let mut headers = http::HeaderMap::new();
/// headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
/// let client = proxies.client("10.0.0.1:4000".parse().unwrap(), &headers);
/// assert_eq!(client, "203.0.113.9:0".parse().unwrap());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Whose word is believed.
    pub trusted: Vec<Network>,
    /// How many proxies there are, where that is known and their addresses are not; 0 goes by `trusted`. With
    /// `trusted` too, the nearest proxy must be one of those.
    pub hops: u8,
    /// Where they say it.
    pub header: ForwardedHeader,
    /// Whether each connection begins with a header of the PROXY protocol. It is taken from `trusted` alone;
    /// connections of others are closed.
    pub proxy_protocol: bool,
}

impl Proxies {
    /// Whether the word of this address is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// The client behind a connection from `peer`: the nearest address that is no trusted proxy's. Where a
    /// header told it without a port, the port is 0. What cannot be read ends the search: then the
    /// last proxy that was found stands for its client.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let counts = self.hops > 0;
        if !(self.trusts(peer.ip()) || counts && self.trusted.is_empty()) {
            return peer;
        }
        let mut told = self.told(headers);
        if counts {
            return told.nth(usize::from(self.hops) - 1).flatten().unwrap_or(peer);
        }
        let mut client = peer;
        for address in told.map_while(|address| address) {
            client = address;
            if !self.trusts(client.ip()) {
                break;
            }
        }
        client
    }

    /// The addresses that the header names, the nearest first; `None` for what is no address.
    fn told<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = Option<SocketAddr>> + use<'a> {
        let header = self.header;
        let name = match header {
            ForwardedHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ForwardedHeader::Forwarded => header::FORWARDED,
        };
        let values: Vec<&[u8]> =
            headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        values.into_iter().rev().flat_map(move |value| {
            // A line that is no ASCII is one entry that cannot be read.
            let line = str::from_utf8(value).unwrap_or("?");
            from_the_right(line, b',').map(move |entry| match header {
                ForwardedHeader::XForwardedFor => address(entry),
                ForwardedHeader::Forwarded => forwarded_for(entry),
            })
        })
    }
}

/// The pieces between separators outside of quotes, the last first. Read from the right, what a proxy wrote is
/// met before the client's part, whose quotes need not be in pairs.
fn from_the_right(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let at = text.bytes().enumerate().rev().find(|&(at, byte)| {
            quoted ^= byte == b'"' && !is_escaped(text, at);
            byte == separator && !quoted
        });
        let (left, piece) = match at {
            Some((at, _)) => (Some(&text[..at]), &text[at + 1..]),
            None => (None, text),
        };
        rest = left;
        Some(piece.trim())
    })
}

/// Whether an odd number of backslashes stands before a byte.
fn is_escaped(text: &str, at: usize) -> bool {
    text.bytes().take(at).rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The parameter `for` of one element of `Forwarded`, if there is exactly one and it is an address.
fn forwarded_for(element: &str) -> Option<SocketAddr> {
    let mut named = from_the_right(element, b';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    });
    let (only, None) = (named.next()?, named.next()) else { return None };
    let bare = only.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(only);
    address(bare)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let (ip, port) = match bare.parse::<IpAddr>() {
        Ok(ip) => (ip, 0),
        Err(_) => text.parse::<SocketAddr>().map(|told| (told.ip(), told.port())).ok()?,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(proxies: &Proxies, lines: &[&str]) -> String {
        let name = match proxies.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        proxies.client("10.0.0.1:4000".parse().unwrap(), &headers).to_string()
    }

    fn listed(header: ForwardedHeader) -> Proxies {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        Proxies { trusted, header, ..Proxies::default() }
    }

    #[test]
    fn x_forwarded_for_is_read_from_the_nearest_proxy_to_the_first_stranger() {
        let proxies = listed(ForwardedHeader::XForwardedFor);
        for (lines, client) in [
            (&["203.0.113.9"][..], "203.0.113.9:0"),
            (&["6.6.6.6, 203.0.113.9"], "203.0.113.9:0"),
            (&["6.6.6.6", "203.0.113.9, 10.0.0.2"], "203.0.113.9:0"),
            (&["203.0.113.9:5000,10.0.0.2"], "203.0.113.9:5000"),
            (&["2001:db8::1, fd00::1"], "[2001:db8::1]:0"),
            (&["[2001:db8::1]:443"], "[2001:db8::1]:443"),
            (&["::ffff:203.0.113.9"], "203.0.113.9:0"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            (&["203.0.113.9, unknown"], "10.0.0.1:4000"),
            (&["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2:0"),
            (&["203.0.113.9, "], "10.0.0.1:4000"),
            (&["1.2.3.4.5"], "10.0.0.1:4000"),
            (&[], "10.0.0.1:4000"),
        ] {
            assert_eq!(client_of(&proxies, lines), client, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_with_its_quotes_and_parameters() {
        let proxies = listed(ForwardedHeader::Forwarded);
        for (lines, client) in [
            (&["for=203.0.113.9"][..], "203.0.113.9:0"),
            (&["For=\"203.0.113.9:5000\";proto=https;by=10.0.0.1"], "203.0.113.9:5000"),
            (&["for=6.6.6.6, for=\"[2001:db8::1]:443\", for=10.0.0.2"], "[2001:db8::1]:443"),
            (&["for=203.0.113.9, for=_hidden"], "10.0.0.1:4000"),
            (&["for=203.0.113.9;for=6.6.6.6"], "10.0.0.1:4000"),
            (&["proto=https"], "10.0.0.1:4000"),
        ] {
            assert_eq!(client_of(&proxies, lines), client, "{lines:?}");
        }
    }

    #[test]
    fn quotes_of_a_client_do_not_hide_what_a_proxy_says() {
        let proxies = listed(ForwardedHeader::Forwarded);
        for line in [
            "for=\", for=203.0.113.9",
            "for=\"6.6.6.6, for=203.0.113.9;host=\"a, for=6.6.6.6\"",
            "for=6.6.6.6, for=203.0.113.9;host=\"a\\\", for=6.6.6.6\"",
        ] {
            assert_eq!(client_of(&proxies, &[line]), "203.0.113.9:0", "{line}");
        }
    }

    #[test]
    fn strangers_are_not_believed() {
        let mut proxies = listed(ForwardedHeader::XForwardedFor);
        proxies.trusted.remove(0);
        assert_eq!(client_of(&proxies, &["6.6.6.6"]), "10.0.0.1:4000");
        proxies.hops = 1;
        assert_eq!(client_of(&proxies, &["6.6.6.6"]), "10.0.0.1:4000", "a list binds hops too");
        assert_eq!(client_of(&Proxies::default(), &["6.6.6.6"]), "10.0.0.1:4000");
    }

    #[test]
    fn hops_count_from_the_nearest_proxy() {
        let proxies = Proxies { hops: 2, ..Proxies::default() };
        for (line, client) in [
            ("6.6.6.6, 203.0.113.9, 198.51.100.1", "203.0.113.9:0"),
            ("203.0.113.9", "10.0.0.1:4000"),
            ("unknown, 198.51.100.1", "10.0.0.1:4000"),
        ] {
            assert_eq!(client_of(&proxies, &[line]), client, "{line}");
        }
    }

    #[test]
    fn the_other_header_is_not_read() {
        let mut headers = HeaderMap::new();
        headers.insert("forwarded", "for=6.6.6.6".parse().unwrap());
        let peer = "10.0.0.1:4000".parse().unwrap();
        assert_eq!(listed(ForwardedHeader::XForwardedFor).client(peer, &headers), peer);
    }
}
