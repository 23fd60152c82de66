//! An echo client for the Autobahn test suite's fuzzing server: runs its cases one after the other and sends back what
//! it is sent.
//!
//! `echo_client ADDRESS AGENT [--takeover]`; AGENT is the name under which the suite reports.
#![expect(clippy::print_stdout, reason = "it says how far it is")]

mod head;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use head::Failure;
use tidegate_deflate::{ClientPolicy, InflaterPool, Settings, TakeoverSlots};
use tidegate_ws::handshake::Opening;
use tidegate_ws::{Deflate, Event, Limits, Prepared, Role, Socket};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
const LIMITS: Limits =
    Limits { max_frame_bytes: 64 << 20, max_message_bytes: 64 << 20, max_fragments: 1 << 20 };

struct Client {
    address: String,
    policy: ClientPolicy,
    deflate: Deflate,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(agent)) = (arguments.next(), arguments.next()) else {
        return Err("echo_client ADDRESS AGENT [--takeover]".into());
    };
    let takeover = arguments.next().as_deref() == Some("--takeover");
    // The suite also plays servers that decline whoever asks them for too much.
    let policy =
        ClientPolicy::new().inbound_takeover(takeover).outbound_takeover(takeover).fall_back(true);
    let deflate = Deflate::new(Settings::new(), InflaterPool::new(2), TakeoverSlots::new(2));
    let client = Client { address, policy, deflate };
    let Event::Text(cases) = client.open("/getCaseCount").await?.next().await? else {
        return Err("the suite did not say how many cases there are".into());
    };
    let cases: usize = cases.parse()?;
    for case in 1..=cases {
        echo(client.open(&format!("/runCase?case={case}&agent={agent}")).await?).await;
    }
    println!("{cases} cases");
    client
        .open(&format!("/updateReports?agent={agent}"))
        .await?
        .close(1000, "", CLOSE_TIMEOUT)
        .await;
    Ok(())
}

impl Client {
    async fn open(&self, target: &str) -> Result<Socket<TcpStream>, Failure> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let opening = Opening::new(nonce()).deflate(self.policy, &self.deflate);
        let request = opening.request(&format!("ws://{}{target}", self.address).parse()?)?;
        let first_line = format!("GET {} HTTP/1.1", request.uri());
        stream.write_all(&head::write(&first_line, request.headers())).await?;
        let (response, rest) = head::read(&mut stream, head::response).await?;
        let granted = opening.verify(&response)?;
        let socket = Socket::with_initial(stream, rest, Role::Client, LIMITS);
        Ok(socket.deflate(granted.deflate))
    }
}

async fn echo(mut socket: Socket<TcpStream>) {
    while let Ok(event) = socket.next().await {
        match event {
            Event::Text(text) => socket.queue(Prepared::text(text)),
            Event::Binary(bytes) => socket.queue(Prepared::binary(bytes)),
            Event::Close(_) => break,
            Event::Fragment(_) | Event::Ping(_) | Event::Pong(_) => {}
        }
    }
    socket.close(1000, "", CLOSE_TIMEOUT).await;
}

/// Good enough for a test; a client that talks to strangers draws from the system.
fn nonce() -> [u8; 16] {
    let state = RandomState::new();
    (u128::from(state.hash_one(1)) << 64 | u128::from(state.hash_one(2))).to_le_bytes()
}
