//! The twelve texts under `corpora/texts`, and sentences out of them.

/// One text in Markdown, a few hundred words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The file's name without its ending.
    pub name: &'static str,
    /// All of it.
    pub markdown: &'static str,
}

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        &[$(Text {
            name: $name,
            markdown: include_str!(concat!("../../../../corpora/texts/", $name, ".md")),
        }),*]
    };
}

/// All texts, in alphabetical order.
pub const TEXTS: &[Text] = texts![
    "brotbacken",
    "debugging",
    "harbour-at-night",
    "lentil-soup",
    "lettre-du-phare",
    "packing-list",
    "rust-word-count",
    "sea-in-japanese",
    "sleep",
    "tides",
    "travel-plan",
    "websockets",
];

/// The sentences of the running text: no headings, tables, lists or code.
pub(super) fn sentences() -> Vec<&'static str> {
    let prose =
        |line: &&str| line.starts_with(|first: char| first.is_alphabetic() || first == '「');
    TEXTS
        .iter()
        .flat_map(|text| text.markdown.lines().filter(prose))
        .flat_map(|line| line.split_inclusive(['.', '?', '!', '。']))
        .map(str::trim)
        .filter(|sentence| (12..240).contains(&sentence.len()))
        .collect()
}
