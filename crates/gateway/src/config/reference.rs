//! `docs/CONFIG.md`, made of what `schema.rs` declares.

use super::lists::List;
use super::profile::PRESETS;
use super::schema::Config;
use super::section::{Key, Section};
use super::variable;

const HEAD: &str = include_str!("reference_head.md");

/// The reference of every key, as Markdown.
#[must_use]
pub fn reference() -> String {
    let config = Config::default();
    let mut text = HEAD.to_owned();
    profiles(&mut text);
    text.push_str("\n## Top of the file\n\n");
    table(&mut text, &config.keys(), |key| variable::name("", key));
    for (name, about, section) in config.sections() {
        text.push_str(&format!("\n## `[{name}]`\n\n{}\n\n", one_line(about)));
        table(&mut text, &section.keys(), |key| variable::name(name, key));
    }
    for list in List::ALL {
        let (path, item) = (list.path(), list.blank());
        text.push_str(&format!(
            "\n## `[[{path}]]`\n\n{}, one `[[{path}]]` each. In names of variables they are numbered from 0.\n\n",
            list.about()
        ));
        let section = format!("{}__0", path.replace('.', "__"));
        table(&mut text, &item.keys(), |key| variable::name(&section, key));
    }
    text
}

fn profiles(text: &mut String) {
    text.push_str("| profile | key | value | reason |\n|---|---|---|---|\n");
    for preset in PRESETS {
        text.push_str(&format!(
            "| `{}` | `{}` | `{}` | {} |\n",
            preset.profile.word(),
            preset.path(),
            preset.value,
            preset.reason
        ));
    }
}

fn table(text: &mut String, keys: &[Key], variable: impl Fn(&str) -> String) {
    text.push_str("| key | type | default | meaning | environment |\n|---|---|---|---|---|\n");
    for key in keys {
        let default =
            if key.required { "required".to_owned() } else { format!("`{}`", key.default) };
        let range = key.range.as_ref().map(|range| format!(", {range}")).unwrap_or_default();
        text.push_str(&format!(
            "| `{}` | {}{range} | {default} | {} | `{}` |\n",
            key.name,
            kind(key.kind),
            one_line(key.about) + if key.restart { " *Restart.*" } else { "" },
            variable(key.name)
        ));
    }
}

/// The words of a choice are declared each with a space behind it.
fn kind(kind: &str) -> String {
    kind.trim_end().replace("` `", "`, `")
}

fn one_line(about: &str) -> String {
    about.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
