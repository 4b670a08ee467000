//! The pages of the audit trail (MSCA-AUD-05, MSCA-ORG-04, MSCA-IG-01).

use crate::support::{Browser, Page, Site};
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, StatusCode};
use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind, Filter, Subject};
use nhs_pds::case::{Case, RecordType};
use nhs_pds::clock::FixedClock;
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds_admin::Role;
use std::sync::Arc;

const NUMBER: &str = "9990000018";

fn at(minute: i64) -> DateTime<Utc> {
    "2026-11-28T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

fn worker() -> Actor {
    let id = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    Actor::new(&Caller::System(id), "Get NHS Number").on_device("server 1")
}

fn case() -> Case {
    let mut case = Case::new("RHM:00001".parse().unwrap(), RecordType::Review);
    case.surname = Some("Quentinsson".to_owned());
    case
}

/// A site whose trail has 120 messages, one a minute, and then a change of a case.
async fn site() -> Site {
    let clock = Arc::new(FixedClock::at("2026-11-30T09:05:00Z".parse().unwrap()));
    let site = Site::with(vec![case()], |screens| screens.with_clock(clock)).await;
    let message = |minute| {
        let entry = Entry::new(EventKind::MessageSent, at(minute), &worker());
        entry.with_message_id(format!("m-{minute}")).with_detail("operation", "getNHSNumber")
    };
    site.log.append((1..=120).map(message).collect()).await.unwrap();
    let subject = Subject::snapshot(&case()).with_number(NUMBER.parse().unwrap());
    let changed = Entry::new(EventKind::CaseChanged, at(121), &worker()).about(subject);
    site.log.append(vec![changed]).await.unwrap();
    site
}

fn auditor(site: &Site) -> Browser<'_> {
    site.of(Role::Auditor)
}

