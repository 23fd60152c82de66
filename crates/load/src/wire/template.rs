//! Messages with places to be filled. A message whose only changing place is its marker is made once, and the marker
//! is written into each copy. It knows not when anything is sent.

use crate::error::Error;
use crate::wire::frame;
use crate::wire::marker::{self, Marker};

/// What fills a message's places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) connection: u32,
    pub(crate) marker: Marker,
    /// Bytes of `{payload}`.
    pub(crate) size: usize,
}

/// What a message travels in.
#[derive(Clone, Debug)]
pub(crate) enum Envelope {
    /// A frame with this opcode.
    Frame(u8),
    /// An HTTP request; its head up to the value of `Content-Length`.
    Http(String),
}

/// A message to be sent many times.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    envelope: Envelope,
    query: String,
    made: Option<Made>,
    body: Vec<u8>,
    /// Filler, as long as was needed so far.
    pad: Vec<u8>,
}

/// A message that was made for one size.
#[derive(Clone, Debug)]
struct Made {
    size: usize,
    bytes: Vec<u8>,
    marker_at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Marker,
    Pad,
    Length,
    Connection,
    Seq,
    Time,
    Query,
}

impl Template {
    /// Reads `text`, in which `{channel}` stands for `channel`. `place` says where it stands in the dialect.
    ///
    /// # Errors
    /// Names a placeholder that there is not.
    pub(crate) fn new(
        place: &str,
        text: &str,
        channel: &str,
        envelope: Envelope,
    ) -> Result<Self, Error> {
        let pieces = pieces(place, &text.replace("{channel}", channel))?;
        Ok(Self {
            pieces,
            envelope,
            query: String::new(),
            made: None,
            body: Vec::new(),
            pad: Vec::new(),
        })
    }

    /// How often a marker stands in it.
    pub(crate) fn markers(&self) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::Marker).count()
    }

    /// Whether `{query}` stands in it.
    pub(crate) fn has_query(&self) -> bool {
        self.pieces.contains(&Piece::Query)
    }

    /// Whether what stands right behind the marker is filler to the payload's end.
    pub(crate) fn has_whole_payload(&self) -> bool {
        self.pieces.windows(2).any(|pair| pair == [Piece::Marker, Piece::Pad])
    }

    /// What `{query}` stands for, in what is appended from now on.
    pub(crate) fn ask(&mut self, query: String) {
        self.query = query;
    }

    /// Bytes of the message, its envelope left out.
    pub(crate) fn body_length(&mut self, fields: Fields) -> usize {
        self.render(fields);
        self.body.len()
    }

    /// Appends a message to `out`.
    pub(crate) fn append(&mut self, fields: Fields, out: &mut Vec<u8>) {
        if !self.is_constant() {
            self.render(fields);
            self.wrap(out);
            return;
        }
        if self.made.as_ref().is_none_or(|made| made.size != fields.size) {
            self.made = Some(self.make(fields));
        }
        if let Some(made) = &self.made {
            let at = out.len();
            out.extend(&made.bytes);
            fields.marker.write(&mut out[at + made.marker_at..]);
        }
    }

    fn make(&mut self, fields: Fields) -> Made {
        self.render(fields);
        let mut bytes = Vec::new();
        self.wrap(&mut bytes);
        let before = self.pieces.iter().take_while(|piece| **piece != Piece::Marker);
        let before: usize = before.map(|piece| self.length(piece, fields)).sum();
        Made { size: fields.size, marker_at: bytes.len() - self.body.len() + before, bytes }
    }

    /// Whether nothing in it changes besides the marker.
    fn is_constant(&self) -> bool {
        let constant = |piece: &Piece| {
            matches!(piece, Piece::Literal(_) | Piece::Marker | Piece::Pad | Piece::Length)
        };
        self.markers() == 1 && self.pieces.iter().all(constant)
    }

    fn length(&self, piece: &Piece, fields: Fields) -> usize {
        match piece {
            Piece::Literal(text) => text.len(),
            Piece::Length => fields.size.to_string().len(),
            Piece::Pad => fields.size.saturating_sub(marker::LENGTH),
            _ => 0,
        }
    }

    fn render(&mut self, fields: Fields) {
        let pad = fields.size.saturating_sub(marker::LENGTH);
        if self.pad.len() < pad {
            self.pad = marker::filler(pad);
        }
        self.body.clear();
        let body = &mut self.body;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => body.extend(text),
                Piece::Marker => {
                    let at = body.len();
                    body.resize(at + marker::LENGTH, 0);
                    fields.marker.write(&mut body[at..]);
                }
                Piece::Pad => body.extend(&self.pad[..pad]),
                Piece::Length => body.extend(fields.size.to_string().bytes()),
                Piece::Connection => body.extend(fields.connection.to_string().bytes()),
                Piece::Seq => body.extend(fields.marker.seq.to_string().bytes()),
                Piece::Time => body.extend(fields.marker.time.to_string().bytes()),
                Piece::Query => body.extend(self.query.bytes()),
            }
        }
    }

    fn wrap(&self, out: &mut Vec<u8>) {
        match &self.envelope {
            Envelope::Frame(opcode) => frame::write_head(*opcode, self.body.len(), out),
            Envelope::Http(head) => {
                out.extend(head.bytes());
                out.extend(self.body.len().to_string().bytes());
                out.extend(b"\r\n\r\n");
            }
        }
        out.extend(&self.body);
    }
}

