//! `tidegate-queue`: the outbox and its channel beside channels that keep no lanes, merge nothing and count no
//! bytes; messages for later beside a heap and tokio's wheel.

mod delay;
mod full;
mod note;
mod through;

use std::process::ExitCode;

use tidegate_benches::Suite;

fn main() -> ExitCode {
    let mut suite = Suite::new("queue");
    through::one(&mut suite);
    through::burst(&mut suite);
    full::oldest_goes(&mut suite);
    through::tasks(&mut suite);
    through::threads(&mut suite);
    through::keyed(&mut suite);
    through::layer(&mut suite);
    through::bytes(&mut suite);
    delay::some(&mut suite);
    delay::all(&mut suite);
    suite.run()
}
