//! The programs in `examples/` do what they say.
#![expect(
    clippy::disallowed_methods,
    reason = "a test needs some first Instant, and a server beside its client"
)]

#[path = "../examples/simulation/model.rs"]
mod model;
#[cfg(feature = "tokio")]
#[path = "../examples/stay_connected.rs"]
mod stay_connected;

use std::time::Instant;

use model::{Kind, Run, World};

fn play(kind: Kind) -> Run {
    // A tenth of the crowd and of the server.
    let world = World {
        clients: 10_000,
        accept_cost: 2_000,
        refuse_cost: 200,
        until: 60_000,
        ..World::LARGE
    };
    model::run(world, kind, Instant::now())
}

fn peak(run: &Run) -> u32 {
    run.attempts.iter().max().copied().unwrap_or_default()
}

#[test]
fn spread_asked_for_by_the_server_is_best_in_all_three() {
    let ours = play(Kind::Ours);
    let back = ours.most_back.expect("all of ours come back");
    for kind in [Kind::None, Kind::Exponential, Kind::FullJitter] {
        let other = play(kind);
        assert!(peak(&ours) < peak(&other));
        assert!(ours.failed < other.failed);
        assert!(other.most_back.is_none_or(|other| back < other));
    }
}

#[test]
fn simulation_loses_no_client() {
    for kind in [Kind::Ours, Kind::OursUnannounced] {
        let run = play(kind);
        assert_eq!(run.back.last(), Some(&10_000));
        let attempts: u64 = run.attempts.iter().map(|count| u64::from(*count)).sum();
        assert_eq!(attempts, 10_000 + run.failed);
    }
}

#[cfg(feature = "tokio")]
mod staying {
    use std::cell::RefCell;
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    #[tokio::test]
    async fn client_stays_connected_until_the_server_says_goodbye() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = async {
            for words in ["one\n", "two\nlater 5 5\nnever read\n", "three\nbye\n"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(words.as_bytes()).await.unwrap();
            }
        };
        let lines = RefCell::new(Vec::new());
        let show = |line: &str| lines.borrow_mut().push(line.to_owned());
        let client =
            timeout(Duration::from_secs(10), crate::stay_connected::follow(&address, &show));
        let (end, ()) = tokio::join!(client, server);
        assert!(end.unwrap().to_string().contains("code 1000"));
        let lines = lines.into_inner();
        let shown: Vec<_> = lines.iter().filter(|line| !line.starts_with('(')).collect();
        assert_eq!(shown, ["one", "two", "three"]);
        assert_eq!(lines.iter().filter(|line| line.starts_with("(Waiting")).count(), 2);
    }
}
