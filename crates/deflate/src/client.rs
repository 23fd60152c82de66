//! The client's half of the handshake: what it offers, and whether the answer keeps to it. It does not know HTTP.

use crate::header;
use crate::params::{ClientWindow, Params, Side, is_ours};
use crate::{Agreement, Direction, Error, Fault, WindowBits};

/// What a client offers. The default: no context takeover in either direction, any window.
///
/// ```
/// use tidegate_deflate::{ClientPolicy, WindowBits};
///
/// let policy = ClientPolicy::new();
/// let offer = policy.offer(); // for `Sec-WebSocket-Extensions` of the request
/// assert!(offer.starts_with("permessage-deflate; server_no_context_takeover"));
/// let answered = ["permessage-deflate; server_no_context_takeover; client_max_window_bits=12"];
/// let agreement = policy.accept(answered)?.expect("accepted");
/// assert_eq!(agreement.from_client.window_bits.bits(), 12);
/// # Ok::<(), tidegate_deflate::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPolicy {
    outbound: Direction,
    inbound: Direction,
    fallback: bool,
}

impl ClientPolicy {
    /// No context takeover, windows up to 15 bits in both directions, one offer.
    #[must_use]
    pub const fn new() -> Self {
        Self { outbound: Direction::stateless(), inbound: Direction::stateless(), fallback: false }
    }

    /// Whether messages of this client may refer to earlier ones, if the server does not forbid it.
    #[must_use]
    pub const fn outbound_takeover(mut self, allowed: bool) -> Self {
        self.outbound.takeover = allowed;
        self
    }

    /// Whether messages of the server may refer to earlier ones.
    #[must_use]
    pub const fn inbound_takeover(mut self, allowed: bool) -> Self {
        self.inbound.takeover = allowed;
        self
    }

    /// The largest window that this client compresses with; 8 is taken as 9.
    #[must_use]
    pub fn max_outbound_window(mut self, bits: WindowBits) -> Self {
        self.outbound.window_bits = bits.max(WindowBits::MIN_OUTBOUND);
        self
    }

    /// The largest window that the server may use. Below 15 a server that cannot limit itself declines.
    #[must_use]
    pub const fn max_inbound_window(mut self, bits: WindowBits) -> Self {
        self.inbound.window_bits = bits;
        self
    }

    /// Adds a second offer that asks nothing of the server, for servers that decline the first
    /// (section 7.1.3 shows such a list). It accepts takeover and 15 bits inbound.
    #[must_use]
    pub const fn fall_back(mut self, wanted: bool) -> Self {
        self.fallback = wanted;
        self
    }

    /// The value for `Sec-WebSocket-Extensions` of the request.
    #[must_use]
    pub fn offer(&self) -> String {
        let first = self.first_offer();
        match self.second_offer() {
            Some(second) => format!("{first}, {second}"),
            None => first.to_string(),
        }
    }

    /// Judges the values of all `Sec-WebSocket-Extensions` headers of the response. `None`: the server declined, so
    /// nothing is compressed. Other extensions are passed over: whoever offered none has to refuse them.
    ///
    /// A window of 8 for this client is honoured by never compressing: see [`Compressor`](crate::Compressor).
    ///
    /// # Errors
    /// [`Error::MalformedHeader`], or [`Error::BadAnswer`] if the answer fits none of the offers: the client
    /// fails the connection (sections 5.1 and 7.1).
    pub fn accept<'a>(
        &self,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Agreement>, Error> {
        let mut agreement = None;
        for value in values {
            for extension in header::parse(value)?.iter().filter(|extension| is_ours(extension)) {
                let refuse = |fault| Error::BadAnswer { fault, offset: extension.at };
                if agreement.is_some() {
                    return Err(refuse(Fault::AcceptedTwice));
                }
                let answer = Params::parse(extension, Side::Answer)?;
                agreement = Some(self.judge(answer).map_err(refuse)?);
            }
        }
        Ok(agreement)
    }

    fn first_offer(&self) -> Params {
        let limit = |bits| (bits < WindowBits::MAX).then_some(bits);
        Params {
            server_no_context_takeover: !self.inbound.takeover,
            client_no_context_takeover: !self.outbound.takeover,
            server_max_window_bits: limit(self.inbound.window_bits),
            client_max_window_bits: limit(self.outbound.window_bits)
                .map_or(ClientWindow::Supported, ClientWindow::AtMost),
        }
    }

    fn second_offer(&self) -> Option<Params> {
        let first = self.first_offer();
        let plain =
            Params { server_no_context_takeover: false, server_max_window_bits: None, ..first };
        (self.fallback && plain != first).then_some(plain)
    }

    /// An answer to the first offer also fits the second, which asks less.
    fn judge(&self, answer: Params) -> Result<Agreement, Fault> {
        if self.second_offer().is_none() {
            self.judge_promises(answer)?;
        }
        let named = match answer.client_max_window_bits {
            ClientWindow::AtMost(bits) => bits,
            ClientWindow::Absent | ClientWindow::Supported => WindowBits::MAX,
        };
        Ok(Agreement {
            from_server: Direction {
                window_bits: answer.server_max_window_bits.unwrap_or(WindowBits::MAX),
                takeover: !answer.server_no_context_takeover,
            },
            from_client: Direction {
                window_bits: named.min(self.outbound.window_bits),
                takeover: self.outbound.takeover && !answer.client_no_context_takeover,
            },
        })
    }

    /// A server that accepts must promise what was asked of it (7.1.1.1, 7.1.2.1).
    fn judge_promises(&self, answer: Params) -> Result<(), Fault> {
        let asked = self.inbound.window_bits;
        let said = answer.server_max_window_bits;
        if asked < WindowBits::MAX && said.is_none_or(|bits| bits > asked) {
            return Err(Fault::ServerWindow(asked));
        }
        if !self.inbound.takeover && !answer.server_no_context_takeover {
            return Err(Fault::ServerTakeover);
        }
        Ok(())
    }
}

impl Default for ClientPolicy {
    fn default() -> Self {
        Self::new()
    }
}
