//! Picking one of many.

use proptest::prelude::*;
use tidegate_pool::balance::{Balancer, Candidates, Method};

/// One upstream each: available, load, weight.
#[derive(Debug)]
struct Upstreams(Vec<(bool, u64, u32)>);

impl Candidates for Upstreams {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn is_available(&self, index: usize) -> bool {
        self.0[index].0
    }
    fn load(&self, index: usize) -> u64 {
        self.0[index].1
    }
    fn weight(&self, index: usize) -> u32 {
        self.0[index].2
    }
}

const METHODS: [Method; 4] =
    [Method::RoundRobin, Method::LeastConnections, Method::Weighted, Method::P2c];

#[test]
fn picks_nobody_from_nobody() {
    for method in METHODS {
        let balancer = Balancer::new(method);
        assert_eq!(balancer.pick(&Upstreams(vec![]), 7), None);
        assert_eq!(balancer.pick(&Upstreams(vec![(false, 0, 1), (false, 0, 1)]), 7), None);
    }
}

#[test]
fn weighted_never_picks_weight_zero_nor_makes_long_runs() {
    let upstreams = Upstreams(vec![(true, 0, 0), (true, 0, 1), (true, 0, 1)]);
    let balancer = Balancer::new(Method::Weighted);
    let picks: Vec<_> = (0..100).map(|_| balancer.pick(&upstreams, 0).unwrap()).collect();
    assert!(!picks.contains(&0));
    assert!(picks.windows(3).all(|three| three != [1, 1, 1] && three != [2, 2, 2]));
    assert_eq!(balancer.pick(&Upstreams(vec![(true, 0, 0)]), 0), None);
}

#[test]
fn p2c_of_two_takes_the_less_loaded_whatever_the_dice_say() {
    let upstreams = Upstreams(vec![(true, 9, 1), (false, 0, 1), (true, 1, 1)]);
    let balancer = Balancer::new(Method::P2c);
    for random in [0, 1, u64::MAX, 1 << 32, 0x1234_5678_9ABC_DEF0] {
        assert_eq!(balancer.pick(&upstreams, random), Some(2));
    }
}

#[test]
fn p2c_reaches_every_pair_alike() {
    let upstreams = Upstreams((0..4).map(|load| (true, load, 1)).collect());
    let balancer = Balancer::new(Method::P2c);
    let mut picks = [0; 4];
    for dice in 0..12_u64 {
        picks[balancer.pick(&upstreams, ((dice / 4) << 32) | (dice % 4)).unwrap()] += 1;
    }
    // Of the twelve ordered pairs the least loaded is in six, the next then in four, then in two.
    assert_eq!(picks, [6, 4, 2, 0]);
}

fn upstreams() -> impl Strategy<Value = Upstreams> {
    prop::collection::vec((any::<bool>(), 0_u64..5, 0_u32..20), 0..12).prop_map(Upstreams)
}

proptest! {
    #[test]
    fn picks_one_that_is_available_wherever_there_is_one(upstreams in upstreams(), random: u64) {
        for method in METHODS {
            let open = |&(available, _, weight): &(bool, u64, u32)| {
                available && (method != Method::Weighted || weight > 0)
            };
            let pick = Balancer::new(method).pick(&upstreams, random);
            prop_assert_eq!(pick.is_some(), upstreams.0.iter().any(open));
            prop_assert!(pick.is_none_or(|index| open(&upstreams.0[index])));
        }
    }

    #[test]
    fn least_connections_has_no_one_below_it(upstreams in upstreams(), turns in 1_usize..20) {
        let balancer = Balancer::new(Method::LeastConnections);
        for _ in 0..turns {
            let Some(index) = balancer.pick(&upstreams, 0) else { continue };
            let least = upstreams.0.iter().filter(|one| one.0).map(|one| one.1).min();
            prop_assert_eq!(Some(upstreams.load(index)), least);
        }
    }

    #[test]
    fn weighted_keeps_to_its_shares(weights in prop::collection::vec(1_u32..50, 1..10)) {
        let total: u32 = weights.iter().sum();
        let upstreams = Upstreams(weights.iter().map(|&weight| (true, 0, weight)).collect());
        let balancer = Balancer::new(Method::Weighted);
        let mut picks = vec![0_u32; weights.len()];
        for _ in 0..2_000 {
            picks[balancer.pick(&upstreams, 0).unwrap()] += 1;
        }
        for (&picked, &weight) in picks.iter().zip(&weights) {
            let wanted = 2_000.0 * f64::from(weight) / f64::from(total);
            prop_assert!((f64::from(picked) - wanted).abs() < 8.0, "{} of {}", picked, wanted);
        }
    }

    #[test]
    fn weighted_gives_each_exactly_its_weight_in_a_cycle(
        weights in prop::collection::vec(0_u32..30, 1..10),
        cycles in 1_u32..4,
    ) {
        let total: u32 = weights.iter().sum();
        let upstreams = Upstreams(weights.iter().map(|&weight| (true, 0, weight)).collect());
        let balancer = Balancer::new(Method::Weighted);
        let mut picks = vec![0_u32; weights.len()];
        for _ in 0..total * cycles {
            picks[balancer.pick(&upstreams, 0).unwrap()] += 1;
        }
        prop_assert_eq!(picks, weights.iter().map(|weight| weight * cycles).collect::<Vec<_>>());
    }

    #[test]
    fn no_load_or_weight_is_too_large(
        values in prop::collection::vec((any::<bool>(), any::<u64>(), any::<u32>()), 0..8),
        random: u64,
    ) {
        let upstreams = Upstreams(values);
        for method in METHODS {
            let balancer = Balancer::new(method);
            for _ in 0..5 {
                let pick = balancer.pick(&upstreams, random);
                prop_assert!(pick.is_none_or(|index| upstreams.0[index].0));
            }
        }
    }
}
