//! A server of somebody else's as a process on loopback: found, started, waited for, ended. Knows no protocol.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::work::Failure;

/// Where Debian's packages may be unpacked.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/brokers");
const START: Duration = Duration::from_secs(10);

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Broker {
    process: Child,
    pub(crate) port: u16,
}

/// A program by its name: in the path, or among the unpacked packages.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let unpacked = ["usr/bin", "usr/sbin"].map(|folder| Path::new(UNPACKED).join(folder));
    let system = ["/usr/bin", "/usr/sbin"].map(PathBuf::from);
    let places = std::env::split_paths(&path).chain(system).chain(unpacked);
    places.map(|place| place.join(program)).find(|file| file.is_file())
}

impl Broker {
    /// Starts a program with the arguments for a free port, and waits until it takes connections.
    pub(crate) fn start(
        program: &str,
        arguments: impl FnOnce(u16) -> Vec<String>,
    ) -> Result<Self, Failure> {
        let file = find(program).ok_or_else(|| format!("{program} is not installed"))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(file);
        command
            .args(arguments(port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.env("LD_LIBRARY_PATH", Path::new(UNPACKED).join("usr/lib/x86_64-linux-gnu"));
        let mut broker = Self { process: command.spawn()?, port };
        let begun = Instant::now();
        while let Err(error) = TcpStream::connect(("127.0.0.1", port)) {
            if let Some(status) = broker.process.try_wait()? {
                return Err(format!("{program} ended with {status}").into());
            }
            if error.kind() != ErrorKind::ConnectionRefused || begun.elapsed() > START {
                return Err(format!("{program} takes no connections: {error}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(broker)
    }

    /// A connection that answers within ten seconds or fails.
    pub(crate) fn connect(&self) -> Result<TcpStream, Failure> {
        let connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(START))?;
        Ok(connection)
    }

    /// Bytes of memory that it takes.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
