//! Commits and claims at the same time, and who hears of them.

use super::Server;
use crate::support::postgres::{Cut, Wire};
use crate::support::service::{case, us};
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, Entry, EventKind, Filter};
use nhs_pds::case::{Alert, AlertKind, CaseId, Change, Due, Lease, Planned, Priority, Setting};
use nhs_pds::postgres::Database;
use nhs_pds::process::store::{Commit, Postgres, Store};
use nhs_pds::tenant::TenantName;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

fn now() -> DateTime<Utc> {
    "2026-11-30T09:00:00Z".parse().unwrap()
}

fn lease(owner: &str) -> Lease {
    Lease::new(owner, now(), now() + TimeDelta::minutes(1))
}

fn actor() -> Actor {
    Actor::new(&us(), "Test")
}

fn commit() -> Commit {
    Commit::new(&actor(), now())
}

fn adding(id: &str) -> Commit {
    let due = Due::new(Priority::New, now());
    commit().save(Change::new(case(id)).with_due(due), &[("decision", "imported")])
}

fn setting(name: &str) -> Commit {
    let entry = Entry::new(EventKind::ConfigurationChanged, now(), &actor());
    commit().set(name, Setting::new("{}"), entry)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_stored_fails_alone() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    let commits = (0..60).map(|n| {
        let store = store.clone();
        // A name that a text of PostgreSQL cannot contain.
        let bad = n % 20 == 7;
        let commit = if bad { setting("a\0b") } else { adding(&format!("{n:02}")) };
        tokio::spawn(async move { (bad, store.commit(commit).await) })
    });
    for commit in commits.collect::<Vec<_>>() {
        let (bad, committed) = commit.await.unwrap();
        assert_eq!(committed.is_ok_and(|committed| committed.is_done()), !bad);
    }
    assert_eq!(store.cases().page(None, 100).await.unwrap().len(), 57);
    assert_eq!(store.audit().head().await.unwrap().seq, 57);
    assert!(store.audit().verify(&[]).await.unwrap().is_whole());
}

/// A row of settings that is locked until the end.
fn locked(server: &Server, name: &str) -> crate::support::postgres::Sql {
    let other = server.sql("BEGIN");
    other.execute(&format!("SELECT FROM nhs_pds.setting WHERE name = '{name}' FOR UPDATE"));
    other
}

