//! The page of a case, its history, and its letter.

use crate::search::{Service, case, found};
use crate::support::{Browser, Page, Site};
use http::StatusCode;
use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter};
use nhs_pds::case::{
    Allocation, Case, Change, Deletion, DeletionKind, Evidence, NumberSource, NumberStatus,
    Provenance, RecordedNumber, ReviewReason,
};
use nhs_pds::process::store::Commit;
use nhs_pds::process::{Settings, Worker};
use nhs_pds::trace::{
    Caller, ErrorKind, Exchange, Freshness, LocalIdentity, Outcome, Restriction, ScriptedTracer,
};
use nhs_pds_admin::Role;
use std::sync::Arc;

fn traced(freshness: Freshness) -> RecordedNumber {
    let at = "2026-11-29T09:00:00Z".parse().unwrap();
    let exchange = Exchange::new("SMSP", "getPatientDetails", "MESSAGE-1", at);
    let provenance = Provenance::new(exchange.with_code("SMSP-0000"), freshness, "exact")
        .with_confirmed_by("urn:nhs-uk:identity:ods:RHM:sam");
    RecordedNumber::new("9990000018".parse().unwrap(), NumberSource::Traced(provenance))
}

fn with_number(id: &str) -> Case {
    let mut case = case(id, "Zoë");
    let person = case.identity();
    case.nhs_number = Some(traced(Freshness::Live).with_person(person));
    case.aliases = vec!["Zozo".into()];
    case.former_surnames = vec!["Parry".into()];
    case
}

/// The path of the case `id`, as a user finds it.
async fn path(browser: &Browser<'_>, id: &str) -> String {
    let list = browser.post("/search", &[("case", id)]).await;
    let href = list.html.split("href=\"/case/").nth(1).unwrap().split('"').next().unwrap();
    format!("/case/{href}")
}

async fn opened(case: Case, role: Role) -> Page {
    let id = case.id.to_string();
    let site = Site::with(vec![case], |screens| screens).await;
    let browser = site.of(role);
    browser.get(&path(&browser, &id).await).await
}

#[tokio::test]
async fn the_number_has_its_provenance_and_the_person_who_confirmed_it() {
    let page = opened(with_number("RHM:1"), Role::DataQuality).await;
    for text in [
        "999 000 0018",
        "Can be used",
        "SMSP getPatientDetails, answer SMSP-0000",
        "MESSAGE-1",
        "29 November 2026, 9:00am",
        "urn:nhs-uk:identity:ods:RHM:sam",
        "Zozo",
        "Parry",
        "19 May 1943",
        "Not recorded",
        "NHS Confidential: Personal Data about a patient",
    ] {
        assert!(page.html.contains(text), "{text}");
    }
    let view = opened(case("RHM:1", "Zoë"), Role::DataQuality).await;
    assert!(!view.html.contains("999 000"));
}

#[tokio::test]
async fn advisories_are_on_top_in_their_wording_and_items_are_linked() {
    let mut case = with_number("RHM:1");
    case.nhs_number.as_mut().unwrap().status = NumberStatus::Invalid;
    let now = "2026-11-30T09:00:00Z".parse().unwrap();
    case.open_item(ReviewReason::Invalidated, &Evidence::default(), now);
    let page = opened(case, Role::DataQuality).await;
    let advisory =
        page.html.find("The NHS Number is no longer valid. The record is with the back office.");
    assert!(advisory.unwrap() < page.html.find("id=\"number\"").unwrap());
    assert!(page.html.contains("href=\"/item/") && page.html.contains("No longer valid"));
}

#[tokio::test]
async fn a_deleted_and_a_merged_case_say_so() {
    let at = "2026-11-30T09:00:00Z".parse().unwrap();
    for (how, text) in [
        (DeletionKind::Logical, "This record was deleted on 30 November 2026, 9:00am."),
        (DeletionKind::MergedInto("RHM:2".parse().unwrap()), "merged into another record"),
        (DeletionKind::Erased, "The content of this record was erased"),
    ] {
        let merged = matches!(how, DeletionKind::MergedInto(_));
        let mut gone = with_number("RHM:1");
        gone.deleted = Some(Deletion::new(at, "u1", how));
        let page = opened(gone, Role::Administrator).await;
        assert!(page.html.contains(text), "{text}");
        assert_eq!(page.html.contains("Go to the other record"), merged);
        assert!(!page.html.contains("See what PDS says now"));
    }
}

