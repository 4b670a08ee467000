//! The search page: local cases first, then PDS, with one form (HAV-7, HAV-8, MSCA-PDS-01 to 04).

use crate::support::Site;
use async_trait::async_trait;
use http::StatusCode;
use nhs_pds::audit::{AuditLog, Event, EventKind, Filter};
use nhs_pds::case::{Allocation, Case, RecordType};
use nhs_pds::demographics::{Demographics, Gender};
use nhs_pds::trace::{
    Answer, Attended, Caller, Candidate, Error, ErrorKind, Exchange, Match, MessageId, Outcome,
    Question, Restriction, Tracer, User,
};
use nhs_pds_admin::{Role, Screens};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A service that gives the same answer to each user, and keeps the questions.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) answer: Result<Outcome, ErrorKind>,
    pub(crate) asked: Mutex<Vec<(String, Question<Attended>)>>,
    pub(crate) serves_users: bool,
    pub(crate) never_answers: bool,
}

impl Service {
    pub(crate) fn new(answer: Result<Outcome, ErrorKind>) -> Arc<Self> {
        let (serves_users, never_answers) = (true, false);
        Arc::new(Self { answer, asked: Mutex::default(), serves_users, never_answers })
    }

    pub(crate) fn asked(&self) -> Vec<(String, Question<Attended>)> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, Error> {
        panic!("a screen asks for its user")
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let user = Caller::from(user.clone()).to_string();
        self.asked.lock().unwrap().push((user, question.clone()));
        if self.never_answers {
            return std::future::pending().await;
        }
        let sent_at = "2026-11-30T09:00:00Z".parse().unwrap();
        let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", id.to_string(), sent_at);
        match &self.answer {
            Ok(outcome) => Ok(Answer::new(outcome.clone(), exchange)),
            Err(kind) => Err(Error::new(*kind).with_exchange(exchange)),
        }
    }

    fn serves_users(&self) -> bool {
        self.serves_users
    }
}

pub(crate) fn person(given: &str, family: &str) -> Demographics {
    serde_json::from_value(serde_json::json!({
        "name": { "given": [given], "family": family },
        "gender": "female",
        "date_of_birth": "1943-05-19",
        "addresses": [{ "use": "home", "lines": ["1 Mill Lane", "", "", "Leeds", ""], "postcode": "LS1 4HY" }],
        "gp_practice": { "ods_code": "A28023" },
    }))
    .unwrap()
}

pub(crate) fn found(restriction: Restriction) -> Outcome {
    let number = "9990000018".parse().unwrap();
    let mut found = Match::new(number).with_person(person("Zoë", "Aindow"));
    found.restriction = restriction;
    Outcome::Found(Box::new(found))
}

pub(crate) fn case(id: &str, given: &str) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::Review);
    case.surname = Some("Aindow".into());
    case.forename = Some(given.into());
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.postcode = Some("LS1 4HY".into());
    case
}

pub(crate) const ZOE: [(&str, &str); 4] =
    [("surname", "Aindow"), ("born", "19/5/1943"), ("gender", "2"), ("pds", "yes")];

async fn site(cases: Vec<Case>, service: &Arc<Service>) -> Site {
    let tracer = Arc::clone(service);
    Site::with(cases, |screens: Screens| screens.with_search(tracer)).await
}

async fn events(site: &Site) -> Vec<Event> {
    site.log.page(&Filter::new(), 0, 999).await.unwrap()
}

fn position(html: &str, text: &str) -> usize {
    html.find(text).unwrap_or_else(|| panic!("{text} is not on the page"))
}

#[tokio::test]
async fn local_records_come_first_and_pds_follows_without_another_form() {
    let service = Service::new(Ok(found(Restriction::Unrestricted)));
    let site = site(vec![case("RHM:1", "Zoë"), case("RHM:2", "Ann")], &service).await;
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(position(&page.html, "2 local records") < position(&page.html, "id=\"pds\""));
    assert!(position(&page.html, "RHM:1") < position(&page.html, "999 000 0018"));
    assert!(page.html.contains("1 Mill Lane") && page.html.contains("PDS found one person"));
    let asked = service.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, "urn:nhs-uk:identity:ods:RHM:data-quality");
}

