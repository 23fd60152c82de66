//! The head of a token, read before its signature is: which algorithm and which key it says it was signed with
//! (RFC 7515 section 4.1). Nothing in it is believed but as a choice among the keys that there are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TokenError;
use crate::config::Algorithm;

/// The part of a head that chooses a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl Head {
    /// Reads the head of a token in compact form.
    pub(super) fn of(token: &str) -> Result<Self, TokenError> {
        let (head, _) = token.split_once('.').ok_or(TokenError::Invalid)?;
        let json = URL_SAFE_NO_PAD.decode(head).map_err(|_| TokenError::Invalid)?;
        let fields: Fields = serde_json::from_slice(&json).map_err(|_| TokenError::Invalid)?;
        // An extension that must be understood (RFC 7515 section 4.1.11): none is.
        if fields.crit.is_some() {
            return Err(TokenError::Invalid);
        }
        // `none` is not among the words.
        let algorithm = Algorithm::from_word(&fields.alg).ok_or(TokenError::Algorithm)?;
        Ok(Self { algorithm, kid: fields.kid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(json: &str) -> Result<Head, TokenError> {
        Head::of(&format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(json)))
    }

    #[test]
    fn chooses_by_algorithm_and_kid() {
        let expected = Head { algorithm: Algorithm::Es256, kid: Some("k1".to_owned()) };
        assert_eq!(head(r#"{"typ":"JWT","alg":"ES256","kid":"k1"}"#), Ok(expected));
        assert_eq!(head(r#"{"alg":"EdDSA"}"#).unwrap().kid, None);
    }

    #[test]
    fn refuses_what_is_unsigned_unknown_or_must_be_understood() {
        for (json, expected) in [
            (r#"{"alg":"none"}"#, TokenError::Algorithm),
            (r#"{"alg":"None"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS1"}"#, TokenError::Algorithm),
            (r#"{"alg":"hs256"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, TokenError::Invalid),
            (r#"{"alg":"HS256","alg":"none"}"#, TokenError::Invalid),
            (r#"{"alg":"HS256","kid":7}"#, TokenError::Invalid),
            (r"{}", TokenError::Invalid),
            ("", TokenError::Invalid),
        ] {
            assert_eq!(head(json), Err(expected), "{json}");
        }
        assert_eq!(Head::of("garbage"), Err(TokenError::Invalid));
        assert_eq!(Head::of(""), Err(TokenError::Invalid));
    }
}