/// Waits until a transaction waits for another one that has a row.
async fn waits(server: &Server) {
    let waiting = "SELECT count(*)::text FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let (sql, began) = (server.sql(waiting), Instant::now());
    while sql.first(waiting) == "0" {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether they are stored is not known. Done again, they would be on record twice.
#[tokio::test(flavor = "multi_thread")]
async fn commits_whose_acknowledgement_is_lost_are_not_done_again() {
    let Some(server) = Server::new().await else { return };
    let direct = server.store().await;
    for name in ["first", "second"] {
        assert!(direct.commit(setting(name)).await.unwrap().is_done());
    }
    let wire = Wire::to(&server.database);
    let program = Database::connect(&wire.application().parse().unwrap()).await.unwrap();
    let store = Postgres::new(program.tenant(direct.database().name()).await.unwrap());
    let again = |name: &str| {
        let entry = Entry::new(EventKind::ConfigurationChanged, now(), &actor());
        commit().set(name, Setting { version: 1, ..Setting::new("{}") }, entry)
    };
    let (one, two) = (locked(&server, "first"), locked(&server, "second"));
    let alone = {
        let (store, first) = (store.clone(), again("first"));
        tokio::spawn(async move { store.commit(first).await })
    };
    waits(&server).await;
    // While the first is in progress, these wait, and then share a transaction. A commit waits for its turn as soon as it
    // is polled.
    let seen = || commit().record(Entry::new(EventKind::CaseViewed, now(), &actor()));
    let mut together = [again("second"), adding("1"), seen(), seen()].map(|one| store.commit(one));
    for commit in &mut together {
        assert!(poll_fn(|context| Poll::Ready(commit.as_mut().poll(context))).await.is_pending());
    }
    one.execute("ROLLBACK");
    assert!(alone.await.unwrap().unwrap().is_done());
    wire.cut_next(Cut::AfterCommit);
    two.execute("ROLLBACK");
    for commit in together {
        let kind = commit.await.map_err(|error| error.kind());
        assert_eq!(kind.err(), Some(nhs_pds::process::ErrorKind::StoreUnavailable));
    }
    assert_eq!(wire.cuts(), 1);
    assert_eq!(direct.cases().page(None, 10).await.unwrap().len(), 1, "they are stored");
    assert_eq!(direct.audit().head().await.unwrap().seq, 2 + 1 + 4, "and on record once");
}

/// A reader skips as many alerts as it has seen. None may appear before those.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_never_appears_before_one_that_was_read() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    let alert = |id: &str| Alert::new(id, AlertKind::Duplicate, now());
    let mut case = case("1");
    case.undelivered.push(alert("slow"));
    let due = Due::new(Priority::New, now());
    let slow = commit().save(Change::new(case).with_due(due), &[("decision", "imported")]);
    let other = server.sql("BEGIN");
    other.execute("SELECT FROM nhs_pds.audit_anchor FOR UPDATE");
    let (of_slow, of_quick) = (store.clone(), store.clone());
    let slow = tokio::spawn(async move { of_slow.commit(slow).await });
    waits(&server).await;
    // An alert needs no entry of the trail. So it could be stored before the one that waits for the trail.
    let quick = tokio::spawn(async move { of_quick.alerts().deliver(&[alert("quick")]).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = async || {
        let alerts = store.inbox().page(0, 10).await.unwrap();
        alerts.into_iter().map(|alert| alert.id).collect::<Vec<_>>()
    };
    assert!(seen().await.is_empty(), "the earlier one comes first");
    other.execute("ROLLBACK");
    assert!(slow.await.unwrap().unwrap().is_done());
    quick.await.unwrap().unwrap();
    assert_eq!(seen().await, ["slow", "quick"]);
}

/// Does `work`, and returns the names that a listener then hears.
async fn heard(server: &Server, work: impl AsyncFnOnce()) -> Vec<String> {
    let names = Arc::new(Mutex::new(Vec::new()));
    let (listener, hears) = (server.program.clone(), Arc::clone(&names));
    let listening = tokio::spawn(async move {
        let on = move |name: Option<&TenantName>| {
            hears.lock().unwrap().push(name.map_or_else(|| "all".to_owned(), ToString::to_string));
        };
        listener.listen(on).await;
    });
    let heard = || names.lock().unwrap().clone();
    while heard().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    work().await;
    // A notification of before the end of the work arrives before one that is sent now.
    server.sql("SELECT pg_notify('nhs_pds', 'end')");
    while heard().last().map(String::as_str) != Some("end") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    listening.abort();
    let mut all = heard();
    all.pop();
    all.remove(0);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_hear_of_what_other_programs_make_due() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    let name = store.database().name().to_string();
    let done = async |commit: Commit| assert!(store.commit(commit).await.unwrap().is_done());
    assert_eq!(heard(&server, async || done(adding("1")).await).await, [name.as_str()]);
    assert_eq!(heard(&server, async || done(setting("process")).await).await, [name.as_str()]);
    let later = Due::new(Priority::Routine, now() + TimeDelta::days(1));
    let planned = commit().save(Change::new(case("2")).with_due(later), &[]);
    let of_a_worker = adding("3").release("worker", Vec::new());
    let seen = Entry::new(EventKind::CaseViewed, now(), &actor());
    for quiet in [planned, of_a_worker, setting("colour"), commit().record(seen)] {
        assert!(heard(&server, async || done(quiet.clone()).await).await.is_empty());
    }
    let refused = async || assert!(!store.commit(adding("1")).await.unwrap().is_done());
    assert!(heard(&server, refused).await.is_empty(), "nothing was saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_lease_each_case_once() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    let ids: Vec<CaseId> = (0..300).map(|n| format!("{n:03}").parse().unwrap()).collect();
    let due = Due::new(Priority::New, now());
    let all = ids.iter().map(|id| Change::new(case(id.as_str())).with_due(due)).collect();
    store.cases().save_all(all).await.unwrap();
    let workers = (0..8).map(|worker| {
        let store: Postgres = store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claim =
                    store.cases().claim_due(7, &lease(&format!("w{worker}"))).await.unwrap();
                assert!(claim.cases.is_sorted_by_key(|case| case.id.clone()));
                if claim.cases.is_empty() {
                    return mine;
                }
                mine.extend(claim.cases.into_iter().map(|case| case.id));
            }
        })
    });
    let mut leased = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        leased.extend(worker.await.unwrap());
    }
    leased.sort();
    assert!(leased == ids, "{} leases", leased.len());
    let late = store.cases().claim_due(7, &lease("late")).await.unwrap();
    assert_eq!(late.blocked_until, Some(now() + TimeDelta::minutes(1)));
}

