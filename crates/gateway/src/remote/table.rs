//! Rows as a table for a terminal: columns as wide as they need to be.

use std::fmt::Write as _;

/// Lays out rows under their heads. What could steer a terminal is shown as `?`.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heads.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    line(&mut out, &widths, heads.map(str::to_owned).iter());
    for row in rows {
        line(&mut out, &widths, row.iter());
    }
    out
}

fn line<'a>(out: &mut String, widths: &[usize], cells: impl Iterator<Item = &'a String>) {
    let mut text = String::new();
    for (cell, width) in cells.zip(widths) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{:<width$}  ", printable(cell));
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

/// A text without characters that are instructions to a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_direction(c) { '?' } else { c }).collect()
}

/// Marks that turn the direction of what follows, which makes one name look like another.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["ä".to_owned(), "1".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(table(["NAME", "N"], &rows), "NAME    N\nä       1\nlonger\n");
        assert_eq!(table(["NAME"], &[]), "NAME\n");
    }

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\u{9b}"), "a?[2Jb?c?");
    }
}