#[tokio::test]
async fn front_line_workers_see_their_cases_alone_and_no_values_of_pds() {
    let mut own = with_number("RHM:1");
    own.allocations = vec![Allocation::new("front-line")];
    let now = "2026-11-30T09:00:00Z".parse().unwrap();
    let returned = crate::search::person("Ann", "Otherwise");
    let exchange = Some(Exchange::new("SMSP", "trace", "M-2", now));
    let mut evidence = Evidence::default();
    (evidence.returned, evidence.exchange) = (Some(returned), exchange);
    own.open_item(ReviewReason::Discrepancy, &evidence, now);
    let site = Site::with(vec![own, with_number("RHM:2")], |screens| screens).await;
    let all = site.of(Role::DataQuality);
    let (one, two) = (path(&all, "RHM:1").await, path(&all, "RHM:2").await);
    let front = site.of(Role::FrontLine);
    let page = front.get(&one).await;
    assert!(page.html.contains("Different") && !page.html.contains("Otherwise"));
    assert!(all.get(&one).await.html.contains("Otherwise"));
    assert_eq!(front.get(&two).await.status, StatusCode::FORBIDDEN);
    assert_eq!(front.get(&format!("{two}/history")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(front.get(&format!("{two}/letter")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(front.post(&format!("{one}/pds"), &[]).await.status, StatusCode::FORBIDDEN);
    let refused = Filter::new().with_kind(EventKind::AccessRefused);
    assert_eq!(site.log.page(&refused, 0, 9).await.unwrap().len(), 4);
}

#[tokio::test]
async fn the_record_as_it_was_on_a_day_and_its_history() {
    let site = Site::with(Vec::new(), |screens| screens).await;
    let caller = Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "import").unwrap());
    let actor = Actor::new(&caller, "The import");
    let mut stored = case("RHM:1", "Zoë");
    for (day, surname) in [("2026-01-10", "Parry"), ("2026-02-20", "Aindow")] {
        stored.surname = Some(surname.into());
        let at = format!("{day}T12:00:00Z").parse().unwrap();
        let commit =
            Commit::new(&actor, at).save(Change::new(stored.clone()), &[("action", "import")]);
        assert!(site.store.commit(commit).await.unwrap().is_done());
        stored.version += 1;
    }
    let browser = site.of(Role::DataQuality);
    let here = path(&browser, "RHM:1").await;
    let on = async |day: &str| browser.post(&format!("{here}/as-of"), &[("on", day)]).await.html;
    let before = on("1/2/2026").await;
    assert!(before.contains("Parry") && !before.contains("Aindow"));
    assert!(before.contains("as it was on 1 February 2026"));
    assert!(on("20 Feb 2026").await.contains("Aindow"));
    assert!(on("9/1/2026").await.contains("There was no record on that day"));
    let wrong = on("31/2/2026").await;
    assert!(wrong.contains("There is a problem") && wrong.contains("value=\"31/2/2026\""));

    let history = browser.get(&format!("{here}/history")).await.html;
    assert!(history.contains("Surname: Parry \u{2192} Aindow") && history.contains("The import"));
    let seen = Filter::new().with_case("RHM:1".parse().unwrap()).with_kind(EventKind::CaseViewed);
    let seen = site.log.page(&seen, 0, 99).await.unwrap();
    let pages: Vec<_> = seen
        .iter()
        .filter_map(|event| {
            event.details.iter().find(|(key, _)| key == "page").map(|(_, page)| page.as_str())
        })
        .collect();
    assert_eq!(pages, ["as_of", "as_of", "as_of", "as_of", "history"]);
}

#[tokio::test]
async fn a_letter_has_the_number_its_bar_code_its_label_and_its_pages() {
    let site = Site::with(vec![with_number("RHM:1")], |screens| screens).await;
    let browser = site.of(Role::FrontLine);
    let all = site.of(Role::DataQuality);
    let here = path(&all, "RHM:1").await;
    assert_eq!(browser.get(&format!("{here}/letter")).await.status, StatusCode::FORBIDDEN);
    let letter = all.get(&format!("{here}/letter")).await;
    assert!(letter.html.contains("999 000 0018") && letter.html.contains("<rect"));
    assert!(letter.html.contains("page 1 of 2") && letter.html.contains("page 2 of 2"));
    assert!(letter.html.matches("NHS Confidential: Personal Data about a patient").count() >= 2);
    assert!(letter.html.contains("LS1 4HY"));
}

#[tokio::test]
async fn a_number_that_may_not_be_printed_says_why() {
    let mut unverified = with_number("RHM:1");
    unverified.nhs_number.as_mut().unwrap().source =
        NumberSource::Imported(Some("GP letter".into()));
    let mut dead = with_number("RHM:2");
    dead.date_of_death = Some("2026-11-01".parse().unwrap());
    let site = Site::with(vec![unverified, dead, case("RHM:3", "Ann")], |screens| screens).await;
    let browser = site.of(Role::DataQuality);
    for (id, text) in [
        (
            "RHM:1",
            "The NHS Number was not verified by the Personal Demographics Service: trace the person.",
        ),
        ("RHM:3", "No NHS Number is recorded: trace the person."),
    ] {
        let here = path(&browser, id).await;
        let letter = browser.get(&format!("{here}/letter")).await.html;
        assert!(letter.contains(text), "{id}");
        assert!(!letter.contains("999 000") && !letter.contains("<rect"), "{id}");
    }
    let here = path(&browser, "RHM:2").await;
    let letter = browser.get(&format!("{here}/letter")).await.html;
    assert!(letter.contains("Do not write to them") && !letter.contains("LS1 4HY"));
}

#[tokio::test]
async fn what_pds_says_now_is_beside_what_we_say() {
    let service = Service::new(Ok(found(Restriction::Unrestricted)));
    let tracer = Arc::clone(&service);
    let mut ours = with_number("RHM:1");
    ours.postcode = Some("KT17 1NA".into());
    let site =
        Site::with(vec![ours, case("RHM:2", "Ann")], |screens| screens.with_search(tracer)).await;
    let browser = site.of(Role::DataQuality);
    let here = path(&browser, "RHM:1").await;
    let now = browser.post(&format!("{here}/pds"), &[]).await.html;
    assert!(now.contains("KT17 1NA") && now.contains("LS1 4HY") && now.contains("Different"));
    assert_eq!(service.asked().len(), 1);
    let other = path(&browser, "RHM:2").await;
    let without = browser.post(&format!("{other}/pds"), &[]).await.html;
    assert!(without.contains("needs an NHS Number") && service.asked().len() == 1);
}

#[tokio::test]
async fn a_user_traces_a_case_at_once() {
    let mut traced = case("RHM:1", "Zoë");
    traced.allocations = vec![Allocation::new("front-line")];
    for (answer, says) in [
        (Ok(found(Restriction::Unrestricted)), "The case was traced."),
        (Ok(Outcome::None), "No person on PDS matches"),
        (Err(ErrorKind::Unavailable), "PDS did not answer"),
    ] {
        let (cases, identity) =
            (vec![traced.clone()], LocalIdentity::new("RHM".parse().unwrap(), "w").unwrap());
        let tracer = Arc::new(ScriptedTracer::new(vec![answer; 9]));
        let site = Site::with_store(cases, |screens, store| {
            screens.with_refresh(Worker::new(
                tracer,
                store,
                Settings::new(Caller::System(identity)),
            ))
        })
        .await;
        let browser = site.of(Role::FrontLine);
        let here = path(&browser, "RHM:1").await;
        assert!(browser.get(&here).await.html.contains("Trace now"));
        let sent = browser.post(&format!("{here}/refresh"), &[("event", "before_contact")]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
        let page = browser.get(sent.location()).await;
        assert!(page.html.contains(says), "{says}");
        let sent = Filter::new().with_kind(EventKind::MessageSent);
        let sent = site.log.page(&sent, 0, 9).await.unwrap();
        assert_eq!(sent[0].actor.user_id(), "urn:nhs-uk:identity:ods:RHM:front-line");
    }
    let without = Site::with(vec![traced], |screens| screens).await;
    let browser = without.of(Role::FrontLine);
    let here = path(&browser, "RHM:1").await;
    assert!(!browser.get(&here).await.html.contains("Trace now"));
    let refused = browser.post(&format!("{here}/refresh"), &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn text_of_a_case_is_escaped() {
    let mut hostile = with_number("RHM:<script>");
    hostile.surname = Some("<script>alert(1)</script>".into());
    hostile.address[0] = "\"><img src=x onerror=alert(1)>".into();
    hostile.aliases = vec![format!("\u{202e}{}", "x".repeat(5_000))];
    hostile.allocations = vec![Allocation::new("<b>worker</b>")];
    hostile.nhs_number.as_mut().unwrap().source =
        NumberSource::Imported(Some("<i>letter</i>".into()));
    let site = Site::with(vec![hostile], |screens| screens).await;
    let browser = site.of(Role::DataQuality);
    let here = path(&browser, "RHM:<script>").await;
    for page in ["", "/history", "/letter"] {
        let html = browser.get(&format!("{here}{page}")).await.html;
        for tag in ["<script>", "<img", "<b>", "<i>"] {
            assert!(!html.contains(tag), "{page} {tag}");
        }
    }
    // With its colon: the sealed name in the path is of random letters and digits.
    let is_in = |id| here.contains(id);
    assert!(!is_in("RHM:") && !is_in("RHM%3A"), "no URL has a case id");
}
