//! Tokens: JSON Web Tokens (RFC 7519), and the keys that they are verified with. Who may do what with one is
//! decided elsewhere.

mod claims;
mod error;
mod fetch;
mod head;
mod key;
mod key_set;
mod pem;
mod remote;
mod verifier;

pub(crate) use error::{TokenError, unauthorized};
pub(crate) use verifier::{Verdict, Verifier};
