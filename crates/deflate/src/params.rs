//! The four parameters of permessage-deflate (RFC 7692 section 7.1), read and written. It knows which
//! values each may have in an offer and in an answer, and not which of them are wanted.

use std::fmt;

use crate::header::{Extension, Parameter};
use crate::{EXTENSION, Error, Fault, WindowBits};

/// The parameters of one offer or one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) server_no_context_takeover: bool,
    pub(crate) client_no_context_takeover: bool,
    pub(crate) server_max_window_bits: Option<WindowBits>,
    pub(crate) client_max_window_bits: ClientWindow,
}

/// `client_max_window_bits`: an offer may name it without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ClientWindow {
    #[default]
    Absent,
    /// Offered without a value: the server may name one.
    Supported,
    AtMost(WindowBits),
}

/// Whose words they are: an answer must name the client's window, an offer need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Offer,
    Answer,
}

/// Whether an extension of the list is ours. Names are compared without regard to case, as servers do.
pub(crate) fn is_ours(extension: &Extension<'_>) -> bool {
    extension.name.eq_ignore_ascii_case(EXTENSION)
}

impl Params {
    /// An offer that is refused here is declined; an answer fails the connection.
    pub(crate) fn parse(extension: &Extension<'_>, side: Side) -> Result<Self, Error> {
        let mut params = Self::default();
        for parameter in &extension.parameters {
            params
                .take(parameter, side)
                .map_err(|fault| Error::BadAnswer { fault, offset: parameter.at })?;
        }
        Ok(params)
    }

    fn take(&mut self, parameter: &Parameter<'_>, side: Side) -> Result<(), Fault> {
        let value = parameter.value.as_deref();
        match parameter.name {
            "server_no_context_takeover" => flag(&mut self.server_no_context_takeover, value),
            "client_no_context_takeover" => flag(&mut self.client_no_context_takeover, value),
            "server_max_window_bits" => {
                let bits = window(value)?;
                once(self.server_max_window_bits.replace(bits).is_none())
            }
            "client_max_window_bits" => {
                let said = match value {
                    None if side == Side::Offer => ClientWindow::Supported,
                    value => ClientWindow::AtMost(window(value)?),
                };
                let before = std::mem::replace(&mut self.client_max_window_bits, said);
                once(before == ClientWindow::Absent)
            }
            _ => Err(Fault::UnknownParameter),
        }
    }
}

fn flag(seen: &mut bool, value: Option<&str>) -> Result<(), Fault> {
    if value.is_some() {
        return Err(Fault::InvalidValue);
    }
    once(!std::mem::replace(seen, true))
}

fn window(value: Option<&str>) -> Result<WindowBits, Fault> {
    value.and_then(WindowBits::parse).ok_or(Fault::InvalidValue)
}

fn once(first: bool) -> Result<(), Fault> {
    if first { Ok(()) } else { Err(Fault::DuplicateParameter) }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXTENSION)?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            ClientWindow::Absent => Ok(()),
            ClientWindow::Supported => f.write_str("; client_max_window_bits"),
            ClientWindow::AtMost(bits) => write!(f, "; client_max_window_bits={bits}"),
        }
    }
}
