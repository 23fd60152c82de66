//! What is known of one connection.

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use fixture::now;
use tidegate_pool::Facts;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn times_are_told_in_unix_milliseconds() {
    let start = now();
    let facts = Facts::new(start, 5_000);
    assert_eq!((facts.snapshot().connected_at, facts.snapshot().last_activity), (5_000, 5_000));
    assert_eq!(facts.snapshot().last_ping, None);
    facts.touch(start + SECOND);
    facts.pinged(start + 2 * SECOND);
    assert_eq!((facts.snapshot().last_activity, facts.snapshot().last_ping), (6_000, Some(7_000)));
}

#[test]
fn an_earlier_activity_does_not_turn_the_time_back() {
    let start = now();
    let facts = Facts::new(start, 0);
    facts.touch(start + 5 * SECOND);
    facts.touch(start + SECOND);
    assert_eq!(facts.idle_for(start + 7 * SECOND), 2 * SECOND);
    assert_eq!(facts.idle_for(start), Duration::ZERO);
}

#[test]
fn bytes_and_heartbeats_are_no_activity() {
    let start = now();
    let facts = Facts::new(start, 0);
    facts.sent(10);
    facts.received(20);
    facts.pinged(start + SECOND);
    facts.ponged(start + 2 * SECOND);
    assert_eq!(facts.idle_for(start + 9 * SECOND), 9 * SECOND);
    assert_eq!((facts.snapshot().bytes_sent, facts.snapshot().bytes_received), (10, 20));
}

#[test]
fn latency_is_the_last_round_trip_and_unasked_pongs_tell_none() {
    let start = now();
    let facts = Facts::new(start, 0);
    facts.ponged(start + SECOND);
    assert_eq!(facts.snapshot().latency_us, None);
    facts.pinged(start + SECOND);
    facts.ponged(start + SECOND + Duration::from_micros(1_234));
    facts.ponged(start + 9 * SECOND);
    assert_eq!(facts.snapshot().latency_us, Some(1_234));
}

#[test]
fn any_traffic_brings_a_stale_connection_back_to_life() {
    let facts = Facts::new(now(), 0);
    assert!(facts.is_alive());
    facts.mark_stale();
    assert!(!facts.snapshot().is_alive);
    facts.received(1);
    assert!(facts.is_alive());
    facts.mark_stale();
    facts.ponged(now());
    assert!(facts.is_alive());
}

#[test]
fn request_is_in_flight_until_its_guard_is_dropped() {
    let facts = Arc::new(Facts::new(now(), 0));
    let (one, two) = (facts.request(), facts.request());
    drop(one);
    assert_eq!((facts.in_flight(), facts.snapshot().request_count), (1, 2));
    drop(two);
    assert_eq!((facts.in_flight(), facts.snapshot().request_count), (0, 2));
}

#[test]
fn unfollowing_nothing_is_harmless() {
    let facts = Facts::new(now(), 0);
    facts.unfollow();
    assert_eq!(facts.following(), 0);
    facts.follow();
    facts.follow();
    facts.unfollow();
    assert_eq!(facts.following(), 1);
}
