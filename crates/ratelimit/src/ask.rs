//! Who asks, and what it costs, read from a request. It does not know limits.

use std::net::{IpAddr, SocketAddr};

use http::header::{HeaderName, HeaderValue};
use http::{Extensions, HeaderMap, Request};

use crate::{ConfigError, Network};

/// Added by each proxy: the address that it was asked from.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Finds the key of a request, and what the request costs of each of `M` limits. A closure from a request to a key is one, with
/// a cost of 1.
pub trait Ask<R, const M: usize> {
    /// Who is limited. A request that names nobody has a key too, such as `None`: or it would pass unlimited.
    type Key;

    /// Who asks.
    fn key(&self, request: &R) -> Self::Key;

    /// What it costs: 1 of each limit, unless told otherwise.
    fn costs(&self, _: &R) -> [u32; M] {
        [1; M]
    }
}

impl<R, K, F: Fn(&R) -> K, const M: usize> Ask<R, M> for F {
    type Key = K;

    fn key(&self, request: &R) -> K {
        self(request)
    }
}

/// The value of a header: an API key, a user's name that a proxy has put there. Requests without it count together.
///
/// The header is taken as it stands: whoever can send any value can be as many clients as they like.
#[derive(Clone, Debug)]
pub struct ByHeader(pub HeaderName);

impl<B, const M: usize> Ask<Request<B>, M> for ByHeader {
    type Key = Option<HeaderValue>;

    fn key(&self, request: &Request<B>) -> Option<HeaderValue> {
        request.headers().get(&self.0).cloned()
    }
}

/// The client's address, as a [`Network`]. Requests without an address count together.
///
/// The peer's address is taken from the request's extensions, where the server must have put it. Behind proxies
/// that each add the address they were asked from to `X-Forwarded-For`, it is the peer only without any: with n of them,
/// the nth address from the right is the client's. What stands further left, the client may have written itself.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use tidegate_ratelimit::{Ask, ByAddress, Network};
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert("10.0.0.7:443".parse::<SocketAddr>()?);
/// request.headers_mut().insert("x-forwarded-for", "6.6.6.6, 192.0.2.1".parse()?);
/// let client = |by: ByAddress| Ask::<_, 1>::key(&by, &request).map(|network| network.to_string());
/// assert_eq!(client(ByAddress::peer()).as_deref(), Some("10.0.0.7"));
/// assert_eq!(client(ByAddress::peer().behind(1)).as_deref(), Some("192.0.2.1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ByAddress {
    peer: fn(&Extensions) -> Option<IpAddr>,
    proxies: usize,
    /// Bits of IPv6 addresses; at most 128.
    prefix: u8,
}

impl ByAddress {
    /// The address in the extension [`SocketAddr`].
    #[must_use]
    pub fn peer() -> Self {
        Self::found_by(|extensions| extensions.get::<SocketAddr>().map(SocketAddr::ip))
    }

    /// The address that `peer` finds in a request's extensions: `ConnectInfo<SocketAddr>` with axum.
    #[must_use]
    pub const fn found_by(peer: fn(&Extensions) -> Option<IpAddr>) -> Self {
        Self { peer, proxies: 0, prefix: 64 }
    }

    /// So many proxies stand before the server, and all requests come through all of them: or clients could write
    /// the address themselves.
    #[must_use]
    pub const fn behind(mut self, proxies: usize) -> Self {
        self.proxies = proxies;
        self
    }

    /// IPv6 addresses count by so many bits instead of 64.
    ///
    /// # Errors
    /// [`ConfigError::Prefix`] for more than 128.
    pub fn prefix(mut self, bits: u8) -> Result<Self, ConfigError> {
        if bits > 128 {
            return Err(ConfigError::Prefix { given: bits });
        }
        self.prefix = bits;
        Ok(self)
    }

    fn network(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<Network> {
        let peer = (self.peer)(extensions);
        let client = self.proxies.checked_sub(1).and_then(|index| forwarded(headers, index));
        Some(Network::cut(client.or(peer)?, self.prefix))
    }
}

impl<B, const M: usize> Ask<Request<B>, M> for ByAddress {
    type Key = Option<Network>;

    fn key(&self, request: &Request<B>) -> Option<Network> {
        self.network(request.headers(), request.extensions())
    }
}

/// The address after `index` others from the right, or the leftmost of fewer. `None` for what is no address: then
/// the peer is asked for, which is a proxy.
fn forwarded(headers: &HeaderMap, index: usize) -> Option<IpAddr> {
    let mut leftmost = None;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let addresses = lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
    for address in addresses.take(index.saturating_add(1)) {
        leftmost = Some(address);
    }
    let text = str::from_utf8(leftmost?).ok()?.trim();
    let ip = text.parse().ok();
    ip.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

/// One way to find the key, another to find the costs.
#[derive(Clone, Debug)]
pub struct Costed<X, F> {
    pub(crate) ask: X,
    pub(crate) costs: F,
}

impl<R, X, F, const M: usize> Ask<R, M> for Costed<X, F>
where
    X: Ask<R, M>,
    F: Fn(&R) -> [u32; M],
{
    type Key = X::Key;

    fn key(&self, request: &R) -> X::Key {
        self.ask.key(request)
    }

    fn costs(&self, request: &R) -> [u32; M] {
        (self.costs)(request)
    }
}
