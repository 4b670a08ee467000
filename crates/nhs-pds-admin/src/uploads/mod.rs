//! Caseloads that users have uploaded and not yet imported. They hold patient data: they are in memory only, limited
//! in number, size and time, bound to their owner, and overwritten when they are dropped.

mod file;
pub(crate) mod history;
pub(crate) mod receive;
pub(crate) mod state;
pub(crate) mod work;

use crate::error::PageError;
use crate::uploads::state::State;
use chrono::{DateTime, TimeDelta, Utc};
pub(crate) use file::{File, TooMuch};
use nhs_pds::audit::Actor;
use nhs_pds::case::caseload::Sample;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest file, in bytes.
pub(crate) const LONGEST_FILE: usize = 256 * 1024 * 1024;

/// The most rows of a file.
pub(crate) const MOST_ROWS: usize = 1_000_000;

/// All files together, in bytes.
const MOST_BYTES: usize = 512 * 1024 * 1024;

/// How many uploads there are at a time, and how many of one user.
const MOST: usize = 20;
const MOST_OF_USER: usize = 5;

/// How long an upload stays that no user works on.
const IDLE: TimeDelta = TimeDelta::hours(1);

/// How long an upload stays at most, such as one that waits for another user.
const LONGEST: TimeDelta = TimeDelta::hours(12);

/// The uploads of one store.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    all: Mutex<BTreeMap<String, Arc<Upload>>>,
    /// The bytes of all files.
    bytes: Arc<AtomicUsize>,
}

/// One uploaded file, and how far its import is.
pub(crate) struct Upload {
    /// Its name in URLs. It says nothing about the file.
    pub(crate) id: String,
    /// The user who uploaded it, who imports it.
    pub(crate) owner: Actor,
    session: Option<String>,
    /// The name of the source, such as the system that exported it.
    pub(crate) source: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) sample: Sample,
    file: Mutex<Option<File>>,
    state: Mutex<State>,
    used: Mutex<DateTime<Utc>>,
    is_stopped: AtomicBool,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload(redacted)")
    }
}

/// What is in memory is whole even after a panic: each lock guards one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Uploads {
    /// An empty file, whose bytes count.
    pub(crate) fn receive(&self) -> File {
        File::new(Arc::clone(&self.bytes), LONGEST_FILE, MOST_BYTES)
    }

    /// Keeps an upload. Refuses one too many.
    pub(crate) fn add(&self, upload: Upload) -> Result<Arc<Upload>, PageError> {
        let mut all = self.purged(upload.at);
        let owner = upload.owner.user_id();
        let own = all.values().filter(|other| other.owner.user_id() == owner).count();
        if all.len() >= MOST || own >= MOST_OF_USER {
            return Err(PageError::TooMany);
        }
        let upload = Arc::new(upload);
        all.insert(upload.id.clone(), Arc::clone(&upload));
        Ok(upload)
    }

    /// The upload with this id, if the user may see it: its owner, or another user whom the owner has asked to approve.
    pub(crate) fn get(
        &self,
        id: &str,
        user: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Arc<Upload>, PageError> {
        let found = self.purged(now).get(id).cloned().ok_or(PageError::NotFound)?;
        if !found.is_shown_to(user) {
            return Err(PageError::NotFound);
        }
        *lock(&found.used) = now;
        Ok(found)
    }

    /// The uploads that the user may see, the oldest first.
    pub(crate) fn of(&self, user: &Actor, now: DateTime<Utc>) -> Vec<Arc<Upload>> {
        let all = self.purged(now);
        let mut shown: Vec<_> =
            all.values().filter(|upload| upload.is_shown_to(user)).cloned().collect();
        shown.sort_by_key(|upload| upload.at);
        shown
    }

    /// Drops an upload with its file. Work on it stops.
    pub(crate) fn remove(&self, id: &str) {
        if let Some(upload) = lock(&self.all).remove(id) {
            upload.stop();
        }
    }

    /// Drops the uploads of a session that has ended, except those that wait for another user or are being imported.
    pub(crate) fn end_session(&self, user_id: &str, session: Option<&str>) {
        let is_ended = |upload: &Arc<Upload>| {
            upload.owner.user_id() == user_id
                && upload.session.as_deref() == session
                && !lock(&upload.state).outlives_session()
        };
        lock(&self.all).retain(|_, upload| {
            let ended = is_ended(upload);
            if ended {
                upload.stop();
            }
            !ended
        });
    }

    /// The uploads that have not expired.
    fn purged(&self, now: DateTime<Utc>) -> MutexGuard<'_, BTreeMap<String, Arc<Upload>>> {
        let mut all = lock(&self.all);
        all.retain(|_, upload| {
            let state = lock(&upload.state);
            let age = now - upload.at;
            let idle = now - *lock(&upload.used);
            let stays =
                state.is_importing() || age < LONGEST && (idle < IDLE || state.outlives_session());
            if !stays {
                upload.stop();
            }
            stays
        });
        all
    }
}

