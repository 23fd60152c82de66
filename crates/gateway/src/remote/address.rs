//! Where the gateway is and with which key it is asked: from flags, else from the environment.

use clap::Args;
use http::Uri;

use super::Failure;
use super::client::Client;

/// Where a gateway listens that was started without a configuration.
const DEFAULT_URL: &str = "http://127.0.0.1:8765";

/// The flags that all commands share.
#[derive(Debug, Args)]
pub(crate) struct Address {
    /// The gateway's address [environment: TIDEGATE_URL] [default: http://127.0.0.1:8765]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The API key; others can see flags, so prefer the environment [environment: TIDEGATE_API_KEY, else TIDEGATE_API__KEY]
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    key: Option<String>,
    /// Prints the gateway's answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Address {
    /// A client for this gateway.
    pub(crate) fn client(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Client, Failure> {
        let variables: Vec<(String, String)> = environment
            .into_iter()
            .filter(|(name, value)| name.starts_with("TIDEGATE_") && !value.is_empty())
            .collect();
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let url = self.url.clone().or_else(|| variable("TIDEGATE_URL"));
        let key = self
            .key
            .clone()
            .or_else(|| variable("TIDEGATE_API_KEY"))
            // Where the gateway's own environment is at hand, its key is too.
            .or_else(|| variable("TIDEGATE_API__KEY"));
        let key = key.ok_or_else(|| {
            Failure::Usage(
                "no API key: set TIDEGATE_API_KEY, or give --key. A gateway without `api.key` prints the key of \
                 its run when it starts"
                    .to_owned(),
            )
        })?;
        Client::new(base(url.as_deref().unwrap_or(DEFAULT_URL))?, &key)
    }
}

/// `http://host:port` with nothing behind it but, perhaps, the path of a proxy.
fn base(url: &str) -> Result<Uri, Failure> {
    let wrong = |what: &str| Failure::Usage(format!("the address {url:?} {what}"));
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let uri: Uri = whole.parse().map_err(|_| wrong("is no URL such as http://127.0.0.1:8765"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(wrong("needs TLS, which this command does not speak yet")),
        _ => return Err(wrong("does not begin with http://")),
    }
    match uri.query() {
        None => Ok(uri),
        Some(_) => Err(wrong("has a query")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_its_scheme_and_is_never_guessed() {
        assert_eq!(base("127.0.0.1:8765").unwrap(), "http://127.0.0.1:8765/");
        assert_eq!(base("http://gate/proxy").unwrap(), "http://gate/proxy");
        for wrong in ["https://gate", "ws://gate", "http://gate?x=1", "http://", "", "a b"] {
            assert_eq!(base(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
