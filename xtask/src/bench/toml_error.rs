//! Reads a TOML file that a person wrote; what is wrong with it becomes one sentence with the file, the line,
//! and for an unknown key the nearest one there is. Knows no key by name.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

/// # Errors
/// A sentence that names the file and the place in it.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    parse(&shown, &text)
}

/// # Errors
/// A sentence that names `file` and the place in it.
pub(crate) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let place =
            error.span().map_or_else(String::new, |span| format!(":{}", line_at(text, span.start)));
        format!("{file}{place}: {}", with_nearest(error.message().trim()))
    })
}

/// The number of the line that holds the byte `offset`, from 1.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// ``unknown field `a`, expected one of `b`, `c` `` in words for people, the nearest first.
fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = ["unknown field", "unknown variant"];
    let (true, Some(wrong)) =
        (unknown.iter().any(|words| message.starts_with(words)), quoted.next())
    else {
        return message.to_owned();
    };
    let known: Vec<&str> = quoted.collect();
    let what = if message.starts_with("unknown field") { "key" } else { "value" };
    let nearest = known.iter().min_by_key(|name| strsim::damerau_levenshtein(name, wrong));
    match nearest.filter(|name| strsim::jaro_winkler(name, wrong) > 0.7) {
        Some(nearest) => format!("no {what} `{wrong}` here; did you mean `{nearest}`?"),
        None => format!("no {what} `{wrong}` here; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Load {
        #[expect(dead_code, reason = "only whether it can be read matters")]
        connections: u32,
        #[expect(dead_code, reason = "only whether it can be read matters")]
        rate: f64,
    }

    fn refused(text: &str) -> String {
        parse::<BTreeMap<String, Load>>("high.toml", text).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        let said = refused("\n[load]\nrate = 1\nconections = 5\n");
        assert_eq!(said, "high.toml:4: no key `conections` here; did you mean `connections`?");
    }

    #[test]
    fn a_key_that_is_like_none_gets_the_list() {
        let said = refused("[load]\nzzz = 5\n");
        assert_eq!(said, "high.toml:2: no key `zzz` here; there are connections, rate");
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_with_its_line() {
        assert!(refused("\n[load]\nrate = 1.0\n").starts_with("high.toml:2: missing field"));
        assert!(refused("[load]\nrate = \"x\"\nconnections = 1").starts_with("high.toml:2: "));
        assert!(refused("[load\n").starts_with("high.toml:1: "));
        let missing = read::<Load>(Path::new("no-such.toml")).unwrap_err();
        assert!(missing.contains("no-such.toml"), "{missing}");
    }
}