/// A row that is locked for a moment is due all the same: the claim waits for it, and does not say that nothing is due.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_the_only_case_that_is_locked() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    assert!(store.commit(adding("1")).await.unwrap().is_done());
    let other = server.sql("BEGIN");
    other.execute("SELECT 1 FROM nhs_pds.case_due FOR UPDATE");
    let (claiming, began) = (store.clone(), Instant::now());
    let claim =
        tokio::spawn(async move { claiming.cases().claim_due(5, &lease("w")).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!claim.is_finished(), "after {:?}", began.elapsed());
    other.execute("ROLLBACK");
    assert_eq!(claim.await.unwrap().cases.len(), 1);
    // With other cases to lease, it does not wait.
    for id in ["2", "3"] {
        assert!(store.commit(adding(id)).await.unwrap().is_done());
    }
    other.execute("BEGIN");
    other.execute("SELECT 1 FROM nhs_pds.case_due WHERE case_id = '2' FOR UPDATE");
    let claim = store.cases().claim_due(5, &lease("v")).await.unwrap();
    let ids: Vec<&str> = claim.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["3"]);
    other.execute("ROLLBACK");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_of_one_version_and_mends_a_missing_row() {
    let Some(server) = Server::new().await else { return };
    let store = server.store().await;
    assert!(store.commit(adding("1")).await.unwrap().is_done());
    let id: CaseId = "1".parse().unwrap();
    let later = now() + TimeDelta::days(1);
    let plan = async |version, at| {
        let due = Due::new(Priority::Routine, at);
        store.cases().set_due(vec![Planned { id: id.clone(), version, due }]).await.unwrap();
    };
    let due = async || store.cases().counts(now()).await.unwrap().due;
    for other in [0, 2, u64::MAX] {
        plan(other, later).await;
        assert_eq!(due().await, 1, "planned for version {other}");
    }
    // A save that is not yet committed when the plan comes.
    let other = server.sql("BEGIN");
    other.execute("UPDATE nhs_pds.cases SET version = 2");
    other.execute("UPDATE nhs_pds.case_due SET version = 2");
    let (planning, of) = (store.clone(), id.clone());
    let waiting = tokio::spawn(async move {
        let due = Due::new(Priority::Routine, later);
        planning.cases().set_due(vec![Planned { id: of, version: 1, due }]).await.unwrap();
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    other.execute("COMMIT");
    waiting.await.unwrap();
    assert_eq!(due().await, 1, "planned for the version before");
    other.execute("UPDATE nhs_pds.cases SET version = 1");
    other.execute("UPDATE nhs_pds.case_due SET version = 1");
    plan(1, later).await;
    assert_eq!(due().await, 0);
    server.sql("DELETE FROM nhs_pds.case_due");
    plan(2, now()).await;
    assert_eq!(due().await, 0, "planned for another version");
    plan(1, now()).await;
    assert_eq!(due().await, 1);
    server.sql("DELETE FROM nhs_pds.case_due");
    assert_eq!(store.cases().claim(&id, &lease("w")).await.unwrap().cases.len(), 1);
    let missing = "9".parse().unwrap();
    assert!(store.cases().claim(&missing, &lease("w")).await.unwrap().cases.is_empty());
    assert!(store.audit().page(&Filter::new(), 0, 10).await.unwrap().len() == 1);
}
