//! Tracing by file: request files, responses, and the batches that wait (HAV-9).

use crate::support::{Believing, Browser, Page, Site};
use async_trait::async_trait;
use chrono::TimeDelta;
use http::StatusCode;
use nhs_pds::audit::{AuditLog, Event, EventKind, Filter, MemoryLog};
use nhs_pds::case::{Allocation, Case, CaseStore, MemoryStore, RecordType};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::Gender;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::batch::{Batch, BatchState, Batches, Ending};
use nhs_pds::process::store::{Commit, Committed, Joined, Store};
use nhs_pds::process::{Error, Settings};
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds_admin::{Role, Screens};
use nhs_pds_simulator::{Person, Register, Simulator};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// The batches of a store whose files are in this folder.
pub(crate) fn of_folder(store: &Arc<dyn Store>, folder: &Path) -> Batches {
    let id = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    Batches::new(Arc::clone(store), Settings::new(Caller::System(id)), folder)
}

/// Changes what a store has of its first batch.
pub(crate) async fn change_first(
    store: &Arc<dyn Store>,
    changes: &[(&str, impl Clone + Into<serde_json::Value>)],
) {
    let mut setting = store.cases().setting("batches").await.unwrap().unwrap();
    let mut batches: serde_json::Value = serde_json::from_str(&setting.value).unwrap();
    let first = batches.get_mut(0).unwrap().as_object_mut().unwrap();
    for (name, value) in changes {
        first.insert((*name).to_owned(), value.clone().into());
    }
    setting.value = batches.to_string();
    store.cases().save_setting("batches", setting).await.unwrap();
}

const NAMES: [&str; 3] = ["Aindow", "Zqfeldwick", "Parry"];

fn due(at: usize) -> Case {
    let mut case = Case::new(format!("RXX:{at}").parse().unwrap(), RecordType::AdultCase);
    case.allocations = vec![Allocation::new("A Worker")];
    (case.surname, case.forename) =
        (NAMES.get(at).map(|name| (*name).to_owned()), Some("Anneliese".into()));
    (case.gender, case.postcode) = (Some(Gender::Female), Some("LS17 0GZ".into()));
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case
}

/// The site, whose folder is deleted with it.
struct ByFile {
    site: Site,
    folder: TempDir,
}

impl ByFile {
    /// With three cases that are due.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cases = (0..3).map(due).collect();
        let path = folder.path().join("batches");
        let build = |screens: Screens, store| screens.with_batches(of_folder(&store, &path));
        Self { site: Site::with_store(cases, build).await, folder }
    }

    fn user(&self) -> Browser<'_> {
        self.site.named(Role::DataQuality, "dana")
    }

    async fn batches(&self) -> Vec<Batch> {
        of_folder(&self.site.store, self.folder.path()).list().await.unwrap()
    }

    /// Writes one file of all cases. Returns its batch and the file.
    async fn downloaded(&self) -> (Batch, String) {
        let page = self.user().post("/batches/build", &[("which", "everything")]).await;
        assert_eq!(page.location(), "/batches?done=built");
        let batch = self.batches().await.pop().unwrap();
        let page = self.user().post(&format!("/batches/file/{}", batch.id), &[]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        (batch, page.html)
    }

    async fn events(&self, kind: EventKind) -> Vec<Event> {
        self.site.log.page(&Filter::new().with_kind(kind), 0, 9_999).await.unwrap()
    }
}

fn detail<'a>(event: &'a Event, name: &str) -> &'a str {
    let found = event.details.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// The references of a request file.
fn references(request: &str) -> Vec<&str> {
    request.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect()
}

/// What PDS answers about the people of two of the cases. The other person is not on PDS.
fn answered(request: &str) -> String {
    let mut register = Register::default();
    for (name, number) in [(NAMES[0], 9_990_000_018), (NAMES[2], 9_990_000_026)] {
        let number = nhs_pds::nhs_number::NhsNumber::constant(number);
        let mut person = Person::new(number, name, Gender::Female, "1943-05-19".parse().unwrap());
        (person.given, person.postcode) = ("Anneliese".into(), "LS17 0GZ".into());
        register.insert(person).unwrap();
    }
    let mut response = Vec::new();
    Simulator::new(register).answer_batch(request.as_bytes(), &mut response).unwrap();
    String::from_utf8(response).unwrap()
}

