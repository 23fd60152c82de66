//! The programs in `examples/` do what they say.
#![cfg(all(feature = "disk", feature = "tokio"))]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../examples/resumable_tcp.rs"]
#[allow(dead_code, reason = "its main is the program's")]
mod resumable_tcp;
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::folder::Folder;

const DIRECTORY: &str = "TIDEGATE_RESUMABLE_DIRECTORY";

fn text() -> String {
    (0..600).map(|number| format!("wörd{number} ")).collect()
}

/// The server that the other test starts and kills; by itself it has nothing to do.
#[tokio::test]
async fn the_server_that_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    resumable_tcp::serve(listener, Path::new(&directory), &text()).await.unwrap();
}

/// Starts the server; answers where it listens.
fn start(folder: &Folder) -> (Child, SocketAddr) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", "the_server_that_is_killed"]);
    command.env(DIRECTORY, folder.path()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.map_while(Result::ok).find_map(|line| {
        line.split_once("listening on ").and_then(|(_, address)| address.parse().ok())
    });
    (child, address.expect("the server says where it listens"))
}

/// Reads from a position on until so many bytes, or the end, have come. Answers whether it was the end.
fn follow(address: SocketAddr, position: &mut String, read: &mut String, bytes: usize) -> bool {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    writeln!(stream.get_mut(), "{position}").unwrap();
    let begun = read.len();
    while read.len() - begun < bytes {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let Some((here, length)) = line.trim_end().split_once(' ') else {
            assert_eq!(line, "end\n");
            return true;
        };
        let mut part = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut part).unwrap();
        *read += std::str::from_utf8(&part).unwrap();
        *position = here.to_owned();
    }
    false
}

#[test]
fn resumable_tcp_goes_on_after_its_connections_and_its_process() {
    let folder = Folder::in_memory("resumable");
    let (mut position, mut read) = (String::new(), String::new());
    for life in 0.. {
        let (mut server, address) = start(&folder);
        // Two connections that break, then the process.
        let mut ended = false;
        for _ in 0..2 {
            ended = ended || follow(address, &mut position, &mut read, 700);
        }
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(text().starts_with(&read), "{read}");
        if ended {
            assert!(life > 1, "it was never killed on its way");
            break;
        }
    }
    assert_eq!(read, text());
}
