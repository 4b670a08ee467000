//! The process page (HAV-6) and the home page.

use crate::support::Site;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use nhs_pds::audit::{AuditLog, EventKind, Filter};
use nhs_pds::case::Setting;
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::OdsCode;
use nhs_pds::process::tenants::{MemoryTenants, Tenant, TenantState, Tenants};
use nhs_pds::process::{Control, Process, Schedule, Settings, Worker};
use nhs_pds::resilience::Gateway;
use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
use nhs_pds_admin::Role;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const NOW: &str = "2026-11-30T09:05:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

async fn site() -> Site {
    let clock = Arc::new(FixedClock::at(now()));
    Site::with(Vec::new(), |screens| screens.with_clock(clock)).await
}

/// The status of a process as another program has written it.
async fn write_status(site: &Site, at: DateTime<Utc>, change: impl FnOnce(&mut Value)) {
    let mut status = json!({
        "state": "waiting",
        "next_run": now() + TimeDelta::minutes(10),
        "current": null,
        "last": {
            "began": now() - TimeDelta::minutes(20), "ended": now() - TimeDelta::minutes(18),
            "seen": 1200, "asked": 400, "unanswered": 0, "numbers_written": 390, "to_review": 7,
            "unreadable": 0,
        },
        "last_error": null, "last_cause": null, "service_refused": false, "suspended_until": null,
        "clock_skew_ms": 200, "failures": [],
        "service": {
            "per_second": 5, "in_flight": 8, "circuit_breaker": "closed",
            "certificate_expires": "2027-03-31T11:00:00Z", "key_id": "live-2026-11",
        },
    });
    change(&mut status);
    let cases = site.store.cases();
    let save = |name: &'static str, value: Value| async move {
        let version = cases.setting(name).await.unwrap().map_or(0, |setting| setting.version);
        let mut setting = Setting::new(value.to_string());
        setting.version = version;
        cases.save_setting(name, setting).await.unwrap();
    };
    save("workers", json!(["worker"])).await;
    save("status:worker", json!({ "at": at, "status": status })).await;
}

async fn controlled(site: &Site) -> Vec<(String, String)> {
    let filter = Filter::new().with_kind(EventKind::ProcessControlled);
    let events = site.log.page(&filter, 0, 99).await.unwrap();
    let shown = |(key, value): &(_, String)| format!("{key}={value}");
    let details = events.iter().map(|event| {
        let details: Vec<String> =
            event.details.iter().map(|(key, value)| shown(&(key, value.to_string()))).collect();
        (event.actor.name().to_owned(), details.join(" "))
    });
    details.collect()
}

fn control(site: &Site) -> Control {
    Control::new(Arc::clone(&site.store))
}

#[tokio::test]
async fn without_a_process_the_page_says_how_to_start_one() {
    let site = site().await;
    let page = site.of(Role::Administrator).get("/process").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("No process has ever run here"));
    assert!(page.html.contains("nhs-pds worker --db DATABASE"));
    assert!(!page.html.contains("Run now</button>"), "there is no process that would run");
    let home = site.of(Role::Administrator).get("/").await;
    assert!(home.html.contains("No process has ever run here"));
}

