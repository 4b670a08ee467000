//! One seed: a world with faults, then quiet passes, and what must be true at the end.

use crate::people::People;
use crate::place::Places;
use crate::processes::Shared;
use crate::random::Random;
use crate::shape::Shape;
use crate::world::{Failure, Outcome, Role, World};
use chrono::TimeDelta;
use nhs_pds::case::{Case, CaseId};
use nhs_pds::clock::Clock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::{Scope, plan};
use nhs_pds::trace::LocalIdentifier;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the store rests before each quiet pass: longer than each wait of the policy in turn.
const RESTS: [Duration; 5] = [
    Duration::from_secs(1_200),
    Duration::from_secs(5),
    Duration::from_secs(45),
    Duration::from_secs(3_600),
    Duration::from_secs(86_400 * 31),
];

/// Runs the seed in a runtime of its own, whose time is virtual. A failure has the last `shown` events.
pub(crate) fn run(seed: u64, shown: usize, places: &dyn Places) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        let mut random = Random::new(seed);
        let mut shape = Shape::of(&mut random);
        places.adapt(&mut shape);
        let people = Arc::new(People::of(&shape, &mut random));
        let disturbed = Shared {
            world: World::new(shape.clone(), random.fork(), shown),
            place: places.place(),
            people: Arc::clone(&people),
        };
        let ended = in_world(&disturbed).await;
        let mut outcome = disturbed.world.end();
        if outcome.failure.is_some() || !shape.pure {
            return outcome;
        }
        let calm = Shared {
            world: World::new(shape.undisturbed(), random.fork(), shown),
            place: places.place(),
            people,
        };
        let calmly = in_world(&calm).await;
        outcome.failure = calm.world.end().failure.or_else(|| {
            let differs = |(id, what): &(CaseId, Decided)| calmly.get(id) != Some(what);
            let (id, what) = ended.into_iter().find(differs)?;
            let without = calmly.get(&id).map_or("nothing", |what| &what.without_number);
            let with = what.without_number;
            let what = format!("{id}: ended as {with}, without faults as {without}");
            Some(Failure { step: outcome.steps, what, last: disturbed.world.last() })
        });
        outcome
    });
    runtime.shutdown_background();
    outcome
}

/// What was decided about a case.
#[derive(Debug, PartialEq)]
struct Decided {
    number: Option<NhsNumber>,
    /// May be shown.
    without_number: String,
}

/// Runs the whole world. Returns what was decided about each case that shares its number with none.
async fn in_world(shared: &Shared) -> BTreeMap<CaseId, Decided> {
    let world = Arc::clone(&shared.world);
    let story = async {
        begin(shared).await;
        disturb(shared).await;
        world.end_faults();
        shared.place.end_faults().await;
        quiet(shared).await;
        check_end(shared).await;
    };
    let limit = Duration::from_secs(86_400 * 200);
    tokio::select! {
        biased;
        () = world.over() => {}
        () = story => {}
        () = tokio::time::sleep(limit) => world.fail("the world does not end"),
    }
    decided(shared)
}

/// Imports the first cases, some of which come later where there is an importer.
async fn begin(shared: &Shared) {
    let world = &shared.world;
    let who = world.who("begin", Role::Importer, TimeDelta::zero());
    let mut cases = shared.people.cases.clone();
    if world.shape.importer {
        cases.retain(|_| world.draw(|random| random.chance(600)));
    }
    for _ in 0..20 {
        if shared.import_all(&who, cases.clone(), Duration::from_secs(600)).await {
            return;
        }
    }
}

async fn disturb(shared: &Shared) {
    let shape = &shared.world.shape;
    let mut processes = JoinSet::new();
    for place in 0..shape.workers {
        processes.spawn(shared.clone().work(place));
    }
    for place in 0..shape.reviewers {
        processes.spawn(shared.clone().review(place));
    }
    if shape.importer {
        processes.spawn(shared.clone().import());
    }
    if shape.screen {
        processes.spawn(shared.clone().look());
    }
    if shape.eraser {
        let case = shared.people.cases[0].id.clone();
        processes.spawn(shared.clone().erase(case));
    }
    if shape.workers > 0 {
        processes.spawn(shared.clone().outages());
    }
    while let Some(ended) = processes.join_next().await {
        ended.unwrap();
    }
}

