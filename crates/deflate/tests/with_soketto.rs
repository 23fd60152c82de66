//! The example on `soketto` against Node's `ws` as a real process, as a server and as a client, with and without
//! takeover. Without Node or `tests-e2e/node_modules` a test says so and does nothing; under `CI=true` that is an error.
#![expect(clippy::disallowed_methods, reason = "the example serves from a thread")]

#[path = "../examples/soketto/echo.rs"]
mod echo;
#[path = "../examples/soketto/extension.rs"]
mod extension;

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use extension::Shared;
use tidegate_deflate::Settings;

const E2E: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-e2e");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/processes/ws.mjs");
const NO_TAKEOVER: &str = r#"{"serverNoContextTakeover":true,"clientNoContextTakeover":true}"#;
const TAKEOVER: &str = r#"{"serverNoContextTakeover":false,"clientNoContextTakeover":false}"#;

struct Node {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    /// `None` if there is no Node or no `ws`.
    #[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
    fn start(role: &str, options: &str, port: u16) -> Option<Self> {
        let has_node = Command::new("node").arg("--version").output().is_ok();
        if !has_node || !Path::new(E2E).join("node_modules/ws").is_dir() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI needs node and ws");
            println!("skipped: node or its ws is not installed");
            return None;
        }
        let mut command = Command::new("node");
        command.args([SCRIPT, E2E, role, options, &port.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("node starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Some(Self { child, stdout })
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("node writes lines");
        line.trim().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ws` connects to the example; what `ws` says about it.
fn serve(takeover: bool, windows: usize, options: &str) -> Option<String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let mut node = Node::start("client", options, port)?;
    let server = std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("ws connects");
        let shared = Shared::new(Settings::new(), 1, windows);
        echo::serve(socket, &shared, takeover).map_err(|error| error.to_string())
    });
    let said = node.line();
    assert_eq!(server.join().expect("the server does not panic"), Ok(()), "{said}");
    Some(said)
}

/// The example connects to `ws`; what `ws` says about it.
fn connect(takeover: bool, options: &str) -> Option<String> {
    let mut node = Node::start("server", options, 0)?;
    let address = format!("127.0.0.1:{}", node.line());
    let shared = Shared::new(Settings::new(), 1, 2);
    let socket = TcpStream::connect(&address).expect("ws listens");
    let ended = echo::connect(socket, &address, &shared, takeover);
    let said = node.line();
    assert!(ended.is_ok(), "{ended:?} {said}");
    Some(said)
}

/// The bytes that each message of `ws.mjs` came back in.
fn wire(said: &str) -> Vec<usize> {
    let (_, wire) = said.split_once("\"wire\":[[").expect("ws says what came");
    let number = |pair: &str| pair.trim_end_matches(']').split_once(',')?.1.parse().ok();
    wire.trim_end_matches("]]}").split("],[").filter_map(number).collect()
}

#[track_caller]
fn check(said: Option<String>, agreed: &str, repeated: std::ops::Range<usize>) {
    let Some(said) = said else { return };
    assert!(said.starts_with(&format!("{{\"agreed\":\"{agreed}\"")), "{said}");
    let wire = wire(&said);
    assert_eq!(wire.len(), 9, "{said}");
    assert!(repeated.contains(&wire[1]), "the second of two equal messages: {said}");
    assert!(wire[3] < 400 && wire[6] < 1300, "long runs: {said}");
}

#[test]
fn ws_talks_to_a_server_without_takeover() {
    let agreed = "server_no_context_takeover; client_no_context_takeover";
    check(serve(false, 2, NO_TAKEOVER), agreed, 60..100);
    check(serve(false, 2, "{}"), agreed, 60..100);
}

#[test]
fn ws_talks_to_a_server_with_takeover() {
    check(serve(true, 2, TAKEOVER), "", 5..20);
    let small = r#"{"serverMaxWindowBits":10,"clientMaxWindowBits":9}"#;
    let agreed = "server_max_window_bits=10; client_max_window_bits=9";
    check(serve(true, 2, small), agreed, 5..20);
}

#[test]
fn a_server_without_a_window_left_agrees_on_no_takeover() {
    let agreed = "server_no_context_takeover; client_no_context_takeover";
    check(serve(true, 1, "{}"), agreed, 60..100);
}

#[test]
fn a_client_talks_to_ws_without_takeover() {
    let agreed = "server_no_context_takeover; client_no_context_takeover";
    check(connect(false, NO_TAKEOVER), agreed, 60..100);
    check(connect(false, "{}"), agreed, 60..100);
}

#[test]
fn a_client_talks_to_ws_with_takeover() {
    check(connect(true, TAKEOVER), "", 5..20);
    let small = r#"{"clientMaxWindowBits":10}"#;
    check(connect(true, small), "client_max_window_bits=10", 5..20);
}