#[tokio::test]
async fn the_page_shows_what_another_process_has_written() {
    let site = site().await;
    write_status(&site, now(), |_| ()).await;
    let page = site.of(Role::DataQuality).get("/process").await;
    for text in [
        "Waiting for the next run",
        "1,200 cases looked at, 400 traced, 390 NHS Numbers written or confirmed, 7 left for a person",
        "30 November 2026, 9:15am",
        "At most 5 queries a second, and at most 8 in progress",
        "Closed: queries are sent",
        "Agrees with the clock of the service",
        "31 March 2027, 12:00pm, in 121 days",
        "Key live-2026-11",
        "No run has failed",
        "Nothing about the process needs attention",
    ] {
        assert!(page.html.contains(text), "{text}\n{}", page.html);
    }
    assert!(!page.html.contains("action=\"/process/pause\""), "no control without the right");
    let home = site.of(Role::DataQuality).get("/").await;
    assert!(home.html.contains("Nothing needs your attention"), "{}", home.html);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let site = site().await;
    write_status(&site, now(), |status| {
        status["last_error"] = json!("store_unavailable");
        status["clock_skew_ms"] = json!(-120_000);
        status["last"]["unreadable"] = json!(2);
        status["batch_error"] = json!("the mailbox <b>X26</b> refuses the password");
        status["service"]["circuit_breaker"] = json!("open");
        status["service"]["suspended_since"] = json!(now() - TimeDelta::minutes(5));
        status["service"]["certificate_expires"] = json!(now() + TimeDelta::days(9));
        status["failures"] = json!([{
            "since": now() - TimeDelta::hours(1), "until": now(), "runs": 12, "error": "store_unavailable",
            "service_refused": false, "cause": "could not connect: <b>refused</b>",
        }]);
    })
    .await;
    let page = site.of(Role::DataQuality).get("/process").await;
    for text in [
        "The database could not be read or written.",
        "2 stored cases cannot be read",
        "Files of batches are not written, sent or received: the mailbox &#60;b&#62;X26",
        "2 minutes behind the clock of the service",
        "in 9 days: renew it",
        "Open: queries are suspended since 30 November 2026, 9:00am",
        "12 runs from 30 November 2026, 8:05am to 30 November 2026, 9:05am",
        "check that the database runs",
        "could not connect: &#60;b&#62;refused",
    ] {
        assert!(page.html.contains(text), "{text}\n{}", page.html);
    }
}

#[tokio::test]
async fn a_silent_process_is_not_shown_as_running() {
    let site = site().await;
    write_status(&site, now() - TimeDelta::minutes(4), |_| ()).await;
    let page = site.of(Role::Administrator).get("/process").await;
    assert!(page.html.contains("No sign of life"));
    assert!(page.html.contains("No process runs. The last sign was on 30 November 2026, 9:01am"));
    assert!(!page.html.contains("Run now</button>"));
}

#[tokio::test]
async fn each_change_is_of_its_user() {
    let site = site().await;
    write_status(&site, now(), |_| ()).await;
    let jo = site.named(Role::Administrator, "jo");
    let confirm = jo.get("/process/pause").await;
    assert!(confirm.html.contains("no new NHS Numbers are found"));
    assert!(controlled(&site).await.is_empty(), "to look at it changes nothing");
    let page = jo.post("/process/pause", &[]).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/process?done=paused"));
    assert!(control(&site).wanted().await.unwrap().paused);
    let page = jo.get("/process?done=paused").await;
    assert!(page.html.contains("The process is paused by jo on 30 November 2026, 9:05am"));
    jo.post("/process/resume", &[]).await;
    jo.post("/process/run", &[]).await;
    let wanted = control(&site).wanted().await.unwrap();
    assert_eq!((wanted.paused, wanted.runs), (false, 1));
    let changes = ["process=pause", "process=resume", "process=run_now"];
    let changes = changes.map(|change| ("jo".to_owned(), change.to_owned()));
    assert_eq!(controlled(&site).await, changes);
}

