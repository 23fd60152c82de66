//! What a token says of its bearer, over what the configuration says of everybody.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use tidegate_message::UserId;

use super::TokenError;
use crate::identity::{Granted, Identity, Rights};

/// The claims that are read here; times, audience and issuer are checked before.
#[derive(Deserialize)]
pub(super) struct Claims {
    sub: String,
    #[serde(deserialize_with = "numeric_date")]
    exp: u64,
    #[serde(default)]
    tidegate: Option<Own>,
}

/// The claim `tidegate`.
#[derive(Deserialize)]
struct Own {
    join: Option<Vec<String>>,
    send: Option<Vec<String>>,
    broadcast: Option<bool>,
    weight: Option<u32>,
}

impl Claims {
    /// Who the bearer is. The claim `tidegate` stands above the defaults, right by right.
    pub(super) fn identity(self, defaults: &Rights) -> Result<Identity, TokenError> {
        let user = UserId::new(&self.sub).map_err(|_| TokenError::Subject)?;
        let mut rights = defaults.clone();
        if let Some(own) = self.tidegate {
            own.join.into_iter().for_each(|join| rights.join = Granted::by_token(join));
            own.send.into_iter().for_each(|send| rights.send = Granted::by_token(send));
            own.broadcast.into_iter().for_each(|yes| rights.broadcast = Granted::by_token(yes));
            own.weight.into_iter().for_each(|n| rights.weight = Granted::by_token(n.max(1)));
        }
        let weight = rights.weight.value;
        Ok(Identity { user, rights: Arc::new(rights), weight, expires_at: Some(self.exp) })
    }
}

/// Seconds since 1970, which may have a fraction (RFC 7519 section 2).
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    // The cast goes to the nearest number in range.
    f64::deserialize(deserializer).map(|seconds| seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(json: &str) -> Result<Identity, TokenError> {
        let mut defaults = Rights::all();
        defaults.join = Granted::by_configuration(vec!["hall".to_owned()]);
        defaults.weight = Granted::by_configuration(2);
        serde_json::from_str::<Claims>(json).map_err(|_| TokenError::Claims)?.identity(&defaults)
    }

    #[test]
    fn the_claim_stands_above_the_defaults_right_by_right() {
        let who = identity(
            r#"{"sub":"42","exp":1.9e9,"tidegate":{"join":["room-*"],"weight":0,"later":1}}"#,
        );
        let who = who.unwrap();
        assert_eq!(who.rights.join, Granted::by_token(vec!["room-*".to_owned()]));
        assert_eq!(who.rights.send, Rights::all().send);
        assert_eq!((who.weight, who.expires_at), (1, Some(1_900_000_000)));
        assert_eq!(identity(r#"{"sub":"42","exp":1}"#).unwrap().weight, 2);
    }

    #[test]
    fn an_empty_list_takes_a_right_away() {
        let who = identity(r#"{"sub":"42","exp":1,"tidegate":{"join":[]}}"#).unwrap();
        assert_eq!(who.rights.join, Granted::by_token(Vec::new()));
    }

    #[test]
    fn claims_of_another_form_are_refused() {
        for json in [
            r#"{"sub":42,"exp":1}"#,
            r#"{"sub":"42","exp":"1"}"#,
            r#"{"sub":"42","exp":1,"tidegate":{"join":"room-*"}}"#,
            r#"{"sub":"42","exp":1,"tidegate":{"weight":-1}}"#,
        ] {
            assert_eq!(identity(json).unwrap_err(), TokenError::Claims, "{json}");
        }
        assert_eq!(identity(r#"{"sub":"","exp":1}"#).unwrap_err(), TokenError::Subject);
    }
}
