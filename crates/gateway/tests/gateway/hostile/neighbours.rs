//! What others notice of a client that floods, or that reads nothing.

use std::time::Duration;

use serde_json::json;
use tidegate_testkit::client::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Before, UPGRADE, clock, connect, exchange, pause, resident_mib};
use crate::running::{Running, gateway};

/// The times of echoes for this long, sorted: one each 5 ms.
async fn echoes(client: &mut Client, time: Duration) -> Vec<Duration> {
    let (began, mut times) = (clock(), Vec::new());
    while began.elapsed() < time {
        let sent = clock();
        client.send_json(json!({ "type": "message", "content": 1 })).await;
        client.expect("message").await;
        times.push(sent.elapsed());
        pause(Duration::from_millis(5)).await;
    }
    times.sort_unstable();
    times
}

fn share(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() - 1) * percent / 100]
}

/// A masked text frame with an all-zero key.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).expect("a short text"), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// Sends 5 000 messages in a second, for this long, and reads what comes back.
async fn flood(gateway: &Running, time: Duration) -> u64 {
    let mut stream = connect(gateway).await;
    assert_eq!(exchange(&mut stream, &format!("{UPGRADE}\r\n")).await.0, 101);
    let (mut reader, mut writer) = stream.into_split();
    let fifty = frame(r#"{"type":"message","content":"flood"}"#).repeat(50);
    let writing = async {
        let (began, mut sent) = (clock(), 0);
        while began.elapsed() < time {
            let due = began.elapsed().as_millis() as u64 * 5;
            while sent < due {
                writer.write_all(&fifty).await.expect("the gateway reads");
                sent += 50;
            }
            pause(Duration::from_millis(5)).await;
        }
        sent
    };
    let mut buffer = vec![0; 64 * 1024];
    let reading = async { while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {} };
    tokio::select! {
        sent = writing => sent,
        () = reading => panic!("the gateway closed a client for its flood"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_five_thousand_a_second_slows_nobody_else() {
    let gateway = gateway(|config| {
        config.rate_limit.max_requests = 1000;
        config.rate_limit.window = Duration::from_secs(1);
    })
    .await;
    let mut other = gateway.client().await;
    let before = Before::of(&gateway).await;
    let quiet = echoes(&mut other, Duration::from_millis(1500)).await;
    let time = Duration::from_secs(10);
    let (loud, sent) = tokio::join!(echoes(&mut other, time), flood(&gateway, time));
    for (what, times) in [("alone", &quiet), ("beside a flood", &loud)] {
        let (p50, p99) = (share(times, 50), share(times, 99));
        eprintln!("echo {what}: p50 {p50:?}, p99 {p99:?}, {} echoes; {sent} flooded", times.len());
    }
    assert!(sent > 40_000, "the flood was no flood: {sent}");
    assert!(share(&loud, 50) < Duration::from_millis(50), "{:?}", share(&loud, 50));
    assert!(share(&loud, 99) < Duration::from_millis(250), "{:?}", share(&loud, 99));
    let stats = gateway.get("/api/websocket/stats").await.json();
    let refused = stats["rate_limit"]["blocked"].as_u64().unwrap();
    assert!(refused > sent / 2, "{refused} of {sent} were refused");
    before.assert_restored(&gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_for_half_a_minute_costs_its_queue_while_fifty_megabytes_pass()
{
    let gateway = gateway(|config| {
        config.session.write_timeout = Duration::from_secs(60);
        config.heartbeat.ping_interval = Duration::from_secs(60);
        config.session.close_timeout = Duration::from_millis(200);
    })
    .await;
    let mut readers = [gateway.client().await, gateway.client().await];
    let before = Before::of(&gateway).await;
    let mut stuck = connect(&gateway).await;
    assert_eq!(exchange(&mut stuck, &format!("{UPGRADE}\r\n")).await.0, 101);
    let stopped = clock();
    let (content, mut slowest) = ("x".repeat(500_000), Duration::ZERO);
    let (mut resident, mut most) = (0, 0);
    for n in 0..100 {
        let sent = clock();
        let body = json!({ "to": "all", "content": [n, content] }).to_string();
        assert_eq!(gateway.publish(&body).await.status, 202);
        for reader in &mut readers {
            assert_eq!(reader.expect("message").await["content"][0], n);
        }
        slowest = slowest.max(sent.elapsed());
        // The first few fill buffers that stay.
        match n {
            0..5 => resident = resident.max(resident_mib()),
            _ => most = most.max(resident_mib()),
        }
    }
    eprintln!(
        "50 MB past a client that reads nothing: {resident} to {most} MiB, slowest {slowest:?}"
    );
    assert!(slowest < Duration::from_secs(1), "a message took {slowest:?}");
    assert!(most < resident + 25, "{resident} MiB grew to {most} MiB");
    pause(Duration::from_secs(30).saturating_sub(stopped.elapsed())).await;
    for reader in &mut readers {
        reader.send_json(json!({ "type": "ping" })).await;
        reader.expect("pong").await;
    }
    let stats = gateway.get("/api/websocket/stats").await.json();
    assert_eq!(stats["active_connections"], 3, "it has a minute to read on");
    let dropped = stats["queue"]["non_critical_messages_dropped"].as_u64().unwrap();
    assert!(dropped > 10, "{stats:#}");
    drop(stuck);
    gateway.stats_until(|stats| stats["active_connections"] == 2).await;
    before.assert_restored(&gateway).await;
}
