//! A text stream over plain TCP that outlives its connections and its process: a client says what it has seen (a line
//! such as `0000000000011-17`, empty for nothing) and gets the rest, each part behind a line with the position it leads
//! to and its length. `tests/examples.rs` kills the server and continues.
#![expect(clippy::disallowed_methods, reason = "a program reads the clock and starts tasks")]

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate_journal::disk::Options;
use tidegate_journal::{Append, Durability, Journal, Limits, LogName, Position};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:7000").await?;
    serve(listener, Path::new("stream.journal"), &"word after word after word ".repeat(100)).await
}

/// Writes a text word by word into a log, which all who connect read.
pub(crate) async fn serve(listener: TcpListener, directory: &Path, text: &str) -> Outcome<()> {
    // Epochs should be random; the time will do where one process at a time has the directory.
    let (journal, _) = Journal::open(directory, Limits::default(), Options::default(), now_ms)?;
    let log: LogName = "answer".parse()?;
    journal.open_log(&log, None, now_ms())?;
    let (producer, name) = (journal.clone(), log.clone());
    let text = text.to_owned();
    tokio::spawn(async move { write(&producer, &name, &text).await });
    loop {
        let (socket, _) = listener.accept().await?;
        let (journal, log) = (journal.clone(), log.clone());
        tokio::spawn(async move { follow(BufStream::new(socket), &journal, &log).await });
    }
}

/// What is written already is not written again: the log itself says how far it was.
async fn write(journal: &Journal, log: &LogName, text: &str) -> Outcome<()> {
    let (mut at, mut written) = (journal.floor(log)?, 0);
    while let batch = journal.read(log, at, usize::MAX, now_ms())?
        && let Some(last) = batch.last()
    {
        written += batch.entries().map(|entry| entry.body.len()).sum::<usize>();
        at.seq = last;
    }
    for word in text[written..].split_inclusive(' ') {
        // What a client has seen is with the operating system: it outlives the process.
        let append = Append::new(word.to_owned()).durability(Durability::Os);
        journal.append(log, append, now_ms())?.receipt.await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(journal.end(log, now_ms())?)
}

async fn follow(mut socket: BufStream<TcpStream>, journal: &Journal, log: &LogName) -> Outcome<()> {
    let mut line = String::new();
    socket.read_line(&mut line).await?;
    let seen: Option<Position> = line.trim().parse().ok();
    let mut reader = journal.reader(log, seen.map_or_else(|| journal.floor(log), Ok)?)?;
    loop {
        let batch = reader.next(16 * 1_024).await?;
        for entry in batch.entries() {
            let here = Position { seq: entry.last, ..reader.position() };
            socket.write_all(format!("{here} {}\n", entry.body.len()).as_bytes()).await?;
            socket.write_all(&entry.body).await?;
        }
        socket.flush().await?;
        if batch.items.is_empty() {
            return Ok(socket.write_all(b"end\n").await.and(socket.shutdown().await)?);
        }
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
