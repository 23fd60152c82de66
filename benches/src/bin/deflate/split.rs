//! Which lines of a corpus count as measured: where dictionaries are compared, 40 % of the lines train them and are left
//! out, and so they are here, so that figures stand beside each other.

use tidegate_benches::Corpus;

/// Blocks of 50 lines (5 in a file of fewer than 400): of each five the last three. A recorded stream is cut once, a file of a
/// few lines not at all.
pub fn measured(corpus: &Corpus) -> Vec<Vec<u8>> {
    let lines = &corpus.messages;
    if corpus.name == "llm_stream" {
        return lines[lines.len() * 2 / 5..].to_vec();
    }
    let block = if lines.len() < 400 { 5 } else { 50 };
    let measured = lines.iter().enumerate().filter(|(line, _)| line / block % 5 >= 2);
    let measured: Vec<_> = measured.map(|(_, message)| message.clone()).collect();
    if measured.is_empty() { lines.clone() } else { measured }
}
