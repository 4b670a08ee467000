//! Lost connections, a restarted server, a full disk, a standby and a failover.

use super::{Server, config};
use crate::support::postgres::{APPLICATION, Cut, Database, OwnServer, Sql, Wire};
use crate::support::service::{Service, case, us};
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{self, Actor, Entry, Event, EventKind, Filter};
use nhs_pds::case::{
    self, Alert, AlertKind, Case, CaseFilter, CaseId, Due, ItemFilter, Lease, Planned, Setting,
};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::postgres::{self, Config, ErrorKind};
use nhs_pds::process::store::{Commit, Postgres, Store};
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use nhs_pds::process::{Settings, Worker, import};
use nhs_pds::trace::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

fn actor() -> Actor {
    Actor::new(&us(), "Test")
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

/// The store of a new tenant, over a database of the harness.
async fn store_at(url: &str, database: &Database, name: &str) -> Postgres {
    let owner: Config = database.owner().parse().unwrap();
    let config: Config = url.parse().unwrap();
    let program = postgres::Database::connect(&config.with_maintenance(owner)).await.unwrap();
    let tenants = PostgresTenants::new(program.clone());
    let name = name.parse().unwrap();
    if tenants.get(&name).await.unwrap().is_none() {
        tenants.add(&Tenant::new(name.clone(), "RHM".parse().unwrap())).await.unwrap();
    }
    Postgres::new(program.tenant(&name).await.unwrap())
}

/// What a call says: nothing, or that the database is unavailable or read-only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    Done,
    Unavailable,
    ReadOnly,
    Other,
}

fn of_case<T>(result: Result<T, case::Error>) -> Said {
    match result.map_err(|error| error.kind()) {
        Ok(_) => Said::Done,
        Err(case::ErrorKind::Unavailable) => Said::Unavailable,
        Err(case::ErrorKind::ReadOnly) => Said::ReadOnly,
        Err(_) => Said::Other,
    }
}

fn of_audit<T>(result: Result<T, audit::Error>) -> Said {
    match result.map_err(|error| error.kind()) {
        Ok(_) => Said::Done,
        Err(audit::ErrorKind::Unavailable) => Said::Unavailable,
        Err(audit::ErrorKind::ReadOnly) => Said::ReadOnly,
        Err(_) => Said::Other,
    }
}

type Call = (&'static str, Pin<Box<dyn Future<Output = Said> + Send>>);

/// The words of an error and of its causes.
fn said(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Calls that only read.
fn reads(store: &Postgres) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    macro_rules! call {
        ($name:literal, $of:ident, |$store:ident| $call:expr) => {{
            let $store = store.clone();
            calls.push(($name, Box::pin(async move { $of($call.await) })));
        }};
    }
    call!("get", of_case, |store| store.cases().get(&id("1")));
    call!("page", of_case, |store| store.cases().page(None, 10));
    call!("unreadable", of_case, |store| store.cases().unreadable());
    call!("holders", of_case, |store| store
        .cases()
        .holders(nhs_pds::nhs_number::NhsNumber::constant(9_449_304_424)));
    call!("counts", of_case, |store| store.cases().counts(now()));
    call!("setting", of_case, |store| store.cases().setting("colour"));
    call!("worklist", of_case, |store| store.cases().worklist(&ItemFilter::default(), None, 10));
    call!("search", of_case, |store| store.cases().search(
        &CaseFilter::default().with_surname("A"),
        None,
        10
    ));
    call!("events", of_audit, |store| store.audit().page(&Filter::new(), 0, 10));
    call!("head", of_audit, |store| store.audit().head());
    call!("verify", of_audit, |store| store.audit().verify(&[]));
    call!("unreadable events", of_audit, |store| store.audit().unreadable(&Filter::new()));
    let inbox = store.inbox().clone();
    let alerts =
        async move { if inbox.page(0, 10).await.is_ok() { Said::Done } else { Said::Unavailable } };
    calls.push(("alerts", Box::pin(alerts)));
    calls
}

/// Calls that write. `turn` makes what they write differ each time.
fn writes(store: &Postgres, turn: u32) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    macro_rules! call {
        ($name:literal, $of:ident, |$store:ident| $call:expr) => {{
            let $store = store.clone();
            calls.push(($name, Box::pin(async move { $of($call.await) })));
        }};
    }
    let lease = Lease::new("worker", now(), now() + TimeDelta::minutes(1));
    let (of_one, of_renewal) = (lease.clone(), lease.clone());
    call!("save", of_case, |store| store.cases().insert_all(vec![case(&format!("new{turn}"))]));
    call!("claim_due", of_case, |store| store.cases().claim_due(5, &lease));
    call!("claim", of_case, |store| store.cases().claim(&id("1"), &of_one));
    call!("renew", of_case, |store| store.cases().renew(&of_renewal));
    call!("release", of_case, |store| store.cases().release("worker", &[id("1")]));
    let planned = Planned { id: id("1"), version: 1, due: Due::NOW };
    call!("set_due", of_case, |store| store.cases().set_due(vec![planned]));
    let name = format!("setting{turn}");
    call!("save_setting", of_case, |store| store.cases().save_setting(&name, Setting::new("x")));
    let entry = Entry::new(EventKind::ConfigurationChanged, now(), &actor());
    call!("append", of_audit, |store| store.audit().append(vec![entry]));
    let of_commit = move |result: Result<_, nhs_pds::process::Error>| match result {
        Ok(_) => Said::Done,
        Err(error) => match error.kind() {
            nhs_pds::process::ErrorKind::StoreUnavailable => Said::Unavailable,
            _ => Said::Other,
        },
    };
    let new = case::Change::new(case(&format!("committed{turn}")));
    let commit = Commit::new(&actor(), now()).save(new, &[("decision", "imported")]);
    call!("commit", of_commit, |store| store.commit(commit));
    let alert = Alert::new(format!("alert{turn}"), AlertKind::Duplicate, now());
    let of_alert = |result: Result<(), nhs_pds::process::alert::Error>| match result {
        Ok(()) => Said::Done,
        Err(_) => Said::Unavailable,
    };
    call!("deliver", of_alert, |store| store.alerts().deliver(std::slice::from_ref(&alert)));
    calls
}

