//! What does not go together in `[auth]`: keys of tokens, who could connect at all, times of the key set.

use super::check::Check;
use super::choice::{Algorithm, Anonymous};
use super::error::Problem;
use super::schema_auth::{Auth, AuthKey};

impl Check<'_> {
    pub(super) fn auth(&mut self, auth: &Auth) {
        self.secret("auth.jwt_secret", Algorithm::Hs256, auth.jwt_secret.expose().len());
        for (index, key) in auth.keys.iter().enumerate() {
            if self.required(&format!("auth.keys[{index}]"), key, &[]) {
                self.key(index, key);
            }
            let same = |other: &AuthKey| key.id.is_some() && other.id == key.id;
            if let Some(first) = auth.keys.iter().take(index).position(same) {
                let what = format!("is the id of auth.keys[{first}] too");
                self.report(format!("auth.keys[{index}].id"), Problem::Conflict(what));
            }
        }
        self.key_set(auth);
        if !auth.takes_tokens() {
            self.nobody(auth);
        }
    }

    /// A shared secret that is set is long enough.
    fn secret(&mut self, at: &str, algorithm: Algorithm, found: usize) {
        let Some(least) = algorithm.min_secret_bytes() else { return };
        if found > 0 && found < least {
            let what = format!(
                "expected at least {least} bytes ({}: RFC 7518, section 3.2), found {found}",
                algorithm.word()
            );
            self.report(at, Problem::Conflict(what));
        }
    }

    /// A key has what its algorithm needs, and nothing else.
    fn key(&mut self, index: usize, key: &AuthKey) {
        let at = |name: &str| format!("auth.keys[{index}].{name}");
        let word = key.algorithm.word();
        let shared = key.algorithm.min_secret_bytes().is_some();
        let (needed, other) =
            if shared { ("secret", "public_key_file") } else { ("public_key_file", "secret") };
        let is_set = |name: &str| match name {
            "secret" => key.secret.is_set(),
            _ => key.public_key_file.is_some(),
        };
        if !is_set(needed) {
            let what = format!("is {word}, which needs {}", at(needed));
            self.report(at("algorithm"), Problem::Conflict(what));
        }
        if is_set(other) {
            let what = format!("has no meaning beside {} = \"{word}\"", at("algorithm"));
            self.report(at(other), Problem::Conflict(what));
        }
        if shared {
            self.secret(&at("secret"), key.algorithm, key.secret.expose().len());
        }
    }

    fn key_set(&mut self, auth: &Auth) {
        if auth.jwks_min_interval > auth.jwks_refresh_interval {
            self.conflict(
                "auth.jwks_min_interval",
                "auth.jwks_refresh_interval",
                "auth.jwks_min_interval must not be longer than auth.jwks_refresh_interval",
            );
        }
        let is_https = auth.jwks_url.as_ref().is_some_and(|address| address.is_https());
        if auth.jwks_ca_file.is_some() && !is_https {
            let what = "is set, but auth.jwks_url is no https:// address";
            self.report("auth.jwks_ca_file", Problem::Conflict(what.to_owned()));
        }
    }

    /// Without any key, nothing may ask for tokens.
    fn nobody(&mut self, auth: &Auth) {
        if auth.anonymous == Anonymous::Never {
            self.conflict(
                "auth.anonymous",
                "auth.jwt_secret",
                "is false, and neither auth.jwt_secret nor auth.keys nor auth.jwks_url is set: nobody could connect",
            );
        }
        for (name, value) in [("audience", &auth.audience), ("issuer", &auth.issuer)] {
            if value.is_some() {
                let what = "is set, but neither auth.jwt_secret nor auth.keys nor auth.jwks_url is: no token would ever be checked";
                self.report(format!("auth.{name}"), Problem::Conflict(what.to_owned()));
            }
        }
    }
}