#[tokio::test]
async fn question_answer_and_each_record_are_on_the_trail_with_the_user() {
    let service = Service::new(Ok(found(Restriction::Unrestricted)));
    let site = site(vec![case("RHM:1", "Zoë")], &service).await;
    site.of(Role::DataQuality).post("/search", &ZOE).await;
    let events = events(&site).await;
    let of = |kind| events.iter().filter(move |event| event.kind == kind);
    assert_eq!(of(EventKind::CasesListed).count(), 1);
    // The local case, and the person of PDS.
    assert_eq!(of(EventKind::CaseViewed).count(), 2);
    let sent = of(EventKind::MessageSent).next().unwrap();
    let received = of(EventKind::MessageReceived).next().unwrap();
    assert!(sent.message_id.is_some() && sent.message_id == received.message_id);
    for event in [sent, received] {
        assert_eq!(event.actor.user_id(), "urn:nhs-uk:identity:ods:RHM:data-quality");
        assert_eq!(event.actor.role(), Some("data-quality"));
    }
    let details = events.iter().flat_map(|event| &event.details);
    assert!(
        details.into_iter().all(|(_, value)| !value.contains("indow") && !value.contains("1943"))
    );
}

#[tokio::test]
async fn the_criteria_stay_after_a_failure_and_the_local_records_are_shown() {
    for (kind, says, again) in [
        (ErrorKind::Unavailable, "did not answer in time", true),
        (ErrorKind::Rejected, "rejected the search", false),
        (ErrorKind::Configuration, "refused this system", false),
        (ErrorKind::Unreadable, "could not be understood", true),
    ] {
        let service = Service::new(Err(kind));
        let site = site(vec![case("RHM:1", "Zoë")], &service).await;
        let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
        assert_eq!(page.status, StatusCode::OK, "{kind}");
        assert!(page.html.contains("RHM:1") && page.html.contains(says), "{kind}");
        assert!(
            page.html.contains("value=\"Aindow\"") && page.html.contains("value=\"19/5/1943\"")
        );
        assert_eq!(page.html.contains("Search again</button>"), again, "{kind}");
        assert!(page.html.contains("Go to the worklist"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_does_not_keep_the_local_records_from_the_user() {
    let (answer, asked) = (Ok(Outcome::None), Mutex::default());
    let service = Service { answer, asked, serves_users: true, never_answers: true };
    let site = site(vec![case("RHM:1", "Zoë")], &Arc::new(service)).await;
    let began = tokio::time::Instant::now();
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    assert!(began.elapsed() <= Duration::from_secs(11));
    assert!(page.html.contains("RHM:1") && page.html.contains("did not answer in time"));
}

#[tokio::test]
async fn each_wrong_field_has_its_error_and_keeps_its_value() {
    let service = Service::new(Ok(Outcome::None));
    let site = site(Vec::new(), &service).await;
    let fields =
        [("surname", "Ain*"), ("born", "31/2/1943"), ("postcode", "LS1"), ("number", "123")];
    let page = site.of(Role::DataQuality).post("/search", &fields).await;
    assert!(page.html.contains("<title>Error: Search") && page.html.contains("There is a problem"));
    for (field, value) in fields {
        assert!(page.html.contains(&format!("href=\"#{field}\"")), "{field}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field}");
        assert!(page.html.contains(&format!("value=\"{value}\"")), "{field}");
    }
    assert!(service.asked().is_empty() && events(&site).await.is_empty());
}

#[tokio::test]
async fn a_date_that_can_be_several_is_asked_and_not_guessed() {
    let service = Service::new(Ok(Outcome::None));
    let site = site(Vec::new(), &service).await;
    let mut fields =
        vec![("surname", "Aindow"), ("gender", "2"), ("pds", "yes"), ("born", "19/5/12")];
    let page = site.of(Role::DataQuality).post("/search", &fields).await;
    assert!(page.html.contains("19 May 1912") && page.html.contains("19 May 2012"));
    assert!(service.asked().is_empty());
    fields.push(("born_is", "1912-05-19"));
    site.of(Role::DataQuality).post("/search", &fields).await;
    let Question::Find(find) = &service.asked()[0].1 else { panic!("a search") };
    assert_eq!(find.date_of_birth().to_string(), "1912-05-19");
}

#[tokio::test]
async fn wildcards_and_partial_dates_are_for_administrators_who_confirm() {
    let service = Service::new(Ok(Outcome::None));
    let site = site(Vec::new(), &service).await;
    let fields = [("surname", "Ain*"), ("gender", "2"), ("born", "1943"), ("pds", "yes")];
    let refused = site.of(Role::DataQuality).post("/search/advanced", &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let basic = site.of(Role::DataQuality).get("/search").await;
    assert!(!basic.html.contains("wildcards"));

    let administrator = site.of(Role::Administrator);
    assert!(administrator.get("/search").await.html.contains("Use wildcards or a partial date"));
    let kept = administrator.post("/search/advanced/form", &fields).await;
    assert!(kept.html.contains("value=\"Ain*\"") && service.asked().is_empty());
    let unconfirmed = administrator.post("/search/advanced", &fields).await;
    assert!(unconfirmed.html.contains("href=\"#confirmed\"") && service.asked().is_empty());
    let mut confirmed = fields.to_vec();
    confirmed.push(("confirmed", "yes"));
    administrator.post("/search/advanced", &confirmed).await;
    assert_eq!(service.asked().len(), 1);
    let events = events(&site).await;
    let sent = events.iter().find(|event| event.kind == EventKind::MessageSent).unwrap();
    assert!(sent.details.contains(&("wildcard".to_owned(), "yes".to_owned())));
}

#[tokio::test]
async fn a_restricted_record_shows_no_address_and_says_so() {
    let service = Service::new(Ok(found(Restriction::Restricted)));
    let site = site(Vec::new(), &service).await;
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    assert!(page.html.contains("Restricted record"));
    assert!(!page.html.contains("Mill Lane") && !page.html.contains("A28023"));
}

#[tokio::test]
async fn people_are_in_the_order_of_the_service() {
    let mut two = ["9990000026", "9990000018"].map(Candidate::new).to_vec();
    two[0].person = Some(person("Ann", "Aindow"));
    two[1].person = Some(person("Zoë", "Aindow"));
    let service = Service::new(Ok(Outcome::Ambiguous(two)));
    let site = site(Vec::new(), &service).await;
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    assert!(position(&page.html, "999 000 0026") < position(&page.html, "999 000 0018"));
    assert!(!page.html.contains("score"));
}

#[tokio::test]
async fn without_a_service_for_users_the_page_says_so() {
    let answer = Ok(found(Restriction::Unrestricted));
    let application =
        Service { answer, asked: Mutex::default(), serves_users: false, never_answers: false };
    let application = Arc::new(application);
    let sites = [
        Site::with(vec![case("RHM:1", "Zoë")], |screens| screens).await,
        site(vec![case("RHM:1", "Zoë")], &application).await,
    ];
    for site in sites {
        let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
        assert!(
            page.html.contains("Searching PDS is not available") && page.html.contains("RHM:1")
        );
    }
    assert!(application.asked().is_empty());
}

#[tokio::test]
async fn front_line_workers_find_their_own_cases_alone() {
    let service = Service::new(Ok(found(Restriction::Unrestricted)));
    let mut own = case("RHM:1", "Zoë");
    own.allocations = vec![Allocation::new("front-line")];
    let site = site(vec![own, case("RHM:2", "Ann")], &service).await;
    let page = site.of(Role::FrontLine).post("/search", &ZOE).await;
    assert!(page.html.contains("RHM:1") && !page.html.contains("RHM:2"));
    assert!(!page.html.contains("id=\"pds\"") && service.asked().is_empty());
    assert_eq!(site.of(Role::Auditor).post("/search", &ZOE).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_search_starts_from_a_case_with_its_criteria() {
    let service = Service::new(Ok(Outcome::None));
    let site = site(vec![case("RHM:1", "Zoë")], &service).await;
    let browser = site.of(Role::DataQuality);
    let list = browser.post("/search", &[("case", "RHM:1")]).await;
    let href = list.html.split("href=\"/case/").nth(1).unwrap().split('"').next().unwrap();
    let form = browser.post(&format!("/case/{href}/search"), &[]).await;
    assert!(form.html.contains("value=\"Aindow\"") && form.html.contains("value=\"1943-05-19\""));
    let mut fields = ZOE.to_vec();
    fields.push(("about", href));
    let page = browser.post("/search", &fields).await;
    assert!(page.html.contains("Record that the person is not on PDS"));
    let about: nhs_pds::case::CaseId = "RHM:1".parse().unwrap();
    let filter = Filter::new().with_case(about).with_kind(EventKind::MessageSent);
    assert_eq!(site.log.page(&filter, 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn where_no_person_is_found_a_record_can_be_created() {
    let service = Service::new(Ok(Outcome::None));
    let tracer = Arc::clone(&service);
    let site = Site::with(Vec::new(), |screens| {
        screens.with_search(tracer).with_new_case_link("https://cases.example/new")
    })
    .await;
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    assert!(page.html.contains("href=\"https://cases.example/new\""));
    assert!(page.html.contains("No local records") && page.html.contains("PDS found no person"));
}

#[tokio::test]
async fn text_from_outside_is_escaped() {
    let mut hostile = person("<script>alert(1)</script>", "\u{202e}\"><img src=x>");
    hostile.other_names = vec![nhs_pds::demographics::PersonName::new("<b>", &"x".repeat(5_000))];
    let mut found = Match::new("9990000018".parse().unwrap()).with_person(hostile);
    found.restriction = Restriction::Unrestricted;
    let service = Service::new(Ok(Outcome::Found(Box::new(found))));
    let mut local = case("RHM:<i>", "<script>");
    local.surname = Some("Aindow<script>".into());
    let site = site(vec![local], &service).await;
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    for tag in ["<script>", "<img", "<b>", "<i>"] {
        assert!(!page.html.contains(tag), "{tag}");
    }
    assert!(page.html.contains("&#60;script&#62;"));
}
