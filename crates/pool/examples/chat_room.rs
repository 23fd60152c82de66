//! A chat room on the registry alone: people come, talk, and go. A connection's handle is a bounded channel.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]
#![expect(clippy::disallowed_methods, reason = "the program is the shell: it reads the clock")]

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use tidegate_message::{GroupId, SessionId, UserId};
use tidegate_pool::{ConnectionId, Exclude, Limits, Member, Pool, Target};

type Room = Pool<SyncSender<String>>;

/// Connects somebody and lets them into the room.
fn enter(
    pool: &Room,
    room: &GroupId,
    name: &str,
    number: u8,
) -> Result<(ConnectionId, Receiver<String>), Box<dyn std::error::Error>> {
    let (sender, receiver) = sync_channel(16);
    let (session, user) = (SessionId::from_random([number; 12]), UserId::new(name)?);
    let member = Member { session, user, weight: 1, now: Instant::now(), at_ms: 0 };
    let id = pool.insert(member, sender)?.id;
    pool.join(session, room, None)?;
    say(pool, room, id, &format!("{name} is here"));
    Ok((id, receiver))
}

/// Hands a line to everybody else. Whose channel is full misses it: nobody waits.
fn say(pool: &Room, room: &GroupId, from: ConnectionId, line: &str) -> usize {
    let exclude = Exclude { sessions: &[from.session()], ..Exclude::NONE };
    pool.for_each(&Target::Group(room.clone()), &exclude, |session, handle| {
        let sent = handle.try_send(line.to_owned()).is_ok();
        pool.facts(session).filter(|_| sent).iter().for_each(|it| it.sent(line.len() as u64));
    })
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (pool, room) = (Pool::new(Limits::default())?, GroupId::new("tea")?);
    let (ann, to_ann) = enter(&pool, &room, "Ann", 1)?;
    let (bob, to_bob) = enter(&pool, &room, "Bob", 2)?;
    let (_eve, to_eve) = enter(&pool, &room, "Eve", 3)?;
    assert_eq!(say(&pool, &room, ann, "hello"), 2);
    pool.remove_own(bob);
    assert_eq!(say(&pool, &room, ann, "who is left?"), 1);

    let heard = [to_ann, to_bob, to_eve].map(|lines| lines.try_iter().collect::<Vec<_>>());
    println!("{heard:?}, {} bytes in all", pool.stats().total_bytes_sent);
    assert_eq!(
        heard,
        [
            vec!["Bob is here", "Eve is here"],
            vec!["Eve is here", "hello"],
            vec!["hello", "who is left?"]
        ]
    );
    Ok(())
}
