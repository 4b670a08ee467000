//! A store in which every text is one that an attacker would choose.

use crate::batches::change_first;
use crate::security::crawler::Start;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind, MemoryLog, Subject};
use nhs_pds::case::{
    Allocation, Candidate, Case, CaseStore, Evidence, MemoryStore, RecordType, ReviewReason,
    ReviewStep,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::{
    Address, Demographics, Gender, GpPractice, PersonName, Recorded, Telecom,
};
use nhs_pds::matching::{Criteria, Local, NameTables, Risk, relate};
use nhs_pds::process::Settings;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::batch::{BatchPolicy, Batches};
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::trace::{Caller, Exchange, LocalIdentity, User};
use nhs_pds_admin::{Identity, IdentityError, Person, Role, Route, Screens};
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

/// Texts as no person has them, each with a word by which a page is searched for it.
pub(super) const TEXTS: [&str; 5] = [
    "Zqscript<script>alert(1)</script>",
    "Zqimage\"'><img src=x onerror=alert(1)>",
    "Zqbidi\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}",
    "Zqnul\u{0}\u{1b}[2J\u{85}",
    "Zqtemplate{{ 7*7 }}{% raw %}&amp;&#60;]]>--><!--",
];

/// Characters that must never be on a page as they are.
pub(super) const HIDDEN: [char; 8] =
    ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\0', '\u{1b}', '\u{85}', '\u{2028}'];

/// A text of 5,000 characters without a space.
pub(super) fn long() -> String {
    format!("Zqlong{}", "W".repeat(4994))
}

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-30T09:05:00Z".parse().unwrap()
}

/// A case whose every text is `text`, allocated to `worker`, with an open item and a person from PDS.
pub(super) fn case(id: &str, text: &str, worker: &str) -> Case {
    let text = || text.to_owned();
    let mut case = Case::new(id.parse().unwrap(), RecordType::Other(text()));
    case.surname = Some(text());
    case.forename = Some(text());
    case.aliases = vec![text()];
    case.other_forenames = vec![text()];
    case.former_surnames = vec![text()];
    case.postcode = Some(text());
    case.former_postcodes = vec![text()];
    case.telephones = vec![text()];
    case.emails = vec![text()];
    case.address = std::array::from_fn(|_| text());
    case.damaged_number = Some(text());
    case.date_of_birth = Some("1986-01-19".parse().unwrap());
    case.allocations = vec![Allocation::new(worker), Allocation::new(text())];
    let (number, person) = ("9990000018".parse().unwrap(), person(&text()));
    let relations = relate(&Local::default(), &person, &NameTables::shipped());
    let exchange = Exchange::new("SMSP", "getNHSNumber", text(), now()).with_code(text());
    let risk = Risk::of(0.02);
    let candidate = Candidate::new(
        number,
        person.clone(),
        relations,
        risk,
        Vec::new(),
        "no_given",
        exchange.clone(),
    );
    let mut evidence = Evidence::default();
    evidence.asked = Some(Criteria::new(text(), "1986-01-19".parse().unwrap()));
    evidence.returned = Some(person);
    evidence.nhs_number = Some(number);
    evidence.damaged_number = Some(text());
    evidence.exchange = Some(exchange);
    evidence.candidates = vec![candidate];
    case.open_item(ReviewReason::Ambiguous, &evidence, now());
    let item = case.review.first_mut().unwrap();
    item.assignee = Some(text());
    item.history.push(ReviewStep::new(now(), text(), "noted").with_note(text()));
    case
}

/// A person whom PDS returned, with `text` in every text.
fn person(text: &str) -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(text, text));
    person.other_names = vec![PersonName::new(text, text)];
    let mut address = Address::default();
    address.lines = Some(std::array::from_fn(|_| text.to_owned()));
    person.addresses = vec![address];
    let mut telecom = Telecom::default();
    telecom.value = Recorded::Known(text.to_owned());
    person.telecoms = vec![telecom];
    let mut practice = GpPractice::default();
    practice.name = Recorded::Known(text.to_owned());
    person.gp_practice = Some(practice);
    person
}

fn actor() -> Actor {
    let id = LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap();
    Actor::new(&Caller::System(id), TEXTS.concat())
}

/// All cases: one for each text, and one of another worker.
pub(super) fn cases() -> Vec<Case> {
    let long = long();
    let texts = TEXTS.into_iter().chain([long.as_str()]);
    let mut cases: Vec<Case> = texts
        .enumerate()
        .map(|(at, text)| case(&format!("RHM:Qzcase{at}"), text, "front-line"))
        .collect();
    cases.push(case("RHM:Qzother", "Zqother", "another worker"));
    cases
}

