//! The names of environment variables: `TIDEGATE_RATE_LIMIT__MAX_REQUESTS` is `rate_limit.max_requests`.
//!
//! Nothing here reads the environment.

/// What every variable of the gateway begins with.
pub(crate) const PREFIX: &str = "TIDEGATE_";

/// Names of the prefix that are no keys: the project's own tools and the commands against a running gateway use them.
const TOOLS: [&str; 4] = ["API_KEY", "CORPORA", "UPDATE", "URL"];

/// The variable of a key.
pub(crate) fn name(section: &str, key: &str) -> String {
    let path = if section.is_empty() { key.to_owned() } else { format!("{section}__{key}") };
    format!("{PREFIX}{}", path.to_ascii_uppercase())
}

/// The parts of the key that a variable sets; `None` where the variable is not meant for the
/// configuration.
pub(crate) fn parts(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?;
    if TOOLS.contains(&rest) || is_service_link(rest) {
        return None;
    }
    Some(rest.to_ascii_lowercase().split("__").map(str::to_owned).collect())
}

/// Whether an orchestrator set the variable because a service is called `tidegate`:
/// `TIDEGATE_SERVICE_HOST`, `TIDEGATE_PORT`, `TIDEGATE_PORT_8765_TCP_ADDR`.
fn is_service_link(rest: &str) -> bool {
    let has_port = |port: &str| port.starts_with(|c: char| c.is_ascii_digit());
    rest == "PORT"
        || rest == "SERVICE_HOST"
        || rest.starts_with("SERVICE_PORT")
        || rest.strip_prefix("PORT_").is_some_and(has_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_key() {
        let name = name("rate_limit", "max_requests");
        assert_eq!(name, "TIDEGATE_RATE_LIMIT__MAX_REQUESTS");
        assert_eq!(parts(&name).unwrap(), ["rate_limit", "max_requests"]);
        assert_eq!(parts("TIDEGATE_WORKERS").unwrap(), ["workers"]);
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        for name in [
            "PATH",
            "TIDEGATE_CORPORA",
            "TIDEGATE_URL",
            "TIDEGATE_API_KEY",
            "TIDEGATE_SERVICE_HOST",
            "TIDEGATE_SERVICE_PORT_HTTP",
            "TIDEGATE_PORT",
            "TIDEGATE_PORT_8765_TCP_ADDR",
        ] {
            assert_eq!(parts(name), None, "{name}");
        }
        assert!(parts("TIDEGATE_PROT").is_some());
    }
}
