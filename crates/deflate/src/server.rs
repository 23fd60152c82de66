//! The server's half of the handshake: which of the offers it takes, and what it answers. It does not know HTTP.

use crate::header;
use crate::params::{ClientWindow, Params, Side, is_ours};
use crate::{Agreement, Direction, Error, WindowBits};

/// What a server is willing to agree on. The default: no context takeover in either direction, any window.
///
/// ```
/// use tidegate_deflate::ServerPolicy;
///
/// let offered = ["permessage-deflate; client_max_window_bits"];
/// let answer = ServerPolicy::new().answer(offered)?.expect("an offer that fits");
/// assert_eq!(
///     answer.header,
///     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
/// );
/// assert!(!answer.agreement.from_client.takeover);
/// # Ok::<(), tidegate_deflate::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPolicy {
    outbound: Direction,
    inbound: Direction,
    min_outbound_window: WindowBits,
}

/// An offer that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Answer {
    /// What was agreed.
    pub agreement: Agreement,
    /// The value for `Sec-WebSocket-Extensions` of the response, or its element if other extensions stand there too.
    pub header: String,
}

impl ServerPolicy {
    /// No context takeover, windows up to 15 bits in both directions, offers down to a server window of 9 bits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            outbound: Direction::stateless(),
            inbound: Direction::stateless(),
            min_outbound_window: WindowBits::MIN_OUTBOUND,
        }
    }

    /// Whether messages of this server may refer to earlier ones, if the client does not forbid it. It
    /// costs a compressor for each connection: take a [`TakeoverSlot`](crate::TakeoverSlot) first.
    #[must_use]
    pub const fn outbound_takeover(mut self, allowed: bool) -> Self {
        self.outbound.takeover = allowed;
        self
    }

    /// Whether messages of the client may refer to earlier ones. It costs up to a window of memory for each
    /// connection: take a [`TakeoverSlot`](crate::TakeoverSlot) first.
    #[must_use]
    pub const fn inbound_takeover(mut self, allowed: bool) -> Self {
        self.inbound.takeover = allowed;
        self
    }

    /// The largest window that this server compresses with; 8 is taken as 9.
    #[must_use]
    pub fn max_outbound_window(mut self, bits: WindowBits) -> Self {
        self.outbound.window_bits = bits.max(WindowBits::MIN_OUTBOUND);
        self
    }

    /// The largest window that the client is asked to use. It can be asked only if it offers
    /// `client_max_window_bits`; if it does not, its window is 15 bits.
    #[must_use]
    pub const fn max_inbound_window(mut self, bits: WindowBits) -> Self {
        self.inbound.window_bits = bits;
        self
    }

    /// Declines offers that limit this server's window below `bits`; 8 is taken as 9. Each window size in use costs
    /// a [`Compressor`](crate::Compressor) a state of its own.
    #[must_use]
    pub fn min_outbound_window(mut self, bits: WindowBits) -> Self {
        self.min_outbound_window = bits.max(WindowBits::MIN_OUTBOUND);
        self
    }

    /// Takes the first acceptable offer, the client's order of preference, from the values of all
    /// `Sec-WebSocket-Extensions` headers of the request. `None`: no extension, nothing to answer.
    ///
    /// Declined, so that the next offer counts: unknown parameters, duplicates, invalid values, a server window
    /// of 8 or below [`min_outbound_window`](Self::min_outbound_window) (sections 5 and 7.1).
    /// Other extensions are passed over.
    ///
    /// # Errors
    /// [`Error::MalformedHeader`] if a value does not follow the grammar: RFC 6455 section 9.1 asks to fail such a
    /// handshake.
    pub fn answer<'a>(
        &self,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Answer>, Error> {
        let mut taken = None;
        for value in values {
            for extension in header::parse(value)?.iter().filter(|extension| is_ours(extension)) {
                if let (None, Ok(offer)) = (&taken, Params::parse(extension, Side::Offer)) {
                    taken = self.take(offer);
                }
            }
        }
        Ok(taken)
    }

    fn take(&self, offer: Params) -> Option<Answer> {
        let outbound_window = self.outbound_window(offer)?;
        let (inbound_window, asked) = self.inbound_window(offer);
        let outbound_takeover = self.outbound.takeover && !offer.server_no_context_takeover;
        let inbound_takeover = self.inbound.takeover && !offer.client_no_context_takeover;
        let response = Params {
            server_no_context_takeover: !outbound_takeover,
            client_no_context_takeover: !inbound_takeover,
            // Named if the client named it (7.1.2.1), or to let it save memory.
            server_max_window_bits: (offer.server_max_window_bits.is_some()
                || outbound_window < WindowBits::MAX)
                .then_some(outbound_window),
            client_max_window_bits: asked.map_or(ClientWindow::Absent, ClientWindow::AtMost),
        };
        Some(Answer {
            agreement: Agreement {
                from_server: Direction {
                    window_bits: outbound_window,
                    takeover: outbound_takeover,
                },
                from_client: Direction { window_bits: inbound_window, takeover: inbound_takeover },
            },
            header: response.to_string(),
        })
    }

    fn outbound_window(&self, offer: Params) -> Option<WindowBits> {
        let offered = offer.server_max_window_bits.unwrap_or(WindowBits::MAX);
        (offered >= self.min_outbound_window).then(|| offered.min(self.outbound.window_bits))
    }

    /// The client's window, and what to say about it: only what it does not already do by itself (7.1.2.2).
    fn inbound_window(&self, offer: Params) -> (WindowBits, Option<WindowBits>) {
        let wanted = self.inbound.window_bits;
        let offered = match offer.client_max_window_bits {
            ClientWindow::Absent => return (WindowBits::MAX, None),
            ClientWindow::Supported => WindowBits::MAX,
            ClientWindow::AtMost(bits) => bits,
        };
        let agreed = offered.min(wanted);
        (agreed, (agreed < WindowBits::MAX).then_some(agreed))
    }
}

impl Default for ServerPolicy {
    fn default() -> Self {
        Self::new()
    }
}
