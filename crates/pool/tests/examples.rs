//! The example programs run through: each asserts what it shows.

#[path = "../examples/chat_room.rs"]
mod chat_room;
#[path = "../examples/round_robin.rs"]
mod round_robin;

#[test]
fn a_chat_room_on_the_registry_alone() {
    chat_room::main().unwrap();
}

#[test]
fn round_robin_over_three_of_which_one_fails() {
    round_robin::main().unwrap();
}
