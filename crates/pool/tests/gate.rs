//! The door: capacity, the margin beyond it, and places that become free.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tidegate_pool::{Full, Gate};

#[test]
fn lets_the_margin_in_marked_and_refuses_beyond_it() {
    let gate = Gate::new(1_000);
    let permits: Vec<_> = (0..1_050).map(|_| gate.enter().unwrap()).collect();
    assert!(permits[..1_000].iter().all(|permit| !permit.is_over_capacity()));
    assert!(permits[1_000..].iter().all(|permit| permit.is_over_capacity()));
    assert_eq!(gate.enter().unwrap_err(), Full);
    assert_eq!((gate.inside(), gate.over_capacity()), (1_000, 50));
}

#[test]
fn margin_is_five_percent_but_at_least_sixteen() {
    for (max, margin) in [(0, 16), (50, 16), (320, 16), (340, 17), (20_000, 1_000)] {
        assert_eq!(Gate::new(max).margin(), margin, "of {max}");
    }
}

#[test]
fn a_gate_that_lasts_keeps_count_as_any_other_does() {
    let gate = Gate::lasting(1);
    let clone = gate.clone();
    let inside = gate.enter().unwrap();
    let over = clone.enter().unwrap();
    assert!(!inside.is_over_capacity() && over.is_over_capacity());
    assert_eq!((clone.inside(), gate.over_capacity()), (1, 1));
    drop((gate, clone, inside));
    drop(over);
}

#[test]
fn place_is_free_again_once_the_permit_is_dropped() {
    let gate = Gate::new(1);
    let permit = gate.enter().unwrap();
    assert!(gate.enter().unwrap().is_over_capacity());
    drop(permit);
    assert!(!gate.enter().unwrap().is_over_capacity());
}

#[test]
fn those_told_to_go_take_no_place_that_becomes_free() {
    let gate = Gate::new(1);
    let inside = gate.enter().unwrap();
    let told: Vec<_> = (0..16).map(|_| gate.enter().unwrap()).collect();
    drop(inside);
    assert!(!gate.enter().unwrap().is_over_capacity());
    assert_eq!(told.len(), gate.over_capacity());
}

#[test]
fn threads_that_race_never_get_more_places_than_there_are() {
    let gate = Gate::new(40);
    let (inside, over, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    match gate.enter() {
                        Ok(permit) if permit.is_over_capacity() => hold(permit, &over),
                        Ok(permit) => hold(permit, &inside),
                        Err(Full) => _ = refused.fetch_add(1, Relaxed),
                    }
                }
            });
        }
    });
    assert_eq!([inside, over, refused].map(AtomicUsize::into_inner), [40, 16, 160 - 56]);
}

/// Counts a permit and never gives it back.
fn hold(permit: tidegate_pool::Permit, counter: &AtomicUsize) {
    std::mem::forget(permit);
    counter.fetch_add(1, Relaxed);
}
