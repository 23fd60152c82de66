//! The gateway as a process of its own, for what only a process has: signals, an exit code, a configuration file.
#![expect(clippy::disallowed_methods, reason = "what a process does is waited for in real time")]

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::running::API_KEY;

/// A gateway that runs as a process; it is killed when dropped.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// A file: a pipe that nobody reads would stop the gateway once it is full.
    log: PathBuf,
}

impl Process {
    /// Starts the binary on a free port with these arguments, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("gateway-{}-{}.log", std::process::id(), STARTED.fetch_add(1, Relaxed));
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .env("TIDEGATE_API__KEY", API_KEY)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("cargo's folder for test files can be written to"))
            .spawn()
            .expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).expect("text") == 0 {
                panic!("the gateway ended without listening");
            }
            if let Some((_, url)) = line.split_once("ws://") {
                let (address, _) = url.split_once('/').expect("a path");
                break address.parse().expect("an address");
            }
        };
        Self { address, child, _stdout: stdout, log }
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}");
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the file that it writes to")
    }

    /// Waits for its end: its exit code, and what it logged.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        for _ in 0..3_000 {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return (status.code(), self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the gateway did not end in 30 s");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}
