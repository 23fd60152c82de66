//! Finds what stands at a path. Knows patterns and segments, not what is done there.

use std::borrow::Cow;

use matchit::Router;
use percent_encoding::percent_decode_str;

/// A table of entries by path. A pattern may hold one `{name}`, which stands for one segment, not empty.
#[derive(Clone)]
pub(crate) struct Paths<T: 'static> {
    router: Router<Vec<&'static T>>,
}

/// What stands at a path.
pub(crate) struct Place<'a, T: 'static> {
    /// The entries of the path, in the order of the table.
    pub(crate) entries: &'a [&'static T],
    segment: Option<&'a str>,
}

/// A segment that is not UTF-8 once it is percent-decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotText;

impl<T> Paths<T> {
    /// Builds the table from its entries, each with its pattern.
    ///
    /// # Panics
    /// If two patterns contradict each other: the table is a constant, and the first test would show it.
    pub(crate) fn new(entries: &'static [T], pattern: impl Fn(&T) -> &'static str) -> Self {
        let mut places: Vec<(&'static str, Vec<&'static T>)> = Vec::new();
        for entry in entries {
            let path = pattern(entry);
            match places.iter_mut().find(|(known, _)| *known == path) {
                Some((_, place)) => place.push(entry),
                None => places.push((path, vec![entry])),
            }
        }
        let mut router = Router::new();
        for (path, place) in places {
            router.insert(path, place).expect("the patterns are a constant and go together");
        }
        Self { router }
    }

    /// What stands at a path, as it came in the request.
    pub(crate) fn at<'a>(&'a self, path: &'a str) -> Option<Place<'a, T>> {
        let found = self.router.at(path).ok()?;
        let segment = found.params.iter().next().map(|(_, segment)| segment);
        Some(Place { entries: found.value, segment })
    }
}

impl<T> Place<'_, T> {
    /// The segment that the pattern's `{name}` stands for, decoded; empty where it has none. It is split from
    /// the path before it is decoded, so that `%2F` is a character of it.
    pub(crate) fn segment(&self) -> Result<String, NotText> {
        let decoded = percent_decode_str(self.segment.unwrap_or_default()).decode_utf8();
        decoded.map(Cow::into_owned).map_err(|_| NotText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[(&str, u8)] = &[("/a", 1), ("/a/{id}", 2), ("/a/{id}", 3), ("/a/{id}/b", 4)];

    fn found(path: &str) -> Option<(Vec<u8>, Result<String, NotText>)> {
        let paths = Paths::new(TABLE, |(path, _)| path);
        let place = paths.at(path)?;
        Some((place.entries.iter().map(|(_, number)| *number).collect(), place.segment()))
    }

    #[test]
    fn a_pattern_takes_one_whole_segment() {
        assert_eq!(found("/a"), Some((vec![1], Ok(String::new()))));
        assert_eq!(found("/a/x"), Some((vec![2, 3], Ok("x".into()))));
        assert_eq!(found("/a/x/b"), Some((vec![4], Ok("x".into()))));
        for nowhere in ["/", "/a/", "/a//b", "/a/x/", "/a/x/c", "/a/x/b/", "//a", "/A"] {
            assert_eq!(found(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_segment_is_decoded_after_it_is_split_off() {
        for (path, segment) in [
            ("/a/room%2F7", Ok("room/7".into())),
            ("/a/%C3%A4+b", Ok("ä+b".into())),
            ("/a/100%", Ok("100%".into())),
            ("/a/%ff", Err(NotText)),
        ] {
            assert_eq!(found(path).map(|(_, segment)| segment), Some(segment), "{path}");
        }
    }
}