/// No call takes longer, whatever becomes of the server.
const BOUND: Duration = Duration::from_secs(15);

async fn all_say(calls: Vec<Call>, said: Said) {
    for (name, call) in calls {
        let began = Instant::now();
        let result = tokio::time::timeout(BOUND, call).await;
        assert_eq!(result.ok(), Some(said), "{name} after {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_fails_without_the_server_and_works_when_it_is_back() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let store = store_at(&database.application(), &database, "leeds").await;
    store.cases().insert_all(vec![case("1")]).await.unwrap();
    all_say(reads(&store), Said::Done).await;
    all_say(writes(&store, 0), Said::Done).await;
    server.kill();
    all_say(reads(&store), Said::Unavailable).await;
    all_say(writes(&store, 1), Said::Unavailable).await;
    server.resume();
    // Nothing of the store is made again.
    all_say(reads(&store), Said::Done).await;
    all_say(writes(&store, 1), Said::Done).await;
    let clone = store.clone();
    let waiting: Vec<_> = (0..40)
        .map(|n| {
            let store = clone.clone();
            tokio::spawn(
                async move { store.cases().insert_all(vec![case(&format!("w{n}"))]).await },
            )
        })
        .collect();
    server.restart();
    for task in waiting {
        // Each is stored or not, and says so or that it does not know.
        let said = of_case(tokio::time::timeout(BOUND, task).await.unwrap().unwrap());
        assert!(matches!(said, Said::Done | Said::Unavailable), "{said:?}");
    }
    all_say(writes(&store, 2), Said::Done).await;
    assert!(store.audit().verify(&[]).await.unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_reads_and_says_that_it_cannot_write() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let store = store_at(&database.application(), &database, "leeds").await;
    store.cases().insert_all(vec![case("1")]).await.unwrap();
    let replica = server.replica(Duration::from_millis(300), false);
    let mut url: url::Url = database.application().parse().unwrap();
    url.set_host(replica.host_str()).unwrap();
    let standby = postgres::Database::connect(&url.as_str().parse().unwrap()).await.unwrap();
    let standby = Postgres::new(standby.tenant(&"leeds".parse().unwrap()).await.unwrap());
    all_say(reads(&standby), Said::Done).await;
    for (name, call) in writes(&standby, 0) {
        let said = call.await;
        let is_told = match name {
            // These have one kind of error, with words that say why.
            "deliver" | "commit" => said == Said::Unavailable,
            _ => said == Said::ReadOnly,
        };
        assert!(is_told, "{name}: {said:?}");
    }
    let commit = Commit::new(&actor(), now()).save(case::Change::new(case("9")), &[]);
    let error = standby.commit(commit).await.unwrap_err();
    let words = said(&error);
    assert!(words.contains("read-only"), "{words}");
    // What is read is old, and whole: each case has its record.
    let seen = Arc::new(AtomicBool::new(false));
    let writing = {
        let (store, seen) = (store.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            for n in 0..2_000 {
                if n > 30 && seen.load(Ordering::SeqCst) {
                    return;
                }
                import(&store, &actor(), &SystemClock, vec![case(&format!("i{n}"))]).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    let mut counts = BTreeSet::new();
    while !writing.is_finished() {
        let events = standby.audit().page(&Filter::new(), 0, 10_000).await.unwrap();
        let cases = standby.cases().page(None, 10_000).await.unwrap();
        counts.insert(cases.len());
        seen.store(counts.len() > 1, Ordering::SeqCst);
        // The cases are read later, so there are as many or more.
        assert!(cases.len() > recorded(&events).len() || events.is_empty());
        assert!(standby.audit().verify(&[]).await.unwrap().is_whole());
    }
    writing.await.unwrap();
    assert!(counts.len() > 1, "the standby does not follow");
}

/// The versions of each case in the trail.
fn recorded(events: &[Event]) -> BTreeMap<CaseId, Vec<u64>> {
    let mut versions = BTreeMap::<CaseId, Vec<u64>>::new();
    for event in events.iter().filter(|event| event.kind == EventKind::CaseChanged) {
        let Some(case) = event.about.subject().and_then(|subject| subject.case()) else { continue };
        versions.entry(case.id.clone()).or_default().push(case.version);
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_several_hosts_follows_the_primary() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    // Synchronous: what is acknowledged is on the standby.
    let replica = server.replica(Duration::ZERO, true);
    let url: url::Url = database.application().parse().unwrap();
    let hosts = format!("{},{}", url.host_str().unwrap(), replica.host_str().unwrap());
    let both =
        format!("postgres://{APPLICATION}@{hosts}{}?target_session_attrs=read-write", url.path());
    let store = store_at(&both, &database, "leeds").await;
    for n in 0..20 {
        import(&store, &actor(), &SystemClock, vec![case(&format!("i{n}"))]).await.unwrap();
    }
    server.kill();
    assert_eq!(of_case(store.cases().insert_all(vec![case("lost")]).await), Said::Unavailable);
    let promoted = Sql::connect(&replica);
    promoted.execute("ALTER SYSTEM SET synchronous_standby_names = ''");
    assert_eq!(promoted.first("SELECT pg_promote()::text"), "true");
    promoted.execute("SELECT pg_reload_conf()");
    let began = Instant::now();
    let commit = || Commit::new(&actor(), now()).save(case::Change::new(case("after")), &[]);
    while store.commit(commit()).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "the promoted server is not used");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let cases = store.cases().page(None, 1_000).await.unwrap();
    assert_eq!(cases.len(), 21, "all that was acknowledged is there");
    assert!(store.audit().verify(&[]).await.unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_says_so() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    store.cases().insert_all(vec![case("1")]).await.unwrap();
    let name = server.database.name();
    server.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    // Connections that are open already keep their setting.
    let program = postgres::Database::connect(&config(&server.database)).await.unwrap();
    let store = Postgres::new(program.tenant(store.database().name()).await.unwrap());
    all_say(reads(&store), Said::Done).await;
    assert_eq!(of_case(store.cases().insert_all(vec![case("2")]).await), Said::ReadOnly);
    let entry = Entry::new(EventKind::ConfigurationChanged, now(), &actor());
    assert_eq!(of_audit(store.audit().append(vec![entry]).await), Said::ReadOnly);
}

/// A case whose document is long, and does not compress.
fn long_case(n: usize) -> Case {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ n as u64;
    let mut case = case(&format!("long{n}"));
    case.aliases = (0..400)
        .map(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("{random:016x}{:016x}", random.rotate_left(17))
        })
        .collect();
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_nothing_half_done() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let store = store_at(&database.application(), &database, "leeds").await;
    server.fill_disk();
    let mut stored = 0;
    let refused = loop {
        let save = case::Change::new(long_case(stored));
        match store
            .commit(Commit::new(&actor(), now()).save(save, &[("decision", "imported")]))
            .await
        {
            Ok(done) => assert!(done.is_done()),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 2_000, "the disk is never full");
    };
    assert_eq!(refused.kind(), nhs_pds::process::ErrorKind::StoreUnavailable);
    assert!(said(&refused).contains("the disk of the server is full: PostgreSQL answered 53100"));
    let whole = async |stored: usize| {
        let cases = store.cases().page(None, 10_000).await.unwrap();
        let events = store.audit().page(&Filter::new(), 0, 10_000).await.unwrap();
        assert_eq!((cases.len(), recorded(&events).len()), (stored, stored));
        assert!(store.audit().verify(&[]).await.unwrap().is_whole());
    };
    whole(stored).await;
    server.free_disk();
    let save = case::Change::new(long_case(stored));
    let commit = Commit::new(&actor(), now()).save(save, &[("decision", "imported")]);
    assert!(store.commit(commit).await.unwrap().is_done());
    whole(stored + 1).await;
}

fn worker(store: &Postgres) -> Worker {
    let service = Service::slow(Duration::from_millis(2), |_| Ok(Outcome::None));
    let mut policy = nhs_pds::process::Policy::default();
    (policy.retry_wait, policy.longest_retry_wait) = (TimeDelta::zero(), TimeDelta::zero());
    let settings = Settings::new(us()).with_policy(policy).with_lease(Duration::from_secs(2));
    Worker::new(service, Arc::new(store.clone()), settings)
}

/// The decision is made once, whether or not the connection was lost while it was committed.
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_over_lost_connections_ends_as_if_nothing_had_happened() {
    let Some(database) = Database::prepared() else { return };
    let wire = Arc::new(Wire::to(&database));
    let store = store_at(&wire.application(), &database, "leeds").await;
    let calm = store_at(&database.application(), &database, "leedt").await;
    let cases: Vec<Case> = (0..40).map(|n| case(&format!("c{n:02}"))).collect();
    for store in [&store, &calm] {
        import(store, &actor(), &SystemClock, cases.clone()).await.unwrap();
    }
    while worker(&calm).run_once(&mut |_| ()).await.unwrap().seen > 0 {}
    let over = Arc::new(AtomicBool::new(false));
    let (cutting, ends) = (Arc::clone(&wire), Arc::clone(&over));
    let cutter = tokio::spawn(async move {
        for cut in [Cut::AfterCommit, Cut::BeforeCommit].into_iter().cycle() {
            if ends.load(Ordering::SeqCst) {
                return;
            }
            cutting.cut_next(cut);
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    });
    for _ in 0..12 {
        let _failed = worker(&store).run_once(&mut |_| ()).await;
    }
    over.store(true, Ordering::SeqCst);
    cutter.await.unwrap();
    assert!(wire.cuts() >= 10, "only {} connections were lost", wire.cuts());
    // Leases of passes that failed end after two seconds, and one cut may wait for a commit.
    let mut empty = 0;
    let began = Instant::now();
    while empty < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "the cases are never done");
        match worker(&store).run_once(&mut |_| ()).await {
            Ok(report) if report.seen == 0 => {
                empty += 1;
                tokio::time::sleep(Duration::from_millis(2_200)).await;
            }
            _ => empty = 0,
        }
    }
    let events = store.audit().page(&Filter::new(), 0, 100_000).await.unwrap();
    let versions = recorded(&events);
    let (mine, others) =
        (store.cases().page(None, 100).await.unwrap(), calm.cases().page(None, 100).await.unwrap());
    for (case, other) in mine.iter().zip(&others) {
        let (last, same) = (case.last_trace.as_ref().unwrap(), other.last_trace.as_ref().unwrap());
        assert_eq!((&case.id, &last.result), (&other.id, &same.result));
        assert_eq!(case.nhs_number.is_some(), other.nhs_number.is_some());
        let expected: Vec<u64> = (1..=case.version).collect();
        assert_eq!(versions[&case.id], expected, "each version of {} is recorded once", case.id);
    }
    assert!(store.audit().verify(&[]).await.unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_connection_needs_the_right_server_and_the_password() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let secret = "Quentinsson-14";
    let superuser = Sql::connect(&database.superuser().parse().unwrap());
    superuser.execute("SET password_encryption = 'scram-sha-256'");
    superuser.execute(&format!("ALTER ROLE {APPLICATION} PASSWORD '{secret}'"));
    drop(superuser);
    let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let another = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, root) = (key.cert.pem(), another.cert.pem());
    let port = server.serve_tls(&certificate, &key.signing_key.serialize_pem());
    let name = database.name();
    let connect = async |host: &str, secret: &str, parameters: &str, roots: &str| {
        let url = format!("postgres://{APPLICATION}:{secret}@{host}:{port}/{name}?{parameters}");
        let config = url.parse::<Config>().unwrap().with_root_certificates_pem(roots);
        let connected = postgres::Database::connect(&config).await;
        connected.map(drop).map_err(|error| {
            assert!(!format!("{error:?} {error}").contains("Quentinsson"), "{error:?}");
            error.kind()
        })
    };
    let near = "127.0.0.1";
    let full = "sslmode=verify-full";
    assert_eq!(connect(near, secret, full, &certificate).await, Ok(()));
    let bound = "sslmode=verify-full&channel_binding=require";
    assert_eq!(connect(near, secret, bound, &certificate).await, Ok(()));
    let wrong = Err(ErrorKind::Configuration);
    assert_eq!(connect(near, secret, full, &root).await, wrong, "another root");
    assert_eq!(connect("localhost", secret, full, &certificate).await, wrong, "another name");
    assert_eq!(connect(near, secret, "sslmode=disable", &certificate).await, wrong, "plain");
    assert_eq!(connect(near, "no", full, &certificate).await, wrong, "another password");
    let missing = format!("postgres://{APPLICATION}:{secret}@{near}:{port}/none?{full}");
    let config = missing.parse::<Config>().unwrap().with_root_certificates_pem(certificate);
    let error = postgres::Database::connect(&config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "no such database");
}
