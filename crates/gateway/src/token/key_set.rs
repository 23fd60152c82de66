//! A published set of keys (JWK set, RFC 7517), read with suspicion: what is not a public key for one of the
//! algorithms is passed over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::key::{Key, is_key_of};
use crate::config::Algorithm;

/// The most keys that are taken from one set.
pub(super) const MAX_KEYS: usize = 100;
/// The longest `kid`, in bytes.
const MAX_KID_BYTES: usize = 512;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The members of a key that are looked at (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The usable keys of a document.
///
/// # Errors
/// A sentence, if it is no key set, or one without a usable key.
pub(super) fn parse(document: &[u8]) -> Result<Vec<Key>, &'static str> {
    let document: Document<'_> = serde_json::from_slice(document).map_err(|_| "no JWK set")?;
    let published = document.keys.iter().take(MAX_KEYS);
    let keys: Vec<Key> = published.filter_map(|key| Published::read(key.get())?.key()).collect();
    if keys.is_empty() { Err("a JWK set without a usable key") } else { Ok(keys) }
}

impl Published {
    fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn key(self) -> Option<Key> {
        let verifies = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
            && self.kid.as_ref().is_none_or(|kid| kid.len() <= MAX_KID_BYTES);
        if !verifies {
            return None;
        }
        // A shared secret (`oct`) has no place in a set that is published.
        let (algorithm, key) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => (Algorithm::Rs256, self.rsa()?),
            ("EC", Some("P-256")) => (Algorithm::Es256, self.ec()?),
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, self.ed()?),
            _ => return None,
        };
        let says = self.alg.as_deref();
        let fits = says.is_none_or(|says| {
            says == algorithm.word() || (says == "Ed25519" && algorithm == Algorithm::EdDsa)
        });
        fits.then_some(Key { id: self.kid, algorithm, key })
    }

    /// From 2048 to 8192 bits, with a public exponent of at most 8 bytes.
    fn rsa(&self) -> Option<DecodingKey> {
        let (modulus, exponent) = (bytes(self.n.as_deref())?, bytes(self.e.as_deref())?);
        let sane = (256..=1024).contains(&modulus.len()) && (1..=8).contains(&exponent.len());
        sane.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }

    /// A point of the curve, uncompressed.
    fn ec(&self) -> Option<DecodingKey> {
        let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
        let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
        let on_curve = x.len() == 32 && is_key_of(Algorithm::Es256, &point);
        on_curve.then(|| DecodingKey::from_ec_der(&point))
    }

    fn ed(&self) -> Option<DecodingKey> {
        let x = bytes(self.x.as_deref())?;
        let fits = x.len() == 32 && is_key_of(Algorithm::EdDsa, &x);
        fits.then(|| DecodingKey::from_ed_der(&x))
    }
}

fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Ed25519 key of RFC 8037, appendix A.2.
    const ED: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    /// The P-256 key of RFC 7517, appendix A.1.
    const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;

    fn set(keys: &[String]) -> Result<Vec<Key>, &'static str> {
        parse(format!(r#"{{"keys":[{}],"more":1}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn takes_keys_of_its_algorithms_and_passes_over_all_others() {
        let keys = [
            format!(r#"{ED},"kid":"ed","alg":"Ed25519"}}"#),
            format!(r#"{EC},"kid":"ec","use":"sig","key_ops":["verify"]}}"#),
            format!(r#"{EC},"kid":"for encryption","use":"enc"}}"#),
            format!(r#"{EC},"kid":"for signing","key_ops":["sign"]}}"#),
            format!(r#"{EC},"kid":"another algorithm","alg":"ES384"}}"#),
            r#"{"kty":"EC","crv":"P-256","kid":"off the curve","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}"#.to_owned(),
            r#"{"kty":"oct","kid":"shared","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#.to_owned(),
            r#"{"kty":"RSA","kid":"short","n":"AQAB","e":"AQAB"}"#.to_owned(),
            r#"{"kty":"AKP","kid":"of the future","pub":"AQAB"}"#.to_owned(),
            r#"{"kty":7}"#.to_owned(),
            "null".to_owned(),
        ];
        let found = set(&keys).unwrap();
        let names: Vec<_> = found.iter().map(|key| (key.id.as_deref(), key.algorithm)).collect();
        assert_eq!(names, [(Some("ed"), Algorithm::EdDsa), (Some("ec"), Algorithm::Es256)]);
    }

    #[test]
    fn a_document_that_is_no_key_set_is_an_error() {
        for document in ["", "null", "[]", "{}", r#"{"keys":{}}"#, "<html>", "\u{0}"] {
            assert_eq!(parse(document.as_bytes()).unwrap_err(), "no JWK set", "{document}");
        }
        assert!(set(&[]).is_err(), "a set without keys is no reason to forget those at hand");
    }

    #[test]
    fn no_more_keys_are_taken_than_the_limit() {
        let keys: Vec<String> = (0..300).map(|n| format!(r#"{ED},"kid":"{n}"}}"#)).collect();
        assert_eq!(set(&keys).unwrap().len(), MAX_KEYS);
    }

    #[test]
    fn no_key_is_shown_by_debug() {
        let shown = format!("{:?}", set(&[format!("{EC}}}")]).unwrap());
        assert!(!shown.contains("MKBC") && shown.contains("redacted"), "{shown}");
    }
}
