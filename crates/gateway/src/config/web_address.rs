//! An address of the web that something is fetched from: `http` or `https`.

use http::Uri;

use super::error::Unfit;
use super::node::{Node, Value};
use super::setting::{Setting, quoted, unfit, unfit_text};

/// An `http://` or `https://` address with a host and without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress(Uri);

impl WebAddress {
    /// The address.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether the way there is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl Setting for WebAddress {
    const KIND: &'static str = "address";
    const EXPECTED: &'static str = "an address such as \"https://login.example.com/keys\"";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::Text(text) => Self::parse(text),
            other => Err(unfit::<Self>(other)),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        if text.contains('@') {
            return Err(Unfit::new(Self::EXPECTED, "one with a user or a password"));
        }
        let uri: Uri = text.trim().parse().map_err(|_| unfit_text::<Self>(text))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(_)) => Ok(Self(uri)),
            _ => Err(unfit_text::<Self>(text)),
        }
    }

    fn render(&self) -> String {
        quoted(&self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_http_and_https_and_nothing_that_holds_credentials() {
        for (text, fits) in [
            ("https://login.example.com/keys", true),
            ("http://127.0.0.1:9000/jwks.json", true),
            ("ftp://login.example.com/keys", false),
            ("/keys", false),
            ("https://user:w0rd@login.example.com/keys", false),
            ("https://user:w0 rd@login.example.com/keys", false),
        ] {
            let address = WebAddress::parse(text);
            assert_eq!(address.is_ok(), fits, "{text}");
            assert!(!format!("{address:?}").contains("w0"), "{text}");
        }
    }
}
