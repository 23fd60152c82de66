//! Into a channel whose reader is behind: what a message costs for which another has to go.

use tidegate_benches::Suite;
use tidegate_queue::{Limits, channel};

use crate::note::Note;

const DEPTH: usize = 100;

pub(crate) fn oldest_goes(suite: &mut Suite) {
    suite
        .group("into a full one of 100, the oldest goes")
        .ours(
            "channel",
            || {
                let (sender, receiver) =
                    channel(Limits { max_messages: DEPTH, ..Limits::default() });
                let note = Note::new();
                (0..DEPTH).for_each(|_| drop(sender.try_push(note.clone())));
                (sender, receiver, note)
            },
            |(sender, _receiver, note)| sender.try_push(note.clone()).is_ok(),
        )
        .peer(
            "async-channel, force_send",
            || {
                let (sender, receiver) = async_channel::bounded(DEPTH);
                let note = Note::new();
                (0..DEPTH).for_each(|_| drop(sender.try_send(note.clone())));
                (sender, receiver, note)
            },
            |(sender, _receiver, note)| sender.force_send(note.clone()).is_ok(),
        )
        .peer(
            "tokio broadcast",
            || {
                let (sender, receiver) = tokio::sync::broadcast::channel(DEPTH);
                let note = Note::new();
                (0..DEPTH).for_each(|_| drop(sender.send(note.clone())));
                (sender, receiver, note)
            },
            |(sender, _receiver, note)| sender.send(note.clone()).is_ok(),
        );
}
