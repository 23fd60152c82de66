//! Opening connections, all at once or some at a time. It knows not what they are for.

use std::io::ErrorKind;

use super::{Connected, Connection, Reply, Worker};
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::link::{End, Link, Speaks};
use crate::member::{Member, Role};
use crate::plan::Share;
use crate::poll::Interest;

/// So many begin to connect before others are through: a listener's queue has an end.
const AT_ONCE: u32 = 64;

impl Worker {
    /// Opens connections, and returns when all can be used.
    pub(super) fn connect_all(
        &mut self,
        role: Role,
        count: u32,
        deadline: u64,
    ) -> Result<Reply, Error> {
        self.opened = Connected::default();
        let begun = clock::now();
        let mut left = count;
        while self.opened.open < count {
            while left > 0 && self.connecting < AT_ONCE {
                self.open(role)?;
                left -= 1;
            }
            self.turn(10 * MILLISECOND)?;
            self.show();
            self.judge_attempts(count, begun, deadline)?;
        }
        Ok(Reply::Connected(std::mem::take(&mut self.opened)))
    }

    /// Opens this thread's publishers.
    pub(super) fn connect_publishers(&mut self, count: u32, deadline: u64) -> Result<Reply, Error> {
        self.opened = Connected::default();
        let begun = clock::now();
        let Share { index, of } = self.share;
        let mine: Vec<u32> = (0..count).filter(|publisher| publisher % of == index).collect();
        for publisher in &mine {
            if let Some(slot) = self.open(Role::Publisher(*publisher))? {
                self.publishers.push(slot);
            }
        }
        while self.opened.open < mine.len() as u32 {
            self.turn(10 * MILLISECOND)?;
            self.judge_attempts(mine.len() as u32, begun, deadline)?;
        }
        Ok(Reply::Connected(std::mem::take(&mut self.opened)))
    }

    /// An attempt that failed is an error here, and so is the deadline.
    fn judge_attempts(&mut self, wanted: u32, begun: u64, deadline: u64) -> Result<(), Error> {
        let now = clock::now();
        let open = self.opened.open;
        let timeout = |last: String| Error::ConnectTimeout {
            open,
            wanted,
            seconds: clock::seconds(now - begun),
            last,
        };
        match self.last_end.take() {
            Some(End::Broken("refused")) => Err(Error::Refused { address: self.address() }),
            Some(End::Strange(said)) => Err(Error::NotWebSocket { address: self.address(), said }),
            Some(End::NotUpgraded(status)) => {
                Err(Error::NotUpgraded { path: self.rules.path().to_owned(), status })
            }
            Some(End::Broken(how)) => Err(timeout(format!("; then one was {how}"))),
            Some(End::Closed(code, reason)) => {
                Err(timeout(format!("; then one was closed with {code} {reason}")))
            }
            None if self.line.halt.is_aborted() || now > deadline => {
                Err(timeout(self.waiting_for()))
            }
            None if self.is_stopped() => Err(Error::Stopped),
            None => Ok(()),
        }
    }

    fn waiting_for(&self) -> String {
        let mut members = self.connections.iter().flatten().map(|connection| &connection.member);
        let waiting = members.find(|member| !member.is_open());
        waiting.map_or(String::new(), |member| format!("; one is still {}", member.stage.name()))
    }

    fn address(&self) -> String {
        self.rules.host().to_owned()
    }

    /// Begins a connection, and returns its slot; none where it is refused at once.
    pub(super) fn open(&mut self, role: Role) -> Result<Option<u32>, Error> {
        let number = self.made * self.share.of + self.share.index;
        self.made += 1;
        let http = matches!(role, Role::Publisher(_))
            && self.exchanged.as_ref().is_some_and(|exchanged| exchanged.http);
        let route = if http { &self.publish_route } else { &self.route };
        let stream = match route.connect(number) {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                self.last_end = Some(End::Broken("refused"));
                self.pause = clock::now() + 50 * MILLISECOND;
                return Ok(None);
            }
            Err(error) => return Err(Error::system("open a connection")(error)),
        };
        let slot = self.free.pop().unwrap_or(self.connections.len() as u32);
        self.generation = self.generation.wrapping_add(1);
        let token = u64::from(self.generation) << 32 | u64::from(slot);
        self.poll
            .add(&stream, token, Interest { read: false, write: true })
            .map_err(Error::system("watch a connection"))?;
        let connection = Connection {
            generation: self.generation,
            link: Link::new(stream, if http { Speaks::Http } else { Speaks::Upgrade }),
            member: Member::new(number, role, clock::now()),
            reads: false,
            writes: true,
        };
        match self.connections.get_mut(slot as usize) {
            Some(place) => *place = Some(connection),
            None => self.connections.push(Some(connection)),
        }
        self.connecting += 1;
        Ok(Some(slot))
    }

    /// A connection can be used now.
    pub(super) fn on_open(&mut self, slot: u32) {
        let now = clock::now();
        self.connecting = self.connecting.saturating_sub(1);
        let publishers = self.load.published.len();
        let Some(Some(connection)) = self.connections.get_mut(slot as usize) else { return };
        let member = &mut connection.member;
        if !matches!(member.role, Role::Publisher(_)) {
            member.place = Some(self.roster.add(slot));
            member.expect(publishers);
        }
        self.present = now;
        self.opened.open += 1;
        self.opened.last = now;
        self.opened.times.note(now - member.started);
    }

    /// Takes a connection out. Its socket is closed when it is dropped.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Connection> {
        let connection = self.connections.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        if let Some(place) = connection.member.place {
            self.take_out(place);
        }
        if connection.member.is_on_its_way() {
            self.connecting = self.connecting.saturating_sub(1);
        }
        Some(connection)
    }

    /// A connection takes no more turns.
    pub(super) fn take_out(&mut self, place: u32) {
        if let Some(moved) = self.roster.take_out(place)
            && let Some(Some(other)) = self.connections.get_mut(moved as usize)
        {
            other.member.place = Some(place);
        }
    }
}
