//! The two stages of encoding, their inverse, and the settings of both.
//!
//! Knows nothing of sockets or sessions: bytes in, bytes out. Every step is linear in the size of
//! the message and bounded in depth, so that no message can hold it up.

use std::borrow::Cow;

use bytes::Bytes;

use crate::dictionary::Dictionary;
use crate::error::{CodecError, Fail, Fault, utf8};
use crate::form::{Compression, Encoding, Form, Kind, Payload};
use crate::scan::DEEPEST;
use crate::stats::Stats;
use crate::{batch, compress, expand, optimize, pack, scan, unpack};

/// Begins a compressed payload on a MessagePack session: MessagePack itself never uses it.
const PACKED_TAG: u8 = 0xc1;

/// What a [`Codec`] is made with. The default is for chat and agent messages.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which keys are shortened. Default: [`Dictionary::chat`].
    pub dictionary: Dictionary,
    /// Payloads larger than this are tried with gzip, in bytes. Default: 10 KiB. (1 KiB saves more on
    /// mixed traffic, for 70 µs or so of processor time at 10 KB.)
    pub gzip_threshold: usize,
    /// From 0 (none) to 9 (slowest). Default: 6. At 1, small messages save half as much.
    pub gzip_level: u32,
    /// Payloads larger than this are tried with lz4, in bytes. Default: 1 KiB; below, lz4 saves next to
    /// nothing.
    pub lz4_threshold: usize,
    /// A compressed payload is kept if it saves more than this, in percent. Default: 10.
    pub min_saving_percent: u8,
    /// How deep containers may nest, in levels, either way. Default: 128; at most 254. A batch's own
    /// two levels come on top.
    pub max_depth: usize,
    /// The largest payload that is decoded, in bytes, as received and after each step of decoding.
    /// Default: 1 MiB.
    pub max_message_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dictionary: Dictionary::chat(),
            gzip_threshold: 10 * 1024,
            gzip_level: 6,
            lz4_threshold: 1024,
            min_saving_percent: 10,
            max_depth: 128,
            max_message_bytes: 1024 * 1024,
        }
    }
}

/// Encodes messages in the form that a client agreed to, and decodes what it sends. Shared by all
/// sessions; keeps nothing between messages but its [`Stats`].
///
/// ```
/// use tidegate_payload_codec::{Codec, Encoding, Form, Settings};
/// let codec = Codec::new(Settings::default());
/// let json = br#"{"type":"message","message_id":"m1","created_at":"2024-03-14T09:01:28.500Z"}"#;
/// let form = Form { encoding: Encoding::Json, optimize: true, compression: None };
/// let sent = codec.encode(json, form)?;
/// assert_eq!(sent.bytes, r#"{"_v":2,"type":"message","mid":"m1","ts":1710406888500}"#);
/// assert_eq!(codec.decode(&sent.bytes, sent.kind, form)?, json.as_slice());
/// # Ok::<(), tidegate_payload_codec::CodecError>(())
/// ```
#[derive(Debug)]
pub struct Codec {
    settings: Settings,
    stats: Stats,
}

impl Codec {
    /// A codec of these settings. Values out of range are brought into it.
    #[must_use]
    pub fn new(mut settings: Settings) -> Self {
        settings.gzip_level = settings.gzip_level.min(9);
        settings.min_saving_percent = settings.min_saving_percent.min(100);
        settings.max_depth = settings.max_depth.min(DEEPEST - batch::LEVELS);
        Self { settings, stats: Stats::default() }
    }

    /// The payload of one message, counted in [`Codec::stats`]: [`Codec::compress`] of
    /// [`Codec::transform`].
    ///
    /// # Errors
    /// Those of [`Codec::transform`].
    pub fn encode(&self, json: &[u8], form: Form) -> Result<Payload, CodecError> {
        let payload = self.compress(self.transform(json, form)?, form);
        self.stats.record(json.len(), payload.bytes.len());
        Ok(payload)
    }

    /// The first stage: abbreviation and encoding. What it returns can be shared by all sessions of
    /// the same encoding and abbreviation, and put into a batch.
    ///
    /// With plain JSON asked for, `json` is copied unseen: it must be valid then.
    ///
    /// # Errors
    /// [`CodecError::Outbound`] where `json` is not JSON, not UTF-8, nests too deep, is of 4 GiB or
    /// more, or, for MessagePack, has a key with half a surrogate pair.
    pub fn transform(&self, json: &[u8], form: Form) -> Result<Bytes, CodecError> {
        if form.encoding == Encoding::Json && !form.optimize {
            return Ok(Bytes::copy_from_slice(json));
        }
        self.rewrite(json, form).map_err(Fail::outbound)
    }

    /// One batch of transformed parts: `{"type":"batch","messages":[…]}`, itself never abbreviated.
    #[must_use]
    pub fn batch(&self, parts: &[Bytes], encoding: Encoding) -> Bytes {
        batch::wrap(parts, encoding)
    }

