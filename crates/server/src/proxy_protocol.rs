//! The PROXY protocol, versions 1 and 2: a header before all else in which a proxy says whose connection
//! this is (`https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt`). It knows no proxy and trusts
//! nobody: who may say it is decided elsewhere.
//!
//! ```text
//! v1  "PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n", at most 107 bytes
//! v2  signature (12) | version, command (1) | family (1) | length (2) | addresses, then anything
//! ```

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_HEAD_BYTES: usize = 16;
/// The least that any header has: `PROXY UNKNOWN\r\n`.
const V1_LEAST_BYTES: usize = 15;
const V1_MOST_BYTES: usize = 107;
/// The longest header of version 2 that is read. Proxies add some hundred bytes at most.
const V2_MOST_BYTES: usize = 4096;

/// What is known after some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// So many more bytes surely belong to the header.
    More(usize),
    /// The header is whole; the client, unless the proxy speaks for itself or does not know.
    Whole(Option<SocketAddr>),
}

/// Why the header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("no header of the PROXY protocol")]
    NoHeader,
    #[error("a header of the PROXY protocol that cannot be read")]
    Broken,
    #[error("a header of the PROXY protocol that is too long")]
    TooLong,
}

/// Reads a header, and not one byte beyond it.
pub(crate) async fn read<IO: AsyncRead + Unpin>(io: &mut IO) -> io::Result<Option<SocketAddr>> {
    let mut header = Vec::with_capacity(V1_MOST_BYTES);
    loop {
        match progress(&header)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
        {
            Progress::Whole(client) => return Ok(client),
            Progress::More(bytes) => {
                let known = header.len();
                header.resize(known + bytes, 0);
                io.read_exact(&mut header[known..]).await?;
            }
        }
    }
}

fn progress(header: &[u8]) -> Result<Progress, Malformed> {
    if header.len() < V1_LEAST_BYTES {
        return Ok(Progress::More(V1_LEAST_BYTES - header.len()));
    }
    if header.starts_with(V2_SIGNATURE) {
        return version_2(header);
    }
    let Some(line) = header.strip_prefix(b"PROXY ") else { return Err(Malformed::NoHeader) };
    match line {
        [line @ .., b'\r', b'\n'] => version_1(line).map(Progress::Whole),
        _ if header.len() >= V1_MOST_BYTES => Err(Malformed::TooLong),
        [.., b'\r'] => Ok(Progress::More(1)),
        _ if line.contains(&b'\n') => Err(Malformed::Broken),
        _ => Ok(Progress::More((V1_MOST_BYTES - header.len()).min(2))),
    }
}

/// What stands between `PROXY ` and the end of the line.
fn version_1(line: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    let line = str::from_utf8(line).map_err(|_| Malformed::Broken)?;
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let words: Vec<&str> = line.split(' ').collect();
    let [family, source, destination, source_port, destination_port] = words[..] else {
        return Err(Malformed::Broken);
    };
    let ip = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let port = |text: &str| text.parse::<u16>().ok().filter(|_| !text.starts_with('+'));
    match (ip(source), ip(destination), port(source_port), port(destination_port)) {
        (Some(ip), Some(_), Some(port), Some(_)) => {
            Ok(Some(SocketAddr::new(ip.to_canonical(), port)))
        }
        _ => Err(Malformed::Broken),
    }
}

