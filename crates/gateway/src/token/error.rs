//! Why a token is not taken, and how that is said: before the upgrade, as a close, or as a refused command.

use http::{HeaderValue, StatusCode, header};
use jsonwebtoken::errors::ErrorKind;
use tidegate_message::{Close, CloseCode, Code, Rejection};
use tidegate_server::Problem;

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
    #[error("the token's claims have another form than expected")]
    Claims,
    #[error("the token's algorithm is not one that its key is for")]
    Algorithm,
    #[error("the token is signed with a key that is not known here")]
    UnknownKey,
    #[error("the token is longer than `auth.max_token_bytes`")]
    TooLong,
    #[error("the token's signature or form is wrong")]
    Invalid,
    /// No fault of the token's: it may be good.
    #[error("the keys to verify the token with cannot be had at the moment")]
    KeysUnavailable,
}

impl TokenError {
    /// The answer to an upgrade request.
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::KeysUnavailable => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable", self.to_string())
                    .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
            }
            _ => unauthorized(self.to_string()),
        }
    }

    /// The end of a session that said it first.
    pub(crate) fn close(self) -> Close {
        let code = match self {
            Self::KeysUnavailable => CloseCode::INTERNAL,
            _ => CloseCode::INVALID_TOKEN,
        };
        Close { code, reason: self.to_string().into() }
    }

    /// The answer to `auth` in a session that goes on.
    pub(crate) fn rejection(self) -> Rejection {
        Rejection::new(Code::Unauthorized, self.to_string())
    }
}

/// 401 with a reason.
pub(crate) fn unauthorized(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", detail.into())
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

impl From<&ErrorKind> for TokenError {
    fn from(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::Immature,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
                "exp" => Self::NoExpiry,
                "aud" => Self::Audience,
                "iss" => Self::Issuer,
                _ => Self::Claims,
            },
            ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => Self::Claims,
            _ => Self::Invalid,
        }
    }
}
