//! Frames made once and sent to many: header and payload, the payload shared by reference count.

use std::fmt;
#[cfg(feature = "tokio")]
use std::io::{self, IoSlice};

#[cfg(feature = "tokio")]
use bytes::Buf as _;
use bytes::{BufMut, Bytes, BytesMut};

use tidegate_deflate::{Direction, Settings};

use crate::close::{self, MAX_CONTROL_BYTES};
use crate::deflate;
use crate::header::{self, MAX_UNMASKED_HEADER_BYTES, Opcode, Start};
use crate::mask::{Key, mask};
#[cfg(feature = "tokio")]
use crate::socket::{MAX_COPIED_BYTES, scratch};
use crate::text::Text;

/// One message in one frame, as a server sends it. Cloning it for each receiver is a reference count; the
/// payload is never copied to be framed.
///
/// ```
/// use tidegate_ws::Prepared;
/// let hello = Prepared::text("Hello");
/// assert_eq!(&hello.to_bytes()[..], b"\x81\x05Hello");
/// assert_eq!(&hello.masked([0x37, 0xfa, 0x21, 0x3d])[..6], &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    header: [u8; MAX_UNMASKED_HEADER_BYTES],
    header_length: u8,
    opcode: Opcode,
    wire: Wire,
    payload: Bytes,
}

/// What is known about the compression of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    /// A connection that agreed on it may still compress this.
    Open,
    /// It goes out as it is.
    Plain,
    Compressed,
}

impl Prepared {
    /// A text message: `&str`, `String`, [`Text`], or [`Bytes`] that the caller knows to be UTF-8.
    #[must_use]
    pub fn text(text: impl Into<OutboundText>) -> Self {
        Self::new(Opcode::Text, text.into().0)
    }

    /// A binary message.
    #[must_use]
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self::new(Opcode::Binary, payload.into())
    }

    /// A ping. Its payload is cut to the 125 bytes that a control frame may carry.
    #[must_use]
    pub fn ping(payload: &[u8]) -> Self {
        Self::new(Opcode::Ping, control_payload(payload))
    }

    /// A pong. Its payload is cut to the 125 bytes that a control frame may carry.
    #[must_use]
    pub fn pong(payload: &[u8]) -> Self {
        Self::new(Opcode::Pong, control_payload(payload))
    }

    /// A Close. The reason is cut to 123 bytes between characters. A code that may not stand in a frame
    /// (RFC 6455, 7.4: 1005, 1006, …) makes a Close without a body.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        Self::new(Opcode::Close, close::body(code, reason))
    }

    fn new(opcode: Opcode, payload: Bytes) -> Self {
        let wire = if opcode.is_control() { Wire::Plain } else { Wire::Open };
        let start = Start { fin: true, compressed: false, opcode };
        Self::framed(start, wire, payload)
    }

    fn framed(start: Start, wire: Wire, payload: Bytes) -> Self {
        let (header, length) = header::write(start, payload.len(), false);
        Self { header, header_length: length as u8, opcode: start.opcode, wire, payload }
    }

    /// The frame for receivers whose connections agreed on permessage-deflate with `outbound` as this end's
    /// [`Direction`]: compressed by this thread's compressor, or as it is if that is not smaller, below the threshold,
    /// or decided already. It refers to no other message, and no connection compresses it again.
    ///
    /// For one message to receivers of several kinds: [`Broadcast`](crate::Broadcast).
    #[must_use]
    pub fn deflated(&self, settings: Settings, outbound: Direction) -> Self {
        if self.is_decided() {
            return self.clone();
        }
        self.clone().decided(deflate::compressed(settings, outbound, &self.payload))
    }

    /// The same message, to be sent as it is even where compression was agreed: it is compressed already, or must
    /// not share a context with secrets.
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        if self.wire == Wire::Open {
            self.wire = Wire::Plain;
        }
        self
    }

    /// Puts the compressed payload in place of the message, if there is one.
    pub(crate) fn decided(self, payload: Option<Bytes>) -> Self {
        match payload {
            None => self.uncompressed(),
            Some(payload) => {
                let start = Start { fin: true, compressed: true, opcode: self.opcode };
                Self::framed(start, Wire::Compressed, payload)
            }
        }
    }

    /// The masked frame as a thing to be queued: all of it is payload.
    pub(crate) fn into_masked(self, key: Key) -> Self {
        Self { header_length: 0, payload: self.masked(key), ..self }
    }

    /// Whether no connection may compress this any more.
    pub(crate) fn is_decided(&self) -> bool {
        self.wire != Wire::Open
    }

    /// Whether the payload is compressed (RSV1 is set).
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.wire == Wire::Compressed
    }

    /// Bytes on the wire, header included, without a mask.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a frame has at least two bytes")]
    pub fn len(&self) -> usize {
        usize::from(self.header_length) + self.payload.len()
    }

    /// The payload as it goes out, shared.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The header, two to ten bytes.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.header.split_at(usize::from(self.header_length)).0
    }

    /// Whether this is a Close: nothing may follow it.
    #[must_use]
    pub fn is_close(&self) -> bool {
        self.opcode == Opcode::Close
    }

    /// The frame in one piece, copied.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut frame = BytesMut::with_capacity(self.len());
        frame.put_slice(self.header());
        frame.put_slice(&self.payload);
        frame.freeze()
    }

    /// The frame as a client sends it: copied and masked. The key must be new and unpredictable for each
    /// frame (RFC 6455, 5.3).
    #[must_use]
    pub fn masked(&self, key: [u8; 4]) -> Bytes {
        let mut frame = BytesMut::with_capacity(self.len() + size_of::<Key>());
        let start = Start { fin: true, compressed: self.is_compressed(), opcode: self.opcode };
        let (header, length) = header::write(start, self.payload.len(), true);
        frame.put_slice(header.split_at(length).0);
        frame.put_slice(&key);
        let header = frame.len();
        frame.put_slice(&self.payload);
        mask(key, 0, frame.split_at_mut(header).1);
        frame.freeze()
    }
}

