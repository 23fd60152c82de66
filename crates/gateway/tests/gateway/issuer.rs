//! Those who sign tokens in these tests, with keys made on the spot.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::{Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::running::in_seconds;

/// A key pair with a name.
pub(crate) struct Issuer {
    pub(crate) kid: String,
    algorithm: Algorithm,
    private: EncodingKey,
    /// The public key, in DER.
    public: Vec<u8>,
    /// The public members of its JWK.
    members: Value,
}

impl Issuer {
    pub(crate) fn es256(kid: &str) -> Self {
        let der =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .expect("a key of this test");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref())
            .expect("a key of this test");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a key of this test");
        let point = pair.public_key().as_ref();
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_der(der.as_ref()),
            public: public.as_ref().to_vec(),
            members: json!({
                "kty": "EC", "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
                "y": URL_SAFE_NO_PAD.encode(&point[33..]),
            }),
        }
    }

    pub(crate) fn ed25519(kid: &str) -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key of this test");
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key of this test");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a key of this test");
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_der(der.as_ref()),
            public: public.as_ref().to_vec(),
            members: json!({
                "kty": "OKP", "crv": "Ed25519",
                "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            }),
        }
    }

    pub(crate) fn rs256(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key of this test");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("a key of this test");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a key of this test");
        // PKCS #1 stands behind the 26 bytes that say that it is RSA; the modulus behind nine of its own.
        let modulus = &pair.public_key().as_ref()[9..265];
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::RS256,
            private: EncodingKey::from_rsa_der(&der.as_ref()[26..]),
            public: public.as_ref().to_vec(),
            members: json!({
                "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB",
            }),
        }
    }

    /// One that shares a secret with the gateway.
    pub(crate) fn shared(kid: &str, algorithm: Algorithm, secret: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            algorithm,
            private: EncodingKey::from_secret(secret.as_bytes()),
            public: Vec::new(),
            members: Value::Null,
        }
    }

    /// The same key under another name.
    pub(crate) fn called(&self, kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            algorithm: self.algorithm,
            private: self.private.clone(),
            public: self.public.clone(),
            members: self.members.clone(),
        }
    }

    /// A token that names its key.
    pub(crate) fn token(&self, claims: Value) -> String {
        self.token_of(Some(&self.kid), claims)
    }

    /// A token with this `kid`, or none. It is good for an hour unless the claims say otherwise.
    pub(crate) fn token_of(&self, kid: Option<&str>, claims: Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &lasting(claims), &self.private).expect("a key of this test")
    }

    /// The public key as a PEM file holds it.
    pub(crate) fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.public)
    }

    /// The public key as a member of a set.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.members.clone();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }
}

/// A block of a PEM file.
pub(crate) fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("a key of this test"))
        .collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

/// A set of the public keys of these issuers.
pub(crate) fn key_set(issuers: &[&Issuer]) -> String {
    let keys: Vec<Value> = issuers.iter().map(|issuer| issuer.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

fn lasting(claims: Value) -> Value {
    let mut all = json!({ "exp": in_seconds(3600) });
    let (Some(fields), Value::Object(claims)) = (all.as_object_mut(), claims) else {
        panic!("claims are an object");
    };
    fields.extend(claims);
    all
}

/// A token put together by hand, with whatever head, and a signature that is nobody's.
pub(crate) fn forged(head: &str, claims: &Value) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        encode(head),
        encode(&lasting(claims.clone()).to_string()),
        encode("signature")
    )
}

/// A file of a test's own.
pub(crate) fn written(name: &str, text: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("cargo's folder for test files can be written to");
    path.to_str().expect("a path in UTF-8").to_owned()
}
