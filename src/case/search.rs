use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::submission::Submission;
use crate::demographics::{PartialDate, Postcode, redacted_debug};
use crate::matching::normalised_name;
use crate::nhs_number::NhsNumber;

/// Selects cases that meet every condition, for a screen.
///
/// ```
/// use nhs_pds::case::{Case, CaseFilter, RecordType};
///
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// case.surname = Some("O\u{2019}Br\u{ed}en".into());
/// assert!(CaseFilter::default().with_surname("o bri").matches(&case));
/// assert!(!CaseFilter::default().with_surname("brien").matches(&case));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct CaseFilter {
    id: Option<CaseId>,
    number: Option<NhsNumber>,
    surname: Option<String>,
    date_of_birth: Option<PartialDate>,
    postcode: Option<String>,
    includes_inactive: bool,
    lacks_number: bool,
    workers: Option<Vec<String>>,
    batch: Option<String>,
    reference: Option<String>,
}

impl CaseFilter {
    /// Only the case with this id.
    #[must_use]
    pub fn with_id(mut self, id: CaseId) -> Self {
        self.id = Some(id);
        self
    }

    /// Only cases with this NHS Number.
    #[must_use]
    pub const fn with_nhs_number(mut self, number: NhsNumber) -> Self {
        self.number = Some(number);
        self
    }

    /// Only cases whose surname begins with `start`. Ignores upper and lower case, accents, apostrophes,
    /// hyphens, spaces, and notes in brackets. A text of which nothing remains is no condition.
    #[must_use]
    pub fn with_surname(mut self, start: &str) -> Self {
        self.surname = Some(surname_form(start)).filter(|form| !form.is_empty());
        self
    }

    /// Only cases with this date of birth. A year, or a month of a year, selects its days.
    #[must_use]
    pub const fn with_date_of_birth(mut self, date: PartialDate) -> Self {
        self.date_of_birth = Some(date);
        self
    }

    /// Only cases with this postcode, whatever its spaces and its case.
    #[must_use]
    pub fn with_postcode(mut self, postcode: &str) -> Self {
        self.postcode = Some(postcode_form(postcode));
        self
    }

    /// Also cases that are not active. Default: active cases.
    #[must_use]
    pub const fn with_inactive(mut self) -> Self {
        self.includes_inactive = true;
        self
    }

    /// Only cases without an NHS Number.
    #[must_use]
    pub const fn without_nhs_number(mut self) -> Self {
        self.lacks_number = true;
        self
    }

    /// Only cases that are allocated to one of `workers`, without an end date (HAV-12). No case, if there is no
    /// worker.
    #[must_use]
    pub fn with_workers(mut self, workers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.workers = Some(workers.into_iter().map(Into::into).collect());
        self
    }

    /// Only cases that wait for a row of the batch `id`.
    #[must_use]
    pub fn with_batch(mut self, id: impl Into<String>) -> Self {
        self.batch = Some(id.into());
        self
    }

    /// Only the case that waits for the row with this unique reference.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// The case id, if it is a condition.
    #[must_use]
    pub const fn id(&self) -> Option<&CaseId> {
        self.id.as_ref()
    }

    /// The NHS Number, if it is a condition.
    #[must_use]
    pub const fn nhs_number(&self) -> Option<NhsNumber> {
        self.number
    }

    /// The start of [`SearchKeys::surname`], if it is a condition.
    #[must_use]
    pub fn surname_start(&self) -> Option<&str> {
        self.surname.as_deref()
    }

    /// The start of [`SearchKeys::date_of_birth`], if it is a condition.
    #[must_use]
    pub fn date_of_birth_start(&self) -> Option<String> {
        self.date_of_birth.map(|date| date.to_string())
    }

    /// The [`SearchKeys::postcode`], if it is a condition.
    #[must_use]
    pub fn postcode(&self) -> Option<&str> {
        self.postcode.as_deref()
    }

    /// Whether cases that are not active are selected too.
    #[must_use]
    pub const fn includes_inactive(&self) -> bool {
        self.includes_inactive
    }

    /// Whether only cases without an NHS Number are selected.
    #[must_use]
    pub const fn lacks_nhs_number(&self) -> bool {
        self.lacks_number
    }

    /// The workers to one of whom the case must be allocated, if it is a condition.
    #[must_use]
    pub fn workers(&self) -> Option<&[String]> {
        self.workers.as_deref()
    }

    /// The [`SearchKeys::batch`], if it is a condition.
    #[must_use]
    pub fn batch(&self) -> Option<&str> {
        self.batch.as_deref()
    }

    /// The [`SearchKeys::reference`], if it is a condition.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Whether `case` meets every condition.
    #[must_use]
    pub fn matches(&self, case: &Case) -> bool {
        let submitted = case.asking.submitted.as_ref();
        let is = |wanted: &Option<String>, text: fn(&Submission) -> &str| {
            wanted.as_ref().is_none_or(|wanted| submitted.map(text) == Some(wanted))
        };
        if !is(&self.batch, |row| &row.batch) || !is(&self.reference, |row| &row.reference) {
            return false;
        }
        let starts = |start: Option<&str>, text: Option<&str>| {
            start.is_none_or(|start| text.is_some_and(|text| text.starts_with(start)))
        };
        let keys = SearchKeys::of(case);
        (self.includes_inactive || case.is_live())
            && self.id.as_ref().is_none_or(|id| case.id == *id)
            && !(self.lacks_number && keys.nhs_number.is_some())
            && self.workers.as_ref().is_none_or(|workers| case.is_allocated_to(workers))
            && self.number.is_none_or(|number| keys.nhs_number == Some(number))
            && starts(self.surname_start(), keys.surname.as_deref())
            && starts(self.date_of_birth_start().as_deref(), keys.date_of_birth.as_deref())
            && self.postcode.as_ref().is_none_or(|is| keys.postcode.as_ref() == Some(is))
    }

