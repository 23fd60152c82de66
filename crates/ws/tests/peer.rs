//! The socket over TCP with a client that was not written here: tokio-tungstenite.
#![cfg(feature = "tokio")]
#![expect(clippy::disallowed_methods, reason = "the test spawns its server")]
#![expect(clippy::unwrap_used, reason = "fixtures are part of the tests")]

use std::time::Duration;

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use tidegate_ws::{Event, Limits, Prepared, Role, Socket, handshake};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// Takes one connection and its handshake.
async fn accept(listener: &TcpListener) -> Socket<TcpStream> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = BytesMut::new();
    let request = loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) = parsed.parse(&bytes).unwrap() {
            let request = parsed.headers.iter().fold(Request::get("/"), |request, header| {
                request.header(header.name, header.value)
            });
            let _ = bytes.split_to(length);
            break request.body(()).unwrap();
        }
    };
    let response = handshake::accept(&request, &["tidegate.v1.json"]).unwrap().response;
    let mut head = String::from("HTTP/1.1 101 Switching Protocols\r\n");
    for (name, value) in response.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    Socket::with_initial(stream, bytes.freeze(), Role::Server, Limits::default())
}

async fn echo(listener: TcpListener) -> Option<u16> {
    let mut socket = accept(&listener).await;
    let code = loop {
        match socket.next().await.unwrap() {
            Event::Text(text) => socket.queue(Prepared::text(text)),
            Event::Binary(bytes) => socket.queue(Prepared::binary(bytes)),
            Event::Close(close) => break close.map(|close| close.code),
            Event::Fragment(_) | Event::Ping(_) | Event::Pong(_) => {}
        }
    };
    socket.close(1000, "", Duration::from_secs(5)).await;
    code
}

#[tokio::test]
async fn a_tungstenite_client_is_echoed_pinged_and_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(echo(listener));

    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "tidegate.v1.json".parse().unwrap());
    let (mut client, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "tidegate.v1.json");

    let mut messages =
        vec![Message::text("grüß dich 🌊"), Message::text(""), Message::binary(vec![0xff; 3])];
    messages.extend(
        [1, 125, 126, 1024, 1025, 65_535, 65_536, 1 << 20]
            .map(|n| Message::binary(vec![n as u8; n])),
    );
    for message in &messages {
        client.send(message.clone()).await.unwrap();
        assert_eq!(&client.next().await.unwrap().unwrap(), message);
    }
    for message in &messages[..5] {
        client.feed(message.clone()).await.unwrap();
    }
    client.flush().await.unwrap();
    for message in &messages[..5] {
        assert_eq!(&client.next().await.unwrap().unwrap(), message);
    }
    client.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));

    let close = CloseFrame { code: CloseCode::Library(4000), reason: "done".into() };
    client.close(Some(close)).await.unwrap();
    let echoed = client.next().await.unwrap().unwrap();
    assert!(matches!(echoed, Message::Close(Some(close)) if u16::from(close.code) == 4000));
    assert!(client.next().await.is_none());
    assert_eq!(server.await.unwrap(), Some(4000));
}

#[tokio::test]
async fn a_tungstenite_client_is_told_why_it_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        let error = socket.next().await.unwrap_err();
        socket.close(1000, "", Duration::from_secs(5)).await;
        error.to_string()
    });
    let (mut client, _) = tokio_tungstenite::connect_async(address).await.unwrap();
    client.send(Message::binary(vec![0; (1 << 20) + 1])).await.unwrap();
    let told = client.next().await.unwrap().unwrap();
    let Message::Close(Some(close)) = told else { panic!("a close, not {told:?}") };
    assert_eq!(u16::from(close.code), 1009);
    assert_eq!(close.reason.as_str(), server_text());
    while client.next().await.is_some() {}
    drop(client);
    assert_eq!(server.await.unwrap(), server_text());
}

fn server_text() -> &'static str {
    "frame is larger than this end accepts (at byte 1)"
}