/// Imports a response, and returns the page with its result.
async fn imported(browser: &Browser<'_>, response: &str) -> (String, Page) {
    let page = browser.answer(response.as_bytes()).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    let path = page.location().to_owned();
    let page = browser.get(&path).await;
    (path, page)
}

#[tokio::test(start_paused = true)]
async fn cases_are_traced_by_a_file_that_a_user_carries() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    assert!(user.get("/batches").await.html.contains("There are no batches."));
    let page = user.post("/batches/build", &[("which", "everything")]).await;
    let page = user.get(page.location()).await;
    assert!(page.html.contains("Written: 1 file with 3 rows."), "{}", page.html);
    assert!(!page.html.contains("Not in a file"), "{}", page.html);
    assert!(page.html.contains("Ready: the file has not left"));
    assert!(!page.html.contains(NAMES[1]), "the page names no person");

    let batch = by_file.batches().await.pop().unwrap();
    let path = format!("/batches/file/{}", batch.id);
    let file = user.post(&path, &[]).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8; header=present");
    let name = format!("attachment; filename=\"batch-{}.csv\"", batch.id);
    assert_eq!(file.header("content-disposition"), name);
    assert_eq!(file.header("cache-control"), "no-store");
    assert_eq!(file.html.len() as u64, batch.bytes);
    assert!(file.html.starts_with("UNIQUE REFERENCE,NHS_NO,") && file.html.contains(NAMES[1]));
    assert!(user.get("/batches").await.html.contains("A user has the file"));
    // The connection broke. The file is there until the batch ends.
    assert_eq!(user.post(&path, &[]).await.html, file.html);

    let (_, page) = imported(&user, &answered(&file.html)).await;
    for words in [
        "The NHS Number was found and recorded",
        "No person on PDS matches",
        "Ended: every case is settled. 0 cases wait for a row.",
    ] {
        assert!(page.html.contains(words), "{words}\n{}", page.html);
    }
    assert!(!page.html.contains("What follows"), "no row is refused");
    let case = by_file.site.store.cases().get(&"RXX:0".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(case.nhs_number.unwrap().number, "9990000018".parse().unwrap());
    let page = user.get("/batches").await;
    assert!(page.html.contains("Completed") && !page.html.contains("Download again"));
    let left = std::fs::read_dir(by_file.folder.path().join("batches")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".csv")), "{left:?}");

    // Each step is on the trail, by the user.
    let exported = by_file.events(EventKind::CasesExported).await;
    assert_eq!(exported.len(), 2);
    for event in &exported {
        assert!(event.actor.user_id().ends_with("dana"), "{}", event.actor.user_id());
        assert_eq!((detail(event, "batch"), detail(event, "rows")), (&*batch.id, "3"));
    }
    let changed = by_file.events(EventKind::BatchChanged).await;
    let of_user: Vec<_> =
        changed.iter().filter(|event| event.actor.user_id().ends_with("dana")).collect();
    let actions: Vec<_> = of_user.iter().map(|event| detail(event, "action")).collect();
    assert_eq!(actions, ["build", "built", "import", "imported"]);
    assert_eq!(detail(of_user[0], "which"), "everything");
    assert_eq!((detail(of_user[3], "rows"), detail(of_user[3], "decided")), ("3", "3"));
}

