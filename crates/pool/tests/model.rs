//! The pool against a list that is walked for every question.

mod fixture;

use std::collections::{BTreeMap, BTreeSet};

use fixture::{group, member, reached, registry, session, user};
use proptest::prelude::*;
use tidegate_pool::{Exclude, JoinError, Limits, Pool, Refusal, Strategy as Way, Target};

const LIMITS: Limits =
    Limits { max_connections: 8, max_connections_per_user: 3, max_groups_per_session: 2 };

#[derive(Clone, Debug)]
enum Step {
    Insert { of: u32, number: u32 },
    Remove(u32),
    Join(u32, u32),
    Leave(u32, u32),
    Set(u32, Way),
}

fn step() -> impl Strategy<Value = Step> {
    let way = prop::sample::select(vec![Way::Broadcast, Way::RoundRobin, Way::Weighted]);
    prop_oneof![
        3 => (0..4_u32, 0..12_u32).prop_map(|(of, number)| Step::Insert { of, number }),
        1 => (0..12_u32).prop_map(Step::Remove),
        3 => (0..12_u32, 0..3_u32).prop_map(|(number, of)| Step::Join(number, of)),
        1 => (0..12_u32, 0..3_u32).prop_map(|(number, of)| Step::Leave(number, of)),
        1 => (0..3_u32, way).prop_map(|(of, way)| Step::Set(of, way)),
    ]
}

/// Session number → (user, groups), and the strategy of each group.
#[derive(Default)]
struct Model {
    sessions: BTreeMap<u32, (u32, BTreeSet<u32>)>,
    ways: BTreeMap<u32, Way>,
}

impl Model {
    fn of_user(&self, of: u32) -> Vec<u32> {
        self.which(|session| session.0 == of)
    }

    fn in_group(&self, of: u32) -> Vec<u32> {
        self.which(|session| session.1.contains(&of))
    }

    fn which(&self, wanted: impl Fn(&(u32, BTreeSet<u32>)) -> bool) -> Vec<u32> {
        self.sessions
            .iter()
            .filter(|(_, session)| wanted(session))
            .map(|(&number, _)| number)
            .collect()
    }

    fn insert(&mut self, of: u32, number: u32) -> Result<(), Refusal> {
        if self.of_user(of).len() >= LIMITS.max_connections_per_user {
            Err(Refusal::PerUser)
        } else if self.sessions.contains_key(&number) {
            Err(Refusal::InUse)
        } else if self.sessions.len() >= LIMITS.max_connections {
            Err(Refusal::Capacity)
        } else {
            self.sessions.insert(number, (of, BTreeSet::new()));
            Ok(())
        }
    }

    fn join(&mut self, number: u32, of: u32) -> Result<bool, JoinError> {
        let max = LIMITS.max_groups_per_session;
        let (_, groups) = self.sessions.get_mut(&number).ok_or(JoinError::UnknownSession)?;
        if !groups.contains(&of) && groups.len() >= max {
            return Err(JoinError::TooManyGroups { max });
        }
        Ok(groups.insert(of))
    }

    fn leave(&mut self, number: u32, of: u32) -> bool {
        self.sessions.get_mut(&number).is_some_and(|(_, groups)| groups.remove(&of))
    }
}

fn act(pool: &Pool<u32>, model: &mut Model, step: &Step) -> Result<(), TestCaseError> {
    match *step {
        Step::Insert { of, number } => {
            let inserted = pool.insert(member(of, number), number).map(drop);
            prop_assert_eq!(inserted, model.insert(of, number));
        }
        Step::Remove(number) => {
            let removed = pool
                .remove(session(number))
                .map(|removed| (removed.user, removed.groups.into_iter().collect::<BTreeSet<_>>()));
            let wanted = model.sessions.remove(&number);
            let named = |(of, groups): (u32, BTreeSet<u32>)| {
                (user(of), groups.into_iter().map(group).collect())
            };
            prop_assert_eq!(removed, wanted.map(named));
        }
        Step::Join(number, of) => {
            let joined = pool.join(session(number), &group(of), None);
            prop_assert_eq!(joined, model.join(number, of));
        }
        Step::Leave(number, of) => {
            prop_assert_eq!(pool.leave(session(number), &group(of)), model.leave(number, of));
        }
        Step::Set(of, way) => {
            prop_assert!(pool.set_strategy(&group(of), way));
            model.ways.insert(of, way);
        }
    }
    Ok(())
}

fn compare(pool: &Pool<u32>, model: &Model) -> Result<(), TestCaseError> {
    let all = |target| reached(pool, &target, &Exclude::NONE);
    prop_assert_eq!(pool.len(), model.sessions.len());
    prop_assert_eq!(all(Target::All), model.which(|_| true));
    for of in 0..4 {
        prop_assert_eq!(all(Target::User(user(of))), model.of_user(of));
        prop_assert_eq!(pool.sessions_of(&user(of)), model.of_user(of).len());
    }
    let sizes: BTreeMap<_, _> = pool.groups().into_iter().collect();
    for of in 0..3 {
        let wanted = model.in_group(of);
        prop_assert_eq!(sizes.get(&group(of)).copied().unwrap_or(0), wanted.len());
        prop_assert_eq!(pool.presence(&group(of)).len(), wanted.len());
        let way = model.ways.get(&of).copied().unwrap_or_default();
        prop_assert_eq!(pool.strategy(&group(of)), way);
        let users = [user(0)];
        let exclude = Exclude { users: &users, ..Exclude::NONE };
        let left: Vec<_> =
            wanted.into_iter().filter(|number| model.sessions[number].0 != 0).collect();
        let got = reached(pool, &Target::Group(group(of)), &exclude);
        if way == Way::Broadcast {
            prop_assert_eq!(got, left);
        } else {
            prop_assert_eq!(got.len(), left.len().min(1));
            prop_assert!(got.iter().all(|number| left.contains(number)));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn behaves_like_a_list(steps in prop::collection::vec(step(), 0..80)) {
        let (pool, mut model) = (registry(LIMITS), Model::default());
        for step in &steps {
            act(&pool, &mut model, step)?;
            compare(&pool, &model)?;
        }
        let stats = pool.stats();
        prop_assert_eq!(stats.connections_by_user.values().sum::<usize>(), model.sessions.len());
    }
}
