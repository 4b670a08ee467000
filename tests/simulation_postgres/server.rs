//! The database of many worlds, each a tenant.

use crate::calls::{Call, End, all_at_once, real};
use crate::effects::Effects;
use crate::place::{Place, Places};
use crate::postgres::{Cut, Database, OwnServer, Sql, Wire};
use crate::reach::Reach;
use crate::shape::Shape;
use crate::world::{Who, World};
use async_trait::async_trait;
use chrono::DateTime;
use nhs_pds::audit::Filter;
use nhs_pds::case::{Case, CaseId, CaseStore};
use nhs_pds::postgres::{self, Config};
use nhs_pds::process::store::{Postgres, Store};
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use nhs_pds::tenant::TenantName;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Statements wait a little, so that transactions are open at the same time, and some fail as if others were in the way.
const PROVOKE: &str = "
    CREATE SEQUENCE public.provoked;
    GRANT ALL ON SEQUENCE public.provoked TO PUBLIC;
    CREATE FUNCTION public.provoke() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF random() < 0.3 THEN
            PERFORM pg_sleep(0.002);
        END IF;
        IF random() < 0.01 THEN
            PERFORM nextval('public.provoked');
            RAISE EXCEPTION 'provoked' USING ERRCODE = CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END;
        END IF;
        RETURN NULL;
    END
    $$;
    CREATE TRIGGER provoke AFTER INSERT OR UPDATE ON nhs_pds.cases FOR EACH STATEMENT EXECUTE FUNCTION public.provoke();
    CREATE TRIGGER provoke AFTER UPDATE ON nhs_pds.case_due FOR EACH STATEMENT EXECUTE FUNCTION public.provoke();
    CREATE TRIGGER provoke AFTER INSERT ON nhs_pds.audit_event FOR EACH STATEMENT EXECUTE FUNCTION public.provoke();
";

/// How often calls meet a fault of the server, in a thousand, where there are such faults.
const CUTS: u64 = 60;

/// The database in which each world is a tenant.
#[derive(Debug)]
pub(crate) struct Servers {
    database: Arc<Database>,
    /// A server that may be killed.
    own: Option<Arc<OwnServer>>,
    worlds: AtomicU64,
}

impl Servers {
    pub(crate) fn new(database: Database, own: Option<Arc<OwnServer>>) -> Self {
        sql(&database).execute(PROVOKE);
        Self { database: Arc::new(database), own, worlds: AtomicU64::new(0) }
    }

    /// How many transactions were made to fail.
    pub(crate) fn provoked(&self) -> u64 {
        let count = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.provoked";
        sql(&self.database).first(count).parse().unwrap()
    }
}

fn sql(database: &Database) -> Sql {
    Sql::connect(&database.superuser().parse().unwrap())
}

fn config(database: &Database, url: &str) -> Config {
    let owner: Config = database.owner().parse().unwrap();
    let config: Config = url.parse().unwrap();
    config.with_maintenance(owner).with_connections(NonZeroUsize::new(12).unwrap())
}

impl Places for Servers {
    fn place(&self) -> Arc<dyn Place> {
        let name = format!("w{}", self.worlds.fetch_add(1, Ordering::Relaxed));
        let name: TenantName = name.parse().unwrap();
        let wire = Wire::to(&self.database);
        let through = config(&self.database, &wire.application());
        let direct = config(&self.database, &self.database.application());
        let (reached, truth) = real(async move {
            let truth = postgres::Database::connect(&direct).await.unwrap();
            let tenant = Tenant::new(name.clone(), "RHM".parse().unwrap());
            PostgresTenants::new(truth.clone()).add(&tenant).await.unwrap();
            let reached = postgres::Database::connect(&through).await.unwrap();
            let reached = reached.tenant(&name).await.unwrap();
            (reached, Postgres::new(truth.tenant(&name).await.unwrap()))
        });
        Arc::new(Arc::new(Server {
            database: Arc::clone(&self.database),
            own: self.own.clone(),
            wire,
            reached,
            truth,
            line: Mutex::default(),
            seen: Mutex::default(),
            armed: AtomicUsize::new(0),
            disturbed: AtomicBool::new(false),
        }))
    }

