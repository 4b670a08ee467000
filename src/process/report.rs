use crate::case::{Case, CaseId, RecordType, ReviewReason};
use crate::process::eligibility::faults;
use crate::process::{Eligibility, Reason, Row};
use crate::trace::{Error, Exchange};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::fmt;

/// What a run brought for one eligible case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TraceResult {
    /// The number was written.
    Found,
    /// The number that the case held was matched and validated.
    Verified,
    /// The number was replaced, and the new one was written.
    Replaced,
    /// The date of death was written, and the number written or confirmed.
    Deceased,
    /// The number was written from a provider's copy, and will be asked for again.
    Stale,
    /// Nobody matches.
    None,
    /// Several people match.
    Ambiguous,
    /// The number has been replaced, and by which is not known or not settled; nothing was written.
    Superseded,
    /// The number is no longer valid.
    Invalidated,
    /// The number is in use, but the particulars do not agree with it well enough.
    NotVerified,
    /// The person found is not as asked for, or cannot be told to be; nothing was written.
    Differs,
    /// The number found is not the one that the case holds; nothing was written.
    Conflict,
    /// Another case holds the number found; nothing was written.
    Duplicate,
    /// The person found has died on a day that cannot be read; nothing was written.
    DeathUndated,
    /// The service refused the data.
    Rejected,
    /// There was no answer; the case will be asked about again.
    Unavailable,
    /// The answer could not be understood.
    Unreadable,
    /// The service refused the configuration, which ended the asking.
    Configuration,
    /// The case was changed by somebody else meanwhile; left for the next run.
    ConflictOnSave,
    /// Asking had ended before this case's turn.
    NotAsked,
}

impl TraceResult {
    /// A stable word for reports, metrics and a case's last trace: the variant's name in lower case,
    /// joined by `_`.
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

    /// Whether it is settled who the person is, at least until a copy's word is checked.
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

/// What became of one case in a run. Holds nothing about the person.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case.
    pub case_id: CaseId,
    /// What kind of record it is.
    pub record_type: RecordType,
    /// Whether it was selected.
    pub eligibility: Eligibility,
    /// What tracing brought; `None` when the case was not selected.
    pub result: Option<TraceResult>,
    /// The row of the decision table that applied.
    pub row: Option<Row>,
    /// Why somebody has to look.
    pub review: Option<ReviewReason>,
    /// Whether a number was written or confirmed.
    pub number_written: bool,
    /// The exchange, when a message was made.
    pub exchange: Option<Exchange>,
    /// Why there was no answer: the [causes](Error::cause) of the error, if it had any.
    pub cause: Option<String>,
    /// What is wrong with the data, and does not keep the case from being traced, such as a date of death
    /// that is to come. A run fills it in.
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

    /// A case that asking did not come to.
    pub(super) fn not_asked(case: &Case) -> Self {
        let mut report = Self::new(case, Eligibility::default());
        report.result = Some(TraceResult::NotAsked);
        report
    }
}

/// The faults in the data of a page's cases that keep them from nothing.
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

/// What one run did. Every case seen is counted once, by its result or by its first reason.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct RunReport {
    /// How many cases were looked at.
    pub seen: u64,
    /// How many of them were eligible.
    pub eligible: u64,
    /// How many of these had each result.
    pub results: BTreeMap<TraceResult, u64>,
    /// How many cases were not eligible for each first reason.
    pub ineligible: BTreeMap<Reason, u64>,
    /// How many cases have each fault in their data that keeps them from nothing
    /// ([`CaseReport::faults`]), eligible or not.
    pub faults: BTreeMap<Reason, u64>,
    /// How many numbers were written or confirmed.
    pub numbers_written: u64,
    /// How many cases somebody has to look at.
    pub to_review: u64,
    /// How many cases cannot be read and were passed over; [`CaseStore::unreadable`] names them.
    ///
    /// [`CaseStore::unreadable`]: crate::case::CaseStore::unreadable
    pub unreadable: u64,
    /// Whether the run was told to end before the last case.
    pub interrupted: bool,
    /// Why asking ended before the last case. Either the service refused the configuration, or the questions
    /// about five cases in a row for the same reason: have it fixed before the next run. Or asking is [suspended](crate::resilience), and the error says [until
    /// when](Error::suspended_until): run again then.
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