#[tokio::test(start_paused = true)]
async fn refused_rows_are_named_by_line_and_reference_and_can_be_downloaded() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    let (_, request) = by_file.downloaded().await;
    let [first, second, ..] = references(&request)[..] else { panic!("two rows") };
    let response = format!(
        "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,FAMILY_NAME\n\
         {first},98,0000000000,Zqdup\n{first},98,0000000000,Zqdup\n\
         {second},98\n-1.cmd,98,0000000000,<script>alert(1)</script>\n"
    );
    let (path, page) = imported(&user, &response).await;
    for words in [
        "The file has several rows with this reference",
        "The row has fewer values than columns: it was cut off",
        "No case waits for a row with this reference",
        first,
    ] {
        assert!(page.html.contains(words), "{words}\n{}", page.html);
    }
    assert!(!page.html.contains("Zqdup") && !page.html.contains("<script>alert"));
    let file = user.get(&format!("{path}/refused.csv")).await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"refused-rows.csv\"");
    let rows: Vec<&str> = file.html.lines().collect();
    assert_eq!(rows[0], "line,reference,code,cause,text");
    assert_eq!(rows.len(), 5, "{}", file.html);
    assert!(rows.iter().any(|row| row.starts_with(&format!("2,{first},98,duplicate,"))));
    assert!(rows.iter().any(|row| row.starts_with(&format!("4,{second},,short,"))));
    assert!(rows.iter().any(|row| row.starts_with("5,,98,unknown,")), "{}", file.html);
    // The cases still wait, and the whole file settles them.
    assert_eq!(by_file.batches().await[0].state, BatchState::Exported);
    imported(&user, &answered(&request)).await;
    assert_eq!(by_file.batches().await[0].state, BatchState::Closed(Ending::Settled));
    // Once more: nothing is settled twice.
    let (_, page) = imported(&user, &answered(&request)).await;
    assert!(page.html.contains("No case waits for a row with this reference"));
    assert!(!page.html.contains("The NHS Number was found"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_response_says_what_to_do() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    let (_, request) = by_file.downloaded().await;
    let page = user.answer(b"").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("Choose a response file that is not empty"));
    let page = user.post("/batches/build", &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("Choose which cases go into the files"));
    for (file, words) in [
        ("PK\u{3}\u{4}\u{14}", "Get it again as the service sent it."),
        ("a,b,c\n1,2,3\n", "Choose the response of the service."),
        (&*request, "The file has a fault"),
        ("UNIQUE REFERENCE,FAMILY_NAME\n1,2\n", "does not have the columns of a response"),
    ] {
        let (_, page) = imported(&user, file).await;
        assert!(page.html.contains("The file has a fault"), "{}", page.html);
        assert!(page.html.contains(words), "{words}\n{}", page.html);
    }
    assert!(user.get("/batches").await.html.contains("Failed"));
    assert_eq!(by_file.batches().await[0].waiting, 3, "nothing is settled");
    let failed = by_file.events(EventKind::BatchChanged).await;
    assert_eq!(failed.iter().filter(|event| detail(event, "outcome") == "failed").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_released_by_a_user_and_its_cases_are_due_again() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    let (batch, _) = by_file.downloaded().await;
    let path = format!("/batches/release/{}", batch.id);
    let page = user.get(&path).await;
    assert!(page.html.contains("3 cases wait for a row of it."), "{}", page.html);
    assert!(page.html.contains("nothing is settled from a response that comes later"));
    let page = user.post(&path, &[]).await;
    assert_eq!(page.location(), "/batches?done=released");
    let page = user.get(page.location()).await;
    assert!(page.html.contains("Ended: a user released the cases"));
    let event = by_file.events(EventKind::BatchChanged).await;
    let event = event.iter().find(|event| detail(event, "ending") == "released").unwrap();
    assert!(event.actor.user_id().ends_with("dana"));
    for path in [path, format!("/batches/sent/{}", batch.id)] {
        assert_eq!(user.get(&path).await.status, StatusCode::CONFLICT);
        assert_eq!(user.post(&path, &[]).await.status, StatusCode::CONFLICT);
    }
    let file = user.post(&format!("/batches/file/{}", batch.id), &[]).await;
    assert_eq!(file.status, StatusCode::CONFLICT);
    assert_eq!(user.post("/batches/file/unknown", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(user.get("/batches/release/unknown").await.status, StatusCode::NOT_FOUND);
    assert_eq!(user.get("/batches/import/unknown").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_named_by_its_code() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    by_file.downloaded().await;
    for (name, says) in [
        ("MPTREQ_20261130101500", "The code of the service is 06, request MPTREQ_20261130101500."),
        ("MPTREQ_Zqname", "The code of the service is 06."),
    ] {
        let file = format!("{name},SPINE_MPT_RESPONSE,0,06\n");
        let (_, page) = imported(&user, &file).await;
        for says in [says, "No person of it was traced.", "Then release the batch"] {
            assert!(page.html.contains(says), "{says}\n{}", page.html);
        }
        assert!(!page.html.contains("Zqname"));
    }
    assert_eq!(by_file.batches().await[0].waiting, 3, "the user releases it");
}

/// A mailbox has received what is not a response. Its file has personal data, and stays until a person deletes it.
#[tokio::test(start_paused = true)]
async fn responses_that_were_set_aside_are_a_notice_until_they_are_deleted() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    assert!(!user.get("/batches").await.html.contains("need a person"));
    let refused = by_file.folder.path().join("batches/refused");
    std::fs::create_dir_all(&refused).unwrap();
    for (name, says) in [
        ("1.csv", "1 response could not be used whole"),
        ("2.csv", "2 responses could not be used whole"),
    ] {
        std::fs::write(refused.join(name), NAMES[1]).unwrap();
        for path in ["/batches", "/"] {
            let page = user.get(path).await;
            for says in [says, "look at each file on the server", "delete it: it names people"] {
                assert!(page.html.contains(says), "{path}: {says}\n{}", page.html);
            }
            assert!(!page.html.contains(NAMES[1]));
        }
    }
    std::fs::remove_dir_all(&refused).unwrap();
    assert!(!user.get("/batches").await.html.contains("need a person"));
    assert!(!user.get("/").await.html.contains("Go to the batches"));
    // A folder that cannot be read breaks neither page.
    std::fs::write(&refused, "").unwrap();
    for path in ["/batches", "/"] {
        let page = user.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.html.contains("The folder of the files cannot be read"), "{}", page.html);
    }
}

/// Such a file was sent by a process. It traces singly meanwhile, and says nothing on a page of its own.
#[tokio::test(start_paused = true)]
async fn a_file_that_did_not_arrive_is_a_notice() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    by_file.downloaded().await;
    for (ending, says) in [
        ("refused", "The service refused a file (code &#60;b&#62;12) on "),
        ("not_delivered", "The service did not deliver a file (code &#60;b&#62;12) on "),
    ] {
        let state = json!({ "closed": ending });
        let changes =
            [("state", state), ("code", json!("<b>12")), ("changed_at", json!(SystemClock.now()))];
        change_first(&by_file.site.store, &changes).await;
        for path in ["/batches", "/"] {
            let page = user.get(path).await;
            for says in [says, "a process writes no file"] {
                assert!(page.html.contains(says), "{path}: {says}\n{}", page.html);
            }
        }
    }
    let before = json!(SystemClock.now() - TimeDelta::hours(7));
    change_first(&by_file.site.store, &[("changed_at", before)]).await;
    for path in ["/batches", "/"] {
        assert!(!user.get(path).await.html.contains("a process writes no file"), "{path}");
    }
}

/// Only a person can find out what happened to a file while the connection broke.
#[tokio::test(start_paused = true)]
async fn a_held_batch_is_a_notice_and_a_user_decides() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    let (batch, _) = by_file.downloaded().await;
    let held = [("state", "held"), ("message_id", "<b>Zqmessage")];
    change_first(&by_file.site.store, &held).await;
    let home = user.get("/").await;
    assert!(home.html.contains("1 batch waits for a decision"), "{}", home.html);
    assert!(home.html.contains("Go to the batches"));
    let page = user.get("/batches").await;
    assert!(page.html.contains("Needs a decision") && page.html.contains("&#60;b&#62;Zqmessage"));
    let path = format!("/batches/sent/{}", batch.id);
    assert!(user.get(&path).await.html.contains("Ask the service whether it has the file"));
    assert_eq!(user.post(&path, &[]).await.location(), "/batches?done=sent");
    assert_eq!(by_file.batches().await[0].state, BatchState::Sent);
    let event = by_file.events(EventKind::BatchChanged).await.pop().unwrap();
    assert!(event.actor.user_id().ends_with("dana") && detail(&event, "state") == "sent");
    assert!(!user.get("/").await.html.contains("Go to the batches"));
}

