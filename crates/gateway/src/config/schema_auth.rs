//! Every key of `[auth]`, `[[auth.keys]]` and `[authorize]`: who may come in, and what they may do.

use std::time::Duration;

use super::choice::{Algorithm, Anonymous};
use super::schema::{DAY, SECOND, bytes, kib, mib, millis, secs};
use super::secret::Secret;
use super::section::section;
use super::size::Size;
use super::web_address::WebAddress;

section! {
    /// `[auth]`: who a client is.
    pub struct Auth {
        /// Who may connect without a token: `true`, `false`, or `"loopback"`: anybody while the gateway
        /// listens on a loopback address.
        anonymous: Anonymous = Anonymous::Loopback;
        /// The one key that tokens are signed with (JWT, HS256): at least 32 bytes. For other algorithms and for
        /// several keys there are `[[auth.keys]]` and `jwks_url`. Without any of them no token is accepted.
        jwt_secret: Secret = Secret::default();
        /// An address that publishes the issuer's public keys (a JWK set, RFC 7517): `https://…`, or `http://…`
        /// where the way there can be trusted. Redirects are not followed.
        jwks_url: Option<WebAddress> = None;
        /// A PEM file of the authorities that may vouch for that address, instead of the system's.
        jwks_ca_file: Option<String> = None;
        /// How often the keys are fetched again.
        jwks_refresh_interval: Duration = secs(300), in SECOND..=DAY;
        /// How long after one fetch the next may begin, whatever asks for it: a token with an unknown `kid`, or a failure.
        jwks_min_interval: Duration = secs(10), in millis(10)..=secs(3600);
        /// How long a fetch may take, and how long a token with an unknown `kid` waits for one.
        jwks_timeout: Duration = secs(5), in millis(10)..=secs(60);
        /// The largest set of keys. Of a set, 100 keys are taken.
        max_jwks_bytes: Size = kib(256), in kib(1)..=mib(16);
        /// The audience (`aud`) that a token must name. Empty means any.
        audience: Option<String> = None;
        /// The issuer (`iss`) that a token must name. Empty means any.
        issuer: Option<String> = None;
        /// By how much the clocks of issuer and gateway may differ.
        leeway: Duration = secs(30), in Duration::ZERO..=secs(600);
        /// The longest token. A client that is not known yet can send no longer message than this and 1 KiB.
        max_token_bytes: Size = kib(16), in bytes(256)..=mib(1);
        /// How long a client that connected without a token may take to send its `auth` message.
        auth_timeout: Duration = secs(10), in millis(100)..=secs(600);
        /// How long a session goes on after its token expired, so that it can send a new one.
        expiry_grace: Duration = secs(30), in Duration::ZERO..=DAY;
    }
    lists {
        /// Keys beside `jwt_secret`, one `[[auth.keys]]` each.
        keys: Vec<AuthKey>;
    }
}

section! {
    /// `[[auth.keys]]`: a key that tokens are verified with.
    pub struct AuthKey {
        /// The `kid` by which tokens name it. Empty means that it verifies any token of its algorithm whose `kid` names no other key.
        id: Option<String> = None;
        /// How its tokens are signed. A token that says another algorithm is refused.
        algorithm: Algorithm = Algorithm::Hs256 => required;
        /// The shared secret, for HS256, HS384 and HS512: at least 32, 48 and 64 bytes.
        secret: Secret = Secret::default();
        /// The PEM file of the public key (`BEGIN PUBLIC KEY`), for RS256, ES256 and EdDSA. It is read at the start.
        public_key_file: Option<String> = None;
    }
}

section! {
    /// `[authorize]`: what a client with a token may do where the token does not say.
    pub struct Authorize {
        /// Groups that may be joined, as patterns: `room:*`; `*` alone is every group.
        join: Vec<String> = Vec::new();
        /// Targets that may be sent to, as patterns: `user:*`, `group:room:*`, `session:*`; `*` alone is everyone.
        send: Vec<String> = Vec::new();
        /// Whether a message may be broadcast to everybody.
        broadcast: bool = false;
        /// The largest `weight` with which a group may be joined, and the one of a `join` without one.
        weight: u32 = 1, in 1..=1_000;
    }
}

impl Auth {
    /// Whether there is a key, or an address of keys, to verify tokens with.
    #[must_use]
    pub fn takes_tokens(&self) -> bool {
        self.jwt_secret.is_set() || !self.keys.is_empty() || self.jwks_url.is_some()
    }
}