    fn adapt(&self, shape: &mut Shape) {
        shape.atomic = true;
        // Without several workers and cases of one person, there is little at the same time.
        shape.workers = shape.workers.max(3);
        shape.cases = shape.cases.max(9);
        shape.shared = true;
        shape.latency = shape.latency.min(20);
        if self.own.is_some() {
            shape.store_faults = shape.store_faults.max(5);
        }
    }
}

/// The tenant of one world.
pub(crate) struct Server {
    database: Arc<Database>,
    own: Option<Arc<OwnServer>>,
    wire: Wire,
    /// Over the wire.
    pub(crate) reached: postgres::TenantDatabase,
    /// Past the wire.
    truth: Postgres,
    line: Mutex<Vec<Call>>,
    /// The last event and the number of alerts that the ledger knows.
    seen: Mutex<(u64, usize)>,
    /// How many connections were to be cut.
    armed: AtomicUsize,
    /// Whether the server has had a fault of its own.
    disturbed: AtomicBool,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.reached.name())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Adds a call. All that are added until the next multiple of some virtual milliseconds run at once.
    pub(crate) fn add(self: &Arc<Self>, world: &Arc<World>, call: Call) {
        let is_first = {
            let mut line = lock(&self.line);
            line.push(call);
            line.len() == 1
        };
        if is_first {
            let window = world.draw(|random| random.pick(&[1, 5, 20, 50]));
            let (server, world) = (Arc::clone(self), Arc::clone(world));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(window)).await;
                server.run(&world);
            });
        }
    }

    /// Whether an error of the database has a known reason.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.disturbed.load(Ordering::SeqCst)
    }

    fn run(&self, world: &World) {
        let calls = std::mem::take(&mut *lock(&self.line));
        if calls.len() > 1 {
            world.count("calls at the same time");
        }
        self.cut(world);
        let (mut works, mut written, mut noted) = (Vec::new(), Vec::new(), Vec::new());
        let mut owners = Vec::new();
        for call in calls {
            works.push(call.work);
            written.extend(call.written.map(|written| (written, call.ended.clone())));
            owners.extend(call.owner.map(|owner| (owner, call.ended.clone())));
            noted.push((call.stage, call.ended, call.note, call.done));
        }
        let is_killed =
            self.own.is_some() && world.has_faults() && world.draw(|random| random.chance(8));
        all_at_once(works, |ended| {
            if is_killed {
                self.kill(world, ended);
            }
        });
        if !written.is_empty() {
            self.read_back().note(world, &written);
        }
        owners.retain(|(_, ended)| ended.get() == End::Failed);
        for (owner, _) in &owners {
            forget_leases(world, owner);
        }
        noted.sort_by_key(|(stage, ended, ..)| (*stage, ended.place()));
        for (.., note, done) in noted {
            note();
            // The caller may be gone.
            let _gone = done.send(());
        }
        if is_killed || !owners.is_empty() {
            self.read_leases(world);
        }
    }

    fn cut(&self, world: &World) {
        let faults = world.shape.store_faults > 0 && world.has_faults();
        if faults && world.draw(|random| random.chance(CUTS)) {
            let cut = world.draw(|random| random.pick(&[Cut::BeforeCommit, Cut::AfterCommit]));
            if self.armed.load(Ordering::SeqCst) <= self.wire.cuts() {
                self.armed.fetch_add(1, Ordering::SeqCst);
                self.wire.cut_next(cut);
                world.count("connections cut at a commit");
                self.disturbed.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Kills the server while calls run, and starts it again.
    fn kill(&self, world: &World, ended: &AtomicBool) {
        let Some(own) = &self.own else { return };
        self.disturbed.store(true, Ordering::SeqCst);
        thread::sleep(world.draw(|random| random.millis(0, 6)));
        if !ended.load(Ordering::SeqCst) {
            world.count("servers killed with calls in progress");
        }
        own.restart();
        world.count("servers killed");
        // A worker whose lease was undone with the last moments may lose it to another one.
        world.ledger(|ledger| {
            ledger.passes.values_mut().for_each(|pass| pass.faults = true);
            Ok(())
        });
    }

    /// What is new in the database.
    fn read_back(&self) -> Effects {
        let (after, skip) = *lock(&self.seen);
        let truth = || self.truth.clone();
        let effects = Effects {
            events: again(truth, |truth| {
                real(async move { truth.audit().page(&Filter::new(), after, 10_000).await })
            }),
            alerts: again(truth, |truth| {
                real(async move { truth.inbox().page(skip, 10_000).await })
            }),
            cases: self.all_cases(),
        };
        let mut seen = lock(&self.seen);
        seen.0 = effects.events.last().map_or(seen.0, |event| event.seq);
        seen.1 += effects.alerts.len();
        effects
    }

    fn all_cases(&self) -> Vec<Case> {
        let truth = || self.truth.clone();
        again(truth, |truth| real(async move { truth.cases().page(None, 10_000).await }))
    }

    /// Corrects the ledger's leases: the effect of a failed call is not known otherwise.
    fn read_leases(&self, world: &World) {
        let name = self.reached.name();
        let query = format!(
            "SELECT case_id, owner, until::text FROM nhs_pds.case_due
             WHERE owner <> '' AND tenant = (SELECT tenant FROM nhs_pds.tenant WHERE name = '{name}')"
        );
        let rows = sql(&self.database).rows(&query);
        let leases: BTreeMap<CaseId, _> = rows
            .into_iter()
            .map(|row| {
                let until = DateTime::from_timestamp_micros(row[2].parse().unwrap()).unwrap();
                (row[0].parse().unwrap(), (row[1].clone(), until))
            })
            .collect();
        world.ledger(|ledger| {
            let before = std::mem::replace(&mut ledger.leases, leases);
            for (case, (owner, _)) in before {
                if ledger.leases.get(&case).is_none_or(|(now, _)| *now != owner) {
                    ledger.lost.insert((owner, case));
                }
            }
            Ok(())
        });
    }
}

/// Whether the leases of an owner whose call has failed have ended is not known.
fn forget_leases(world: &World, owner: &str) {
    world.ledger(|ledger| {
        let of_owner = ledger.leases.iter().filter(|(_, (has, _))| has == owner);
        let cases: Vec<CaseId> = of_owner.map(|(case, _)| case.clone()).collect();
        for case in cases {
            ledger.leases.remove(&case);
            ledger.lost.insert((owner.to_owned(), case));
        }
        Ok(())
    });
}

/// Repeats a read until it succeeds: connections that were lost with the server are noticed at their use.
fn again<S, T, E: fmt::Debug>(store: impl Fn() -> S, read: impl Fn(S) -> Result<T, E>) -> T {
    for _ in 0..200 {
        if let Ok(read) = read(store()) {
            return read;
        }
        thread::sleep(Duration::from_millis(20));
    }
    read(store()).unwrap()
}

#[async_trait]
impl Place for Arc<Server> {
    fn store(&self, world: &Arc<World>, who: &Who) -> Arc<dyn Store> {
        Arc::new(Reach::new(self, world, who))
    }

    async fn end_faults(&self) {
        let reached = self.reached.clone();
        let cases = nhs_pds::case::PostgresStore::new(reached);
        // Uses up a cut that waits for a commit, and the connections that were lost.
        let mut attempts = 0;
        let mut works = 0;
        while works < 14 {
            let store = cases.clone();
            let done = real(async move { store.release("no worker", &[]).await });
            works = if done.is_ok() { works + 1 } else { 0 };
            attempts += 1;
            assert!(attempts < 500, "the database does not come back");
        }
        self.disturbed.store(false, Ordering::SeqCst);
    }

    async fn cases(&self) -> Vec<Case> {
        self.all_cases()
    }

    async fn is_chain_whole(&self) -> bool {
        let truth = || self.truth.clone();
        let verdict = again(truth, |truth| real(async move { truth.audit().verify(&[]).await }));
        verdict.is_whole()
    }
}
