//! How lists of networks are read and written. What a network is, `tidegate_server` knows.

use tidegate_server::{Network, NetworkError};

use super::error::Unfit;
use super::node::{Node, shown_text};
use super::setting::{Setting, quoted};

impl Setting for Vec<Network> {
    const KIND: &'static str = "list of addresses and networks";
    const EXPECTED: &'static str =
        "a list of addresses and networks such as [\"10.0.0.0/8\", \"::1\"]";

    fn read(node: &Node) -> Result<Self, Unfit> {
        let texts: Vec<String> = Setting::read(node).map_err(expected)?;
        networks(&texts)
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let texts: Vec<String> = Setting::parse(text).map_err(expected)?;
        networks(&texts)
    }

    fn render(&self) -> String {
        let items: Vec<String> = self.iter().map(|network| quoted(&network.to_string())).collect();
        format!("[{}]", items.join(", "))
    }
}

fn networks(texts: &[String]) -> Result<Vec<Network>, Unfit> {
    let network = |text: &String| {
        text.trim().parse().map_err(|error| {
            let unfit = expected(Unfit::new("", shown_text(text)));
            match error {
                NetworkError::HostBits(network) => unfit.hint(format!("the network is {network}")),
                _ => unfit,
            }
        })
    };
    texts.iter().map(network).collect()
}

/// A list of texts is not all that is expected.
fn expected(unfit: Unfit) -> Unfit {
    Unfit { expected: <Vec<Network> as Setting>::EXPECTED.to_owned(), ..unfit }
}
