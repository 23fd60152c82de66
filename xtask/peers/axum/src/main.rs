//! A WebSocket server as axum's own chat example builds one: a broadcast channel, from which each
//! subscriber's task reads.
//!
//! `s` subscribes, `p…` goes to all subscribers, everything else comes back. Knows one topic, and nothing
//! of what the messages say.

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

/// Messages that a slow subscriber may lag behind.
const CAPACITY: usize = 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT")?.parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let (topic, _) = broadcast::channel(CAPACITY);
    axum::serve(listener, Router::new().route("/", any(upgrade)).with_state(topic)).await?;
    Ok(())
}

async fn upgrade(request: WebSocketUpgrade, State(topic): State<Sender<Message>>) -> Response {
    request.on_upgrade(move |socket| async move {
        // How a connection ends is the client's affair.
        let _ = serve(socket, &topic).await;
    })
}

async fn serve(mut socket: WebSocket, topic: &Sender<Message>) -> Result<(), axum::Error> {
    let mut subscription = None;
    loop {
        tokio::select! {
            received = socket.recv() => match received {
                Some(message) => answer(&mut socket, topic, &mut subscription, message?).await?,
                None => return Ok(()),
            },
            published = next(&mut subscription) => socket.send(published).await?,
        }
    }
}

async fn answer(
    socket: &mut WebSocket,
    topic: &Sender<Message>,
    subscription: &mut Option<Receiver<Message>>,
    message: Message,
) -> Result<(), axum::Error> {
    let verb = match &message {
        Message::Text(text) => text.as_bytes().first().copied(),
        Message::Binary(bytes) => bytes.first().copied(),
        _ => return Ok(()),
    };
    if verb == Some(b'p') {
        // Without subscribers there is nobody to tell.
        let _ = topic.send(message);
        return Ok(());
    }
    if verb == Some(b's') {
        *subscription = Some(topic.subscribe());
    }
    socket.send(message).await
}

/// The next message of the topic; never, without a subscription. What a subscriber lagged behind is lost.
async fn next(subscription: &mut Option<Receiver<Message>>) -> Message {
    if let Some(receiver) = subscription {
        loop {
            match receiver.recv().await {
                Ok(message) => return message,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            }
        }
    }
    std::future::pending().await
}
