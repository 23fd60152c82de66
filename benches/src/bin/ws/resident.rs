//! What an idle connection costs a whole process: resident memory of the echo example, plain and after a compressed
//! exchange; and of a gateway, if `TIDEGATE_BIN` names one. It takes thousands of connections, so that a run with
//! `--quick` leaves it out. It knows Linux' `/proc` and nothing of what the memory is used for.
#![expect(clippy::disallowed_methods, reason = "it waits for a process to come to rest")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tidegate_benches::Suite;
use tidegate_deflate::{Direction, Settings};
use tidegate_ws::Prepared;

type Failure = Box<dyn Error>;
type Start = fn() -> Result<Server, Failure>;

const GROUP: &str = "resident memory of a server, for each of 10 000 idle connections";
const CONNECTIONS: usize = 10_000;
/// So many come and go before anything is read: what a process keeps for all is there then.
const FIRST: usize = 100;
/// Stands on a compressed message.
const RSV1: u8 = 0x40;
const REST: Duration = Duration::from_secs(1);

/// A server: its process, where it listens, and the path of its WebSocket.
struct Server {
    process: Child,
    address: String,
    path: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn group(suite: &mut Suite) {
    let arguments: Vec<String> = std::env::args().collect();
    let short = arguments.iter().any(|argument| argument == "--quick" || argument == "--alone");
    let other = arguments.windows(2).any(|pair| pair[0] == "--group" && !GROUP.contains(&pair[1]));
    if short || other || !cfg!(target_os = "linux") {
        return;
    }
    let group = suite.group(GROUP);
    let mut servers: Vec<(&str, Start)> = vec![("the echo example", echo)];
    if std::env::var_os("TIDEGATE_BIN").is_some() {
        servers.push(("the gateway's /echo", || gateway("/echo")));
        servers.push(("a session of the gateway", || gateway("/ws")));
    }
    for (name, start) in servers {
        for (deflate, idle, exchanged) in [
            (false, "bytes, plain", "bytes, plain, after an exchange"),
            (true, "bytes, deflate agreed", "bytes, after a compressed exchange"),
        ] {
            match start().and_then(|server| each(&server, deflate)) {
                Ok((before, after)) => {
                    group.fact(name, idle, before).fact(name, exchanged, after);
                }
                Err(error) => eprintln!("ws: {name}: {error}"),
            }
        }
    }
}

/// The example, built as a program of the project's own workspace.
fn echo() -> Result<Server, Failure> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "-p", "tidegate-ws", "--features", "tokio"])
        .args(["--example", "echo", "--message-format=json", "--manifest-path", manifest])
        .stderr(Stdio::inherit())
        .output()?;
    let example = String::from_utf8(built.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .ok_or("the example was not built")?;
    start(Command::new(example).arg("127.0.0.1:0"), "/")
}

fn gateway(path: &'static str) -> Result<Server, Failure> {
    let binary = std::env::var_os("TIDEGATE_BIN").ok_or("no gateway is named")?;
    let mut command = Command::new(binary);
    command.env_remove("TIDEGATE_BIN").args(["--listen", "127.0.0.1:0", "--log", "warn"]);
    for setting in
        ["pool.max_connections=20000", "listen.max_http_connections=20000", "dev.echo=true"]
    {
        command.args(["--set", setting]);
    }
    start(&mut command, path)
}

/// Waits for the line that names an address.
fn start(command: &mut Command, path: &'static str) -> Result<Server, Failure> {
    let mut process = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().ok_or("a piped output is there")?).lines();
    let mut server = Server { process, address: String::new(), path };
    while server.address.is_empty() {
        let line = lines.next().ok_or("it ended before it served")??;
        if let Some((_, rest)) = line.split_once("ws://") {
            server.address = rest.split('/').next().unwrap_or(rest).to_owned();
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    Ok(server)
}

/// Bytes for a connection that did nothing yet, and for one that exchanged a message.
fn each(server: &Server, deflate: bool) -> Result<(f64, f64), Failure> {
    let mut first = open(server, FIRST, deflate)?;
    exchange(server, &mut first, deflate)?;
    drop(first);
    let before = resident(server)?;
    let mut connections = open(server, CONNECTIONS, deflate)?;
    let idle = resident(server)?;
    exchange(server, &mut connections, deflate)?;
    let after = resident(server)?;
    let per_connection = |now: f64| (now - before) / CONNECTIONS as f64;
    Ok((per_connection(idle), per_connection(after)))
}

fn open(server: &Server, count: usize, deflate: bool) -> Result<Vec<TcpStream>, Failure> {
    let offer = if deflate { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n",
        server.path, server.address
    );
    let connections = (0..count).map(|_| {
        let mut connection = TcpStream::connect(&server.address)?;
        connection.set_read_timeout(Some(Duration::from_secs(20)))?;
        connection.write_all(request.as_bytes())?;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head)?;
        if !head.starts_with("HTTP/1.1 101") || head.contains("permessage-deflate") != deflate {
            return Err(head.into());
        }
        Ok(connection)
    });
    connections.collect()
}

/// One message on each connection, and what it brings back: a session's welcome and then the echo.
fn exchange(server: &Server, connections: &mut [TcpStream], deflate: bool) -> Result<(), Failure> {
    let text = format!(r#"{{"type":"message","content":"{}"}}"#, "tide in, tide out. ".repeat(20));
    let plain = Prepared::text(text);
    let deflated = plain.deflated(Settings::new(), Direction::stateless());
    let frame = if deflate { deflated } else { plain }.masked([0x37, 0xfa, 0x21, 0x3d]);
    let answers = if server.path == "/ws" { 2 } else { 1 };
    for connection in connections {
        connection.write_all(&frame)?;
        for answer in 1..=answers {
            let mut head = [0; 2];
            connection.read_exact(&mut head)?;
            if answer == answers && (head[0] & RSV1 != 0) != deflate {
                return Err("the echo is not compressed as it was agreed".into());
            }
            let mut length = u64::from(head[1]);
            if length == 126 {
                connection.read_exact(&mut head)?;
                length = u64::from(u16::from_be_bytes(head));
            }
            let mut answer = Read::by_ref(connection).take(length);
            std::io::copy(&mut answer, &mut std::io::sink())?;
        }
    }
    Ok(())
}

/// Resident bytes, once the process has come to rest.
fn resident(server: &Server) -> Result<f64, Failure> {
    sleep(REST);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0)
}
