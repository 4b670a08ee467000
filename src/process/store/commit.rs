use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{self, Case, CaseId, Change, Due, ErrorKind, Setting};
use chrono::{DateTime, Utc};

/// What one step of the process records and saves, as one unit of work.
///
/// 1. The entries of [`record`](Self::record) say what has happened, such as a received message. They
///    stand whether or not the changes are saved.
/// 2. The changes of [`save`](Self::save) are saved all or none. Each has an entry with the case as it
///    will be, which is recorded before or together with the save. The same holds for the settings of
///    [`set`](Self::set). A commit has either changes of cases or settings.
/// 3. The alerts of the saved cases ([`Case::undelivered`]) are recorded and delivered.
/// 4. The leases of [`release`](Self::release) end, unless the changes were refused.
///
/// ```
/// use nhs_pds::audit::{Actor, Entry, EventKind};
/// use nhs_pds::case::{Case, Change, RecordType};
/// use nhs_pds::process::store::Commit;
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// let import = Caller::System(LocalIdentity::new("RHM".parse()?, "import")?);
/// let actor = Actor::new(&import, "Nightly import");
/// let now = "2026-11-23T09:30:00Z".parse()?;
/// let case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let commit = Commit::new(&actor, now).save(Change::new(case), &[("decision", "imported")]);
/// assert_eq!(commit.saves[0].entry.kind(), EventKind::CaseChanged);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Commit {
    /// On whose behalf it is done.
    pub actor: Actor,
    /// When it is done.
    pub at: DateTime<Utc>,
    /// The audit key under which a delivery is recorded: `decision` for the worker, `action` for people.
    pub why: &'static str,
    /// What has happened.
    pub recorded: Vec<Entry>,
    /// The changes, saved all or none.
    pub saves: Vec<Save>,
    /// The settings, each saved over the version that was read.
    pub sets: Vec<Set>,
    /// Stored cases whose alerts are delivered, and when each is due afterwards.
    pub deliveries: Vec<(Case, Due)>,
    /// The leases that end once everything else is done: their owner, and the cases.
    pub releases: Option<(String, Vec<CaseId>)>,
}

/// A change of a case, and its entry in the audit trail.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Save {
    /// The change.
    pub change: Change,
    /// The entry, with the case as it will be after the save.
    pub entry: Entry,
}

/// A setting to save, and its entry in the audit trail.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Set {
    /// The name of the setting.
    pub name: String,
    /// The new value, over the version that was read.
    pub setting: Setting,
    /// Who changes what. If the setting cannot be saved, the trail gets the entry again, with
    /// [`Set::withdrawn`].
    pub entry: Entry,
}

impl Set {
    /// The entry that withdraws [`entry`](Self::entry): another program has changed the setting.
    #[must_use]
    pub fn withdrawn(&self) -> Entry {
        self.entry.clone().with_detail("outcome", "not_saved")
    }
}

/// The result of a commit.
#[must_use]
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Committed {
    /// Everything was done. An alert that could not be delivered stays on its case.
    Done,
    /// Nothing was saved or released, because of another program: read the cases again, and decide
    /// again.
    #[non_exhaustive]
    Refused {
        /// Why: `Conflict`, `Exists`, `NotFound` or `NumberTaken`.
        kind: ErrorKind,
        /// The case that could not be saved; `None` for a setting.
        case: Option<CaseId>,
    },
}

impl Commit {
    /// An empty commit of the worker or of an import.
    #[must_use]
    pub fn new(actor: &Actor, at: DateTime<Utc>) -> Self {
        Self {
            actor: actor.clone(),
            at,
            why: "decision",
            recorded: Vec::new(),
            saves: Vec::new(),
            sets: Vec::new(),
            deliveries: Vec::new(),
            releases: None,
        }
    }

    /// An empty commit of a person's action.
    #[must_use]
    pub fn of_a_person(actor: &Actor, at: DateTime<Utc>) -> Self {
        Self { why: "action", ..Self::new(actor, at) }
    }

    /// Returns this commit with one more entry.
    #[must_use]
    pub fn record(mut self, entry: Entry) -> Self {
        self.recorded.push(entry);
        self
    }

    /// Returns this commit with one more change. `why` are the details of its entry.
    #[must_use]
    pub fn save(mut self, change: Change, why: &[(&str, &str)]) -> Self {
        let entry = changed(&self.actor, &change.case, why, self.at);
        self.saves.push(Save { change, entry });
        self
    }

    /// Returns this commit, which also saves `setting` under `name`. `entry` says who changes what.
    ///
    /// ```
    /// use nhs_pds::audit::{Actor, Entry, EventKind};
    /// use nhs_pds::case::Setting;
    /// use nhs_pds::process::store::Commit;
    /// use nhs_pds::trace::{Caller, LocalIdentity};
    ///
    /// let actor = Actor::new(&Caller::System(LocalIdentity::new("RHM".parse()?, "admin")?), "Admin");
    /// let now = "2026-11-23T09:30:00Z".parse()?;
    /// let entry = Entry::new(EventKind::ConfigurationChanged, now, &actor);
    /// let commit = Commit::of_a_person(&actor, now).set("colour", Setting::new("blue"), entry);
    /// assert_eq!(commit.sets[0].name, "colour");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, setting: Setting, entry: Entry) -> Self {
        self.sets.push(Set { name: name.into(), setting, entry });
        self
    }

    /// Returns this commit, which also delivers the alerts of the stored `case`; it is `due` then.
    #[must_use]
    pub fn deliver(mut self, case: Case, due: Due) -> Self {
        self.deliveries.push((case, due));
        self
    }

    /// Returns this commit, which also ends the leases of `owner` on `ids`.
    #[must_use]
    pub fn release(mut self, owner: &str, ids: Vec<CaseId>) -> Self {
        self.releases = Some((owner.to_owned(), ids));
        self
    }
}

impl Committed {
    /// Makes the result of a commit of the result of its save: not done when another program has
    /// changed, added or removed a case, or another case now has the number. For stores.
    ///
    /// ```
    /// use nhs_pds::case::{Error, ErrorKind};
    /// use nhs_pds::process::store::Committed;
    ///
    /// assert!(Committed::of(Ok(()))?.is_done());
    /// assert!(!Committed::of(Err(Error::new(ErrorKind::Conflict)))?.is_done());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the save, when the store failed.
    pub fn of(result: Result<(), case::Error>) -> Result<Self, case::Error> {
        match result {
            Ok(()) => Ok(Self::Done),
            Err(error) => match error.kind() {
                kind @ (ErrorKind::Conflict
                | ErrorKind::Exists
                | ErrorKind::NotFound
                | ErrorKind::NumberTaken) => {
                    Ok(Self::Refused { kind, case: error.case().cloned() })
                }
                _ => Err(error),
            },
        }
    }

    /// Whether everything was done.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// The audit entry for a change that is about to be saved, with the case as it will be.
pub(in crate::process) fn changed(
    actor: &Actor,
    case: &Case,
    why: &[(&str, &str)],
    at: DateTime<Utc>,
) -> Entry {
    let mut after = case.clone();
    after.version += 1;
    let entry = Entry::new(EventKind::CaseChanged, at, actor).about(Subject::snapshot(&after));
    why.iter().fold(entry, |entry, (key, value)| entry.with_detail(*key, *value))
}