/// What the socket does with frames in its line.
#[cfg(feature = "tokio")]
impl Prepared {
    /// Takes bytes off the front that have been written.
    pub(crate) fn advance(&mut self, bytes: usize) {
        let header = bytes.min(self.header().len());
        self.header.rotate_left(header);
        self.header_length -= header as u8;
        self.payload.advance(bytes - header);
    }

    /// Offers the frame, without waiting, to a stream of which this is the whole line, in one write. What the stream did
    /// not take comes back: it has to be the next thing that it is given ([`Socket::resume`](crate::Socket::resume)).
    ///
    /// ```
    /// use tidegate_ws::Prepared;
    /// let hello = Prepared::text("Hello");
    /// let mut taken = Vec::new();
    /// let rest = hello.write_with(|slices| {
    ///     taken.extend_from_slice(&slices[0][..3]);
    ///     Ok(3)
    /// });
    /// assert_eq!((&taken[..], rest.unwrap().unwrap().payload().as_ref()), (&b"\x81\x05H"[..], &b"ello"[..]));
    /// ```
    ///
    /// # Errors
    /// Those of the write; the stream has taken nothing then.
    pub fn write_with(
        &self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Option<Self>> {
        let written = match self.payload.len() {
            ..=MAX_COPIED_BYTES => scratch::cork(|cork| {
                cork.extend_from_slice(self.header());
                cork.extend_from_slice(&self.payload);
                write(&[IoSlice::new(cork)])
            }),
            _ => write(&[IoSlice::new(self.header()), IoSlice::new(&self.payload)]),
        }?;
        if written >= self.len() {
            return Ok(None);
        }
        let mut rest = self.clone();
        rest.advance(written);
        Ok(Some(rest))
    }

    /// Lets go of a shared payload.
    pub(crate) fn unshare(&mut self) {
        self.payload = Bytes::copy_from_slice(&self.payload);
    }
}

impl From<&Prepared> for Prepared {
    fn from(frame: &Prepared) -> Self {
        frame.clone()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({:?}, {} bytes)", self.opcode, self.payload.len())
    }
}

fn control_payload(payload: &[u8]) -> Bytes {
    let end = payload.len().min(MAX_CONTROL_BYTES);
    Bytes::copy_from_slice(&payload[..end])
}

/// What [`Prepared::text`] takes. Bytes are not checked here (an encoder has just written them): if they are
/// not UTF-8, the receiver will refuse the message with 1007. Debug builds assert it.
#[derive(Clone, Debug)]
pub struct OutboundText(Bytes);

impl From<&str> for OutboundText {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for OutboundText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Text> for OutboundText {
    fn from(text: Text) -> Self {
        Self(text.into_bytes())
    }
}

impl From<Bytes> for OutboundText {
    fn from(bytes: Bytes) -> Self {
        debug_assert!(std::str::from_utf8(&bytes).is_ok(), "bytes given as text are UTF-8");
        Self(bytes)
    }
}
