//! Readiness of many sockets (Linux epoll, level-triggered). It knows sockets by numbers.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::Timespec;

use crate::clock::SECOND;

/// So many sockets are served before what is due to be sent is looked at again.
pub(crate) const EVENTS: usize = 128;

/// A set of sockets, and what each waits for.
#[derive(Debug)]
pub(crate) struct Poll {
    epoll: OwnedFd,
}

/// What a socket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// A socket that is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) token: u64,
    /// Also where the other side is gone: reading says how.
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) failed: bool,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    /// Watches a socket until it is closed.
    pub(crate) fn add(&self, socket: &impl AsFd, token: u64, wants: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token), flags(wants))?)
    }

    pub(crate) fn change(&self, socket: &impl AsFd, token: u64, wants: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, socket, EventData::new_u64(token), flags(wants))?)
    }

    /// Waits until something is ready, `timeout` nanoseconds at most, and appends it to `ready`.
    pub(crate) fn wait(&self, timeout: u64, ready: &mut Vec<Ready>) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: (timeout / SECOND).cast_signed(),
            tv_nsec: (timeout % SECOND).cast_signed(),
        };
        let mut events = [const { MaybeUninit::uninit() }; EVENTS];
        let events = match epoll::wait(&self.epoll, &mut events, Some(&timeout)) {
            Ok((events, _)) => events,
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        ready.extend(events.iter().map(|event| {
            let flags = event.flags;
            let failed = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            Ready {
                token: event.data.u64(),
                read: failed || flags.contains(EventFlags::IN),
                write: flags.contains(EventFlags::OUT),
                failed,
            }
        }));
        Ok(())
    }
}

fn flags(wants: Interest) -> EventFlags {
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::IN, wants.read);
    flags.set(EventFlags::OUT, wants.write);
    flags
}
