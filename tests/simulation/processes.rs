//! The processes of a world: workers, screens, reviewers, importers.

use crate::people::{People, number};
use crate::place::Place;
use crate::random::{Random, SeededIds};
use crate::service::Service;
use crate::world::{Role, Who, World, actor, caller};
use chrono::TimeDelta;
use nhs_pds::case::{Case, CaseId, NumberSource, RecordedNumber};
use nhs_pds::process::review::{Corrections, ItemFilter, ItemId, Resolution, ReviewQueue};
use nhs_pds::process::store::Store;
use nhs_pds::process::{Policy, RefreshEvent, Settings, Worker, import};
use nhs_pds::resilience::{
    CircuitBreaker, CircuitBreakerPolicy, Gateway, RateLimit, Retry, RetryPolicy,
};
use nhs_pds::trace::Tracer;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// What all processes of a world share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) world: Arc<World>,
    pub(crate) place: Arc<dyn Place>,
    pub(crate) people: Arc<People>,
}

impl Shared {
    /// The store as a process reaches it.
    pub(crate) fn store(&self, who: &Who) -> Arc<dyn Store> {
        self.place.store(&self.world, who)
    }

    /// A worker, with the settings that the seed chooses for it.
    pub(crate) fn worker(&self, who: &Who) -> Worker {
        let (world, shape) = (&self.world, &self.world.shape);
        let ids = || Arc::new(SeededIds::new(world.draw(Random::fork)));
        let quiet = who.role == Role::Quiet;
        let in_flight = if quiet { 2 } else { shape.in_flight };
        let with_gateway = shape.gateway && !quiet;
        let service = Arc::new(Service {
            world: Arc::clone(world),
            who: who.clone(),
            people: Arc::clone(&self.people),
            in_flight,
            rate: with_gateway.then_some(5 + 2),
        });
        let tracer: Arc<dyn Tracer> = if with_gateway {
            let count = |count| NonZeroU32::new(count).unwrap();
            let circuit = CircuitBreaker::new(CircuitBreakerPolicy::default())
                .with_clock(Arc::clone(&who.clock) as _)
                .with_ids(ids());
            let rate = RateLimit::per_second(count(5)).with_burst(count(2));
            Gateway::new(service).with_rate_limit(rate).with_circuit_breaker(circuit).background()
        } else {
            service
        };
        let policy = self.policy(quiet);
        world.ledger(|ledger| {
            ledger.begins(who, &policy);
            Ok(())
        });
        let mut settings = Settings::new(caller("worker"))
            .with_clock(Arc::clone(&who.clock) as _)
            .with_ids(ids())
            .with_policy(policy)
            .with_lease(shape.lease)
            .with_in_flight(usize::try_from(in_flight).unwrap().try_into().unwrap());
        if !quiet && world.draw(|random| random.chance(500)) {
            let pauses = (Duration::from_millis(50), Duration::from_millis(800));
            let policy = RetryPolicy::default()
                .with_pauses(pauses.0, pauses.1)
                .with_total(Duration::from_secs(world.draw(|random| random.between(2, 20))));
            settings = settings.with_retry(Retry::new(policy).with_ids(ids()));
        }
        Worker::new(tracer, self.store(who), settings)
    }

    fn policy(&self, quiet: bool) -> Policy {
        let shape = &self.world.shape;
        let mut policy = shape.policy.clone();
        if !quiet && shape.policy_changes && self.world.draw(|random| random.chance(500)) {
            policy.waits = [TimeDelta::minutes(20)].into();
            policy.reverification = Some(TimeDelta::seconds(40));
        }
        policy
    }

    /// One pass of a worker. Returns whether it was completed.
    pub(crate) async fn pass(&self, who: Who, stop: Option<Duration>) -> bool {
        let worker = self.worker(&who);
        let (world, reporter) = (Arc::clone(&self.world), who.clone());
        let mut observer = move |report: &_| {
            world.ledger(|ledger| ledger.reported(&reporter, report));
        };
        let (stopping, stopper) = (Arc::clone(&self.world), who.clone());
        let stopped = async move {
            let Some(stop) = stop else { return std::future::pending().await };
            tokio::time::sleep(stop).await;
            stopping.event(&stopper, "is told to stop");
            stopping.count("workers told to stop");
            if stopping.ledger(|ledger| Ok(ledger.is_asking(&stopper))) == Some(true) {
                stopping.count("workers told to stop with questions in progress");
            }
        };
        let run = worker.run_once_until(stopped, &mut observer).await;
        let word = run.as_ref().map(|report| report.seen).map_err(nhs_pds::process::Error::kind);
        self.world.event(&who, format_args!("ends its pass: {word:?}"));
        self.world.ledger(|ledger| ledger.pass_ended(&who, run.as_ref().ok()));
        run.is_ok_and(|report| !report.interrupted && report.stopped.is_none())
    }

