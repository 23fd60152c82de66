//! permessage-deflate for a WebSocket crate that is not ours: an echo on `soketto`, as a server or as a client.
//!
//! `extension.rs` is all there is to it: `soketto` lets an extension use the reserved bits and hands it each message.
//!
//! ```sh
//! cargo run -p tidegate-deflate --example soketto -- 127.0.0.1:9001 --takeover
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to its user")]
#![expect(clippy::disallowed_methods, reason = "a thread for each connection is enough here")]

mod echo;
mod extension;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use extension::Shared;
use soketto::BoxedError;
use tidegate_deflate::Settings;

/// A message that finds no inflater ends its connection.
const MAX_INFLATERS: usize = 64;
/// Two for each connection with takeover. Connections beyond that go without.
const MAX_WINDOWS: usize = 64;

fn main() -> Result<(), BoxedError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |option| arguments.iter().any(|argument| argument == option);
    let address = arguments.iter().find(|argument| !argument.starts_with("--"));
    let address = address.map_or("127.0.0.1:0", String::as_str);
    let shared = Shared::new(Settings::new(), MAX_INFLATERS, MAX_WINDOWS);
    if asked("--connect") {
        return echo::connect(TcpStream::connect(address)?, address, &shared, asked("--takeover"));
    }
    listen(&TcpListener::bind(address)?, &shared, asked("--takeover"))
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>, takeover: bool) -> Result<(), BoxedError> {
    println!("ws://{}", listener.local_addr()?);
    for socket in listener.incoming() {
        let (socket, shared) = (socket?, Arc::clone(shared));
        std::thread::spawn(move || {
            if let Err(error) = echo::serve(socket, &shared, takeover) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}