/// The numbers of the events on a page, in its order.
fn numbers(page: &Page) -> Vec<u64> {
    let links = page.html.split("/audit/event/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_latest_events_come_first_and_the_next_page_goes_back() {
    let site = site().await;
    let form = auditor(&site).get("/audit").await;
    assert_eq!((form.status, numbers(&form).len()), (StatusCode::OK, 0));
    let first = auditor(&site).post("/audit", &[]).await;
    assert_eq!(numbers(&first), (72..=121).rev().collect::<Vec<u64>>());
    assert!(first.html.contains("28 November 2026, 11:01am"), "times are those of London");
    assert!(first.html.contains(r#"name="before" value="72""#));
    let second = auditor(&site).post("/audit", &[("before", "72")]).await;
    assert_eq!(numbers(&second), (22..72).rev().collect::<Vec<u64>>());
    let third = auditor(&site).post("/audit", &[("before", "22")]).await;
    assert_eq!(numbers(&third), (1..22).rev().collect::<Vec<u64>>());
    assert!(!third.html.contains("Show earlier events"));
}

/// MSCA-AUD-05: by user, authority, message, patient, time and sequence number; queries are audited too.
#[tokio::test]
async fn a_query_meets_every_criterion_and_is_on_record() {
    let site = site().await;
    let whole = "urn:nhs-uk:identity:ods:RHM:get-nhs-number";
    for (criteria, expected) in [
        (&[("number", "999 000 0018")][..], &[121][..]),
        (&[("case", "RHM:00001")], &[121]),
        (&[("message", "M-7")], &[7]),
        (&[("kind", "case_changed")], &[121]),
        (&[("first", "3"), ("last", "4")], &[4, 3]),
        (&[("from", "28/11/2026"), ("to", "28/11/2026"), ("kind", "case_changed")], &[121]),
        (&[("user", whole), ("first", "120")], &[121, 120]),
        (&[("user", "nobody")], &[]),
        (&[("authority", "nobody")], &[]),
        (&[("to", "27/11/2026")], &[]),
    ] {
        let page = auditor(&site).post("/audit", criteria).await;
        assert_eq!(numbers(&page), expected, "{criteria:?}");
        for (name, value) in criteria.iter().filter(|(name, _)| *name != "kind") {
            let field = format!(r#"name="{name}" type="text" value="{value}""#);
            assert!(page.html.contains(&field), "the criteria stay: {name}");
        }
    }
    let queries = Filter::new().with_kind(EventKind::AuditQueried);
    let queries = site.log.page(&queries, 0, 99).await.unwrap();
    assert_eq!(queries.len(), 10);
    assert!(queries.iter().all(|event| event.actor.user_id().ends_with(":auditor")));
    let sealed = ("number".to_owned(), "sealed".to_owned());
    assert!(queries[0].details.contains(&sealed), "no patient in plain text");
}

#[tokio::test]
async fn a_wrong_criterion_is_named_and_nothing_is_queried() {
    let site = site().await;
    let head = site.log.head().await.unwrap();
    let page = auditor(&site).post("/audit", &[("number", "12345"), ("user", "jo")]).await;
    assert!(page.html.contains("<title>Error: "));
    assert!(page.html.contains(r##"<a href="#number">"##));
    assert!(page.html.contains(r#"value="12345""#) && page.html.contains(r#"value="jo""#));
    assert_eq!(site.log.head().await.unwrap(), head);
}

#[tokio::test]
async fn an_event_shows_ids_and_numbers_and_no_other_data_of_the_patient() {
    let site = site().await;
    let page = auditor(&site).get("/audit/event/121").await;
    for shown in [
        "Case changed",
        "RHM:00001",
        "999 000 0018",
        "Get NHS Number",
        "server 1",
        "2026-11-28T11:01:00Z",
        "The event has more data about the patient",
        "NHS Confidential: Personal Data about a patient",
    ] {
        assert!(page.html.contains(shown), "{shown}");
    }
    assert!(!page.html.contains("Quentinsson"));
    let message = auditor(&site).get("/audit/event/7").await;
    assert!(message.html.contains("M-7") && message.html.contains("getNHSNumber"));
    for missing in ["/audit/event/0", "/audit/event/9999", "/audit/event/x"] {
        let page = auditor(&site).get(missing).await;
        assert!(page.status.is_client_error(), "{missing}");
    }
}

#[tokio::test]
async fn everything_about_one_person_is_exported_and_the_export_is_on_record() {
    let site = site().await;
    let file = auditor(&site).post("/audit/export", &[("case", " RHM:00001 ")]).await;
    assert_eq!(file.status, StatusCode::OK);
    let name = r#"attachment; filename="subject-access-2026-11-30.jsonl""#;
    assert_eq!(file.header("content-disposition"), name);
    let lines: Vec<serde_json::Value> =
        file.html.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["case_changed", "audit_exported"]);
    assert_eq!(lines[0]["subject"]["snapshot"]["surname"], "Quentinsson");
    assert_eq!(lines[1]["actor"]["name"], "auditor");
    let head = site.log.head().await.unwrap();
    for unknown in ["RHM:00002", "", "a\u{0}b"] {
        let page = auditor(&site).post("/audit/export", &[("case", unknown)]).await;
        assert!(page.html.contains("<title>Error: "), "{unknown:?}");
        assert_eq!(page.header("content-disposition"), "");
    }
    assert_eq!(site.log.head().await.unwrap(), head, "an unknown case is not put on record");
}

/// Sends the form of the check with `anchors`, and waits for the result.
async fn check(site: &Site, anchors: &str) -> Page {
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"anchors\"\r\n\r\n{anchors}\r\n--b\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"../../etc/passwd\"\r\n\
         content-type: application/octet-stream\r\n\r\n\r\n--b--\r\n"
    );
    let request = Request::post("/audit/check")
        .header("host", "localhost")
        .header("origin", "http://localhost")
        .header("content-type", "multipart/form-data; boundary=b");
    let sent = auditor(site).request(request.body(Body::from(body)).unwrap()).await;
    if sent.status != StatusCode::SEE_OTHER {
        return sent;
    }
    for _ in 0..1000 {
        let page = auditor(site).get(sent.location()).await;
        if !page.html.contains("A check is running") {
            return page;
        }
        tokio::task::yield_now().await;
    }
    panic!("the check does not end");
}

#[tokio::test]
async fn the_trail_is_checked_against_anchors_kept_elsewhere() {
    let site = site().await;
    assert!(auditor(&site).get("/audit/check").await.html.contains("was not checked here yet"));
    let head = site.log.head().await.unwrap();
    let page = check(&site, &format!("{head} 2026-11-30T09:00:00Z")).await;
    assert!(page.html.contains("Last check: The audit trail is whole"), "{}", page.html);
    assert!(page.html.contains("1 anchors kept elsewhere were compared, and all match"));
    assert!(page.html.contains("All 122 events were checked"));
    let forged = format!("{}:{}", head.seq, "0".repeat(64));
    let page = check(&site, &forged).await;
    assert!(page.html.contains("The audit trail is broken at event 121"));
    assert!(page.html.contains("an anchor stored outside the trail does not match"));
    let page = check(&site, "nonsense").await;
    assert!(page.html.contains(r##"<a href="#anchors">"##));
    let events = Filter::new().with_kind(EventKind::AuditQueried);
    let events = site.log.page(&events, 0, 99).await.unwrap();
    let outcome = |word: &str| ("outcome".to_owned(), word.to_owned());
    let outcomes = ["whole", "broken"].map(outcome);
    let recorded =
        outcomes.iter().all(|one| events.iter().any(|event| event.details.contains(one)));
    assert!(recorded && events.len() == 4, "the start and the result of each check");
}

/// MSCA-IG-01: viewing the trail is a right of its own.
#[tokio::test]
async fn other_roles_do_not_see_the_trail_and_the_auditor_sees_nothing_else() {
    let site = site().await;
    for role in [Role::Administrator, Role::DataQuality, Role::FrontLine] {
        for path in ["/audit", "/audit/event/121", "/audit/check", "/audit/export"] {
            assert_eq!(site.of(role).get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let page = auditor(&site).get("/audit").await;
    assert!(page.html.contains(">Audit</a>") && !page.html.contains(">Worklist</a>"));
}