fn pieces(place: &str, text: &str) -> Result<Vec<Piece>, Error> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        literal.extend(rest[..at].bytes());
        rest = &rest[at..];
        let Some(word) = word(rest) else {
            literal.push(b'{');
            rest = &rest[1..];
            continue;
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.extend(placeholder(place, word)?.iter().cloned());
        rest = &rest[word.len() + 2..];
    }
    literal.extend(rest.bytes());
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// The word in `{word}`, if that is how `text` begins.
fn word(text: &str) -> Option<&str> {
    let (word, _) = text.strip_prefix('{')?.split_once('}')?;
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(word)
}

fn placeholder(place: &str, word: &str) -> Result<&'static [Piece], Error> {
    Ok(match word {
        "payload" => &[Piece::Marker, Piece::Pad],
        "marker" => &[Piece::Marker],
        "pad" => &[Piece::Pad],
        "length" => &[Piece::Length],
        "connection" => &[Piece::Connection],
        "seq" => &[Piece::Seq],
        "time" => &[Piece::Time],
        "query" => &[Piece::Query],
        _ => {
            return Err(Error::Job(format!(
                "the dialect's `{place}` has `{{{word}}}`, and there is no such placeholder (payload, marker, pad, length, \
                 connection, seq, time, channel, query)"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::opcode::TEXT;

    fn fields(seq: u32, size: usize) -> Fields {
        Fields { connection: 7, marker: Marker { sender: 1, seq, time: 99 }, size }
    }

    fn made(text: &str, seq: u32, size: usize) -> String {
        let mut template = Template::new("echo.send", text, "room", Envelope::Frame(TEXT)).unwrap();
        let mut out = Vec::new();
        // Twice: the second is the copy of what was made.
        template.append(fields(seq, size), &mut out);
        let first = out.len();
        template.append(fields(seq + 1, size), &mut out);
        assert_eq!(out.len(), 2 * first);
        let head = frame_head(&out);
        String::from_utf8(out[first + head..].to_vec()).unwrap()
    }

    fn frame_head(bytes: &[u8]) -> usize {
        if bytes[1] & 0x7f < 126 { 6 } else { 8 }
    }

    #[test]
    fn a_payload_is_the_marker_and_filler() {
        let expected = r#"{"t":"~000001.00000006.00000000000063~abcd","x":{}}"#;
        assert_eq!(made(r#"{"t":"{payload}","x":{}}"#, 5, 36), expected);
    }

    #[test]
    fn other_places_are_filled_each_time() {
        let text = "PUB {channel} {length} {connection} {seq} {time}\r\n{payload}";
        let expected = "PUB room 32 7 3 99\r\n~000001.00000003.00000000000063~";
        assert_eq!(made(text, 2, 32), expected);
    }

    #[test]
    fn the_marker_stands_right_behind_a_length() {
        let expected = "PUB room 132\r\n~000001.00000003.00000000000063~abc";
        assert!(made("PUB {channel} {length}\r\n{payload}", 2, 132).starts_with(expected));
    }

    #[test]
    fn a_request_says_its_length() {
        let envelope = Envelope::Http("POST / HTTP/1.1\r\nContent-Length: ".into());
        let mut template = Template::new("publish.http.body", "<{payload}>", "", envelope).unwrap();
        let mut out = Vec::new();
        template.append(fields(0, 33), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("Content-Length: 35\r\n\r\n<~000001.00000000.00000000000063~a>"));
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let error = Template::new("echo.send", "{paylod}", "", Envelope::Frame(TEXT)).unwrap_err();
        assert!(error.to_string().contains("`echo.send` has `{paylod}`"), "{error}");
    }
}
