//! A peer that runs: started on a free port of the loopback, with its files filled in, ended with all that it
//! started. Knows nothing of what is measured.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::peer::{Install, PLACEHOLDERS, Peer};
use crate::Problem;
use crate::bench::processes::{Interrupt, Program, Scratch};

/// How many of its last lines are told about a server that failed.
const LAST_WORDS: usize = 8;

/// Where the programs are that a peer is started from.
pub(crate) struct Places {
    /// Where the peer is installed.
    pub(crate) folder: PathBuf,
    /// The gateway of this work tree.
    pub(crate) gateway: PathBuf,
}

/// A peer that runs.
pub(crate) struct Server {
    program: Program,
    address: SocketAddr,
    /// Its configuration and log; gone with it.
    _temp: Scratch,
}

impl Server {
    /// Starts `peer` and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready in time; with the last lines of its log.
    pub(crate) fn start(
        peer: &Peer,
        places: &Places,
        interrupt: &Interrupt,
    ) -> Result<Self, Problem> {
        let temp = Scratch::new()?;
        let address = free_address()?;
        let fill = |text: &str| filled(text, address, places, temp.path());
        for name in &peer.start.files {
            let text = fs::read_to_string(peer.folder.join(name))?;
            fs::write(temp.path().join(name), fill(&text))?;
        }
        let mut words = peer.start.command.iter().map(|word| fill(word));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).current_dir(temp.path()).stdin(Stdio::null());
        command.envs(peer.start.environment.iter().map(|(name, value)| (name, fill(value))));
        if peer.install == (Install::Gateway {}) {
            // Whoever measures has settings of their own.
            let ours = std::env::vars_os().map(|(name, _)| name);
            for name in ours.filter(|name| name.to_string_lossy().starts_with("TIDEGATE_")) {
                command.env_remove(name);
            }
        }
        if matches!(peer.install, Install::Debian { .. }) {
            let libraries = std::env::join_paths(libraries(&places.folder.join("debian")))?;
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let program = Program::start(&peer.name, &mut command, &temp.path().join("log"), false)?;
        let limit = Duration::from_secs(peer.start.timeout_s);
        let says = peer.start.says.as_deref();
        program.wait_until(limit, interrupt, || is_ready(says, address, || program.said()))?;
        Ok(Self { program, address, _temp: temp })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process that was started; others may be its children.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// How it ended, if it ended by itself.
    pub(crate) fn end_by_itself(&mut self) -> Option<String> {
        self.program.has_ended().then(|| self.program.end())
    }

    /// The last lines that it wrote.
    pub(crate) fn last_words(&self) -> String {
        self.program.last_words(LAST_WORDS)
    }
}

/// Whether it has said what it `says`, if that is anything, and takes connections.
fn is_ready(says: Option<&str>, address: SocketAddr, said: impl FnOnce() -> String) -> bool {
    says.is_none_or(|words| said().contains(words)) && TcpStream::connect(address).is_ok()
}

/// An address that nobody listens on at this moment.
fn free_address() -> Result<SocketAddr, Problem> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn filled(text: &str, address: SocketAddr, places: &Places, temp: &Path) -> String {
    let values = [
        address.port().to_string(),
        places.folder.display().to_string(),
        temp.display().to_string(),
        places.gateway.display().to_string(),
    ];
    let pairs = PLACEHOLDERS.into_iter().zip(values);
    pairs.fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, &value))
}

/// The folders of an unpacked tree in which the system would look for libraries.
fn libraries(tree: &Path) -> Vec<PathBuf> {
    let folders = ["usr/lib", "lib"].into_iter().map(|folder| tree.join(folder));
    let entries = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of starting a peer whose command is this script of the shell.
    fn start(script: &str, further: &str) -> Result<Server, String> {
        let folder = Scratch::new().unwrap();
        let script = script.replace('"', "\\\"");
        let peer = format!(
            "title = \"a\"\nhome = \"b\"\nlicence = \"c\"\nnote = \"\"\nworks = [\"idle\"]\n\
             [install]\nkind = \"gateway\"\n[start]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n{further}\n"
        );
        fs::write(folder.path().join("peer.toml"), peer).unwrap();
        fs::write(folder.path().join("dialect.toml"), "").unwrap();
        fs::write(folder.path().join("server.conf"), "port {port} { }\n").unwrap();
        let peer = Peer::read(folder.path()).unwrap();
        let places = Places { folder: folder.path().to_owned(), gateway: "/no/gateway".into() };
        Server::start(&peer, &places, &Interrupt::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_that_does_not_start_is_told_with_its_last_lines() {
        let error = start("echo wrong colour; exit 3", "").err().unwrap();
        assert!(error.contains("ended before it was ready"), "{error}");
        assert!(error.contains("| wrong colour"), "{error}");
    }

    #[test]
    fn a_server_that_never_listens_is_not_waited_for_without_end() {
        let error = start("exec sleep 600", "timeout_s = 0").err().unwrap();
        assert!(error.contains("was not ready within 0 s"), "{error}");
    }

    #[test]
    fn its_files_are_filled_in_and_its_variables_set() {
        let further = "files = [\"server.conf\"]\nenvironment = { PLACE = \"at {temp}\" }";
        let error = start("cat server.conf; echo $PLACE $PWD {gateway}; exit 1", further);
        let error = error.err().unwrap();
        let port = error.split("port ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        assert!(port.parse::<u16>().unwrap() > 0 && error.contains("{ }"), "{error}");
        let place = error.split("at ").nth(1).unwrap();
        let mut words = place.split_whitespace();
        assert_eq!(words.next(), words.next(), "{error}");
        assert_eq!(words.next(), Some("/no/gateway"));
    }

    #[test]
    fn what_a_server_says_is_waited_for_besides_its_port() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let said = || "almost ready\n".to_owned();
        assert!(is_ready(None, address, said) && is_ready(Some("ready"), address, said));
        assert!(!is_ready(Some("listening"), address, said));
        drop(listener);
        assert!(!is_ready(None, address, said));
    }
}
