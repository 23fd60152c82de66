//! The first message of a session that brought no token: it must be `auth`, and in time.

use bytes::Bytes;
use tidegate_message::{Close, CloseCode, Command, Request, RequestId};
use tidegate_payload_codec::{Encoding, Form, Kind};
use tidegate_server::Stream;
use tidegate_ws::{Error, Event, Limits, Socket};
use tokio::time::timeout;

use crate::app::App;
use crate::identity::Identity;
use crate::observe::count;

/// Reads frames until one says who is there. What a client sends behind it is left for the session.
///
/// # Cancel safety
/// A message that was half read stays in the socket; a whole one is lost.
pub(crate) async fn first_auth(
    app: &App,
    socket: &mut Socket<Stream>,
    encoding: Encoding,
) -> Result<(Identity, Option<RequestId>), Close> {
    // Who is not known yet can make the gateway hold a token, and no more.
    socket.limit(before_auth(app));
    let message = timeout(app.live().config.auth.auth_timeout, message(socket));
    let (bytes, kind) = match message.await {
        Ok(message) => message?,
        Err(_) => return Err(invalid("no `auth` message in time")),
    };
    socket.limit(app.ws_limits());
    let form = Form { encoding, ..Form::default() };
    let request = app
        .codec
        .decode(&bytes, kind, form)
        .ok()
        .and_then(|json| Request::parse(&json, app.live().config.codec.max_depth).ok());
    let Some(Request { id, command: Command::Auth { token } }) = request else {
        return Err(invalid("the first message must be `auth`"));
    };
    let Some(verifier) = app.live().verifier.clone() else {
        return Err(invalid("this gateway takes no tokens"));
    };
    match verifier.judge(&token).judged().await {
        Ok(identity) => Ok((identity, id)),
        Err(error) => {
            count(&app.counts.refused_tokens);
            Err(error.close())
        }
    }
}

/// A token and the message around it.
fn before_auth(app: &App) -> Limits {
    let limits = app.ws_limits();
    let bytes =
        (app.live().config.auth.max_token_bytes.bytes() + 1024).min(limits.max_message_bytes);
    Limits { max_frame_bytes: bytes, max_message_bytes: bytes, ..limits }
}

const fn invalid(reason: &'static str) -> Close {
    Close::new(CloseCode::INVALID_TOKEN, reason)
}

async fn message(socket: &mut Socket<Stream>) -> Result<(Bytes, Kind), Close> {
    loop {
        match socket.next().await {
            Ok(Event::Text(text)) => return Ok((text.into(), Kind::Text)),
            Ok(Event::Binary(bytes)) => return Ok((bytes, Kind::Binary)),
            Ok(Event::Ping(_) | Event::Pong(_)) => {}
            Err(Error::Protocol(error)) => {
                let code = CloseCode(error.close_code());
                return Err(Close { code, reason: error.to_string().into() });
            }
            _ => return Err(Close::new(CloseCode::NORMAL, "left before `auth`")),
        }
    }
}
