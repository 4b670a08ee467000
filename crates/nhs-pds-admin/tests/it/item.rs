//! A review item: the people beside the record, the decision in two steps, two users at once, the undoing.

use crate::support::{Page, Site};
use chrono::{DateTime, Utc};
use http::StatusCode;
use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter};
use nhs_pds::case::{
    Allocation, Candidate, Case, Evidence, ItemId, NumberSource, RecordType, RecordedNumber,
    ReviewReason,
};
use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
use nhs_pds::matching::{Local, NameTables, Risk, relate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::review::ReviewQueue;
use nhs_pds::trace::{Exchange, LocalIdentity, User};
use nhs_pds_admin::Role;
use std::sync::Arc;

const FIRST: NhsNumber = NhsNumber::constant(9_990_000_018);
const SECOND: NhsNumber = NhsNumber::constant(9_990_000_026);
const OURS: NhsNumber = NhsNumber::constant(9_990_000_034);

fn now() -> DateTime<Utc> {
    "2026-11-24T09:30:00Z".parse().unwrap()
}

fn candidate(number: NhsNumber, given: &str, risk: f64) -> Candidate {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(given, "AINDOW"));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::Known(Gender::Female);
    let mut local = Local::default();
    (local.family, local.given) = (Some("Aindow"), Some("Comfort"));
    let relations = relate(&local, &person, &NameTables::shipped());
    let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", now());
    Candidate::new(number, person, relations, Risk::of(risk), vec![], "no_postcode", exchange)
}

/// A case with an open item about two people.
fn case(reason: ReviewReason) -> Case {
    let mut case = Case::new("RHM:77".parse().unwrap(), RecordType::AdultCase);
    case.surname = Some("Aindow".into());
    case.forename = Some("<script>alert(1)</script>".into());
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.allocations = vec![Allocation::new("front-line")];
    let mut evidence = Evidence::default();
    evidence.candidates =
        vec![candidate(FIRST, "COMFORT", 0.01), candidate(SECOND, "PRUDENCE", 0.2)];
    evidence.nhs_number = Some(FIRST);
    case.open_item(reason, &evidence, now());
    case
}

/// The site, and the path of the item.
async fn site(case: Case) -> (Site, String) {
    let id = case.id.clone();
    let site = Site::with(vec![case], |screens| screens).await;
    let path = {
        let user = site.of(Role::DataQuality);
        let list = user.post("/search", &[("case", id.as_str())]).await;
        let name = list.html.split("href=\"/case/").nth(1).unwrap();
        format!("/item/{}/1", name.split('"').next().unwrap())
    };
    (site, path)
}

/// The value of a hidden field or of the first control with this name and this beginning of the value.
fn value(page: &Page, name: &str, begins: &str) -> String {
    let start = format!("name=\"{name}\"");
    let tags = page.html.split('<').filter(|tag| tag.contains(&start));
    let values = tags.filter_map(|tag| tag.split_once("value=\"")?.1.split_once('"'));
    let mut values = values.map(|(value, _)| value.to_owned());
    values.find(|value| value.starts_with(begins)).unwrap()
}

async fn stored(site: &Site) -> Case {
    site.store.cases().get(&"RHM:77".parse().unwrap()).await.unwrap().unwrap()
}