impl Upload {
    pub(crate) fn new(
        id: String,
        (owner, session): (Actor, Option<String>),
        source: String,
        (file, sample): (File, Sample),
        at: DateTime<Utc>,
    ) -> Self {
        let (state, used) = (Mutex::new(State::Columns), Mutex::new(at));
        let (file, is_stopped) = (Mutex::new(Some(file)), AtomicBool::new(false));
        Self { id, owner, session, source, at, sample, file, state, used, is_stopped }
    }

    /// How far it is.
    pub(crate) fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// Goes on to `next`, if `is_ready` finds that the present state allows it. Of two requests one succeeds.
    pub(crate) fn advance(&self, is_ready: impl FnOnce(&State) -> bool, next: State) -> bool {
        let mut state = lock(&self.state);
        let ready = is_ready(&state);
        if ready {
            *state = next;
        }
        ready
    }

    /// The file; `None` once the import is complete.
    pub(crate) fn file(&self) -> Option<File> {
        lock(&self.file).clone()
    }

    /// Drops the file when nothing is left to import.
    pub(crate) fn drop_file(&self) {
        *lock(&self.file) = None;
    }

    /// Ends work on the upload after the next step.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Allows work again.
    pub(crate) fn restart(&self) {
        self.is_stopped.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_owned_by(&self, user: &Actor) -> bool {
        self.owner.user_id() == user.user_id()
    }

    fn is_shown_to(&self, user: &Actor) -> bool {
        self.is_owned_by(user) || lock(&self.state).is_shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploads::state::{Checked, Progress, Refused};
    use nhs_pds::case::caseload::{Mapping, sample};
    use nhs_pds::process::Preview;
    use nhs_pds::trace::{Caller, LocalIdentity, User};

    fn user(name: &str) -> Actor {
        let user = LocalIdentity::new("RHM".parse().unwrap(), name).unwrap();
        Actor::new(&Caller::User(User::Local(user)), name)
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn add(uploads: &Uploads, id: &str, owner: &str) -> Arc<Upload> {
        let mut file = uploads.receive();
        file.push(b"surname,dob\n").unwrap();
        let sample = sample(file.as_ref()).unwrap();
        let owner = (user(owner), Some("session".to_owned()));
        uploads.add(Upload::new(id.into(), owner, "Mosaic".into(), (file, sample), at(0))).unwrap()
    }

    fn asked() -> State {
        State::Asked(Arc::new(Checked {
            version: String::new(),
            mapping: Mapping::default(),
            preview: Preview::default(),
            refused: Refused::default(),
        }))
    }

    #[test]
    fn an_upload_ends_after_an_hour_without_use_and_its_bytes_are_free() {
        let uploads = Uploads::default();
        drop(add(&uploads, "1", "ann"));
        assert_eq!(uploads.bytes.load(Ordering::Relaxed), 12);
        assert!(uploads.get("1", &user("ann"), at(59)).is_ok());
        assert!(uploads.get("1", &user("ann"), at(118)).is_ok(), "it was used");
        assert!(uploads.get("1", &user("ann"), at(178)).is_err());
        assert_eq!(uploads.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_upload_that_waits_for_another_user_ends_after_twelve_hours() {
        let uploads = Uploads::default();
        let upload = add(&uploads, "1", "ann");
        assert!(uploads.get("1", &user("bob"), at(1)).is_err(), "not shared");
        assert!(upload.advance(|_| true, asked()));
        assert!(uploads.get("1", &user("bob"), at(12 * 60 - 1)).is_ok());
        assert!(uploads.get("1", &user("bob"), at(12 * 60)).is_err());
        assert!(upload.is_stopped());
    }

    #[test]
    fn a_session_that_ends_takes_its_uploads_with_it() {
        let uploads = Uploads::default();
        let all: Vec<_> = ["columns", "asked", "importing"]
            .into_iter()
            .map(|id| add(&uploads, id, "ann"))
            .collect();
        assert!(all[1].advance(|_| true, asked()));
        assert!(all[2].advance(|_| true, State::Importing(Progress::of(1))));
        add(&uploads, "other", "bob");
        let session = Some("session");
        uploads.end_session(user("ann").user_id(), Some("another"));
        assert_eq!(uploads.of(&user("ann"), at(1)).len(), 3);
        uploads.end_session(user("ann").user_id(), session);
        let left: Vec<_> =
            uploads.of(&user("ann"), at(1)).iter().map(|upload| upload.id.clone()).collect();
        assert_eq!(left, ["asked", "importing"]);
        assert!(all[0].is_stopped() && !all[2].is_stopped());
        assert!(uploads.get("other", &user("bob"), at(1)).is_ok());
    }

    #[test]
    fn of_two_decisions_about_one_state_one_counts() {
        let uploads = Uploads::default();
        let upload = add(&uploads, "1", "ann");
        let is_new = |state: &State| matches!(state, State::Columns);
        assert!(upload.advance(is_new, State::Importing(Progress::of(1))));
        assert!(!upload.advance(is_new, State::Importing(Progress::of(1))));
    }
}
