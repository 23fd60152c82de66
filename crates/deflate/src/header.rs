//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1): names, parameters, quoted values. It does not
//! know what any of them means.

use std::borrow::Cow;

use crate::Error;

/// One extension of the list, with its parameters in their order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extension<'a> {
    /// Where its name stands, in bytes from the start of the value.
    pub(crate) at: usize,
    pub(crate) name: &'a str,
    pub(crate) parameters: Vec<Parameter<'a>>,
}

/// One parameter; a quoted value stands here without its quotes and escapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'a> {
    /// Where its name stands, in bytes from the start of the value.
    pub(crate) at: usize,
    pub(crate) name: &'a str,
    pub(crate) value: Option<Cow<'a, str>>,
}

/// All extensions of one header's value. Empty elements of the list are allowed (RFC 9110 section 5.6.1.2).
pub(crate) fn parse(value: &str) -> Result<Vec<Extension<'_>>, Error> {
    let mut cursor = Cursor { text: value, at: 0 };
    let mut extensions = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.rest().is_empty() {
            return Ok(extensions);
        }
        if cursor.eat(b',') {
            continue;
        }
        extensions.push(cursor.extension()?);
        cursor.skip_space();
        if !cursor.rest().is_empty() && !cursor.eat(b',') {
            return Err(cursor.malformed());
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    /// Always at a character's boundary: only ASCII is stepped over, or whole characters.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn malformed(&self) -> Error {
        Error::MalformedHeader { offset: self.at }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.rest().as_bytes().first() == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn token(&mut self) -> Result<&'a str, Error> {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| is_token(*byte)).count();
        self.at += length;
        match rest.get(..length) {
            Some(token) if length > 0 => Ok(token),
            _ => Err(self.malformed()),
        }
    }

    fn extension(&mut self) -> Result<Extension<'a>, Error> {
        let at = self.at;
        let name = self.token()?;
        let mut parameters = Vec::new();
        loop {
            self.skip_space();
            if !self.eat(b';') {
                return Ok(Extension { at, name, parameters });
            }
            self.skip_space();
            parameters.push(self.parameter()?);
        }
    }

    fn parameter(&mut self) -> Result<Parameter<'a>, Error> {
        let at = self.at;
        let name = self.token()?;
        self.skip_space();
        if !self.eat(b'=') {
            return Ok(Parameter { at, name, value: None });
        }
        self.skip_space();
        let value = if self.eat(b'"') { self.quoted()? } else { Cow::Borrowed(self.token()?) };
        Ok(Parameter { at, name, value: Some(value) })
    }

    /// What stands between quotes must be a token once unescaped (RFC 6455 section 9.1).
    fn quoted(&mut self) -> Result<Cow<'a, str>, Error> {
        let mut value = String::new();
        loop {
            let escaped = self.eat(b'\\');
            match self.rest().as_bytes().first() {
                Some(b'"') if !escaped && !value.is_empty() => {
                    self.at += 1;
                    return Ok(Cow::Owned(value));
                }
                Some(&byte) if is_token(byte) => {
                    value.push(char::from(byte));
                    self.at += 1;
                }
                _ => return Err(self.malformed()),
            }
        }
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        let mut text = String::new();
        for extension in parse(value).unwrap() {
            assert!(value[extension.at..].starts_with(extension.name));
            text += extension.name;
            for parameter in extension.parameters {
                assert!(value[parameter.at..].starts_with(parameter.name));
                text += &format!(";{}={:?}", parameter.name, parameter.value.as_deref());
            }
            text.push(' ');
        }
        text
    }

    #[test]
    fn names_and_parameters_come_in_their_order() {
        assert_eq!(shown("a; x; y=1 , b;z=\"2\""), "a;x=None;y=Some(\"1\") b;z=Some(\"2\") ");
        assert_eq!(shown("a;x=\"1\\5\""), "a;x=Some(\"15\") ");
        assert_eq!(shown(" , a,, b ,"), "a b ");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn what_the_grammar_does_not_allow_is_refused_with_its_place() {
        for (value, offset) in [
            ("a b", 2),
            ("a;", 2),
            ("a;=1", 2),
            ("a;x=", 4),
            ("a;x=\"", 5),
            ("a;x=\"\"", 5),
            ("a;x=\"1", 6),
            ("a;x=\"1 \"", 6),
            ("a;x=\"\\", 6),
            (";", 0),
            ("é", 0),
            ("a;x=é", 4),
            ("a;x=\"é\"", 5),
        ] {
            assert_eq!(parse(value), Err(Error::MalformedHeader { offset }), "{value}");
        }
    }
}
