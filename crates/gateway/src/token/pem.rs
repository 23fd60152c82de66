//! Public keys and authorities in PEM files (RFC 7468). Files are read here, at the start of the gateway.

use std::fs;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

/// The first public key of a file, in DER.
pub(super) fn public_key(path: &str) -> Result<Vec<u8>, String> {
    let text = fs::read(path).map_err(|error| format!("{path}: cannot be read: {error}"))?;
    if has_private_key(&text) {
        return Err(format!(
            "{path} holds a private key; the gateway needs the public one alone, as `openssl pkey -pubout` writes it"
        ));
    }
    let key = SubjectPublicKeyInfoDer::from_pem_slice(&text);
    key.map(|key| key.to_vec())
        .map_err(|_| format!("{path}: expected `-----BEGIN PUBLIC KEY-----`"))
}

/// All certificates of a file.
pub(super) fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = fs::read(path).map_err(|error| format!("{path}: cannot be read: {error}"))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{path}: expected `-----BEGIN CERTIFICATE-----`")),
    }
}

fn has_private_key(text: &[u8]) -> bool {
    text.windows(b"PRIVATE KEY-----".len()).any(|window| window == b"PRIVATE KEY-----")
}
