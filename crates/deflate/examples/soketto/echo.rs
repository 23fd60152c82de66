//! An echo over blocking sockets. It knows the extension by its name only.

use std::net::TcpStream;
use std::sync::Arc;

use futures::executor::block_on;
use futures::io::AllowStdIo;
use soketto::handshake::server::Response;
use soketto::handshake::{Client, Server, ServerResponse};
use soketto::{BoxedError, Data, Receiver, Sender};

use crate::extension::{Deflate, Shared};

type Stream = AllowStdIo<TcpStream>;

/// Accepts the handshake and sends back each message until the client closes.
///
/// # Errors
/// Whatever ends the connection but its orderly end.
pub(crate) fn serve(
    socket: TcpStream,
    shared: &Arc<Shared>,
    takeover: bool,
) -> Result<(), BoxedError> {
    block_on(async {
        let mut server = Server::new(AllowStdIo::new(socket));
        server.add_extension(Box::new(Deflate::server(shared, takeover)));
        let key = server.receive_request().await?.key();
        server.send_response(&Response::Accept { key, protocol: None }).await?;
        let (sender, receiver) = server.into_builder().finish();
        echo(sender, receiver).await
    })
}

/// Connects, and then does as [`serve`]: the other end speaks first.
///
/// # Errors
/// Whatever ends the connection but its orderly end.
pub(crate) fn connect(
    socket: TcpStream,
    host: &str,
    shared: &Arc<Shared>,
    takeover: bool,
) -> Result<(), BoxedError> {
    block_on(async {
        let mut client = Client::new(AllowStdIo::new(socket), host, "/");
        client.add_extension(Box::new(Deflate::client(shared, takeover)));
        match client.handshake().await? {
            ServerResponse::Accepted { .. } => {}
            refused => return Err(format!("{refused:?}").into()),
        }
        let (sender, receiver) = client.into_builder().finish();
        echo(sender, receiver).await
    })
}

async fn echo(
    mut sender: Sender<Stream>,
    mut receiver: Receiver<Stream>,
) -> Result<(), BoxedError> {
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await {
            Ok(Data::Text(_)) => sender.send_text(std::str::from_utf8(&message)?).await?,
            Ok(Data::Binary(_)) => sender.send_binary(&message).await?,
            Err(soketto::connection::Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        sender.flush().await?;
    }
}
