//! Whose outbox a thread has nearly filled. Knows nobody who waits for it.

use std::cell::RefCell;

use tidegate_queue::Fill;

use crate::handle::Handle;

thread_local! {
    static FILLED: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// A session whose outbox this thread has nearly filled since it last asked. Whoever has more to send to many should let
/// others run first, and wait a moment [if that may help](Handle::is_filling).
#[must_use]
pub fn filled() -> Option<Handle> {
    FILLED.take()
}

/// Notes what a push to a session has come to.
pub(crate) fn noted<T>(handle: &Handle, (pushed, fill): (T, Fill)) -> T {
    if fill == Fill::High {
        FILLED.with_borrow_mut(|filled| _ = filled.get_or_insert_with(|| handle.clone()));
    }
    pushed
}
