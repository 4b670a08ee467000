//! Tenants that also trace by file, each through a mailbox of its own.

use super::{Making, Running, World, every, run, seconds};
use crate::by_batch::rig::{Attempt, Post, Requested, Waiting, numbered, requested, response};
use async_trait::async_trait;
use nhs_pds::audit::{AuditLog, EventKind, Filter};
use nhs_pds::batch::ErrorKind;
use nhs_pds::case::{Case, CaseStore};
use nhs_pds::nhs_number::Synthetic;
use nhs_pds::process::Worker;
use nhs_pds::process::batch::{BatchPolicy, Batches, ByBatch};
use nhs_pds::process::tenants::{Fleet, StartError, Tenant, TenantRun, WorkerFactory};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// How a tenant traces by file. Clones have the same mailbox and the same folder.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    post: Post,
    folder: Arc<TempDir>,
    making: Making,
}

impl Mail {
    fn new(post: Post) -> Self {
        Self { post, folder: Arc::new(tempfile::tempdir().unwrap()), making: Making::Works }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("batches")
    }

    pub(super) async fn of(&self, worker: &Worker) -> Result<Option<ByBatch>, StartError> {
        match self.making {
            Making::Works => {}
            Making::Broken => return Err(StartError::broken("no password: write one")),
            Making::Unavailable => return Err(StartError::unavailable("no folder")),
            Making::Panics => panic!("a defect of the factory"),
            Making::Hangs => pending().await,
        }
        let batches = Batches::beside(worker, self.path());
        Ok(Some(ByBatch::new(batches, Arc::new(self.post.clone()), BatchPolicy::everything())))
    }
}

impl World {
    /// Adds a tenant with runs every minute, these cases, and this mailbox.
    async fn with_mail(&self, name: &str, cases: impl Iterator<Item = usize>, mail: Mail) {
        *self.of(name).mail.lock().unwrap() = Some(mail);
        self.bring(name, cases).await;
        self.add(name).await;
        self.change(name, |tenant| tenant.schedule = every(super::MINUTE)).await;
    }

    async fn bring(&self, name: &str, cases: impl Iterator<Item = usize>) {
        self.of(name).cases.0.behind.insert_all(cases.map(numbered).collect()).await.unwrap();
    }

    async fn all(&self, name: &str) -> Vec<Case> {
        self.of(name).cases.page(None, 1_000).await.unwrap()
    }

    async fn waiting(&self, name: &str) -> usize {
        let cases = self.all(name).await;
        cases.iter().filter(|case| case.asking.submitted.is_some()).count()
    }

    fn set_mail(&self, name: &str, making: Making) {
        self.of(name).mail.lock().unwrap().as_mut().unwrap().making = making;
    }
}

/// The family names of all files that a mailbox has got.
fn sent(post: &Post) -> Vec<String> {
    let files = post.taken();
    let rows = files.iter().flat_map(|(_, text)| requested(text));
    let mut names: Vec<String> = rows.map(|row| row.get("FAMILY_NAME").to_owned()).collect();
    names.sort();
    names
}

fn names(cases: impl Iterator<Item = usize>) -> Vec<String> {
    let mut names: Vec<String> = cases.map(|case| numbered(case).surname.unwrap()).collect();
    names.sort();
    names
}

/// PDS finds the person of a row, with a number of its own.
fn found(row: &Requested) -> String {
    let name = row.get("FAMILY_NAME");
    let place = (0..100).position(|case| numbered(case).surname.as_deref() == Some(name));
    let number = Synthetic::from_seed(7).nth(place.unwrap()).unwrap();
    row.answer("00", &number.to_string().replace(' ', ""), "3")
}

fn batch_error(running: &Running, name: &str) -> Option<String> {
    running.tenant(name).unwrap().process.unwrap().batch_error
}

