//! Redis Streams: `XADD` and `XRANGE` over one connection a writer, synced each time or every second. Speaks as much
//! of RESP as that takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::broker::Broker;
use crate::contender::{Contender, READ, Way, Writer};
use crate::work::{Failure, Folder};

pub(crate) fn ways() -> Vec<Way> {
    vec![
        Way {
            name: "Redis Streams, everysec",
            synced: false,
            start: |folder| Redis::boxed(folder, "everysec"),
        },
        Way {
            name: "Redis Streams, always",
            synced: true,
            start: |folder| Redis::boxed(folder, "always"),
        },
    ]
}

struct Redis(Broker);

impl Redis {
    fn boxed(folder: &Folder, sync: &str) -> Result<Box<dyn Contender>, Failure> {
        let place = folder.path().join("redis");
        std::fs::create_dir_all(&place)?;
        let place = place.to_string_lossy().into_owned();
        let broker = Broker::start("redis-server", |port| {
            let port = port.to_string();
            let settings = [
                ["--port", &port],
                ["--bind", "127.0.0.1"],
                ["--save", ""],
                ["--appendonly", "yes"],
                ["--appendfsync", sync],
                // A rewrite amid a measurement would be another measurement.
                ["--auto-aof-rewrite-percentage", "0"],
                ["--dir", &place],
            ];
            settings.as_flattened().iter().map(|text| (*text).to_owned()).collect()
        })?;
        Ok(Box::new(Self(broker)))
    }
}

impl Contender for Redis {
    fn writer(&self, log: u64) -> Result<Box<dyn Writer>, Failure> {
        let connection = BufReader::new(self.0.connect()?);
        Ok(Box::new(Appender { connection, key: format!("log:{log}"), line: Vec::new() }))
    }

    fn read(&self, log: u64) -> Result<u64, Failure> {
        let mut connection = BufReader::new(self.0.connect()?);
        let (key, mut from, mut all) = (format!("log:{log}"), "-".to_owned(), 0);
        loop {
            let mut line = Vec::new();
            let count = READ.to_string();
            let words = ["XRANGE", &key, &from, "+", "COUNT", &count].map(str::as_bytes);
            say(connection.get_mut(), &mut line, &words)?;
            let Reply::Many(entries) = reply(&mut connection)? else {
                return Err("XRANGE answers with a list".into());
            };
            all += entries.len() as u64;
            let Some(Reply::Many(last)) = entries.last() else { return Ok(all) };
            let Some(Reply::One(id)) = last.first() else {
                return Err("an entry has an id".into());
            };
            from = format!("({}", String::from_utf8_lossy(id));
        }
    }

    fn resident(&self) -> Option<u64> {
        self.0.resident()
    }
}

struct Appender {
    connection: BufReader<TcpStream>,
    key: String,
    line: Vec<u8>,
}

impl Writer for Appender {
    fn append(&mut self, body: &[u8]) -> Result<(), Failure> {
        let words = [b"XADD", self.key.as_bytes(), b"*", b"b", body];
        say(self.connection.get_mut(), &mut self.line, &words)?;
        match reply(&mut self.connection)? {
            Reply::One(_) => Ok(()),
            Reply::Many(_) => Err("XADD answers with an id".into()),
        }
    }
}

enum Reply {
    One(Vec<u8>),
    Many(Vec<Reply>),
}

fn say(connection: &mut TcpStream, line: &mut Vec<u8>, words: &[&[u8]]) -> Result<(), Failure> {
    line.clear();
    write!(line, "*{}\r\n", words.len())?;
    for word in words {
        write!(line, "${}\r\n", word.len())?;
        line.extend_from_slice(word);
        line.extend_from_slice(b"\r\n");
    }
    Ok(connection.write_all(line)?)
}

fn reply(connection: &mut BufReader<TcpStream>) -> Result<Reply, Failure> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    let text = line.trim_end();
    let (Some(kind), Some(rest)) = (text.get(..1), text.get(1..)) else {
        return Err("the server hung up".into());
    };
    match kind {
        "+" | ":" => Ok(Reply::One(rest.as_bytes().to_vec())),
        "$" => {
            let mut bytes = vec![0; rest.parse::<usize>()? + 2];
            connection.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            Ok(Reply::One(bytes))
        }
        "*" => {
            let count = rest.parse::<usize>()?;
            (0..count).map(|_| reply(connection)).collect::<Result<_, _>>().map(Reply::Many)
        }
        _ => Err(text.to_owned().into()),
    }
}
