//! `tidegate token`: makes a token for development, signed with the configured secret.

use std::time::Duration;

use clap::Args;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;
use tidegate_message::UserId;

use crate::config::{Algorithm, Auth, AuthKey, Config, parse_duration};

/// Makes a token for development.
#[derive(Debug, Args)]
pub struct TokenCommand {
    /// The user whose token it is (sub).
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// How long it is good: 90s, 1h, 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    pub ttl: Duration,
    /// A pattern of groups that may be joined; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    pub join: Vec<String>,
    /// A pattern of targets that may be sent to, such as user:* or group:room-*; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    pub send: Vec<String>,
    /// Allows messages to everybody.
    #[arg(long)]
    pub broadcast: bool,
    /// The largest weight in groups.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub weight: Option<u32>,
    /// The id of the key in auth.keys to sign with. Without it, auth.jwt_secret, or the first key with a secret.
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Own::is_empty")]
    tidegate: Own<'a>,
}

/// The claim `tidegate`: only what was asked for, so that the rest stays as configured.
#[derive(Serialize)]
struct Own<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    join: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    send: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    broadcast: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
}

impl Own<'_> {
    const fn is_empty(&self) -> bool {
        self.join.is_empty() && self.send.is_empty() && !self.broadcast && self.weight.is_none()
    }
}

impl TokenCommand {
    /// The token, made at the Unix time `now`, in seconds.
    ///
    /// # Errors
    /// A sentence, if no secret is configured to sign with, or the name is none.
    pub fn token(&self, config: &Config, now: u64) -> Result<String, String> {
        let auth = &config.auth;
        let user = UserId::new(&self.user).map_err(|error| format!("--user: {error}"))?;
        let (algorithm, secret, kid) = signing_key(auth, self.key.as_deref())?;
        let claims = Claims {
            sub: user.as_str(),
            iat: now,
            exp: now.saturating_add(self.ttl.as_secs()),
            aud: auth.audience.as_deref(),
            iss: auth.issuer.as_deref(),
            tidegate: Own {
                join: &self.join,
                send: &self.send,
                broadcast: self.broadcast,
                weight: self.weight,
            },
        };
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes()))
            .map_err(|error| format!("the token cannot be signed: {error}"))
    }
}

/// The secret to sign with, its algorithm, and the `kid` of a key that has one.
fn signing_key<'a>(
    auth: &'a Auth,
    wanted: Option<&str>,
) -> Result<(jsonwebtoken::Algorithm, &'a str, Option<&'a str>), String> {
    if wanted.is_none() && auth.jwt_secret.is_set() {
        return Ok((jsonwebtoken::Algorithm::HS256, auth.jwt_secret.expose(), None));
    }
    let fits = |key: &&AuthKey| wanted.is_none_or(|wanted| key.id.as_deref() == Some(wanted));
    let secrets = auth.keys.iter().filter(fits).filter_map(|key| {
        let algorithm = match key.algorithm {
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
            Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
            Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => return None,
        };
        Some((algorithm, key.secret.expose(), key.id.as_deref()))
    });
    secrets.into_iter().next().ok_or_else(|| match wanted {
        Some(id) => format!("no secret to sign with: auth.keys has no key {id:?} with a secret"),
        None if auth.takes_tokens() => "no secret to sign with: the gateway has public keys alone; \
             ask the issuer for a token, or add a key with a secret to auth.keys"
            .to_owned(),
        None => "no secret to sign with: set auth.jwt_secret (TIDEGATE_AUTH__JWT_SECRET), at least 32 bytes, \
             for this command and for the gateway"
            .to_owned(),
    })
}

fn ttl(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Some(ttl) if ttl >= Duration::from_secs(1) => Ok(ttl),
        _ => Err("expected at least one second, such as 90s, 1h or 7d".to_owned()),
    }
}