#[tokio::test]
async fn compare_choose_confirm_and_undo() {
    let (site, path) = site(case(ReviewReason::Ambiguous)).await;
    let user = site.of(Role::DataQuality);
    let page = user.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(!page.html.contains("<script>alert"), "a name is text");
    // With its colon: the sealed name in the path is of random letters and digits.
    let is_in = |id| path.contains(id);
    assert!(!is_in("RHM:77") && !is_in("RHM%3A77"), "the case id does not stand in a URL");
    for words in ["999 000 0018", "999 000 0026", "NHS Confidential", "1 in 100 that this"] {
        assert!(page.html.contains(words), "{words}");
    }
    let seen = value(&page, "seen", "");
    let choice = value(&page, "choice", "use_number:9990000018");
    let form = [("seen", &*seen), ("choice", &*choice)];
    let asked = user.post(&format!("{path}/choose"), &form).await;
    assert!(asked.html.contains("The case gets 999 000 0018"), "{}", asked.html);
    assert!(stored(&site).await.nhs_number.is_none(), "nothing is done yet");
    let done = user.post(&format!("{path}/decide"), &form).await;
    assert_eq!(done.location(), format!("{path}?done=accepted"));
    let recorded = stored(&site).await.nhs_number.unwrap();
    let NumberSource::Traced(provenance) = &recorded.source else { panic!() };
    assert_eq!(
        (recorded.number, provenance.confirmed_by.as_deref()),
        (FIRST, Some("urn:nhs-uk:identity:ods:RHM:data-quality"))
    );

    let page = user.get(done.location()).await;
    assert!(page.html.contains("The number is recorded.") && page.html.contains("/undo\""));
    let seen = value(&page, "seen", "");
    let undone = user.post(&format!("{path}/undo"), &[("seen", &seen)]).await;
    assert_eq!(undone.location(), format!("{path}?done=undone"));
    let case = stored(&site).await;
    assert!(case.nhs_number.is_none() && case.review[0].is_open());
    let page = user.get(&path).await;
    assert!(page.html.contains("Decision undone") && !page.html.contains("/undo\""));
    let changes = Filter::new().with_kind(EventKind::CaseChanged);
    let events = site.log.page(&changes, 0, 9).await.unwrap();
    let actions: Vec<_> = events.iter().map(|event| event.details[0].1.as_str()).collect();
    assert_eq!(actions, ["accepted", "undone"]);
}

#[tokio::test]
async fn the_second_of_two_users_is_shown_what_changed() {
    let (site, path) = site(case(ReviewReason::Conflict)).await;
    let one = site.of(Role::DataQuality);
    let page = one.get(&path).await;
    let (seen, choice) = (value(&page, "seen", ""), value(&page, "choice", "none_of_these"));

    let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "a.other").unwrap());
    let other = Actor::new(&user.into(), "A Other");
    let item = ItemId::new("RHM:77".parse().unwrap(), 1);
    let queue = ReviewQueue::new(Arc::clone(&site.store));
    let _ = queue.note(&item, "The daughter confirms the first.", &other).await.unwrap();

    for step in ["choose", "decide"] {
        let form = [("seen", &*seen), ("choice", &*choice)];
        let page = one.post(&format!("{path}/{step}"), &form).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.html.contains("the record has changed since you opened it"), "{step}");
        assert!(page.html.contains("The daughter confirms the first."), "{step}");
    }
    assert!(stored(&site).await.rejected_numbers.is_empty(), "nothing was done");
    let page = one.get(&path).await;
    let seen = value(&page, "seen", "");
    let form = [("seen", &*seen), ("choice", &*choice)];
    let done = one.post(&format!("{path}/decide"), &form).await;
    assert_eq!(done.location(), format!("{path}?done=none_of_these"));
    assert_eq!(stored(&site).await.rejected_numbers, [FIRST, SECOND]);
}

#[tokio::test]
async fn our_number_is_kept_and_the_others_are_rejected() {
    let mut conflict = case(ReviewReason::Conflict);
    let source = NumberSource::Imported(None);
    conflict.nhs_number = Some(RecordedNumber::new(OURS, source));
    let (site, path) = site(conflict).await;
    let user = site.of(Role::DataQuality);
    let page = user.get(&path).await;
    let (seen, choice) = (value(&page, "seen", ""), value(&page, "choice", "keep_ours"));
    let form = [("seen", &*seen), ("choice", &*choice)];
    let asked = user.post(&format!("{path}/choose"), &form).await;
    assert!(asked.html.contains("The case keeps 999 000 0034."), "{}", asked.html);
    let _ = user.post(&format!("{path}/decide"), &form).await;
    let case = stored(&site).await;
    assert_eq!(case.nhs_number.unwrap().number, OURS);
    assert_eq!(case.rejected_numbers, [FIRST, SECOND]);
}

