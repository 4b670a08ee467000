use crate::case::{Case, CaseId, RecordType, ReviewReason};
use crate::process::eligibility::faults;
use crate::process::{Eligibility, Reason, Row};
use crate::trace::{Error, Exchange};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::fmt;

/// The result of a run for one eligible case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceResult {
    /// The number was written.
    Found,
    /// The case's NHS Number was matched and validated.
    Verified,
    /// The number was replaced, and the new one was written.
    Replaced,
    /// The date of death was written, and the number written or confirmed.
    Deceased,
    /// The number was written from a provider's copy, and will be traced again.
    Stale,
    /// No person matches.
    None,
    /// Several people match.
    Ambiguous,
    /// The number was replaced, but the new number is unknown or unconfirmed; nothing was written.
    Superseded,
    /// The number is no longer valid.
    Invalidated,
    /// The number is in use, but the demographics do not match well enough.
    NotVerified,
    /// The returned person does not match, or the match cannot be confirmed; nothing was written.
    Differs,
    /// The number found is not the case's NHS Number; nothing was written.
    Conflict,
    /// Another case has the number found; nothing was written.
    Duplicate,
    /// The person found has died, but the date of death cannot be read; nothing was written.
    DeathUndated,
    /// The service rejected the data.
    Rejected,
    /// There was no answer; the case will be traced again.
    Unavailable,
    /// The response could not be understood.
    Unreadable,
    /// The service refused the configuration, and queries ended.
    Configuration,
    /// Another program changed the case meanwhile; left for the next run.
    ConflictOnSave,
    /// Queries ended before this case's turn.
    NotAsked,
}

impl TraceResult {
    /// Returns a stable word for reports, metrics and a case's last trace: the variant's name in
    /// lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Verified => "verified",
            Self::Replaced => "replaced",
            Self::Deceased => "deceased",
            Self::Stale => "stale",
            Self::None => "none",
            Self::Ambiguous => "ambiguous",
            Self::Superseded => "superseded",
            Self::Invalidated => "invalidated",
            Self::NotVerified => "not_verified",
            Self::Differs => "differs",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::DeathUndated => "death_undated",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::Configuration => "configuration",
            Self::ConflictOnSave => "conflict_on_save",
            Self::NotAsked => "not_asked",
        }
    }

    /// Whether the person is identified, at least until a provider's copy is verified.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Found | Self::Verified | Self::Replaced | Self::Deceased | Self::Stale)
    }
}

impl fmt::Display for TraceResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The report of one case in a run. Contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, serde::Serialize)]
pub struct CaseReport {
    /// The case.
    pub case_id: CaseId,
    /// The record type.
    pub record_type: RecordType,
    /// Whether it was selected.
    pub eligibility: Eligibility,
    /// The result of the trace; `None` when the case was not selected.
    pub result: Option<TraceResult>,
    /// The row of the decision table that applied.
    pub row: Option<Row>,
    /// Why a reviewer is needed.
    pub review: Option<ReviewReason>,
    /// Whether a number was written or confirmed.
    pub number_written: bool,
    /// The exchange, if a message was built.
    pub exchange: Option<Exchange>,
    /// Why there was no answer: the [causes](Error::cause) of the error, if it had any.
    pub cause: Option<String>,
    /// Faults in the data that do not prevent tracing, such as a future date of death. Filled in by
    /// a run.
    pub faults: Vec<Reason>,
}

impl CaseReport {
    pub(super) fn new(case: &Case, eligibility: Eligibility) -> Self {
        Self {
            case_id: case.id.clone(),
            record_type: case.record_type.clone(),
            eligibility,
            result: None,
            row: None,
            review: None,
            number_written: false,
            exchange: None,
            cause: None,
            faults: Vec::new(),
        }
    }

    /// Reports a case that the run did not reach.
    pub(super) fn not_asked(case: &Case) -> Self {
        let mut report = Self::new(case, Eligibility::default());
        report.result = Some(TraceResult::NotAsked);
        report
    }
}

/// The faults of a page's cases that do not prevent tracing.
pub(super) struct PageFaults(BTreeMap<CaseId, Vec<Reason>>);

impl PageFaults {
    pub(super) fn of(page: &[Case], now: DateTime<Utc>) -> Self {
        let all = page.iter().map(|case| (case.id.clone(), faults(case, now)));
        Self(all.filter(|(_, faults)| !faults.is_empty()).collect())
    }

    /// Adds them to the reports of their cases.
    pub(super) fn add_to(mut self, reports: &mut [CaseReport]) {
        for report in reports {
            report.faults = self.0.remove(&report.case_id).unwrap_or_default();
        }
    }
}

