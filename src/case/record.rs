use crate::case::alert::Alert;
use crate::case::deletion::{Absorbed, Deletion};
use crate::case::id::CaseId;
use crate::case::number::{RecordedNumber, TraceRecord};
use crate::case::record_type::RecordType;
use crate::case::review::ReviewItem;
use crate::case::trace_state::TraceState;
use crate::demographics::{FullDate, Gender, PartialDate, redacted_debug};
use crate::matching::LocalRecord;
use crate::nhs_number::NhsNumber;
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// One client's record in the local system, as far as finding the NHS Number needs it.
///
/// Demographic fields are as the local system records them: a postcode need not be valid, and a
/// name may contain anything. `None`, or an empty list, is "not recorded". The store sets the version.
///
/// ```
/// use nhs_pds::case::{Case, RecordType};
///
/// let mut case = Case::new("RXX:00001".parse()?, RecordType::AdultCase);
/// case.surname = Some("Aindow".into());
/// assert_eq!(case.version, 0);
/// assert_eq!(format!("{case:?}"), "Case(redacted)");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Case {
    /// The local system's identifier.
    pub id: CaseId,
    /// What kind of record it is (HAV-4).
    pub record_type: RecordType,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// First given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forename: Option<String>,
    /// Other names of the person (MSCA-DQ-04).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Given names after the first, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_forenames: Vec<String>,
    /// Family names that the person had before, such as the name before a marriage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_surnames: Vec<String>,
    /// Date of birth, of which day and month may be unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<PartialDate>,
    /// Administrative gender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The usual address, without the postcode; lines that are not used are empty.
    #[serde(default)]
    pub address: [String; 5],
    /// The postcode of the usual address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// The postcodes of places where the person has lived before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_postcodes: Vec<String>,
    /// Telephone numbers of the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telephones: Vec<String>,
    /// E-mail addresses of the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// The workers who have worked or work on the case (HAV-2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
    /// Date of death, from any source (HAV-2, HAV-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_of_death: Option<PartialDate>,
    /// Whether the Spine itself has returned the death. If so, an import without a date of death
    /// does not remove the date.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub death_traced: bool,
    /// Whether the local data contradict themselves about who the person is. The case is not traced
    /// until they are corrected.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub contradicted: bool,
    /// The NHS Number and its provenance (HAV-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<RecordedNumber>,
    /// The text that the local system has in place of an NHS Number whose digits are damaged, as in
    /// `9.43477E+09`. Screens show it to users who work on the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged_number: Option<String>,
    /// The result of the last trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_trace: Option<TraceRecord>,
    /// The last query, and when the case is traced again.
    #[serde(default)]
    pub asking: TraceState,
    /// Numbers that a user has found not to be this person's; they are never proposed again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected_numbers: Vec<NhsNumber>,
    /// Whether a user has found that PDS has no record of the person. The case is not traced until
    /// the demographic fields are corrected (MSCA-PDS-04).
    #[serde(default, skip_serializing_if = "Not::not")]
    pub not_on_pds: bool,
    /// The case's review items (HAV-10), in the order in which they were opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review: Vec<ReviewItem>,
    /// Alerts that are not yet delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undelivered: Vec<Alert>,
    /// Set when the case is not active (MSCA-DQ-02).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deletion>,
    /// The cases that were merged into this one (MSCA-DQ-01).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absorbed: Vec<Absorbed>,
    /// A digest of what the local system's data were when the case was last imported. With it,
    /// importing the same data again does not undo a later correction by a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_digest: Option<String>,
    /// How often the case has been saved, as counted by its store; 0 means never. A store sets it,
    /// and saves only over the version that it returned.
    #[serde(default)]
    pub version: u64,
}

impl Case {
    /// Creates a case with nothing recorded.
    #[must_use]
    pub fn new(id: CaseId, record_type: RecordType) -> Self {
        Self {
            id,
            record_type,
            surname: None,
            forename: None,
            aliases: Vec::new(),
            other_forenames: Vec::new(),
            former_surnames: Vec::new(),
            date_of_birth: None,
            gender: None,
            address: Default::default(),
            postcode: None,
            former_postcodes: Vec::new(),
            telephones: Vec::new(),
            emails: Vec::new(),
            allocations: Vec::new(),
            date_of_death: None,
            death_traced: false,
            contradicted: false,
            nhs_number: None,
            damaged_number: None,
            last_trace: None,
            asking: TraceState::default(),
            rejected_numbers: Vec::new(),
            not_on_pds: false,
            review: Vec::new(),
            undelivered: Vec::new(),
            deleted: None,
            absorbed: Vec::new(),
            read_digest: None,
            version: 0,
        }
    }

    /// Whether the case is active: not deleted, merged into another or erased.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.deleted.is_none()
    }

    /// The case's NHS Number, if the case is active. A case that is not active does not count as a
    /// holder of its number.
    #[must_use]
    pub fn live_number(&self) -> Option<NhsNumber> {
        self.nhs_number.as_ref().filter(|_| self.is_live()).map(|recorded| recorded.number)
    }

    /// The workers to whom the case is allocated without an end date, whether or not the allocation has begun.
    pub(crate) fn current_workers(&self) -> impl Iterator<Item = &str> {
        let current = self.allocations.iter().filter(|allocation| allocation.end.is_none());
        current.map(|allocation| allocation.worker.as_str())
    }

    /// Whether the case is allocated to one of `workers`, without an end date (HAV-12).
    #[must_use]
    pub fn is_allocated_to(&self, workers: &[String]) -> bool {
        self.current_workers().any(|worker| workers.iter().any(|name| name == worker))
    }

    /// The open review items.
    pub fn open_items(&self) -> impl Iterator<Item = &ReviewItem> {
        self.review.iter().filter(|item| item.is_open())
    }
}

/// A worker's time on a case (HAV-2).
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Allocation {
    /// The worker, by the name or id in the local system.
    pub worker: String,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<FullDate>,
    /// The last day, once it is recorded; a day in the future counts as an end too (HAV-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<FullDate>,
}

impl Allocation {
    /// Creates an allocation to `worker` without dates.
    #[must_use]
    pub fn new(worker: impl Into<String>) -> Self {
        Self { worker: worker.into(), start: None, end: None }
    }

    /// Returns this allocation, starting on `start`.
    #[must_use]
    pub const fn with_start(mut self, start: FullDate) -> Self {
        self.start = Some(start);
        self
    }

    /// Returns this allocation, ending on `end`.
    #[must_use]
    pub const fn with_end(mut self, end: FullDate) -> Self {
        self.end = Some(end);
        self
    }
}

redacted_debug!(Case, Allocation);
impl From<&Case> for LocalRecord {
    fn from(case: &Case) -> Self {
        let mut record = Self::default();
        record.surname.clone_from(&case.surname);
        record.forename.clone_from(&case.forename);
        record.date_of_birth = case.date_of_birth;
        record.gender = case.gender;
        record.address.clone_from(&case.address);
        record.postcode.clone_from(&case.postcode);
        record.date_of_death = case.date_of_death;
        record
    }
}