#[tokio::test(start_paused = true)]
async fn each_tenant_sends_its_own_cases_and_a_refused_mailbox_stops_neither() {
    let world = World::new();
    let refused = Post::with(&[Attempt::Fails(ErrorKind::Configuration); 4]);
    let (leeds, york) = (Mail::new(Post::default()), Mail::new(refused));
    world.with_mail("leeds", 0..5, leeds.clone()).await;
    world.with_mail("york", 5..8, york.clone()).await;
    let running = run(world.fleet());
    seconds(30).await;
    assert_eq!(sent(&leeds.post), names(0..5));
    assert_eq!((sent(&york.post).len(), world.waiting("york").await), (0, 3));
    // An operator sees which tenant, and why.
    assert_eq!(batch_error(&running, "leeds"), None);
    let says = "the batch service refused the client: correct the configuration (code 12)";
    assert_eq!(batch_error(&running, "york").as_deref(), Some(says));
    // What becomes due meanwhile is traced singly, and not put into a file that cannot leave.
    world.bring("york", 8..10).await;
    seconds(60).await;
    assert_eq!((world.of("york").asked(), world.waiting("york").await), (2, 3));
    // A response reaches the tenant of its mailbox alone.
    let (_, request) = &leeds.post.taken()[0];
    leeds.post.delivers("R-1", Waiting::File(response(request, found)));
    seconds(60).await;
    assert_eq!((world.waiting("leeds").await, world.waiting("york").await), (0, 3));
    assert_eq!(world.of("leeds").asked(), 0, "all of them were settled from the file");
    for name in ["leeds", "york"] {
        assert_eq!(running.state(name), Some(TenantRun::Running), "{name}");
    }
    // The mailbox is mended: nothing else is to be done.
    seconds(150).await;
    assert_eq!(sent(&york.post), names(5..8));
    assert_eq!(batch_error(&running, "york"), None);
    running.stop().await;
    assert_eq!(world.of("york").lives().await, ["start", "stop"], "undisturbed");
}