    /// A machine with a worker, which is killed, told to stop, and started again.
    pub(crate) async fn work(self, place: u64) {
        let (world, skew) = (Arc::clone(&self.world), self.world.skew());
        for count in 0.. {
            world.wait(world.draw(|random| random.millis(0, 3_000))).await;
            if !world.lasts() {
                return;
            }
            let who = world.who(format!("worker{place}/{count}"), Role::Worker, skew);
            let shape = &world.shape;
            let (kill, stop, after) = world.draw(|random| {
                let (kill, stop) = (random.chance(shape.kills), random.chance(shape.stops));
                (kill, stop && !kill, random.millis(0, 6_000))
            });
            let (pass, runner) = (self.clone(), who.clone());
            let stop = stop.then_some(after);
            let mut run = tokio::spawn(async move { pass.pass(runner, stop).await });
            let killed = async {
                if kill {
                    tokio::time::sleep(after).await;
                } else {
                    // A pass outlives the faults, but not for long.
                    tokio::time::sleep(Duration::from_secs(600)).await;
                }
            };
            tokio::select! {
                biased;
                ended = &mut run => { ended.unwrap(); }
                () = killed => {
                    run.abort();
                    let _ = run.await;
                    world.count("workers killed");
                    world.event(&who, "dies");
                    world.ledger(|ledger| {
                        ledger.died(&who);
                        if kill { Ok(()) } else { Err("a pass does not end".to_owned()) }
                    });
                }
            }
        }
    }

    /// A screen, at which a user traces one case at once.
    pub(crate) async fn look(self) {
        let (world, skew) = (Arc::clone(&self.world), self.world.skew());
        for count in 0.. {
            world.wait(world.draw(|random| random.millis(100, 8_000))).await;
            if !world.lasts() {
                return;
            }
            let who = world.who(format!("screen/{count}"), Role::Screen, skew);
            let worker = self.worker(&who);
            let id = self.any_case();
            let refresh = worker.refresh(&id, RefreshEvent::OnRequest);
            let patience = world.draw(|random| random.millis(500, 60_000));
            if tokio::time::timeout(patience, refresh).await.is_err() {
                world.event(&who, "dies");
            }
            world.ledger(|ledger| {
                ledger.died(&who);
                Ok(())
            });
        }
    }

    fn any_case(&self) -> CaseId {
        let ids: Vec<CaseId> = self.people.truth.keys().cloned().collect();
        self.world.draw(|random| random.pick(&ids))
    }

    /// A reviewer, who decides about open items, and deletes and undeletes cases.
    pub(crate) async fn review(self, place: u64) {
        let (world, skew) = (Arc::clone(&self.world), self.world.skew());
        let user = actor("j.doe");
        for count in 0.. {
            world.wait(world.draw(|random| random.millis(100, 4_000))).await;
            if !world.lasts() {
                return;
            }
            let who = world.who(format!("reviewer{place}/{count}"), Role::Reviewer, skew);
            let queue = ReviewQueue::new(self.store(&who)).with_clock(Arc::clone(&who.clock) as _);
            let action = async {
                match world.draw(|random| random.below(10)) {
                    0 => drop(queue.delete(&self.any_case(), &user).await),
                    1 => drop(queue.undelete(&self.any_case(), &user).await),
                    2 => {
                        let (one, other) = (self.any_case(), self.any_case());
                        drop(queue.undo_merge(&one, &other, &user).await);
                    }
                    _ => self.resolve(&queue).await,
                }
            };
            let patience = world.draw(|random| random.millis(20, 4_000));
            if tokio::time::timeout(patience, action).await.is_err() {
                world.event(&who, "dies");
                world.ledger(|ledger| {
                    ledger.died(&who);
                    Ok(())
                });
            }
        }
    }

