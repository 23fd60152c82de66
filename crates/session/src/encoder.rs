//! From messages to frames in the form that one client agreed on.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_payload_codec::{Codec, CodecError, Compression, Encoding, Form, Kind};
use tidegate_ws::{Compression as Deflate, Prepared};

use crate::features::{Agreed, Feature, Features, Switches};
use crate::message::{Message, Shared};
use crate::outbound::Outbound;

/// How many forms there are: two encodings, optimized or not, three ways to compress.
pub(crate) const FORMS: usize = 12;
/// How many there are before compression.
pub(crate) const TRANSFORMS: usize = 4;

pub(crate) const fn transform_index(form: Form) -> usize {
    (matches!(form.encoding, Encoding::MessagePack) as usize) * 2 + form.optimize as usize
}

pub(crate) const fn form_index(form: Form) -> usize {
    let compression = match form.compression {
        None => 0,
        Some(Compression::Gzip) => 1,
        Some(Compression::Lz4) => 2,
    };
    transform_index(form) * 3 + compression
}

/// Plain JSON is there already; anything else is made by the codec.
pub(crate) fn transform(codec: &Codec, json: Bytes, form: Form) -> Result<Bytes, CodecError> {
    match form {
        Form { encoding: Encoding::Json, optimize: false, .. } => Ok(json),
        _ => codec.transform(&json, form),
    }
}

/// The frame, and the bytes of its payload before the transport compresses it.
pub(crate) fn framed(codec: &Codec, part: Bytes, form: Form) -> (Prepared, usize) {
    let payload = codec.compress(part, form);
    let payload_bytes = payload.bytes.len();
    let frame = match payload.kind {
        Kind::Text => Prepared::text(payload.bytes),
        Kind::Binary => Prepared::binary(payload.bytes),
    };
    (frame, payload_bytes)
}

/// Writes messages in one client's form, several in one frame where it agreed to `batch`.
#[derive(Debug)]
pub struct Encoder {
    codec: Arc<Codec>,
    encoding: Encoding,
    agreed: Agreed,
    /// How the transport compresses, where that was agreed.
    deflate: Option<Deflate>,
    switches: Arc<Switches>,
}

/// One frame and the number of messages in it.
pub(crate) struct Written<'a> {
    /// Borrowed, it goes as it is.
    pub(crate) frame: Cow<'a, Prepared>,
    pub(crate) messages: usize,
    /// Their bytes as plain JSON.
    pub(crate) original: usize,
    /// Their bytes in the client's form.
    pub(crate) encoded: usize,
}

impl Encoder {
    /// An encoder for a sub-protocol; nothing is agreed yet.
    #[must_use]
    pub fn new(codec: Arc<Codec>, encoding: Encoding) -> Self {
        Self { codec, encoding, agreed: Agreed::default(), deflate: None, switches: Arc::default() }
    }

    /// The same with features agreed.
    #[must_use]
    pub fn with_features(self, features: Features) -> Self {
        self.agreed.set(features);
        self
    }

    /// The same under switches that it shares with others.
    #[must_use]
    pub fn with_switches(mut self, switches: Arc<Switches>) -> Self {
        self.switches = switches;
        self
    }

    /// The same for a socket that compresses so.
    pub(crate) const fn with_deflate(mut self, deflate: Option<Deflate>) -> Self {
        self.deflate = deflate;
        self
    }

    pub(crate) fn set_features(&self, features: Features) {
        self.agreed.set(features);
    }

    /// What was agreed and is switched on.
    #[must_use]
    pub fn features(&self) -> Features {
        self.agreed.get().and(self.switches.on())
    }

    pub(crate) fn codec(&self) -> &Codec {
        &self.codec
    }

    /// The form in which messages are written.
    pub(crate) fn form(&self) -> Form {
        self.form_of(self.features())
    }

    /// The form in which the client may write: what was agreed, whatever is switched off since.
    pub(crate) fn agreed_form(&self) -> Form {
        self.form_of(self.agreed.get())
    }

    const fn form_of(&self, features: Features) -> Form {
        let compression = if features.has(Feature::Gzip) {
            Some(Compression::Gzip)
        } else if features.has(Feature::Lz4) {
            Some(Compression::Lz4)
        } else {
            None
        };
        let optimize = features.has(Feature::Optimize);
        Form { encoding: self.encoding, optimize, compression }
    }

