//! What a session costs while nothing happens.

use tidegate_session::Ticks;

use crate::peer::{Notes, Setup};
use crate::work::Work;

/// The bytes of the future that serves a session over a pipe, with the small service and observer of these tests.
/// One is kept for each connection: raise the figure only knowing what for. It depends on the features with which tokio
/// is built.
const FUTURE_BYTES: usize = 700;

#[test]
fn the_future_of_a_session_stays_small() {
    let (session, ..) = Setup::default().session();
    let running = session.run(Work::new(true), Notes::default(), &Ticks::new().0);
    let size = size_of_val(&running);
    assert!(size <= FUTURE_BYTES, "{size} bytes");
}
