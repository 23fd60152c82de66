//! Tokens: JSON Web Tokens signed with HS256 (RFC 7519, RFC 7518 section 3.2).

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use tidegate_message::UserId;

use crate::config::Config;
use crate::identity::{Identity, Rights};

/// Verifies tokens with the key of the configuration.
pub(crate) struct Verifier {
    key: DecodingKey,
    validation: Validation,
    defaults: Rights,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    Immature,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token is from another issuer")]
    Issuer,
    #[error("the token has no valid `sub`: expected a name of 1 to 128 bytes")]
    Subject,
    #[error("the token lacks `exp`")]
    NoExpiry,
    #[error("the token's signature or form is wrong")]
    Invalid,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    tidegate: Option<Granted>,
}

#[derive(Deserialize)]
struct Granted {
    join: Option<Vec<String>>,
    send: Option<Vec<String>>,
    broadcast: Option<bool>,
    weight: Option<u32>,
}

impl Verifier {
    /// A verifier, if the configuration has a key.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let auth = &config.auth;
        if !auth.jwt_secret.is_set() {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = auth.leeway.as_secs();
        validation.validate_nbf = true;
        validation.validate_aud = auth.audience.is_some();
        if let Some(audience) = &auth.audience {
            validation.set_audience(&[audience]);
        }
        if let Some(issuer) = &auth.issuer {
            validation.set_issuer(&[issuer]);
        }
        let key = DecodingKey::from_secret(auth.jwt_secret.expose().as_bytes());
        let defaults = Rights {
            join: config.authorize.join.clone(),
            send: config.authorize.send.clone(),
            broadcast: config.authorize.broadcast,
        };
        Some(Self { key, validation, defaults })
    }

    /// Who a token says its bearer is. Its claim `tidegate` stands above the configured defaults.
    pub(crate) fn verify(&self, token: &str) -> Result<Identity, TokenError> {
        let claims = decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|error| TokenError::from(error.kind()))?
            .claims;
        let user = UserId::new(&claims.sub).map_err(|_| TokenError::Subject)?;
        let mut rights = self.defaults.clone();
        let mut weight = 1;
        if let Some(granted) = claims.tidegate {
            rights.join = granted.join.unwrap_or(rights.join);
            rights.send = granted.send.unwrap_or(rights.send);
            rights.broadcast = granted.broadcast.unwrap_or(rights.broadcast);
            weight = granted.weight.unwrap_or(1).max(1);
        }
        Ok(Identity { user, rights, weight, expires_at: Some(claims.exp) })
    }
}

impl From<&ErrorKind> for TokenError {
    fn from(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::Immature,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::MissingRequiredClaim(claim) if claim == "exp" => Self::NoExpiry,
            _ => Self::Invalid,
        }
    }
}
