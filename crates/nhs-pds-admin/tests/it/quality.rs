//! The data-quality page: figures, plots, trends, files (HAV-8, MSCA-DQ-05).

use crate::support::{Browser, Page, Site};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use nhs_pds::audit::{AuditLog, EventKind, Filter};
use nhs_pds::case::{
    Allocation, Case, Evidence, RecordType, ReviewItem, ReviewReason, ReviewState, Setting,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::report::{Report, keep};
use nhs_pds_admin::Role;
use serde_json::json;
use std::sync::Arc;

fn now() -> DateTime<Utc> {
    "2026-11-30T09:05:00Z".parse().unwrap()
}

fn item() -> ReviewItem {
    serde_json::from_value(json!({
        "number": 1, "reason": ReviewReason::Ambiguous, "state": ReviewState::WithGp,
        "opened_at": now() - TimeDelta::days(40), "evidence": Evidence::default(),
    }))
    .unwrap()
}

fn case(id: &str, surname: &str) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::AdultCase);
    case.surname = Some(surname.into());
    case.forename = Some("Zoe".into());
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.allocations = vec![Allocation::new("worker 7")];
    case.review = vec![item()];
    case
}

async fn site(cases: Vec<Case>) -> Site {
    let clock = Arc::new(FixedClock::at(now()));
    Site::with(cases, |screens| screens.with_clock(clock)).await
}

async fn count(browser: &Browser<'_>) -> Page {
    let page = browser.post("/quality/count", &[]).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/quality?done=counted"));
    browser.get("/quality?done=counted").await
}

#[tokio::test(start_paused = true)]
async fn before_the_first_count_the_page_says_so() {
    let site = site(vec![case("RXX:1", "Adams")]).await;
    let page = site.of(Role::DataQuality).get("/quality").await;
    assert!(page.html.contains("The cases have not been counted yet"));
    assert!(!page.html.contains("<svg"));
    let file = site.of(Role::DataQuality).get("/quality/figures.csv").await;
    assert_eq!(file.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_count_shows_figures_plots_and_tables() {
    let site =
        site(vec![case("RXX:1", "Adams"), case("RXX:2", "Adams"), case("RXX:3", "Baker")]).await;
    let page = count(&site.of(Role::DataQuality)).await;
    for text in [
        "on <strong>30 November 2026, 9:05am</strong>",
        "0 of 3 cases that must be traced have a traced NHS Number. Below the 95 %",
        "The oldest has been open for 40 days.",
        "3 items are open.",
        "href=\"/worklist?reason=ambiguous\"",
        "Several people on PDS match",
        "Recorded least often: gender, in 0.0 % of the active cases.",
        "A trend needs two counts. There is 1 count so far.",
    ] {
        assert!(page.html.contains(text), "{text}\n{}", page.html);
    }
    let plots = page.html.matches("<svg").count();
    assert_eq!(plots, 5);
    for part in ["role=\"img\"", "<title id=", "<desc id=", "as a table</span>"] {
        assert_eq!(page.html.matches(part).count(), plots, "{part}");
    }
    assert!(!page.html.contains("Adams") && !page.html.contains("RXX"), "no one is named");
    let events = site.log.page(&Filter::new().with_kind(EventKind::ProcessControlled), 0, 9).await;
    assert_eq!(events.unwrap()[0].actor.name(), "data-quality");
}

#[tokio::test(start_paused = true)]
async fn trends_need_two_counts_and_show_each() {
    let site = site(vec![case("RXX:1", "Adams")]).await;
    for days in [60, 30] {
        let report = Report::builder(now() - TimeDelta::days(days)).finish();
        keep(site.store.cases(), &report.figures()).await.unwrap();
    }
    let page = count(&site.of(Role::DataQuality)).await;
    for text in [
        "From 3 counts. Each line begins at zero.",
        "From 0 on 1 October 2026 to 1 on 30 November 2026. Lowest 0, highest 1, in 3 counts.",
        "The latest counts",
        "Open items, line chart",
    ] {
        assert!(page.html.contains(text), "{text}\n{}", page.html);
    }
    let file = site.of(Role::DataQuality).get("/quality/trends.csv").await;
    let lines: Vec<&str> = file.html.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("report:at,") && lines[0].contains("review:open"));
    assert!(lines[3].starts_with("2026-11-30T09:05:00+00:00,"));
}

#[tokio::test(start_paused = true)]
async fn one_count_at_a_time_and_its_progress_is_shown() {
    let site = site(vec![case("RXX:1", "Adams")]).await;
    let running = |at: DateTime<Utc>| {
        json!({ "began": at, "at": at, "seen": 12_000, "ended": false, "failed": false })
            .to_string()
    };
    let save = |value: String, version| {
        let mut setting = Setting::new(value);
        setting.version = version;
        site.store.cases().save_setting("screens:count", setting)
    };
    save(running(now()), 0).await.unwrap();
    let user = site.of(Role::DataQuality);
    let page = user.get("/quality").await;
    assert!(
        page.html.contains("A count is in progress: 12,000 cases since 30 November 2026, 9:05am")
    );
    assert!(!page.html.contains("action=\"/quality/count\""));
    let second = user.post("/quality/count", &[]).await;
    assert_eq!(second.location(), "/quality?done=before");
    // The server of that count has ended without saying so.
    save(running(now() - TimeDelta::minutes(5)), 1).await.unwrap();
    assert!(user.get("/quality").await.html.contains("the last count did not end"));
    assert!(!count(&user).await.html.contains("the last count did not end"));
}

#[tokio::test(start_paused = true)]
async fn files_are_safe_in_a_spreadsheet_and_personal_ones_are_on_record() {
    let mut formula = case("RXX:1", "Adams");
    formula.record_type = "=HYPERLINK(\"x\")".parse().unwrap();
    let site = site(vec![formula, case("RXX:2", "Adams")]).await;
    let user = site.of(Role::DataQuality);
    assert_eq!(user.post("/quality/report.csv", &[]).await.status, StatusCode::NOT_FOUND);
    count(&user).await;
    let figures = user.get("/quality/figures.csv").await;
    assert_eq!(figures.header("content-type"), "text/csv; charset=utf-8");
    assert!(figures.header("content-disposition").starts_with("attachment"));
    assert!(figures.html.contains("\ncases:in_use,2\n"), "{}", figures.html);
    assert!(!figures.html.contains("RXX") && !figures.html.contains("HYPERLINK"));
    let exported = || async {
        let filter = Filter::new().with_kind(EventKind::CasesExported);
        site.log.page(&filter, 0, 9).await.unwrap()
    };
    assert!(exported().await.is_empty());
    let report = user.post("/quality/report.csv", &[]).await;
    assert!(report.html.contains("duplicates_by_particulars,1,RXX:2\n"), "{}", report.html);
    assert!(report.html.contains("\"'=HYPERLINK("), "{}", report.html);
    assert_eq!(exported().await[0].actor.name(), "data-quality");
    for role in [Role::FrontLine, Role::Auditor] {
        assert_eq!(
            site.of(role).post("/quality/report.csv", &[]).await.status,
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_does_not_read_the_cases() {
    let site = site(vec![case("RXX:1", "Adams")]).await;
    count(&site.of(Role::DataQuality)).await;
    site.store.cases().insert_all(vec![case("RXX:2", "Baker")]).await.unwrap();
    let page = site.of(Role::DataQuality).get("/quality").await;
    assert!(page.html.contains("1 in all, deleted and merged ones too."), "{}", page.html);
    let home = site.of(Role::DataQuality).get("/").await;
    assert!(home.html.contains("1 item was open on the worklist at the last count"));
}