#[tokio::test(start_paused = true)]
async fn another_program_may_have_the_folder() {
    let by_file = ByFile::new().await;
    let user = by_file.user();
    let (batch, request) = by_file.downloaded().await;
    let path = by_file.folder.path().join("batches/lock");
    let lock = std::fs::File::open(path).unwrap();
    lock.lock().unwrap();
    for path in ["/batches/file/", "/batches/release/"] {
        let page = user.post(&format!("{path}{}", batch.id), &[]).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(page.header("retry-after"), "60");
        assert!(page.html.contains("Another program works with the files"), "{}", page.html);
    }
    let page = user.post("/batches/build", &[("which", "everything")]).await;
    let page = user.get(page.location()).await;
    assert!(page.html.contains("Files were not written"), "{}", page.html);
    assert!(page.html.contains("Another program works with the files of the batches."));
    // A response does not need the folder.
    let (_, page) = imported(&user, &answered(&request)).await;
    assert!(page.html.contains("Ended: every case is settled"));
    // Closed alone, it would stay locked while a child process of another thread has it, too.
    lock.unlock().unwrap();
    drop(lock);
    let page = user.post("/batches/build", &[("which", "first-load")]).await;
    let page = user.get(page.location()).await;
    assert!(page.html.contains("No case is due that can go into a file."), "{}", page.html);
    assert!(!page.html.contains("Files were not written"));
}

