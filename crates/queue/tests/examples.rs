//! The programs in `examples/` do what they say.
#![cfg(feature = "tokio")]

#[path = "../examples/slow_file.rs"]
mod slow_file;

use slow_file::{Line, write};
use tidegate_message::Class;
use tidegate_queue::{Limits, channel};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn slow_file_gets_all_errors_and_says_what_is_missing() {
    let (sender, lines) = channel(Limits { max_messages: 4, ..Limits::default() });
    // A disk that takes a few bytes at a time.
    let (file, mut disk) = tokio::io::duplex(8);
    for number in 0..1_000 {
        let class = match number % 100 {
            0 => Class::Critical,
            1..10 => Class::Coalescible,
            _ => Class::Droppable,
        };
        assert!(sender.try_push(Line(class, number.to_string())).is_ok());
    }
    drop(sender);
    let mut written = String::new();
    let (done, read) = tokio::join!(write(file, lines), disk.read_to_string(&mut written));
    assert!(done.is_ok() && read.is_ok());
    let lines: Vec<_> = written.lines().collect();
    let errors = ["0", "100", "200", "300", "400", "500", "600", "700", "800", "900"];
    assert_eq!(lines[..10], errors);
    assert!(lines.contains(&"(87 lines are missing)"), "{lines:?}");
}