    /// The second stage: compression behind its tag, where it is agreed and pays.
    #[must_use]
    pub fn compress(&self, part: Bytes, form: Form) -> Payload {
        let kind = match form.encoding {
            Encoding::Json => Kind::Text,
            Encoding::MessagePack => Kind::Binary,
        };
        match form.compression.and_then(|with| self.smaller(&part, with, form.encoding)) {
            Some(bytes) => {
                self.stats.record_compressed();
                Payload { bytes, kind: Kind::Binary }
            }
            None => Payload { bytes: part, kind },
        }
    }

    /// Plain, valid JSON from a payload: decompressed, unpacked, expanded. A batch stays one, its parts
    /// expanded. Compression is recognised by its tag, agreed or not; abbreviation is undone only
    /// where `form.optimize` says that it was agreed. Text frames are JSON on either encoding.
    ///
    /// # Errors
    /// [`CodecError::Inbound`] with the byte at fault. Nothing larger than
    /// [`Settings::max_message_bytes`] is made on the way.
    pub fn decode(&self, bytes: &[u8], kind: Kind, form: Form) -> Result<Bytes, CodecError> {
        self.restore(bytes, kind, form).map_err(Fail::inbound)
    }

    /// What was saved so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The dictionary in use.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.settings.dictionary
    }

    fn rewrite(&self, json: &[u8], form: Form) -> Result<Bytes, Fail> {
        let limit = u32::MAX as usize;
        if json.len() > limit {
            return Err(Fail::new(limit, Fault::TooLarge { limit }));
        }
        let json = utf8(json)?;
        let Settings { dictionary, max_depth, .. } = &self.settings;
        let optimized = match form.optimize {
            true => optimize::optimize(json, dictionary, *max_depth)?,
            false => None,
        };
        Ok(match (form.encoding, optimized) {
            (Encoding::Json, Some(text)) => text.into(),
            (Encoding::Json, None) => Bytes::copy_from_slice(json.as_bytes()),
            (Encoding::MessagePack, None) => pack::pack(json, *max_depth)?.into(),
            (Encoding::MessagePack, Some(text)) => match pack::pack(&text, *max_depth) {
                Ok(packed) => packed.into(),
                // Half a surrogate in a key: the original has it too, and names its own byte.
                Err(_) => pack::pack(json, *max_depth)?.into(),
            },
        })
    }

    /// Tag and compressed data, if that is enough smaller.
    fn smaller(&self, part: &[u8], with: Compression, encoding: Encoding) -> Option<Bytes> {
        let threshold = match with {
            Compression::Gzip => self.settings.gzip_threshold,
            Compression::Lz4 => self.settings.lz4_threshold,
        };
        if part.len() <= threshold {
            return None;
        }
        let mut out = Vec::with_capacity(part.len() / 2);
        if encoding == Encoding::MessagePack {
            out.push(PACKED_TAG);
        }
        out.push(with.tag());
        if !compress::compress(with, part, self.settings.gzip_level, &mut out) {
            return None;
        }
        let saved = part.len().checked_sub(out.len())?;
        let enough =
            saved as u128 * 100 > part.len() as u128 * u128::from(self.settings.min_saving_percent);
        // What stays must not pin the room that the compressor asked for.
        enough.then(|| Bytes::from(out.into_boxed_slice()))
    }

    fn restore(&self, bytes: &[u8], kind: Kind, form: Form) -> Result<Bytes, Fail> {
        let limit = self.settings.max_message_bytes;
        if bytes.len() > limit {
            return Err(Fail::new(limit, Fault::TooLarge { limit }));
        }
        let encoding = if kind == Kind::Text { Encoding::Json } else { form.encoding };
        let plain = match kind {
            Kind::Text => Cow::Borrowed(bytes),
            Kind::Binary => untag(bytes, encoding, limit)?,
        };
        let levels = if batch::is_start(&plain, encoding) { batch::LEVELS } else { 0 };
        let max_depth = self.settings.max_depth + levels;
        let json = match encoding {
            Encoding::Json => plain,
            Encoding::MessagePack => {
                Cow::Owned(unpack::unpack(&plain, max_depth, limit)?.into_bytes())
            }
        };
        let text = utf8(&json)?;
        if form.optimize {
            let dictionary = &self.settings.dictionary;
            if let Some(expanded) = expand::expand(text, dictionary, max_depth, limit)? {
                return Ok(expanded.into());
            }
        } else if encoding == Encoding::Json {
            scan::check(text, max_depth)?;
        }
        Ok(json.into_owned().into())
    }
}

/// The payload of a binary frame without its tag, decompressed.
fn untag(bytes: &[u8], encoding: Encoding, limit: usize) -> Result<Cow<'_, [u8]>, Fail> {
    let (at, rest) = match (encoding, bytes) {
        (Encoding::MessagePack, [PACKED_TAG, rest @ ..]) => (1, rest),
        (Encoding::MessagePack, _) => return Ok(Cow::Borrowed(bytes)),
        (Encoding::Json, _) => (0, bytes),
    };
    let Some((&tag, data)) = rest.split_first() else {
        return Err(Fail::new(at, Fault::NoTag));
    };
    let with = Compression::from_tag(tag).ok_or(Fail::new(at, Fault::Tag(tag)))?;
    compress::decompress(with, data, at + 1, limit).map(Cow::Owned)
}
