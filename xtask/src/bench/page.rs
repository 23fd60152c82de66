//! The HTML page of a result.

use super::results::Results;

pub(crate) fn html(_results: &Results) -> String {
    String::new()
}
