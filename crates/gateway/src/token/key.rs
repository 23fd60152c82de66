//! One key that tokens are verified with, from the configuration or from a key set.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use jsonwebtoken::DecodingKey;

use super::pem;
use crate::config::{Algorithm, Auth, AuthKey};

/// A key, the algorithm that it is for, and the `kid` that names it. `Debug` shows no key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl Key {
    /// The keys of the configuration.
    ///
    /// # Errors
    /// A sentence about a file that is no public key of its algorithm.
    pub(super) fn configured(auth: &Auth) -> Result<Vec<Self>, String> {
        let secret = |id, algorithm, secret: &str| Self {
            id,
            algorithm,
            key: DecodingKey::from_secret(secret.as_bytes()),
        };
        let mut keys = Vec::new();
        if auth.jwt_secret.is_set() {
            keys.push(secret(None, Algorithm::Hs256, auth.jwt_secret.expose()));
        }
        for (index, AuthKey { id, algorithm, secret: shared, public_key_file }) in
            auth.keys.iter().enumerate()
        {
            keys.push(match public_key_file {
                Some(file) => Self::public(id.clone(), *algorithm, file)
                    .map_err(|why| format!("auth.keys[{index}].public_key_file: {why}"))?,
                None => secret(id.clone(), *algorithm, shared.expose()),
            });
        }
        Ok(keys)
    }

    fn public(id: Option<String>, algorithm: Algorithm, file: &str) -> Result<Self, String> {
        let der = pem::public_key(file)?;
        let key = match algorithm {
            Algorithm::Rs256 => DecodingKey::from_rsa_der(&der),
            Algorithm::Es256 => DecodingKey::from_ec_der(&der),
            Algorithm::EdDsa => DecodingKey::from_ed_der(&der),
            _ => return Err(format!("{} has no public key", algorithm.word())),
        };
        match is_key_of(algorithm, &der) {
            true => Ok(Self { id, algorithm, key }),
            false => Err(format!("{file} holds no public key for {}", algorithm.word())),
        }
    }
}

/// Whether these bytes, in DER or raw, are a public key for the algorithm.
pub(super) fn is_key_of(algorithm: Algorithm, bytes: &[u8]) -> bool {
    match algorithm {
        Algorithm::Rs256 => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bytes).is_ok(),
        Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).is_ok(),
        Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, bytes).is_ok(),
        _ => false,
    }
}
