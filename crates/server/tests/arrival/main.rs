//! How connections arrive at a server: over TLS or in the clear, directly or through proxies, rightly or not.

mod proxies;
mod serving;
mod tls;
