//! Judges tokens. At once with the keys at hand; where a token names a key that is not among them and an address
//! publishes keys, after at most one fetch.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jsonwebtoken::{Validation, decode};

use super::TokenError;
use super::claims::Claims;
use super::head::Head;
use super::key::Key;
use super::remote::{Refreshed, Remote};
use crate::config::{Algorithm, Auth, Config};
use crate::identity::{Identity, Rights};

/// The most keys that one token is tried with: only a token without a `kid` can fit more than a few.
const MAX_TRIED: usize = 8;

/// Verifies tokens with the keys of the configuration and of a published set.
pub(crate) struct Verifier {
    configured: Vec<Key>,
    remote: Option<Arc<Remote>>,
    checks: Checks,
    max_bytes: usize,
    defaults: Rights,
}

type Judged = Result<Identity, TokenError>;

/// Why a token cannot be judged well with the keys at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missed {
    /// Newer keys change nothing.
    Refused(TokenError),
    /// Its key may be among those that are published by now.
    KeyMayCome,
}

impl From<TokenError> for Missed {
    fn from(error: TokenError) -> Self {
        Self::Refused(error)
    }
}

/// What is said of a token: mostly at once.
pub(crate) enum Verdict {
    Now(Judged),
    /// The keys are fetched first. Boxed here, at the one place where it must wait.
    Later(Pin<Box<dyn Future<Output = Judged> + Send>>),
}

impl Verdict {
    /// Waits for it.
    ///
    /// # Cancel safety
    /// Cancelling stops the waiting alone.
    pub(crate) async fn judged(self) -> Judged {
        match self {
            Self::Now(judged) => judged,
            Self::Later(judged) => judged.await,
        }
    }
}

impl Verifier {
    /// A verifier, if the configuration has a key or an address of keys. Published keys that the one before
    /// has from the same address are kept.
    ///
    /// # Errors
    /// A sentence about a file or an address that cannot be used.
    pub(crate) fn new(config: &Config, before: Option<&Self>) -> Result<Option<Arc<Self>>, String> {
        let auth = &config.auth;
        if !auth.takes_tokens() {
            return Ok(None);
        }
        let remote = match (&auth.jwks_url, before.and_then(|before| before.remote.as_ref())) {
            (Some(address), Some(kept)) if kept.is_of(address, auth) => Some(Arc::clone(kept)),
            (Some(address), _) => Some(Arc::new(Remote::new(address, auth)?)),
            (None, _) => None,
        };
        Ok(Some(Arc::new(Self {
            configured: Key::configured(auth)?,
            remote,
            checks: Checks::new(auth),
            max_bytes: auth.max_token_bytes.bytes(),
            defaults: Rights::configured(&config.authorize),
        })))
    }

    /// Who a token says its bearer is, and what may be done with it.
    pub(crate) fn judge(self: &Arc<Self>, token: &str) -> Verdict {
        match self.at_hand(token) {
            Ok(identity) => Verdict::Now(Ok(identity)),
            Err(Missed::Refused(error)) => Verdict::Now(Err(error)),
            Err(Missed::KeyMayCome) => {
                let (verifier, token) = (Arc::clone(self), token.to_owned());
                Verdict::Later(Box::pin(async move { verifier.after_refresh(&token).await }))
            }
        }
    }

    /// What tokens may be signed with, for a person.
    pub(crate) fn describe(&self) -> String {
        let mut words: Vec<&str> = self.configured.iter().map(|key| key.algorithm.word()).collect();
        words.dedup();
        words.extend(self.remote.is_some().then_some("JWKS"));
        words.join(" ")
    }

    async fn after_refresh(&self, token: &str) -> Judged {
        let refreshed = match &self.remote {
            Some(remote) => remote.refreshed().await,
            None => Refreshed::Current,
        };
        self.at_hand(token).map_err(|missed| match (missed, refreshed) {
            (Missed::Refused(error), _) => error,
            (Missed::KeyMayCome, Refreshed::Current) => TokenError::UnknownKey,
            (Missed::KeyMayCome, Refreshed::Failed) => TokenError::KeysUnavailable,
        })
    }