#[tokio::test(start_paused = true)]
async fn without_a_folder_there_is_no_such_page() {
    let site = Site::new().await;
    let user = site.of(Role::Administrator);
    assert_eq!(user.get("/batches").await.status, StatusCode::NOT_FOUND);
    assert_eq!(user.post("/batches/build", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!user.get("/").await.html.contains("/batches"));
}

/// A store that saves only when the test lets it.
#[derive(Debug)]
struct Gated {
    inner: Joined,
    gate: Semaphore,
}

#[async_trait]
impl Store for Gated {
    fn cases(&self) -> &dyn CaseStore {
        self.inner.cases()
    }

    fn audit(&self) -> &dyn AuditLog {
        self.inner.audit()
    }

    fn alerts(&self) -> &dyn AlertSink {
        self.inner.alerts()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        drop(self.gate.acquire().await.unwrap());
        self.inner.commit(commit).await
    }
}

/// Work that takes long continues after the answer, and the page shows how far it is.
#[tokio::test(start_paused = true)]
async fn long_work_continues_after_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (cases, log) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    cases.insert_all((0..3).map(due).collect()).await.unwrap();
    let inner = Joined::new(cases, Arc::clone(&log) as _, Arc::new(MemoryAlerts::default()));
    let gated = Arc::new(Gated { inner, gate: Semaphore::new(0) });
    let store: Arc<dyn Store> = Arc::clone(&gated) as _;
    let screens = Screens::new(Arc::clone(&store), "RHM".parse().unwrap(), Arc::new(Believing))
        .with_batches(of_folder(&store, folder.path()));
    let site = Site::over(Arc::clone(&store), log, screens);
    let user = site.of(Role::DataQuality);
    for _ in 0..2 {
        let page = user.post("/batches/build", &[("which", "everything")]).await;
        let page = user.get(page.location()).await;
        assert!(page.html.contains("Files are being written: 0 rows so far."), "{}", page.html);
        assert!(page.html.contains("Show the progress now"));
        assert!(!page.html.contains("Write request files"), "one at a time");
    }
    gated.gate.add_permits(1);
    let mut page = user.get("/batches").await;
    while page.html.contains("Files are being written") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        page = user.get("/batches").await;
    }
    assert!(page.html.contains("Ready: the file has not left"), "{}", page.html);
    let batches = of_folder(&store, folder.path()).list().await.unwrap();
    assert_eq!(batches.len(), 1);

    // The same for a response: another one waits until it has ended.
    let page = user.post(&format!("/batches/file/{}", batches[0].id), &[]).await;
    let response = answered(&page.html);
    gated.gate.acquire().await.unwrap().forget();
    let page = user.answer(response.as_bytes()).await;
    let path = page.location().to_owned();
    let page = user.get(&path).await;
    assert!(page.html.contains("Importing the response"), "{}", page.html);
    let refused = user.get(&format!("{path}/refused.csv")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let page = user.answer(response.as_bytes()).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("Another response is being imported"));
    gated.gate.add_permits(1);
    let mut page = user.get(&path).await;
    while page.html.contains("Importing the response") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        page = user.get(&path).await;
    }
    assert!(page.html.contains("Ended: every case is settled"), "{}", page.html);
}
