use crate::case::{Case, CaseId, RecordType, ReviewReason};
use crate::process::decision::eligibility::{Eligibility, Reason};
use crate::process::decision::result::TraceResult;
use crate::process::decision::rows::Row;
use crate::trace::{Error, Exchange};
use std::collections::BTreeMap;

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
    pub(in crate::process) fn new(case: &Case, eligibility: Eligibility) -> Self {
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
    pub(in crate::process) fn not_asked(case: &Case) -> Self {
        let mut report = Self::new(case, Eligibility::default());
        report.result = Some(TraceResult::NotAsked);
        report
    }
}

/// The report of one run. Counts every case that was due once, by its result or by its first reason.
#[non_exhaustive]
#[derive(Debug, Default, serde::Serialize)]
pub struct RunReport {
    /// The number of cases that were due and were looked at. A case that is not due is not read.
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
    /// The number of cases that were due and cannot be read, in this run or before;
    /// [`CaseStore::unreadable`] lists them.
    ///
    /// [`CaseStore::unreadable`]: crate::case::CaseStore::unreadable
    pub unreadable: u64,
    /// The number of cases that are due at the end of the run: those that it did not reach, and those
    /// that became due meanwhile.
    pub due: u64,
    /// Whether the run was told to end before the last case.
    pub interrupted: bool,
    /// Why queries ended before the last case. Either the service refused the configuration, or it
    /// rejected the questions about five cases in a row for the same reason: correct the fault
    /// before the next run. Or queries are [suspended](crate::resilience): run again at the
    /// [time](Error::suspended_until) in the error.
    pub stopped: Option<Error>,
}

impl RunReport {
    pub(in crate::process) fn count(&mut self, case: &CaseReport) {
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
            "row": Row::ALL[0].as_str(),
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
            "due": 0,
            "interrupted": false,
            "stopped": Error::new(ErrorKind::Configuration),
        });
        assert_eq!(to_value(&run).unwrap(), expected);

        let ineligible =
            Eligibility::default().and([Reason::NotDue, Reason::NotOnPds, Reason::NotInUse]);
        assert_eq!(to_value(&ineligible).unwrap(), json!(["not_in_use", "not_on_pds", "not_due"]));
    }
}