    /// The names of the conditions, for the audit trail.
    pub(crate) fn conditions(&self) -> Vec<&'static str> {
        [
            ("case_id", self.id.is_some()),
            ("nhs_number", self.number.is_some()),
            ("surname", self.surname.is_some()),
            ("date_of_birth", self.date_of_birth.is_some()),
            ("postcode", self.postcode.is_some()),
            ("inactive", self.includes_inactive),
            ("without_nhs_number", self.lacks_number),
            ("workers", self.workers.is_some()),
            ("batch", self.batch.is_some()),
            ("reference", self.reference.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_set)| is_set.then_some(name))
        .collect()
    }
}

/// What a case is found by: the columns that a store indexes for [`CaseStore::search`].
///
/// They contain demographic fields. An erasure must reach them.
///
/// [`CaseStore::search`]: crate::case::CaseStore::search
///
/// ```
/// use nhs_pds::case::{Case, RecordType, SearchKeys};
///
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// case.surname = Some("De la Cruz".into());
/// assert_eq!(SearchKeys::of(&case).surname.as_deref(), Some("DELACRUZ"));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct SearchKeys {
    /// The NHS Number, whether or not the case is active.
    pub nhs_number: Option<NhsNumber>,
    /// The surname in upper case, without accents, apostrophes, hyphens, spaces and notes.
    pub surname: Option<String>,
    /// The date of birth as it is recorded: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date_of_birth: Option<String>,
    /// The postcode with its one space; other text in upper case without spaces.
    pub postcode: Option<String>,
    /// The batch of which the case waits for a row.
    pub batch: Option<String>,
    /// The unique reference of that row.
    pub reference: Option<String>,
}

impl SearchKeys {
    /// The keys of `case`.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        let surname = case.surname.as_deref().map(surname_form);
        Self {
            nhs_number: case.nhs_number.as_ref().map(|recorded| recorded.number),
            surname: surname.filter(|form| !form.is_empty()),
            date_of_birth: case.date_of_birth.map(|date| date.to_string()),
            postcode: case.postcode.as_deref().map(postcode_form),
            batch: case.asking.submitted.as_ref().map(|row| row.batch.clone()),
            reference: case.asking.submitted.as_ref().map(|row| row.reference.clone()),
        }
    }
}

fn surname_form(text: &str) -> String {
    normalised_name(text).chars().filter(|letter| *letter != ' ').collect()
}

fn postcode_form(text: &str) -> String {
    let other = || text.split_whitespace().collect::<String>().to_uppercase();
    text.parse().map_or_else(|_| other(), |postcode: Postcode| postcode.to_string())
}

redacted_debug!(CaseFilter, SearchKeys);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::deletion::{Deletion, DeletionKind};
    use crate::case::number::{NumberSource, RecordedNumber};
    use crate::case::record_type::RecordType;
    use chrono::DateTime;

    fn zoe() -> Case {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        case.surname = Some("O\u{2019}Br\u{ed}en-Sm\u{ed}th (n\u{e9}e Jones)".into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.postcode = Some("ls14hy".into());
        let number = NhsNumber::constant(9_434_765_919);
        case.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        case
    }

    #[test]
    fn a_surname_is_found_by_its_start_however_it_is_typed() {
        for start in
            ["o", "OB", "O'Brien", "o\u{2019}brien s", "OBRIEN-SMITH", " O Brien ", "", " ", "-"]
        {
            assert!(CaseFilter::default().with_surname(start).matches(&zoe()), "{start:?}");
        }
        for start in ["Brien", "O'Brian", "Jones", "O'Brien-Smithson"] {
            assert!(!CaseFilter::default().with_surname(start).matches(&zoe()), "{start:?}");
        }
        let mut nameless = zoe();
        nameless.surname = None;
        assert!(!CaseFilter::default().with_surname("o").matches(&nameless));
    }

    #[test]
    fn each_condition_counts() {
        let all = || {
            CaseFilter::default()
                .with_id(zoe().id)
                .with_nhs_number(NhsNumber::constant(9_434_765_919))
                .with_surname("o'b")
                .with_date_of_birth("1943-05".parse().unwrap())
                .with_postcode("LS1 4HY")
        };
        assert!(all().matches(&zoe()));
        let changes: [fn(&mut Case); 6] = [
            |case| case.id = "RXX:11".parse().unwrap(),
            |case| case.nhs_number = None,
            |case| case.surname = Some("Smith".into()),
            |case| case.date_of_birth = Some("1943-04-19".parse().unwrap()),
            |case| case.postcode = Some("LS1 4HX".into()),
            |case| {
                let at = DateTime::UNIX_EPOCH;
                case.deleted = Some(Deletion::new(at, "u1", DeletionKind::Logical));
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut case = zoe();
            change(&mut case);
            assert!(!all().matches(&case), "{number}");
            assert_eq!(all().with_inactive().matches(&case), number == 5, "{number}");
        }
    }

    #[test]
    fn a_date_of_birth_is_found_by_its_year_and_month() {
        for (date, found) in [
            ("1943", true),
            ("1943-05", true),
            ("1943-05-19", true),
            ("1944", false),
            ("1943-05-01", false),
        ] {
            let filter = CaseFilter::default().with_date_of_birth(date.parse().unwrap());
            assert_eq!(filter.matches(&zoe()), found, "{date}");
        }
    }

    #[test]
    fn a_postcode_that_is_none_is_found_too() {
        let mut case = zoe();
        case.postcode = Some("not  known".into());
        assert!(CaseFilter::default().with_postcode("Not Known").matches(&case));
    }
}
