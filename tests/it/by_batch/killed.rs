//! Killed at every point and started again: no file is sent twice, no case is lost, none is settled twice.

use super::rig::{Backing, Post, Requested, Rig, Waiting, detail, response};
use async_trait::async_trait;
use nhs_pds::audit::{AuditLog, EventKind};
use nhs_pds::case::{Case, CaseStore};
use nhs_pds::process::Error;
use nhs_pds::process::alert::AlertSink;
use nhs_pds::process::batch::{BatchPolicy, Batches};
use nhs_pds::process::store::{Commit, Committed, Store};
use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// A store whose commits end after some: the process that waits for it is killed.
#[derive(Debug)]
pub(super) struct Ending {
    store: Arc<dyn Store>,
    left: AtomicUsize,
    killed: Notify,
    /// Whether the last commit takes effect, although its result never comes.
    takes_effect: bool,
}

impl Ending {
    pub(super) fn after(commits: usize, takes_effect: bool, store: &Arc<dyn Store>) -> Arc<Self> {
        let (store, left) = (Arc::clone(store), AtomicUsize::new(commits));
        Arc::new(Self { store, left, killed: Notify::new(), takes_effect })
    }

    /// The process is dead.
    async fn die(&self) {
        self.killed.notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Store for Ending {
    fn cases(&self) -> &dyn CaseStore {
        self.store.cases()
    }

    fn audit(&self) -> &dyn AuditLog {
        self.store.audit()
    }

    fn alerts(&self) -> &dyn AlertSink {
        self.store.alerts()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        let left =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            self.die().await;
        }
        let result = self.store.commit(commit).await;
        if left == Ok(1) && self.takes_effect {
            self.die().await;
        }
        result
    }
}

/// Some are found, others are not.
fn answer(row: &Requested) -> String {
    match row.get("FAMILY_NAME").as_bytes().last() {
        Some(b'a') => row.answer("00", "9990000018", "3"),
        Some(b'b') => row.without_person("15", "", ""),
        _ => row.without_person("98", "0000000000", "0"),
    }
}

/// One life of a program: builds, sends, receives and imports what there is.
async fn live(batches: Batches, post: Post) {
    // A failing store cannot occur here, and a lease of the life before may.
    let _ = batches.collect(&post, &mut |_| ()).await.unwrap();
    let _ = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    let _ = batches.send(&post).await.unwrap();
}

/// Whether the life has not ended early. In memory, time is of the test: a life that waits for the leases of the one before
/// ends after five seconds.
async fn until_killed(backing: Backing, killed: &Notify, life: impl Future<Output = ()>) -> bool {
    let waits = async {
        match backing {
            Backing::Memory => tokio::time::sleep(Duration::from_secs(5)).await,
            Backing::Sqlite | Backing::Postgres => std::future::pending().await,
        }
    };
    tokio::select! {
        () = life => true,
        () = killed.notified() => false,
        () = waits => false,
    }
}

/// The results of all cases after lives of this many commits each; nothing where there is no PostgreSQL.
async fn results(
    backing: Backing,
    commits: usize,
    takes_effect: bool,
) -> Option<BTreeMap<String, String>> {
    let cases = (0..7).map(super::rig::numbered).collect();
    let (rig, post) = (Rig::on(backing, cases).await?, Post::default());
    let between = match backing {
        // The leases of a killed build end after some lives.
        Backing::Memory => 20,
        // No life waits for them, because time is real.
        Backing::Sqlite | Backing::Postgres => 300,
    };
    let mut answered = 0;
    let mut lives = 0;
    loop {
        // Each life gets a little further, as a killed program may be killed at the same point again.
        let more = usize::try_from(lives / 4).unwrap();
        let store = Ending::after(commits + more, takes_effect, &rig.store);
        let life = live(rig.over(Arc::clone(&store) as _), post.clone());
        let is_whole = until_killed(backing, &store.killed, life).await;
        let taken = post.taken();
        for (id, file) in &taken[answered..] {
            post.delivers(&format!("R-{id}"), Waiting::File(response(file, answer)));
        }
        answered = taken.len();
        lives += 1;
        rig.clock.set(super::rig::begin() + chrono::TimeDelta::seconds(between * lives));
        let waits = rig.all().await.iter().any(|case| case.asking.submitted.is_some());
        let undecided = rig
            .all()
            .await
            .iter()
            .any(|case| case.last_trace.is_none() && case.asking.unanswered == 0);
        if is_whole && !waits && !undecided && lives > 1 {
            break;
        }
        assert!(lives < 200, "it ends: {commits} {takes_effect}");
    }
    check(&rig, &post).await;
    let word = |case: &Case| {
        let word = case.last_trace.as_ref().map_or("none", |last| last.result.as_str());
        format!("{word} {}", case.asking.unanswered)
    };
    Some(rig.all().await.iter().map(|case| (case.id.to_string(), word(case))).collect())
}

async fn check(rig: &Rig, post: &Post) {
    let mut ids: Vec<String> = post.taken().into_iter().map(|(id, _)| id).collect();
    let sent = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), sent, "a file was sent twice");
    // A row that left was settled once, and no other reference was.
    let mut settled = BTreeMap::<String, usize>::new();
    for event in rig.events().await {
        let is_decision =
            event.kind == EventKind::CaseChanged && !detail(&event, "result").is_empty();
        if is_decision {
            let subject = event.about.subject().unwrap();
            *settled.entry(subject.case_id().unwrap().to_string()).or_default() += 1;
        }
    }
    let mut leaving = BTreeMap::<String, usize>::new();
    for (_, file) in post.taken() {
        for row in super::rig::requested(&file) {
            *leaving.entry(row.get("FAMILY_NAME").to_owned()).or_default() += 1;
        }
    }
    for case in rig.all().await {
        let times = leaving[case.surname.as_ref().unwrap()];
        // Not traced, it may go by batch again; it is settled once for each row that left.
        let events = settled.get(case.id.as_str()).copied().unwrap_or_default();
        assert_eq!(events, times, "{}: each row that left is settled once", case.id);
    }
    let left = requests_and_responses(&rig.file("batches"));
    assert!(left.is_empty(), "no file with patient data is left: {left:?}");
}

/// The files with patient data in a folder and the folders in it.
fn requests_and_responses(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let has_people = |path: &PathBuf| path.to_string_lossy().contains(".csv");
    let below = folders.iter().flat_map(|folder| requests_and_responses(folder));
    files.into_iter().filter(has_people).chain(below).collect()
}

#[tokio::test(start_paused = true)]
async fn at_every_commit() {
    killed_after(Backing::Memory, 0..24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_some_commits_over_a_file() {
    killed_after(Backing::Sqlite, [0, 3, 8, 15]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_some_commits_over_postgresql() {
    killed_after(Backing::Postgres, [0, 3, 8, 15]).await;
}

async fn killed_after(backing: Backing, all_commits: impl IntoIterator<Item = usize>) {
    let Some(whole) = results(backing, 1_000, false).await else { return };
    assert!(whole.values().any(|word| word.starts_with("found")));
    assert!(whole.values().any(|word| word.starts_with("none 0")));
    for commits in all_commits {
        for takes_effect in [false, true] {
            let killed = results(backing, commits, takes_effect).await.unwrap();
            assert_eq!(killed.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
            for (id, word) in &whole {
                assert_eq!(
                    killed[id].split(' ').next(),
                    word.split(' ').next(),
                    "{id} after {commits} commits {takes_effect}"
                );
            }
        }
    }
}