/// Where a crawl starts: every page without a part in its path that names something, a search for each case, and a
/// caseload with the texts.
pub(super) fn starts(routes: &[Route]) -> Vec<Start> {
    let plain = |route: &&Route| route.method() == "GET" && !route.path().contains('{');
    let pages = routes.iter().filter(plain).map(|route| Start::Get(route.path().to_owned()));
    let ids = cases().into_iter().map(|case| case.id.to_string());
    let search = ids.map(|id| Start::Post("/search", vec![("case", id)]));
    let has = |path: &str| routes.iter().any(|route| route.path() == path);
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows = TEXTS.map(|text| {
        format!(
            "{},Zqother,19/01/1986
",
            quoted(text)
        )
    });
    let file = format!(
        "Person ID,Last name,D.O.B.,{}
{}",
        quoted(TEXTS[0]),
        rows.concat()
    );
    let upload = has("/import").then_some(Start::Upload(file));
    // A response with the texts in every place.
    let row = |text: &str| format!("{0},{0},{0},{0}\n", quoted(text));
    let rows: String = TEXTS.iter().map(|text| row(text)).collect();
    let head = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,FAMILY_NAME\n";
    let answer = format!("{head}{rows}no-such-row,98,0000000000,{}\n", quoted(TEXTS[0]));
    let answer = has("/batches").then_some(Start::Answer(answer));
    pages.chain(search.filter(|_| has("/search"))).chain(upload).chain(answer).collect()
}

/// A vendor's identity whose users have the names of an attacker. The header says the role.
#[derive(Debug)]
pub(super) struct Nasty;

#[async_trait]
impl Identity for Nasty {
    async fn identify(
        &self,
        request: &http::request::Parts,
    ) -> Result<Option<Person>, IdentityError> {
        let Some(user) = request.headers.get("x-test-user") else { return Ok(None) };
        let (role, name) = user.to_str().unwrap().split_once(' ').unwrap();
        let identity = LocalIdentity::new("RHM".parse().unwrap(), name).unwrap();
        let role: Role = role.parse().unwrap();
        let person =
            Person::new(User::Local(identity), TEXTS.concat(), role, "RHM".parse().unwrap());
        Ok(Some(person.with_workers(vec!["front-line".to_owned()]).on_device(TEXTS[0])))
    }
}

/// The world, and what the screens of it are built of.
pub(super) struct World {
    pub(super) store: Arc<dyn Store>,
    pub(super) log: Arc<MemoryLog>,
    pub(super) clock: Arc<FixedClock>,
    /// The folder of batches.
    folder: TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let (cases_, log) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
        cases_.insert_all(cases()).await.unwrap();
        let actor = actor();
        let mut entries = Vec::new();
        for case in cases() {
            let text = case.surname.clone().unwrap();
            let entry = Entry::new(EventKind::CaseChanged, now(), &actor)
                .with_message_id(&text)
                .with_detail(text.clone(), text.clone())
                .about(Subject::snapshot(&case).with_personal(text.clone(), text));
            entries.push(entry);
        }
        log.append(entries).await.unwrap();
        let alerts = Arc::new(MemoryAlerts::default());
        let store: Arc<dyn Store> = Arc::new(Joined::new(cases_, Arc::clone(&log) as _, alerts));
        let world =
            Self { store, log, clock: Arc::new(FixedClock::at(now())), folder: tempdir().unwrap() };
        world.write_batches().await;
        world
    }

    fn batches(&self) -> Batches {
        let id = LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap();
        let settings = Settings::new(Caller::System(id)).with_clock(Arc::clone(&self.clock) as _);
        Batches::new(Arc::clone(&self.store), settings, self.folder.path())
    }

    /// A batch that waits for a decision, of which a service has said what an attacker would, and one that is ready.
    async fn write_batches(&self) {
        let everything = BatchPolicy::everything();
        for at in 0..2 {
            let mut due =
                Case::new(format!("RHM:Qzdue{at}").parse().unwrap(), RecordType::AdultCase);
            (due.surname, due.gender) = (Some("Zqdue".to_owned()), Some(Gender::Female));
            due.date_of_birth = Some("1943-05-19".parse().unwrap());
            due.allocations = vec![Allocation::new("front-line")];
            self.store.cases().insert_all(vec![due]).await.unwrap();
            let built = self.batches().build(&everything, &mut |_| ()).await.unwrap();
            assert_eq!(built.len(), 1);
        }
        let (message, code) = (TEXTS.concat(), long());
        let held = [("state", "held"), ("message_id", &*message), ("code", &*code)];
        change_first(&self.store, &held).await;
    }

    /// The screens of the world, for its nasty users.
    pub(super) fn screens(&self) -> Screens {
        let organisation = "RHM".parse().unwrap();
        Screens::new(Arc::clone(&self.store), organisation, Arc::new(Nasty))
            .with_service_name(TEXTS[1])
            .with_clock(Arc::clone(&self.clock) as _)
            .with_batches(self.batches())
    }

    pub(super) fn site(&self) -> crate::support::Site {
        crate::support::Site::over(Arc::clone(&self.store), Arc::clone(&self.log), self.screens())
    }
}