    async fn resolve(&self, queue: &ReviewQueue) {
        let user = actor("j.doe");
        let Ok(items) = queue.list(&ItemFilter::default(), None, 50, &user).await else { return };
        if items.is_empty() {
            return;
        }
        let ids: Vec<ItemId> = items.into_iter().map(|item| item.id).collect();
        let id = self.world.draw(|random| random.pick(&ids));
        let Ok(Some(shown)) = queue.show(&id, &user).await else { return };
        let evidence = shown.item.evidence;
        let other = evidence.others.first().cloned().unwrap_or_else(|| self.any_case());
        let number = evidence.nhs_number.unwrap_or_else(|| number(0));
        let resolution = match self.world.draw(|random| random.below(10)) {
            0 | 1 => Resolution::AcceptNumber(number),
            2 => Resolution::RejectNumber(number),
            9 => Resolution::NoneOfThese,
            3 | 4 => {
                let postcode = self.world.draw(|random| random.pick(&["M1 1AA", "LS1 4DY"]));
                let mut corrections = Corrections::default();
                corrections.postcode = Some(postcode.to_owned());
                Resolution::CorrectAndAskAgain(corrections)
            }
            5 => Resolution::NotOnPds,
            6 => Resolution::Merge { absorbed: other },
            7 => Resolution::Acknowledge,
            _ => Resolution::Dismiss,
        };
        if queue.resolve(&id, &resolution, &user).await.is_ok() {
            self.world.count("reviews");
        }
    }

    /// The local system, which sends its cases again, with some changed.
    pub(crate) async fn import(self) {
        let (world, skew) = (Arc::clone(&self.world), self.world.skew());
        for count in 0.. {
            world.wait(world.draw(|random| random.millis(500, 9_000))).await;
            if !world.lasts() {
                return;
            }
            let who = world.who(format!("importer/{count}"), Role::Importer, skew);
            let cases: Vec<Case> =
                self.people.cases.iter().map(|case| self.changed(case)).collect();
            let patience = world.draw(|random| random.millis(200, 9_000));
            self.import_all(&who, cases, patience).await;
        }
    }

    pub(crate) async fn import_all(&self, who: &Who, cases: Vec<Case>, patience: Duration) -> bool {
        let (store, user) = (self.store(who), actor("import"));
        let importing = import(&*store, &user, &*who.clock, cases);
        match tokio::time::timeout(patience, importing).await {
            Ok(imported) => {
                self.world.count("imports");
                imported.is_ok()
            }
            Err(_) => {
                self.world.event(who, "dies");
                self.world.ledger(|ledger| {
                    ledger.died(who);
                    Ok(())
                });
                false
            }
        }
    }

    fn changed(&self, case: &Case) -> Case {
        let mut case = case.clone();
        let drawn = self.world.draw(|random| random.below(10));
        match drawn {
            0 => case.postcode = Some("M1 1AA".to_owned()),
            1 => case.forename = case.forename.map(|name| name.to_lowercase()),
            2 => {
                let source = NumberSource::Imported(Some("GP letter".to_owned()));
                let drawn = self.world.draw(|random| random.below(4));
                case.nhs_number = Some(RecordedNumber::new(number(drawn), source));
            }
            _ => {}
        }
        case
    }

    /// Erases one case, until that is done.
    pub(crate) async fn erase(self, case: CaseId) {
        let world = Arc::clone(&self.world);
        world.wait(world.draw(|random| random.millis(500, 20_000))).await;
        let who = world.who("eraser", Role::Reviewer, TimeDelta::zero());
        let queue = ReviewQueue::new(self.store(&who)).with_clock(Arc::clone(&who.clock) as _);
        while queue.erase(&case, "Order 1", &actor("j.doe")).await.is_err() {
            world.pause().await;
        }
        world.count("cases erased");
    }

    /// The provider and the store fail for a while.
    pub(crate) async fn outages(self) {
        let world = Arc::clone(&self.world);
        loop {
            world.wait(world.draw(|random| random.millis(2_000, 15_000))).await;
            if !world.lasts() {
                return;
            }
            let (store, service) = world.draw(|random| {
                let store = random.chance(100 * u64::from(world.shape.store_faults > 0) * 3);
                let service = random.chance(100 * u64::from(world.shape.service_faults > 0) * 3);
                let mut time = |down: bool| down.then(|| random.millis(50, 8_000));
                (time(store), time(service))
            });
            world.down(store, service);
        }
    }
}
