//! NATS JetStream on files: one stream, a subject for each log, acknowledged publishes over one connection a writer; a
//! pull consumer reads. Speaks as much of the protocol as that takes. This version acknowledges before it syncs,
//! which it does every two minutes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::broker::Broker;
use crate::contender::{Contender, READ, Way, Writer};
use crate::work::{Failure, Folder};

pub(crate) fn ways() -> Vec<Way> {
    vec![Way { name: "NATS JetStream, file, not synced", synced: false, start: Nats::boxed }]
}

struct Nats(Broker);

impl Nats {
    fn boxed(folder: &Folder) -> Result<Box<dyn Contender>, Failure> {
        let place = folder.path().join("nats").to_string_lossy().into_owned();
        let broker = Broker::start("nats-server", |port| {
            let port = port.to_string();
            ["-a", "127.0.0.1", "-p", &port, "-js", "-sd", &place].map(str::to_owned).into()
        })?;
        let mut connection = Connection::new(&broker)?;
        let stream = r#"{"name":"LOGS","subjects":["log.*"],"storage":"file","retention":"limits","num_replicas":1}"#;
        let answer = connection.ask("$JS.API.STREAM.CREATE.LOGS", stream.as_bytes())?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if answer.contains("\"error\"") {
            return Err(answer.into());
        }
        Ok(Box::new(Self(broker)))
    }
}

impl Contender for Nats {
    fn writer(&self, log: u64) -> Result<Box<dyn Writer>, Failure> {
        let connection = Connection::new(&self.0)?;
        Ok(Box::new(Publisher { connection, subject: format!("log.{log}") }))
    }

    fn read(&self, log: u64) -> Result<u64, Failure> {
        let mut connection = Connection::new(&self.0)?;
        let wanted = format!(
            r#"{{"stream_name":"LOGS","config":{{"deliver_policy":"all","ack_policy":"none","replay_policy":"instant","filter_subject":"log.{log}"}}}}"#
        );
        let made = connection.ask("$JS.API.CONSUMER.CREATE.LOGS", wanted.as_bytes())?;
        let made: serde_json::Value = serde_json::from_slice(&made)?;
        let name = made["name"].as_str().ok_or_else(|| format!("no consumer: {made}"))?;
        let mut left = made["num_pending"].as_u64().unwrap_or(0);
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.LOGS.{name}");
        let mut count = 0;
        while left > 0 {
            let batch = left.min(READ as u64);
            connection.publish(&next, format!(r#"{{"batch":{batch}}}"#).as_bytes())?;
            for _ in 0..batch {
                connection.message()?;
            }
            (count, left) = (count + batch, left - batch);
        }
        Ok(count)
    }

    fn resident(&self) -> Option<u64> {
        self.0.resident()
    }
}

struct Publisher {
    connection: Connection,
    subject: String,
}

impl Writer for Publisher {
    fn append(&mut self, body: &[u8]) -> Result<(), Failure> {
        let answer = self.connection.ask(&self.subject, body)?;
        if answer.starts_with(br#"{"stream""#) {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&answer).into_owned().into())
    }
}

/// A connection with an inbox of its own for answers.
struct Connection {
    stream: BufReader<TcpStream>,
    inbox: String,
    line: Vec<u8>,
}

impl Connection {
    fn new(broker: &Broker) -> Result<Self, Failure> {
        let stream = BufReader::new(broker.connect()?);
        let inbox = format!("_INBOX.{}", stream.get_ref().local_addr()?.port());
        let mut connection = Self { stream, inbox, line: Vec::new() };
        let mut info = String::new();
        connection.stream.read_line(&mut info)?;
        let hello = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"lang\":\"rust\",\"version\":\"1\"}}\r\nSUB {} 1\r\n",
            connection.inbox
        );
        connection.stream.get_mut().write_all(hello.as_bytes())?;
        Ok(connection)
    }

    fn publish(&mut self, subject: &str, body: &[u8]) -> Result<(), Failure> {
        self.line.clear();
        write!(self.line, "PUB {subject} {} {}\r\n", self.inbox, body.len())?;
        self.line.extend_from_slice(body);
        self.line.extend_from_slice(b"\r\n");
        Ok(self.stream.get_mut().write_all(&self.line)?)
    }

    fn ask(&mut self, subject: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        self.publish(subject, body)?;
        self.message()
    }

    /// The next message to the inbox.
    fn message(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let mut words = line.split_whitespace();
            match words.next() {
                Some("MSG") => {
                    let length: usize =
                        words.next_back().ok_or("a message has a length")?.parse()?;
                    let mut bytes = vec![0; length + 2];
                    self.stream.read_exact(&mut bytes)?;
                    bytes.truncate(length);
                    return Ok(bytes);
                }
                Some("PING") => self.stream.get_mut().write_all(b"PONG\r\n")?,
                Some("+OK" | "INFO") => {}
                Some(_) => return Err(line.trim_end().to_owned().into()),
                None => return Err("the server hung up".into()),
            }
        }
    }
}