#[tokio::test]
async fn only_an_administrator_controls_the_process() {
    let site = site().await;
    for role in [Role::DataQuality, Role::FrontLine, Role::Auditor] {
        for path in ["/process/pause", "/process/resume", "/process/run", "/process/schedule"] {
            let page = site.of(role).post(path, &[("minutes", "5")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{role} {path}");
        }
    }
    let wanted = control(&site).wanted().await.unwrap();
    assert_eq!((wanted.paused, wanted.runs, wanted.schedule), (false, 0, None));
}

/// The value of a hidden field.
fn hidden(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&#34;", "\"")
}

#[tokio::test]
async fn a_schedule_is_checked_saved_and_never_overwrites_one_that_was_not_seen() {
    let site = site().await;
    let (jo, kim) = (site.named(Role::Administrator, "jo"), site.named(Role::Administrator, "kim"));
    let form = |html: &str, minutes: &'static str, from: &'static str, to: &'static str| {
        let shown = hidden(html, "shown");
        [
            ("shown", shown),
            ("minutes", minutes.into()),
            ("quiet_from", from.into()),
            ("quiet_to", to.into()),
        ]
    };
    fn fields<'a>(form: &'a [(&'a str, String); 4]) -> Vec<(&'a str, &'a str)> {
        form.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
    let seen = jo.get("/process/schedule").await.html;
    let wrong = jo.post("/process/schedule", &fields(&form(&seen, "31", "10pm", ""))).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.html.contains("<title>Error: Change the schedule"));
    assert!(wrong.html.contains("href=\"#minutes\"") && wrong.html.contains("href=\"#quiet_to\""));
    assert!(wrong.html.contains("value=\"10pm\""), "what was typed stays");
    let saved = jo.post("/process/schedule", &fields(&form(&seen, "10", "10pm", "6am"))).await;
    assert_eq!(saved.location(), "/process?done=schedule");
    let schedule = control(&site).wanted().await.unwrap().schedule.unwrap();
    let text = "every 600 s, up to 60 s earlier, not from 22:00:00 to 06:00:00 in London";
    assert_eq!(schedule.to_string(), text);

    let late = kim.post("/process/schedule", &fields(&form(&seen, "20", "", ""))).await;
    assert!(late.html.contains("The schedule was changed by jo on 30 November 2026, 9:05am"));
    assert!(late.html.contains("Quiet hours from 10:00pm to 6:00am (London time)"));
    assert_eq!(control(&site).wanted().await.unwrap().schedule.unwrap(), schedule);
    let again = kim.post("/process/schedule", &fields(&form(&late.html, "20", "", ""))).await;
    assert_eq!(again.location(), "/process?done=schedule");
    let shown = hidden(&kim.get("/process/schedule").await.html, "shown");
    kim.post("/process/schedule", &[("shown", &shown), ("own", "yes")]).await;
    assert_eq!(control(&site).wanted().await.unwrap().schedule, None);
    let forged = kim.post("/process/schedule", &[("shown", "{"), ("own", "yes")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert_eq!(controlled(&site).await.len(), 3);
}

#[tokio::test]
async fn the_page_says_when_an_operator_has_paused_the_tenant() {
    let directory = Arc::new(MemoryTenants::default());
    let organisation: OdsCode = "RHM".parse().unwrap();
    let mut tenant = Tenant::new("leeds".parse().unwrap(), organisation);
    tenant.state = TenantState::Paused;
    directory.add(&tenant).await.unwrap();
    let named = Arc::clone(&directory) as Arc<dyn Tenants>;
    let site =
        Site::with(Vec::new(), |screens| screens.with_tenant(named, "leeds".parse().unwrap()))
            .await;
    let page = site.of(Role::Administrator).get("/process").await;
    assert!(page.html.contains("<strong>leeds (RHM)</strong>"));
    assert!(page.html.contains("An operator has paused this organisation"));
}

#[tokio::test]
async fn a_real_process_shows_its_limits_and_obeys() {
    let site = Site::new().await;
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let gateway = Gateway::new(Arc::new(ScriptedTracer::new([])));
    let worker = Worker::new(
        gateway.background(),
        Arc::clone(&site.store),
        Settings::new(Caller::System(us)),
    );
    let process = Process::new(worker, Schedule::every(Duration::from_secs(600)).unwrap());
    let running = process.clone();
    let task =
        tokio::spawn(async move { running.run_until(std::future::pending(), &mut |_| ()).await });
    let admin = site.of(Role::Administrator);
    let mut page = admin.get("/process").await;
    for _ in 0..200 {
        if page.html.contains("Waiting for the next run") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
        page = admin.get("/process").await;
    }
    assert!(page.html.contains("Waiting for the next run"), "{}", page.html);
    assert!(page.html.contains("At most 5 queries a second"));
    admin.post("/process/pause", &[]).await;
    process.wake();
    for _ in 0..200 {
        if page.html.contains(">Paused<") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
        page = admin.get("/process").await;
    }
    assert!(page.html.contains(">Paused<"), "{}", page.html);
    task.abort();
}

#[tokio::test]
async fn the_home_page_leads_each_role_to_what_it_may_do() {
    let site = site().await;
    for (role, shown, hidden) in [
        (Role::Administrator, "href=\"/import\"", "href=\"/audit\""),
        (Role::DataQuality, "href=\"/quality\"", "href=\"/audit\""),
        (Role::FrontLine, "href=\"/worklist\"", "href=\"/process\""),
        (Role::Auditor, "href=\"/audit\"", "href=\"/worklist\""),
    ] {
        let html = site.of(role).get("/").await.html;
        assert!(html.contains(shown) && !html.contains(hidden), "{role}");
        let attention = html.contains("What needs attention");
        assert_eq!(attention, matches!(role, Role::Administrator | Role::DataQuality), "{role}");
    }
}