#[tokio::test]
async fn the_front_line_sees_how_people_agree_and_not_who_they_are() {
    let (site, path) = site(case(ReviewReason::Ambiguous)).await;
    let user = site.of(Role::FrontLine);
    let page = user.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("Different") && page.html.contains("Add a note"));
    for hidden in ["PRUDENCE", "999 000 0018", "9990000018", "name=\"choice\""] {
        assert!(!page.html.to_uppercase().contains(&hidden.to_uppercase()), "{hidden}");
    }
    let form = [("seen", "1.1.x"), ("choice", "none_of_these")];
    for action in ["choose", "decide", "undo", "correct"] {
        let refused = user.post(&format!("{path}/{action}"), &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}");
    }
    let noted = user.post(&format!("{path}/note"), &[("note", "I know her.")]).await;
    assert_eq!(noted.location(), format!("{path}?done=noted"));
    let stranger = site.named(Role::FrontLine, "another").get(&path).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN, "not involved");
}

#[tokio::test]
async fn a_correction_is_checked_and_can_be_undone() {
    let (site, path) = site(case(ReviewReason::NoMatch)).await;
    let user = site.of(Role::DataQuality);
    let page = user.get(&path).await;
    let seen = value(&page, "seen", "");
    let form = [("seen", &*seen), ("choice", "correct")];
    let form_page = user.post(&format!("{path}/choose"), &form).await;
    assert!(form_page.html.contains("Correct our record") && form_page.html.contains("Aindow"));
    let send = |surname: &'static str, born: &'static str| {
        [
            ("seen", seen.clone()),
            ("surname", surname.into()),
            ("given", "Joy".into()),
            ("born", born.into()),
        ]
    };
    let wrong = send("Aindow", "99 99 1943");
    let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = user.post(&format!("{path}/correct"), &wrong).await;
    assert!(page.html.contains("There is a problem") && page.html.contains("href=\"#born\""));
    assert!(page.html.contains("99 99 1943"), "what was typed stays");
    let right = send("Aindowe", "19 may 1943");
    let mut right: Vec<_> = right.iter().map(|(name, value)| (*name, value.as_str())).collect();
    right.push(("gender", Gender::Female.code()));
    let done = user.post(&format!("{path}/correct"), &right).await;
    assert_eq!(done.location(), format!("{path}?done=corrected"), "{}", done.html);
    assert_eq!(stored(&site).await.surname.as_deref(), Some("Aindowe"));
    let seen = value(&user.get(&path).await, "seen", "");
    let _ = user.post(&format!("{path}/undo"), &[("seen", &seen)]).await;
    assert_eq!(stored(&site).await.surname.as_deref(), Some("Aindow"));
}

#[tokio::test]
async fn a_form_that_no_page_has_made_is_refused() {
    let (site, path) = site(case(ReviewReason::Ambiguous)).await;
    let user = site.of(Role::DataQuality);
    let seen = value(&user.get(&path).await, "seen", "");
    for (choice, status) in [
        ("use_number:9990000034", StatusCode::OK),
        ("dismiss", StatusCode::OK),
        ("", StatusCode::OK),
    ] {
        let form = [("seen", &*seen), ("choice", choice)];
        let page = user.post(&format!("{path}/decide"), &form).await;
        assert_eq!(page.status, status);
        assert!(page.html.contains("There is a problem"), "{choice}");
    }
    let form = [("seen", "not a view"), ("choice", "none_of_these")];
    let page = user.post(&format!("{path}/decide"), &form).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(stored(&site).await.version == 1, "nothing was done");
    let unknown = user.get(&path.replace("/1", "/2")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
