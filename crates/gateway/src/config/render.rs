//! The configuration in force as TOML, each value with its origin: what `check-config` prints.

use super::lists::List;
use super::load::Loaded;
use super::path;
use super::section::Section;

/// The column at which the origins begin, where the values leave room.
const ORIGIN_COLUMN: usize = 44;

impl Loaded {
    /// Every key as TOML, with where its value came from behind it. Secrets are shown as `"***"`;
    /// but for those, reading it again gives the same configuration.
    #[must_use]
    pub fn render_effective(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, "", &self.config);
        for (name, _, section) in self.config.sections() {
            text.push_str(&format!("\n[{name}]\n"));
            self.write(&mut text, name, section);
        }
        for list in List::ALL {
            for (index, item) in list.items(&self.config).into_iter().enumerate() {
                text.push_str(&format!("\n[[{}]]\n", list.path()));
                self.write(&mut text, &format!("{}[{index}]", list.path()), item);
            }
        }
        text
    }

    fn write(&self, text: &mut String, name: &str, section: &dyn Section) {
        for key in section.keys() {
            let value = section.render(key.name).unwrap_or_default();
            let line = format!("{} = {value}", key.name);
            let origin = self.origins.of(&path(name, key.name));
            text.push_str(&format!(
                "{line:<ORIGIN_COLUMN$}  # {}\n",
                one_line(&origin.to_string())
            ));
        }
    }
}

/// A file's name may hold anything; a comment ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