#[tokio::test(start_paused = true)]
async fn while_the_secrets_of_a_mailbox_cannot_be_read_its_tenant_traces_singly() {
    for (making, says, within) in [
        (Making::Broken, "no password: write one", 61),
        (Making::Unavailable, "no folder", 9),
        (Making::Hangs, "it was not ready in 30 seconds", 70),
    ] {
        let world = World::new();
        let mail = Mail { making, ..Mail::new(Post::default()) };
        world.with_mail("york", 0..3, mail.clone()).await;
        world.with_mail("leeds", 0..3, Mail::new(Post::default())).await;
        let running = run(world.fleet());
        seconds(300).await;
        let york = running.tenant("york").unwrap();
        assert_eq!((york.state, york.last_error), (TenantRun::Running, None), "{making:?}");
        assert_eq!(batch_error(&running, "york").as_deref(), Some(says));
        assert_eq!((world.of("york").asked(), sent(&mail.post).len()), (3, 0), "{making:?}");
        assert_eq!(batch_error(&running, "leeds"), None);
        // The file is corrected, and the directory is as before.
        world.set_mail("york", Making::Works);
        seconds(within).await;
        assert_eq!(batch_error(&running, "york"), None, "{making:?}");
        world.bring("york", 3..6).await;
        seconds(61).await;
        assert_eq!((world.of("york").asked(), sent(&mail.post)), (3, names(3..6)), "{making:?}");
        running.stop().await;
        assert_eq!(world.of("york").lives().await, ["start", "stop"], "{making:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_without_a_mailbox_traces_singly_and_says_nothing_of_files() {
    let world = World::new();
    world.add("leeds").await;
    world.bring("leeds", 0..3).await;
    let running = run(world.fleet());
    seconds(30).await;
    assert_eq!((world.of("leeds").asked(), batch_error(&running, "leeds")), (3, None));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_in_progress_when_its_tenant_starts_again_is_looked_up_and_not_sent_again() {
    let world = World::new();
    let mail = Mail::new(Post::with(&[Attempt::TakesAndHangs]));
    world.with_mail("leeds", 0..3, mail.clone()).await;
    let running = run(world.fleet());
    seconds(30).await;
    assert_eq!((mail.post.taken().len(), mail.post.looked_up()), (1, 0));
    world.change("leeds", |leeds| leeds.weight = "2".parse().unwrap()).await;
    world.bring("leeds", 3..5).await;
    seconds(30).await;
    assert_eq!(world.of("leeds").made_at().len(), 2, "it was started again");
    assert_eq!((mail.post.taken().len(), mail.post.looked_up()), (1, 1));
    assert_eq!(batch_error(&running, "leeds"), None, "the folder was free for the next process");
    running.stop().await;
}

/// A machine with a folder of its own.
#[derive(Debug)]
struct Machine {
    world: Arc<World>,
    folder: TempDir,
    post: Post,
}

#[async_trait]
impl WorkerFactory for Machine {
    async fn worker(&self, tenant: &Tenant) -> Result<Worker, StartError> {
        self.world.worker(tenant).await
    }

    async fn by_batch(&self, _: &Tenant, worker: &Worker) -> Result<Option<ByBatch>, StartError> {
        let batches = Batches::beside(worker, self.folder.path().join("batches"));
        Ok(Some(ByBatch::new(batches, Arc::new(self.post.clone()), BatchPolicy::everything())))
    }
}

#[tokio::test(start_paused = true)]
async fn two_machines_with_one_tenant_send_each_case_once_and_either_settles_it() {
    let (world, post) = (World::new(), Post::default());
    world.add("leeds").await;
    world.change("leeds", |tenant| tenant.schedule = every(super::MINUTE)).await;
    let mut machines = Vec::new();
    for name in ["machine-1", "machine-2"] {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine { world: Arc::clone(&world), folder, post: post.clone() };
        let fleet = Fleet::new(Arc::clone(&world) as _, Arc::new(machine));
        machines.push(run(fleet.with_clock(Arc::clone(&world.clock) as _).with_name(name)));
    }
    let (mut answered, mut at) = (BTreeSet::new(), 0);
    for _ in 0..6 {
        world.bring("leeds", at..at + 10).await;
        at += 10;
        for _ in 0..7 {
            seconds(13).await;
            for (id, request) in post.taken() {
                if answered.insert(id.clone()) {
                    post.delivers(&id, Waiting::File(response(&request, found)));
                }
            }
        }
    }
    seconds(120).await;
    let (sent, mut all) = (sent(&post), names(0..at));
    // The other machine may trace singly what comes between its files.
    let once: BTreeSet<&String> = sent.iter().collect();
    assert_eq!(once.len(), sent.len(), "a case was sent twice");
    let asked = world.of("leeds").asked();
    assert_eq!(sent.len() + asked, at, "each case was traced once");
    all.retain(|name| once.contains(name));
    assert_eq!(all, sent);
    assert!(post.taken().len() >= 6, "{} files", post.taken().len());
    assert_eq!(world.waiting("leeds").await, 0);
    let filter = Filter::new().with_kind(EventKind::MessageReceived);
    let events = world.of("leeds").audit.page(&filter, 0, 10_000).await.unwrap();
    let mut received: BTreeMap<String, usize> = BTreeMap::new();
    for event in &events {
        *received
            .entry(event.about.subject().unwrap().case_id().unwrap().to_string())
            .or_default() += 1;
    }
    assert_eq!(received.len(), at);
    assert!(received.values().all(|count| *count == 1), "{received:?}");
    for machine in machines {
        assert_eq!(batch_error(&machine, "leeds"), None);
        machine.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_folder_on_two_machines_is_used_by_one_at_a_time() {
    let world = World::new();
    let mail = Mail::new(Post::default());
    world.with_mail("leeds", 0..3, mail.clone()).await;
    fs::create_dir_all(mail.path()).unwrap();
    let lock = fs::File::create(mail.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let running = run(world.fleet());
    seconds(30).await;
    assert!(batch_error(&running, "leeds").unwrap().contains("folder"));
    assert_eq!((world.of("leeds").asked(), sent(&mail.post).len()), (3, 0));
    // Closed alone, it would stay locked while a child process of another thread has it, too.
    lock.unlock().unwrap();
    drop(lock);
    world.bring("leeds", 3..5).await;
    seconds(60).await;
    assert_eq!((sent(&mail.post), batch_error(&running, "leeds")), (names(3..5), None));
    running.stop().await;
}
