//! Round robin over three upstreams, one of which fails for a while: it stands aside, a probe brings it back.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]
#![expect(clippy::disallowed_methods, reason = "the program is the shell: it reads the clock")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tidegate_pool::balance::{Health, Method, Upstreams};

/// How long the second upstream is away.
const AWAY: Duration = Duration::from_secs(15);

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let addresses = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map(|address| (address, 1));
    let upstreams = Upstreams::new(Method::RoundRobin, Health::default(), addresses, start)?;
    let (mut answered, mut failed) = (BTreeMap::new(), 0);

    // Ten requests a second for a minute, in a time of our own.
    for tick in 0..600 {
        let now = start + tick * Duration::from_millis(100);
        let picked = upstreams.pick(now, 0);
        let address = *picked.value();
        if address == "10.0.0.2:80" && now < start + AWAY {
            failed += 1;
            picked.failed(now);
        } else {
            *answered.entry(address).or_insert(0) += 1;
            picked.succeeded(now + Duration::from_millis(20));
        }
    }

    println!("{answered:?}, {failed} failed");
    // Five failures put it aside for 10 s, one failed probe for 20 s more; then it has its share again.
    assert_eq!(failed, 6);
    assert_eq!(answered.values().sum::<i32>() + failed, 600);
    assert!(answered["10.0.0.2:80"] > 80);
    Ok(())
}