    /// Frames the messages in their order and hands each frame on; `items` is empty then. Messages that
    /// cannot be encoded are left out; their number comes back.
    pub(crate) fn write(
        &self,
        items: &mut Vec<Outbound>,
        into: &mut impl FnMut(Written<'_>),
    ) -> u64 {
        let mut failed = 0;
        let mut run: Vec<Outbound> = Vec::new();
        for item in items.drain(..) {
            if self.may_batch(&item) {
                run.push(item);
            } else {
                failed += self.write_run(&mut run, into);
                failed += self.write_one(item, into);
            }
        }
        failed + self.write_run(&mut run, into)
    }

    /// What must not be compressed goes alone where a batch might be.
    fn may_batch(&self, item: &Outbound) -> bool {
        let compresses = self.form().compression.is_some() || self.deflate.is_some();
        let plain_enough = |message: &Message| message.optimize || !compresses;
        self.features().has(Feature::Batch)
            && item.facts().is_none_or(|message| message.batch && plain_enough(message))
    }

    /// A frame of its own in plain form: for `welcome`, which says what the form will be.
    pub(crate) fn write_plain(&self, message: &Message) -> Result<Prepared, CodecError> {
        let form = Form { encoding: self.encoding, optimize: false, compression: None };
        Ok(framed(&self.codec, transform(&self.codec, message.json.clone(), form)?, form).0)
    }

    fn write_run(&self, run: &mut Vec<Outbound>, into: &mut impl FnMut(Written<'_>)) -> u64 {
        if run.len() < 2 {
            return run.pop().map_or(0, |item| self.write_one(item, into));
        }
        let form = self.form();
        let mut failed = 0;
        let mut original = 0;
        let mut parts = Vec::with_capacity(run.len());
        for item in run.drain(..) {
            let (part, bytes) = self.part(item, form);
            match part {
                Ok(part) => {
                    original += bytes;
                    parts.push(part);
                }
                Err(error) => failed += not_encoded(&error),
            }
        }
        if parts.is_empty() {
            return failed;
        }
        let (batch, bytes) = framed(&self.codec, self.codec.batch(&parts, self.encoding), form);
        debug(|| "batch", original, bytes);
        let frame = Cow::Owned(self.open(batch));
        into(Written { frame, messages: parts.len(), original, encoded: bytes });
        failed
    }

    /// Frames one message by itself; 1 if it cannot be encoded.
    pub(crate) fn write_one(&self, item: Outbound, into: &mut impl FnMut(Written<'_>)) -> u64 {
        let written = match &item {
            Outbound::Shared(shared) => self.shared(shared).map(&mut *into),
            _ => self.own(&item.into_message()).map(into),
        };
        written.map_or_else(|error| not_encoded(&error), |()| 0)
    }

    pub(crate) fn shared<'a>(&self, shared: &'a Shared) -> Result<Written<'a>, CodecError> {
        let message = shared.message();
        let framed = shared.framed(&self.codec, self.form())?;
        let frame = match self.deflate {
            None => Cow::Borrowed(framed.frame.plain()),
            agreed @ Some(_) if message.optimize && self.switches.deflate() => {
                Cow::Owned(framed.frame.frame(agreed))
            }
            Some(_) => Cow::Owned(framed.frame.frame(None)),
        };
        Ok(written(message, frame, framed.payload_bytes))
    }

    fn own(&self, message: &Message) -> Result<Written<'static>, CodecError> {
        let form = message.form(self.form());
        let part = transform(&self.codec, message.json.clone(), form)?;
        let (frame, bytes) = framed(&self.codec, part, form);
        let frame = if message.optimize { self.open(frame) } else { frame.uncompressed() };
        Ok(written(message, Cow::Owned(frame), bytes))
    }

    /// A frame that the socket may compress, unless that is switched off.
    fn open(&self, frame: Prepared) -> Prepared {
        if self.switches.deflate() { frame } else { frame.uncompressed() }
    }

    fn part(&self, item: Outbound, form: Form) -> (Result<Bytes, CodecError>, usize) {
        match item {
            Outbound::Shared(shared) => {
                (shared.part(&self.codec, shared.message().form(form)), shared.message().json.len())
            }
            item => {
                let message = item.into_message();
                let (form, original) = (message.form(form), message.json.len());
                (transform(&self.codec, message.json, form), original)
            }
        }
    }

