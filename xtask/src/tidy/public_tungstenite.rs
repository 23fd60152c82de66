//! Rule: no tungstenite type in a public signature.
//!
//! Reads text, not types: it looks at what follows `pub` up to the body, at variants and trait methods
//! inside public enums and traits, and at the heads of trait implementations. Names that a file imports
//! from tungstenite are known to it; a glob import hides them and is refused. A type alias in another
//! file, or a public type of a dependency that wraps one of tungstenite's, is not seen.

use super::finding::Finding;
use super::tree::{File, Tree};

const ALLOWED: [&str; 2] = ["crates/testkit", "crates/load"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let library = |file: &&File| {
        !file.is_test()
            && file.path.starts_with("crates/")
            && !ALLOWED.iter().any(|folder| file.is_in(folder))
            && file.code.contains("tungstenite")
    };
    tree.rust_files().filter(library).flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Finding> {
    let code: Vec<&str> = file.lines_of_code().map(|(_, line)| line).collect();
    let imported = imported(&code);
    let mut findings = Vec::new();
    for (at, line) in code.iter().enumerate() {
        let line = line.trim_start();
        if line.starts_with("use ") && line.contains("tungstenite") && line.contains("::*") {
            findings.push(Finding::new(
                &file.path,
                at + 1,
                "a glob import hides tungstenite's names",
            ));
        }
        let head = signature(line, &code[at..]);
        if let Some(name) =
            words(&head).find(|word| *word == "tungstenite" || imported.contains(word))
        {
            let why = format!("`{name}` is tungstenite's and stands in a public signature");
            findings.push(Finding::new(&file.path, at + 1, why));
        }
    }
    findings
}

/// The public part of the item that begins on `line`; empty when none does.
fn signature(line: &str, from_here: &[&str]) -> String {
    let whole = |line: &str| {
        let inner = ["pub enum ", "pub trait ", "pub unsafe trait "];
        inner.iter().any(|start| line.starts_with(start))
    };
    let head = line.starts_with("pub ") || (line.starts_with("impl") && line.contains(" for "));
    let conversion = line.starts_with("impl") && line.contains("From<");
    if whole(line) {
        through_body(from_here)
    } else if line.starts_with("pub struct ") {
        without_private_fields(&up_to_body(from_here))
    } else if head || conversion {
        up_to_body(from_here)
    } else {
        String::new()
    }
}

/// The text up to the first `{`, `;` or `=`; for `pub use a::{b, c};` up to the semicolon.
fn up_to_body(lines: &[&str]) -> String {
    let is_use = lines.first().is_some_and(|line| line.trim_start().starts_with("pub use "));
    let ends: &[char] = if is_use { &[';'] } else { &['{', ';', '='] };
    let mut text = String::new();
    // A field is a line of its own: its comma, outside of any bracket, ends it.
    for line in lines {
        match line.find(ends) {
            Some(end) => return text + &line[..end],
            None => text.push_str(line),
        }
        if line.trim_end().ends_with(',') && depth(&text) <= 0 {
            return text;
        }
        text.push(' ');
    }
    text
}

/// `pub struct A(B, pub C)` without `B`.
fn without_private_fields(head: &str) -> String {
    let Some((name, fields)) = head.split_once('(') else { return head.to_owned() };
    let mut public = name.to_owned();
    let mut inside = false;
    for part in fields.split_inclusive(',') {
        // A comma inside brackets divides types, not fields: such a part belongs to the field before it.
        if depth(&public) <= 0 || !inside {
            inside = part.trim_start().starts_with("pub ");
        }
        if inside {
            public.push_str(part);
        }
    }
    public
}

fn through_body(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push(' ');
        let (opened, closed) = (text.matches('{').count(), text.matches('}').count());
        if opened == closed && (opened > 0 || text.contains(';')) {
            break;
        }
    }
    text
}

/// How many brackets are open; the arrow of `->` is none.
fn depth(text: &str) -> i64 {
    text.replace("->", "").chars().fold(0, |depth, character| match character {
        '(' | '<' | '[' => depth + 1,
        ')' | '>' | ']' => depth - 1,
        _ => depth,
    })
}

/// Names that `use tungstenite::…;` brings into the file, under the names they have there.
fn imported<'a>(code: &[&'a str]) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in code {
        let trimmed = line.trim_start();
        inside |= trimmed.starts_with("use tungstenite");
        if inside {
            names.extend(line.split([',', '{', '}', ';']).filter_map(last_name));
        }
        inside &= !line.contains(';');
    }
    names.retain(|name| name.starts_with(|first: char| first.is_ascii_uppercase()));
    names
}

/// `C` of `a::b::C`, `D` of `C as D`.
fn last_name(path: &str) -> Option<&str> {
    words(path).last()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/ws/src/a.rs", source)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_full_path_in_a_signature_is_found() {
        assert_eq!(lines("pub fn a() -> tungstenite::Message {\n").len(), 1);
        assert_eq!(lines("pub fn a(\n    x: tungstenite::Message,\n) {\n").len(), 1);
        assert_eq!(lines("pub struct A(pub tungstenite::Message);\n").len(), 1);
        assert_eq!(lines("pub struct A(u8, pub B<u8, tungstenite::Message>);\n").len(), 1);
    }

    #[test]
    fn an_imported_name_is_found_also_under_another() {
        assert_eq!(
            lines("use tungstenite::protocol::{Message, Role as R};\npub fn a(x: R) {\n").len(),
            1
        );
        assert_eq!(
            lines("use tungstenite::Message;\npub type A = u8;\npub fn b() -> Message {\n").len(),
            1
        );
        assert_eq!(lines("use tungstenite::Message;\nimpl From<Message> for A {\n").len(), 1);
    }

    #[test]
    fn a_variant_a_field_and_a_trait_method_are_found() {
        let variant = "pub enum A {\n    B(tungstenite::Error),\n}\n";
        let field = "pub struct A {\n    pub b: tungstenite::Error,\n}\n";
        let method = "pub trait A {\n    fn b(&self) -> tungstenite::Error;\n}\n";
        for source in [variant, field, method, "pub use tungstenite::{Message, Error};\n"] {
            assert_eq!(lines(source).len(), 1, "{source}");
        }
    }

    #[test]
    fn what_stays_inside_passes() {
        let body = "pub fn a() -> u8 {\n    tungstenite::b()\n}\n";
        let private = "fn a() -> tungstenite::Message {\n";
        let narrow = "pub(crate) fn a() -> tungstenite::Message {\n";
        let field = "pub struct A {\n    b: tungstenite::Error,\n}\n";
        let tuple = "pub struct A(tungstenite::Message, pub u8);\n";
        let documented = "/// Like tungstenite's.\npub fn a() -> u8 {\n";
        let next = "pub struct A {\n    pub b: u8,\n    c: tungstenite::Error,\n}\n";
        let tests = "#[cfg(test)]\nmod tests {\n    pub fn a() -> tungstenite::Message {}\n}\n";
        for source in [body, private, narrow, field, tuple, documented, next, tests] {
            assert_eq!(lines(source), [""; 0], "{source}");
        }
    }

    #[test]
    fn a_glob_import_is_refused() {
        assert_eq!(lines("use tungstenite::protocol::*;\n").len(), 1);
    }
}
