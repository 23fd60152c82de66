//! A TCP client that stays connected: it shows the lines that a server sends, whatever becomes of the connection.
//! The server may say `later 2000 1000` (come back in 2 to 3 s) and `bye` (do not come back).
//!
//! `cargo run -p tidegate-reconnect --features tokio --example stay_connected -- 127.0.0.1:7000`
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;

use tidegate_reconnect::{Abandoned, Connector, Ending, Failure, Policy, Spread};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
#[allow(dead_code, reason = "the tests call `follow` alone")]
async fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7000".to_owned());
    let end = follow(&address, &|line| println!("{line}")).await;
    println!("{end}");
}

/// Shows the server's lines until it says goodbye.
pub(crate) async fn follow(address: &str, show: &dyn Fn(&str)) -> Abandoned<io::Error> {
    let mut connector =
        Connector::new(Policy::default(), random).observed(|state| show(&format!("({state:?})")));
    connector.stay(|| connect(address), |stream| read(stream, show)).await
}

async fn connect(address: &str) -> Result<TcpStream, Failure<io::Error>> {
    match TcpStream::connect(address).await {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(Failure::Final(error)),
        connected => Ok(connected?),
    }
}

/// Shows lines until the connection ends, and says how it did.
async fn read(stream: TcpStream, show: &dyn Fn(&str)) -> Ending {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match *line.split(' ').collect::<Vec<_>>() {
            ["bye"] => return Ending::closed(1000, "bye"),
            ["later", after, jitter] => {
                let milliseconds = |text: &str| text.parse().unwrap_or(1_000);
                let spread = Spread::from_millis(milliseconds(after), milliseconds(jitter));
                return Ending::Told(spread);
            }
            _ => show(&line),
        }
    }
    Ending::Failed
}

/// A number in 0..1: the standard library seeds each hasher with chance.
fn random() -> f64 {
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
}