/// The report of one run. Counts every case once, by its result or by its first reason.
#[non_exhaustive]
#[derive(Debug, Default, serde::Serialize)]
pub struct RunReport {
    /// The number of cases examined.
    pub seen: u64,
    /// The number of eligible cases.
    pub eligible: u64,
    /// The number of eligible cases with each result.
    pub results: BTreeMap<TraceResult, u64>,
    /// The number of ineligible cases for each first reason.
    pub ineligible: BTreeMap<Reason, u64>,
    /// The number of cases, eligible or not, with each fault that does not prevent tracing
    /// ([`CaseReport::faults`]).
    pub faults: BTreeMap<Reason, u64>,
    /// The number of NHS Numbers written or confirmed.
    pub numbers_written: u64,
    /// The number of cases that need a reviewer.
    pub to_review: u64,
    /// The number of cases skipped because they cannot be read; [`CaseStore::unreadable`] lists
    /// them.
    ///
    /// [`CaseStore::unreadable`]: crate::case::CaseStore::unreadable
    pub unreadable: u64,
    /// Whether the run was told to end before the last case.
    pub interrupted: bool,
    /// Why queries ended before the last case. Either the service refused the configuration, or it
    /// rejected the questions about five cases in a row for the same reason: correct the fault
    /// before the next run. Or queries are [suspended](crate::resilience): run again at the
    /// [time](Error::suspended_until) in the error.
    pub stopped: Option<Error>,
}

impl RunReport {
    pub(super) fn count(&mut self, case: &CaseReport) {
        self.seen += 1;
        if let Some(result) = case.result {
            self.eligible += 1;
            self.numbers_written += u64::from(case.number_written);
            self.to_review += u64::from(case.review.is_some());
            *self.results.entry(result).or_default() += 1;
        }
        if let Some(reason) = case.eligibility.reason() {
            *self.ineligible.entry(reason).or_default() += 1;
        }
        for fault in &case.faults {
            *self.faults.entry(*fault).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ErrorKind;
    use serde_json::{json, to_value};

    #[test]
    fn reports_as_json() {
        let case = Case::new("RHM:00001".parse().unwrap(), RecordType::AdultCase);
        let mut report = CaseReport::new(&case, Eligibility::default());
        report.result = Some(TraceResult::NotVerified);
        report.row = Row::ALL.first().copied();
        report.review = Some(ReviewReason::NotVerified);
        report.faults = vec![Reason::DateOfDeathImplausible];
        let mut run = RunReport::default();
        run.count(&report);
        run.stopped = Some(Error::new(ErrorKind::Configuration));
        let expected = json!({
            "case_id": "RHM:00001",
            "record_type": RecordType::AdultCase,
            "eligibility": [],
            "result": "not_verified",
            "row": Row::ALL[0].name(),
            "review": "not_verified",
            "number_written": false,
            "exchange": null,
            "cause": null,
            "faults": ["date_of_death_implausible"],
        });
        assert_eq!(to_value(&report).unwrap(), expected);
        let expected = json!({
            "seen": 1,
            "eligible": 1,
            "results": { "not_verified": 1 },
            "ineligible": {},
            "faults": { "date_of_death_implausible": 1 },
            "numbers_written": 0,
            "to_review": 1,
            "unreadable": 0,
            "interrupted": false,
            "stopped": Error::new(ErrorKind::Configuration),
        });
        assert_eq!(to_value(&run).unwrap(), expected);

        let ineligible =
            Eligibility::default().and([Reason::NotDue, Reason::NotOnPds, Reason::NotInUse]);
        assert_eq!(to_value(&ineligible).unwrap(), json!(["not_in_use", "not_on_pds", "not_due"]));
    }

    #[test]
    fn a_result_has_its_word_as_json() {
        use TraceResult::{
            Ambiguous, Configuration, Conflict, ConflictOnSave, DeathUndated, Deceased, Differs,
            Duplicate, Found, Invalidated, None, NotAsked, NotVerified, Rejected, Replaced, Stale,
            Superseded, Unavailable, Unreadable, Verified,
        };

        for result in [
            Found,
            Verified,
            Replaced,
            Deceased,
            Stale,
            None,
            Ambiguous,
            Superseded,
            Invalidated,
            NotVerified,
            Differs,
            Conflict,
            Duplicate,
            DeathUndated,
            Rejected,
            Unavailable,
            Unreadable,
            Configuration,
            ConflictOnSave,
            NotAsked,
        ] {
            assert_eq!(to_value(result).unwrap(), result.as_str());
        }
    }
}
