//! A table, as text for a terminal, as Markdown and as HTML. Knows nothing of what stands in it.

/// A head and rows of as many cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    head: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    title: String,
    /// Whether its cells are numbers, which stand to the right.
    is_number: bool,
}

impl Table {
    /// A table without rows. A title that begins with `>` is of a column of numbers.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let head = titles.iter().map(|title| Column {
            title: title.trim_start_matches('>').to_owned(),
            is_number: title.starts_with('>'),
        });
        Self { head: head.collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, further ones are left out.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.head.len(), String::new());
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For a terminal: columns as wide as they need to be.
    pub(crate) fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.head.len()).map(|at| self.width(at)).collect();
        let titles: Vec<String> = self.head.iter().map(|column| column.title.clone()).collect();
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let lines = [titles, rule];
        let lines = lines.iter().chain(&self.rows).map(|cells| self.line(cells, &widths));
        lines.map(|line| line + "\n").collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let titles = self.head.iter().map(|column| column.title.clone()).collect();
        let rule = self.head.iter().map(|column| if column.is_number { "---:" } else { "---" });
        let mut text = line(titles) + &line(rule.map(str::to_owned).collect());
        for cells in &self.rows {
            text += &line(cells.iter().map(|cell| cell.replace('|', "\\|")).collect());
        }
        text
    }

    /// A `<table>` in a box that scrolls by itself where the page is too narrow.
    pub(crate) fn html(&self) -> String {
        let cell = |tag: &str, at: usize, text: &str| {
            let number = self.head.get(at).is_some_and(|column| column.is_number);
            let class = if number { " class=\"n\"" } else { "" };
            format!("<{tag}{class}>{}</{tag}>", escaped(text))
        };
        let row = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
            let cells: String = cells.enumerate().map(|(at, text)| cell(tag, at, text)).collect();
            format!("<tr>{cells}</tr>")
        };
        let head = row("th", &mut self.head.iter().map(|column| column.title.as_str()));
        let body = self.rows.iter().map(|cells| row("td", &mut cells.iter().map(String::as_str)));
        let body = body.collect::<Vec<_>>().join("\n");
        format!(
            "<div class=\"scroll\"><table><thead>{head}</thead>\n<tbody>{body}</tbody></table></div>\n"
        )
    }

    fn width(&self, at: usize) -> usize {
        let title = self.head.get(at).map_or("", |column| column.title.as_str());
        let cells = self.rows.iter().filter_map(|cells| cells.get(at).map(String::as_str));
        cells.chain([title]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let cells = cells.iter().zip(&self.head).zip(widths).map(|((cell, column), width)| {
            if column.is_number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// Text as it may stand in HTML and SVG.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["scenario", ">p99 ms"]);
        table.row(["high".into(), "4.1".into()]);
        table.row(["a|b <i>".into(), "412".into(), "left out".into()]);
        table
    }

    #[test]
    fn a_terminal_gets_columns_with_numbers_to_the_right() {
        let text = table().text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "scenario  p99 ms");
        assert_eq!(lines[2], "high         4.1");
        assert_eq!(lines[3], "a|b <i>      412");
    }

    #[test]
    fn markdown_keeps_bars_out_of_cells() {
        let lines = table().markdown();
        assert!(lines.starts_with("| scenario | p99 ms |\n| --- | ---: |\n| high | 4.1 |\n"));
        assert!(lines.contains("a\\|b"), "{lines}");
    }

    #[test]
    fn html_is_escaped() {
        let html = table().html();
        assert!(html.contains("<td>a|b &lt;i&gt;</td><td class=\"n\">412</td>"), "{html}");
        assert_eq!(escaped("\"a\" & b"), "&quot;a&quot; &amp; b");
    }

    #[test]
    fn a_short_row_is_filled_up() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["x".into()]);
        assert_eq!(table.markdown().lines().last(), Some("| x |  |"));
    }
}