/// Passes without faults: each looks at all cases that are due, and traces those that may be.
async fn quiet(shared: &Shared) {
    let world = &shared.world;
    for (count, rest) in RESTS.into_iter().enumerate() {
        tokio::time::sleep(rest).await;
        if count == 1 && world.shape.importer {
            let who = world.who("quiet importer", Role::Importer, TimeDelta::zero());
            let cases = shared.people.cases.clone();
            if !shared.import_all(&who, cases, Duration::from_secs(600)).await {
                world.fail("an import fails without faults");
            }
        }
        let who = world.who(format!("quiet/{count}"), Role::Quiet, TimeDelta::zero());
        let (policy, scope, now) = (&world.shape.policy, Scope::default(), who.clock.now());
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        let stored = world.ledger(|ledger| Ok(ledger.stored.clone())).unwrap_or_default();
        let due = |case: &&Case| plan(case, &scope, policy, root, now).is_ok();
        let due: BTreeSet<CaseId> =
            stored.values().filter(due).map(|case| case.id.clone()).collect();
        if !shared.pass(who.clone(), None).await {
            world.fail("a pass without faults is not completed");
        }
        world.ledger(|ledger| ledger.check_delivered());
        // A worker with an earlier policy may have saved times by it, of 30 days at most, and died.
        let dies = world.shape.kills > 0 || world.shape.store_faults > 0;
        if world.shape.policy_changes && dies && count + 1 < RESTS.len() {
            continue;
        }
        world.ledger(|ledger| match due.iter().find(|case| !ledger.was_asked(&who, case)) {
            Some(case) => Err(format!("{case}: is due, and no worker looks at it")),
            None => Ok(()),
        });
    }
}

async fn check_end(shared: &Shared) {
    let (world, place) = (&shared.world, &shared.place);
    let shape = &world.shape;
    let people_decide = shape.reviewers > 0 || shape.importer || shape.eraser;
    world.ledger(|ledger| ledger.check_end(shape.atomic, people_decide));
    if !place.is_chain_whole().await {
        world.fail("the chain of the trail is broken");
    }
    let stored = place.cases().await;
    let known = world.ledger(|ledger| Ok(ledger.stored.values().cloned().collect::<Vec<_>>()));
    if known.is_some_and(|known| known != stored) {
        world.fail("the store was written past its interface");
    }
}

fn decided(shared: &Shared) -> BTreeMap<CaseId, Decided> {
    let stored = shared.world.ledger(|ledger| Ok(ledger.stored.clone())).unwrap_or_default();
    let numbers = |id: &CaseId| {
        let mut numbers = vec![shared.people.truth[id].number];
        let imported = shared.people.cases.iter().find(|case| case.id == *id);
        numbers.extend(imported.and_then(Case::live_number));
        numbers
    };
    let is_alone = |id: &CaseId| {
        let others = stored.keys().filter(|other| *other != id);
        others.flat_map(&numbers).all(|number| !numbers(id).contains(&number))
    };
    let alone = stored.values().filter(|case| is_alone(&case.id));
    alone
        .map(|case| {
            let recorded = case.nhs_number.as_ref();
            let number = recorded.map(|recorded| recorded.number);
            let status = recorded.map(|recorded| (recorded.status, recorded.source.is_traced()));
            // Without a response, the result is that of an earlier question, which may have had a fault.
            let answered = case.last_trace.as_ref().filter(|_| case.asking.unanswered == 0);
            let result = answered.map(|last| last.result.as_str());
            let without_number = format!("{status:?} {result:?}");
            (case.id.clone(), Decided { number, without_number })
        })
        .collect()
}
