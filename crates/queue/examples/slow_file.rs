//! A log file on a slow disk: what is written to it waits in an outbox, so that the program never does. Debug
//! lines are dropped first, errors never, and the file says what is missing.
//!
//! `cargo run -p tidegate-queue --features tokio --example slow_file -- slow.log`

use std::io;

use tidegate_message::{Class, Priority};
use tidegate_queue::{Item, Limits, Receiver, channel};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Errors are critical, debug lines droppable.
pub(crate) struct Line(pub(crate) Class, pub(crate) String);

impl Item for Line {
    fn class(&self) -> Class {
        self.0
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn bytes(&self) -> usize {
        self.1.len()
    }
}

/// Writes what comes until the last sender is gone.
pub(crate) async fn write<W>(mut file: W, mut lines: Receiver<Line>) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut batch = Vec::new();
    while lines.ready().await {
        lines.pop_batch(100, 64 * 1024, &mut batch);
        let mut text: String = batch.drain(..).map(|Line(_, line)| line + "\n").collect();
        match lines.take_dropped() {
            0 => {}
            dropped => text += &format!("({dropped} lines are missing)\n"),
        }
        file.write_all(text.as_bytes()).await?;
    }
    file.flush().await
}

#[tokio::main(flavor = "current_thread")]
#[allow(dead_code, reason = "the tests write elsewhere")]
async fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "slow.log".to_owned());
    let (sender, lines) = channel(Limits { max_messages: 1_000, ..Limits::default() });
    let file = write(tokio::fs::File::create(path).await?, lines);
    for number in 0..100_000 {
        let _ = sender.try_push(Line(Class::Droppable, format!("step {number}")));
    }
    let _ = sender.try_push(Line(Class::Critical, "out of steps".into()));
    drop(sender);
    file.await
}
