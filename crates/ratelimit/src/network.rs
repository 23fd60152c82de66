//! Addresses as keys: an IPv4 address, or the network of an IPv6 one. It does not know how a client's address is found.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::ConfigError;

/// The bits of an IPv6 address that tell customers apart: each has the other 64 to choose from.
const CUSTOMER_BITS: u8 = 64;

/// Whoever has an address: an IPv4 address, or the first 64 bits of an IPv6 one. An IPv4 address written as IPv6
/// (`::ffff:192.0.2.1`) is the IPv4 address.
///
/// ```
/// use tidegate_ratelimit::Network;
///
/// let of = |ip: &str| Network::of(ip.parse().unwrap());
/// assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
/// assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
/// assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network([u8; 16]);

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        Self::cut(ip, CUSTOMER_BITS)
    }

    /// The same with another length for IPv6, in bits: 128 tells all addresses apart, 56 or 48 counts for customers
    /// of providers that give them more.
    ///
    /// # Errors
    /// [`ConfigError::Prefix`] for more than 128 bits.
    pub fn with_prefix(ip: IpAddr, prefix: u8) -> Result<Self, ConfigError> {
        match prefix {
            0..=128 => Ok(Self::cut(ip, prefix)),
            given => Err(ConfigError::Prefix { given }),
        }
    }

    pub(crate) fn cut(ip: IpAddr, prefix: u8) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => {
                let others = 128_u32.saturating_sub(prefix.into());
                let mask = u128::MAX.checked_shl(others).unwrap_or(0);
                Self((ip.to_bits() & mask).to_be_bytes())
            }
        }
    }

    /// Its first address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from(self.0)).to_canonical()
    }
}

impl From<IpAddr> for Network {
    fn from(ip: IpAddr) -> Self {
        Self::of(ip)
    }
}

/// Its first address.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(ip: &str) -> Network {
        Network::of(ip.parse().unwrap())
    }

    #[test]
    fn an_ipv6_network_has_64_bits_and_a_mapped_address_is_ipv4() {
        for (one, other, same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("192.0.2.1", "192.0.2.2", false),
            ("::1", "127.0.0.1", false),
            ("::1", "0.0.0.0", false),
        ] {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
        assert_eq!(network("2001:db8:1:2::1").to_string(), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1").to_string(), "192.0.2.1");
    }

    #[test]
    fn a_prefix_of_another_length_is_cut_there() {
        let of = |prefix, ip: &str| {
            Network::with_prefix(ip.parse().unwrap(), prefix).unwrap().to_string()
        };
        assert_eq!(of(48, "2001:db8:1:2::1"), "2001:db8:1::");
        assert_eq!(of(128, "2001:db8:1:2::1"), "2001:db8:1:2::1");
        assert_eq!(of(0, "2001:db8:1:2::1"), "::");
        assert_eq!(of(0, "192.0.2.1"), "192.0.2.1", "IPv4 is not cut");
        let wrong = Network::with_prefix(IpAddr::from([0; 16]), 129);
        assert_eq!(wrong, Err(ConfigError::Prefix { given: 129 }));
    }
}