    /// Judges with the keys at hand.
    fn at_hand(&self, token: &str) -> Result<Identity, Missed> {
        if token.len() > self.max_bytes {
            return Err(TokenError::TooLong.into());
        }
        let head = Head::of(token)?;
        let published = self.remote.as_ref().map(|remote| remote.keys());
        let keys = || self.configured.iter().chain(published.iter().flat_map(|keys| keys.iter()));
        let fits = |key: &&Key| key.algorithm == head.algorithm;
        let named = |key: &&Key| head.kid.is_some() && key.id == head.kid;
        if keys().any(|key| named(&key)) {
            let judged = self.first(token, keys().filter(named).filter(fits));
            return Ok(judged.unwrap_or(Err(TokenError::Algorithm))?);
        }
        // No key of this name: one without a name may be meant, or, without a `kid`, any.
        let open = |key: &&Key| head.kid.is_none() || key.id.is_none();
        // A shared secret is never published.
        let may_come = self.remote.is_some() && head.algorithm.min_secret_bytes().is_none();
        match self.first(token, keys().filter(open).filter(fits)) {
            Some(Err(TokenError::Invalid)) if may_come && head.kid.is_some() => {
                Err(Missed::KeyMayCome)
            }
            Some(judged) => Ok(judged?),
            None if may_come => Err(Missed::KeyMayCome),
            None if keys().any(|key| fits(&key)) => Err(TokenError::UnknownKey.into()),
            None => Err(TokenError::Algorithm.into()),
        }
    }

    /// The judgement by the first key that the signature is of; of a wrong signature if it is of none.
    fn first<'a>(&self, token: &str, keys: impl Iterator<Item = &'a Key>) -> Option<Judged> {
        let mut found = None;
        for key in keys.take(MAX_TRIED) {
            let judged = self.with(token, key);
            if !matches!(judged, Err(TokenError::Invalid)) {
                return Some(judged);
            }
            found = Some(judged);
        }
        found
    }

    fn with(&self, token: &str, key: &Key) -> Judged {
        decode::<Claims>(token, &key.key, self.checks.of(key.algorithm))
            .map_err(|error| TokenError::from(error.kind()))?
            .claims
            .identity(&self.defaults)
    }
}

/// What is checked of a token, once for each algorithm, so that a key is used with its own alone.
struct Checks([(Algorithm, Validation); 6]);

impl Checks {
    fn new(auth: &Auth) -> Self {
        use Algorithm::{EdDsa, Es256, Hs256, Hs384, Hs512, Rs256};
        let check = |algorithm| (algorithm, validation(auth, algorithm));
        Self([Hs256, Hs384, Hs512, Rs256, Es256, EdDsa].map(check))
    }

    fn of(&self, algorithm: Algorithm) -> &Validation {
        let found = self.0.iter().find(|(of, _)| *of == algorithm);
        &found.expect("every algorithm has its check").1
    }
}

fn validation(auth: &Auth, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(match algorithm {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
        Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    });
    validation.leeway = auth.leeway.as_secs();
    validation.validate_nbf = true;
    validation.validate_aud = auth.audience.is_some();
    let mut required = vec!["exp"];
    if let Some(audience) = &auth.audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    if let Some(issuer) = &auth.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    // By itself the check of `aud` and `iss` lets pass what does not name any.
    validation.set_required_spec_claims(&required);
    validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config(flags: &[(&str, &str)]) -> Config {
        let flags =
            flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Config::load(&Sources { flags, ..Sources::default() }).unwrap().config
    }

    #[tokio::test]
    async fn published_keys_are_kept_as_long_as_they_come_from_the_same_address() {
        let address = ("auth.jwks_url", "http://127.0.0.1:9/keys");
        let first = Verifier::new(&config(&[address]), None).unwrap().unwrap();
        let kept = [address, ("auth.audience", "chat")];
        let second = Verifier::new(&config(&kept), Some(&first)).unwrap().unwrap();
        let remote = |verifier: &Verifier| Arc::clone(verifier.remote.as_ref().unwrap());
        assert!(Arc::ptr_eq(&remote(&first), &remote(&second)));
        let other = [("auth.jwks_url", "http://127.0.0.1:9/others")];
        let third = Verifier::new(&config(&other), Some(&second)).unwrap().unwrap();
        assert!(!Arc::ptr_eq(&remote(&second), &remote(&third)));
        assert!(Verifier::new(&config(&[]), Some(&third)).unwrap().is_none());
    }
}