fn version_2(header: &[u8]) -> Result<Progress, Malformed> {
    let Some((head, body)) = header.split_first_chunk::<V2_HEAD_BYTES>() else {
        return Ok(Progress::More(V2_HEAD_BYTES - header.len()));
    };
    let &[.., command, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if V2_HEAD_BYTES + length > V2_MOST_BYTES {
        return Err(Malformed::TooLong);
    }
    if body.len() < length {
        return Ok(Progress::More(length - body.len()));
    }
    match command {
        // LOCAL: the proxy itself, looking whether we live.
        0x20 => Ok(Progress::Whole(None)),
        0x21 => addresses(family, body).map(Progress::Whole),
        _ => Err(Malformed::Broken),
    }
}

/// The source of version 2: addresses first, then ports. Families that have no IP address tell nothing.
fn addresses(family: u8, body: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    match family >> 4 {
        1 => {
            let Some(&[a, b, c, d, .., high, low, _, _]) = body.first_chunk::<12>() else {
                return Err(Malformed::Broken);
            };
            Ok(Some((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])).into()))
        }
        2 => {
            let Some(addresses) = body.first_chunk::<36>() else { return Err(Malformed::Broken) };
            let &[.., high, low, _, _] = addresses;
            let Some(source) = addresses.first_chunk::<16>() else { return Err(Malformed::Broken) };
            let ip = IpAddr::V6(Ipv6Addr::from(*source)).to_canonical();
            Ok(Some(SocketAddr::new(ip, u16::from_be_bytes([high, low]))))
        }
        0 | 3 => Ok(None),
        _ => Err(Malformed::Broken),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads as [`read`] does, from bytes; tells also what is left of them.
    fn parsed(mut bytes: &[u8]) -> Result<(Option<SocketAddr>, &[u8]), Option<Malformed>> {
        let mut header = Vec::new();
        loop {
            match progress(&header).map_err(Some)? {
                Progress::Whole(client) => return Ok((client, bytes)),
                Progress::More(more) => {
                    let (taken, rest) = bytes.split_at_checked(more).ok_or(None)?;
                    header.extend_from_slice(taken);
                    bytes = rest;
                }
            }
        }
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&V2_SIGNATURE[..], &[command, family], &length, body].concat()
    }

    #[test]
    fn reads_version_1_and_nothing_beyond_it() {
        for (line, client) in [
            ("PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n", Some("203.0.113.9:40000")),
            ("PROXY TCP6 2001:db8::9 2001:db8::1 1 2\r\n", Some("[2001:db8::9]:1")),
            ("PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\n", Some("203.0.113.9:1")),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ff:: ff:: 65535 65535\r\n", None),
        ] {
            let bytes = format!("{line}GET / HTTP/1.1\r\n");
            let (found, rest) = parsed(bytes.as_bytes()).unwrap();
            assert_eq!(found, client.map(|client| client.parse().unwrap()), "{line}");
            assert_eq!(rest, b"GET / HTTP/1.1\r\n");
        }
    }

    #[test]
    fn reads_version_2_and_nothing_beyond_it() {
        let v4 = [203, 0, 113, 9, 192, 0, 2, 1, 0x9c, 0x40, 1, 187];
        let mut v6 = [0; 36];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        v6[32..34].copy_from_slice(&[0, 80]);
        for (bytes, client) in [
            (v2(0x21, 0x11, &v4), Some("203.0.113.9:40000")),
            (v2(0x21, 0x11, &[&v4[..], b"\x04\0\x02xx"].concat()), Some("203.0.113.9:40000")),
            (v2(0x21, 0x21, &v6), Some("[2001::]:80")),
            (v2(0x20, 0x00, b""), None),
            (v2(0x21, 0x00, b""), None),
            (v2(0x21, 0x31, &[0; 216]), None),
        ] {
            let longer = [&bytes[..], b"\x16\x03\x01"].concat();
            let (found, rest) = parsed(&longer).unwrap();
            assert_eq!(found, client.map(|client| client.parse().unwrap()), "{bytes:?}");
            assert_eq!(rest, b"\x16\x03\x01");
        }
    }

    #[test]
    fn refuses_what_is_no_header_or_a_wrong_one() {
        let long = format!("PROXY TCP4 {}", "1".repeat(200));
        for (bytes, error) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n"[..], Malformed::NoHeader),
            (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03aaaaaaaaaa", Malformed::NoHeader),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", Malformed::Broken),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 70000\r\n", Malformed::Broken),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", Malformed::Broken),
            (b"PROXY TCP4 ::1 ::1 1 1\r\n", Malformed::Broken),
            (b"PROXY TCP4  1.1.1.1 2.2.2.2 1 1\r\n", Malformed::Broken),
            (b"PROXY UDP4 1.1.1.1 2.2.2.2 1 1\r\n", Malformed::Broken),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 1\nGET", Malformed::Broken),
            (long.as_bytes(), Malformed::TooLong),
            (&v2(0x31, 0x11, &[0; 12]), Malformed::Broken),
            (&v2(0x22, 0x11, &[0; 12]), Malformed::Broken),
            (&v2(0x21, 0x11, &[0; 11]), Malformed::Broken),
            (&v2(0x21, 0x21, &[0; 35]), Malformed::Broken),
            (&v2(0x21, 0x41, &[0; 35]), Malformed::Broken),
            (&v2(0x21, 0x11, &[0; 5000]), Malformed::TooLong),
        ] {
            assert_eq!(parsed(bytes), Err(Some(error)), "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_read_without_end(
            start in prop::sample::select(vec![&b""[..], b"PROXY ", b"PROXY TCP4 ", V2_SIGNATURE]),
            bytes in prop::collection::vec(any::<u8>(), 0..6000),
        ) {
            let bytes = [start, &bytes].concat();
            if let Ok((_, rest)) = parsed(&bytes) {
                prop_assert!(bytes.len() - rest.len() <= V2_MOST_BYTES);
            }
        }
    }
}
