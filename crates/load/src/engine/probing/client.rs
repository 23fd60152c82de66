//! One connection that is looked at closely: it waits by blocking. It knows no load.

use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::job::Job;
use crate::link::{End, Input, Link, Speaks};
use crate::member::{Context, Load, Member, Role};
use crate::plan::Plan;
use crate::rules::Rules;
use crate::tally::Tally;
use crate::wire::frame::{self, opcode};

/// What came of connecting, or of the connection since.
pub(super) enum Met {
    Open(Box<Client>),
    /// A close frame: its code and reason.
    Closed(u16, String),
    /// The status of an upgrade that was refused.
    NotUpgraded(String),
    /// In words.
    Broken(String),
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(_) => f.write_str("open"),
            Self::Closed(code, reason) => write!(f, "closed with {code} {reason}"),
            Self::NotUpgraded(status) => write!(f, "refused with {status}"),
            Self::Broken(how) => f.write_str(how),
        }
    }
}

/// One connection.
pub(super) struct Client {
    link: Link,
    member: Member,
    buffer: Vec<u8>,
    tally: Tally,
    ended: Option<Box<Met>>,
}

/// Connects, and waits until the connection can be used.
pub(super) fn meet(job: &Job, rules: &mut Rules, number: u32) -> Result<Met, Error> {
    let address = &job.target.address;
    let fault = |why: String| Error::Address { address: address.clone(), why };
    let mut found = address.to_socket_addrs().map_err(|error| fault(error.to_string()))?;
    let target = found.next().ok_or_else(|| fault("it has no address".into()))?;
    let timeout = Duration::from_millis(job.connect_timeout_ms.max(1));
    let stream = TcpStream::connect_timeout(&target, timeout)
        .map_err(|_| Error::Refused { address: address.clone() })?;
    // Where this fails, messages go a little later.
    let _ = stream.set_nodelay(true);
    let _ = stream.set_write_timeout(Some(timeout));
    let mut client = Client {
        link: Link::new(stream, Speaks::Upgrade),
        member: Member::new(number, Role::Idle { subscribe: false }, clock::now()),
        buffer: vec![0; 64 * 1024],
        tally: Tally::new(&Plan::empty()),
        ended: None,
    };
    client.send(&rules.request(number));
    let deadline = clock::now() + job.connect_timeout_ms * MILLISECOND;
    while !client.member.is_open() && client.ended.is_none() && clock::now() < deadline {
        client.read(rules, 50 * MILLISECOND, &mut |_| {});
    }
    Ok(match client.ended.take() {
        Some(ended) => *ended,
        None if client.member.is_open() => Met::Open(Box::new(client)),
        None => Met::Broken(format!("still {}", client.member.stage.name())),
    })
}

impl Client {
    pub(super) fn ended(&self) -> Option<&Met> {
        self.ended.as_deref()
    }

    /// Writes all of it, unless the other side has ended the connection.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let mut result = self.link.send(bytes);
        while result.is_ok() && self.link.is_behind() {
            result = self.link.flush();
        }
        // How it ended is read, not written.
        drop(result);
    }

    /// Gives each message to `message`, until nothing has come for `quiet` nanoseconds.
    pub(super) fn listen(&mut self, rules: &mut Rules, quiet: u64, mut message: impl FnMut(&[u8])) {
        let mut heard = clock::now();
        while self.ended.is_none() && clock::now() - heard < quiet {
            if self.read(rules, quiet.min(50 * MILLISECOND), &mut message) {
                heard = clock::now();
            }
        }
    }

    /// Reads once. Returns whether anything came.
    fn read(&mut self, rules: &mut Rules, timeout: u64, message: &mut dyn FnMut(&[u8])) -> bool {
        let timeout = Duration::from_nanos(timeout.max(MILLISECOND));
        // Where this fails, the read returns when something comes.
        let _ = self.link.stream().set_read_timeout(Some(timeout));
        let mut out = Vec::new();
        let (plan, load) = (Plan::empty(), Load::default());
        let mut context = Context {
            rules,
            plan: &plan,
            tally: &mut self.tally,
            load: &load,
            stream_rules: None,
            out: &mut out,
        };
        let (member, mut closed) = (&mut self.member, None);
        let result = self.link.receive(&mut self.buffer, |input, now| match input {
            Input::Upgraded => member.upgraded(&mut context),
            Input::Message(bytes) => {
                message(bytes);
                member.message(bytes, now, &mut context);
            }
            Input::Ping(payload) => frame::write(opcode::PONG, payload, context.out),
            Input::Close(code, reason) => {
                closed = Some((code, String::from_utf8_lossy(reason).into_owned()));
            }
            Input::Answered(_) => {}
        });
        let came = matches!(result, Ok(count) if count > 0);
        self.ended = match (closed, result) {
            (Some((code, reason)), _) => Some(Met::Closed(code, reason)),
            (None, Err(End::NotUpgraded(status))) => Some(Met::NotUpgraded(status)),
            (None, Err(end)) => Some(Met::Broken(end.to_string())),
            (None, Ok(_)) => None,
        }
        .map(Box::new);
        self.send(&out);
        came
    }
}