    /// Counts what was written.
    pub(crate) fn record(&self, messages: usize, original: usize, encoded: usize) {
        self.codec.stats().record_batch(messages, original, encoded);
    }
}

fn written<'a>(message: &Message, frame: Cow<'a, Prepared>, encoded: usize) -> Written<'a> {
    let original = message.json.len();
    debug(|| kind(&message.json), original, encoded);
    Written { frame, messages: 1, original, encoded }
}

fn debug<'a>(kind: impl FnOnce() -> &'a str, original: usize, encoded: usize) {
    if encoded != original && tracing::enabled!(tracing::Level::DEBUG) {
        let payload = tidegate_payload_codec::describe(kind(), original, encoded);
        tracing::debug!("{payload}");
    }
}

/// A message's type, where it stands first, as it does in all that the gateway makes.
fn kind(json: &[u8]) -> &str {
    let after = json.strip_prefix(br#"{"type":""#).unwrap_or_default();
    let end = after.iter().position(|byte| *byte == b'"').unwrap_or(0);
    std::str::from_utf8(&after[..end]).unwrap_or_default()
}

fn not_encoded(error: &CodecError) -> u64 {
    tracing::error!(%error, "a message cannot be encoded in the client's form and is left out");
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_a_message_by_its_type() {
        for (json, expected) in [
            (r#"{"type":"message_new","content":1}"#, "message_new"),
            (r#"{"type":""}"#, ""),
            (r#"{"type":"cut"#, ""),
            (r#"{"content":1}"#, ""),
        ] {
            assert_eq!(kind(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn what_is_switched_off_is_not_written_but_still_read() {
        let switches = Arc::new(Switches::default());
        let agreed = Features::NONE.with(Feature::Optimize).with(Feature::Gzip).with(Feature::Lz4);
        let encoder = Encoder::new(Arc::new(Codec::new(Default::default())), Encoding::Json)
            .with_features(agreed)
            .with_switches(Arc::clone(&switches));
        let before = encoder.form();
        assert_eq!((before.optimize, before.compression), (true, Some(Compression::Gzip)));
        switches.set(Features::NONE.with(Feature::Lz4).with(Feature::Batch));
        let after = encoder.form();
        assert_eq!((after.optimize, after.compression), (false, Some(Compression::Lz4)));
        assert_eq!(encoder.features().names(), ["lz4"], "batch was never agreed");
        assert_eq!(encoder.agreed_form(), before);
        switches.set(Features::ALL);
        assert_eq!(encoder.form(), before);
    }

    fn deflated(switches: &Arc<Switches>) -> Encoder {
        let settings = tidegate_deflate::Settings::new();
        let direction = tidegate_deflate::Direction::stateless();
        Encoder::new(Arc::new(Codec::new(Default::default())), Encoding::Json)
            .with_switches(Arc::clone(switches))
            .with_deflate(Some(Deflate { settings, direction }))
    }

    fn one_frame(encoder: &Encoder, shared: &Arc<Shared>) -> Prepared {
        let mut frames = Vec::new();
        let mut keep = |written: Written<'_>| frames.push(written.frame.into_owned());
        assert_eq!(encoder.write_one(Outbound::Shared(Arc::clone(shared)), &mut keep), 0);
        frames.remove(0)
    }

    #[test]
    fn who_agreed_to_deflate_shares_the_compressed_bytes_unless_it_is_switched_off() {
        let switches = Arc::new(Switches::default());
        let encoders = [(); 2].map(|()| deflated(&switches));
        let message = Message::from_json(format!("[{}0]", "1234,".repeat(100)));
        let shared = Arc::new(Shared::new(message.clone()));
        let [one, other] = encoders.each_ref().map(|encoder| one_frame(encoder, &shared));
        assert!(one.is_compressed());
        assert_eq!(one.payload().as_ptr(), other.payload().as_ptr());
        let secret = Arc::new(Shared::new(Message { optimize: false, ..message }));
        assert!(!one_frame(&encoders[0], &secret).is_compressed());
        switches.set_deflate(false);
        assert!(!one_frame(&encoders[0], &shared).is_compressed());
    }
}
