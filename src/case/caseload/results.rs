use crate::case::caseload::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::record_type::RecordType;
use crate::demographics::{PartialDate, redacted_debug};
use crate::nhs_number::NhsNumber;
use crate::text::spreadsheet;
use crate::trace::Exchange;
use std::io::Write;

/// The columns of a file of results, in order.
const RESULT_COLUMNS: [&str; 11] = [
    "case_id",
    "record_type",
    "eligible",
    "reason",
    "result",
    "detail",
    "code",
    "nhs_number",
    "nhs_number_source",
    "date_of_death",
    "message_id",
];

/// One case in a file of results: its data after a run, and the result of the run.
#[non_exhaustive]
#[derive(Clone)]
pub struct ResultRow {
    /// The case.
    pub case_id: CaseId,
    /// The kind of record.
    pub record_type: RecordType,
    /// Whether the run selected the case (HAV-2 to HAV-4); written `yes` or `no`.
    pub eligible: bool,
    /// Why the run did not select the case, as a stable word. For a selected case, a data fault
    /// that does not prevent tracing.
    pub reason: Option<String>,
    /// The result of the trace: a stable word.
    pub result: Option<String>,
    /// Why a person who was found is left for a person to decide (HAV-10): a stable word, such as
    /// `differs:given`.
    pub detail: Option<String>,
    /// The service's code.
    pub code: Option<String>,
    /// The case's NHS Number, unless something is known against it ([`Case::usable_number`]);
    /// written as ten digits.
    pub nhs_number: Option<NhsNumber>,
    /// The source of that number.
    pub nhs_number_source: Option<String>,
    /// The date of death recorded on the case, as far as it is known; written `YYYY-MM-DD`.
    pub date_of_death: Option<PartialDate>,
    /// The identifier of the request, to quote to the service's support.
    pub message_id: Option<String>,
}

impl ResultRow {
    /// The row of `case` for a run that selected it and has no result yet. Code and message id are
    /// those of the case's last trace, until this run sets others.
    #[must_use]
    pub fn new(case: &Case) -> Self {
        let (last, usable) = (case.last_trace.as_ref(), case.usable_number());
        Self {
            case_id: case.id.clone(),
            record_type: case.record_type.clone(),
            eligible: true,
            reason: None,
            result: None,
            detail: None,
            code: last.and_then(|trace| trace.code.clone()),
            nhs_number: usable.map(|recorded| recorded.number),
            nhs_number_source: usable.map(|recorded| recorded.source.to_string()),
            date_of_death: case.date_of_death,
            message_id: last.and_then(|trace| trace.message_id.clone()),
        }
    }

    /// Returns this row for a run that did not select the case, with the `reason`.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.eligible = false;
        self.reason = Some(reason.into());
        self
    }

    /// Returns this row with a `fault` in the case's data that did not exclude the case.
    #[must_use]
    pub fn with_fault(mut self, fault: impl Into<String>) -> Self {
        self.reason = Some(fault.into());
        self
    }

    /// Returns this row with the result of the trace, in `exchange` if there was one.
    #[must_use]
    pub fn with_result(mut self, result: impl Into<String>, exchange: Option<&Exchange>) -> Self {
        self.result = Some(result.into());
        self.code = exchange.and_then(|exchange| exchange.code.clone());
        self.message_id = exchange.map(|exchange| exchange.message_id.clone());
        self
    }

    /// Returns this row with the reason why a person who was found is left for a person to decide.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

// The source of a number may be the local system's own text.
redacted_debug!(ResultRow);

/// Writes the results of a run: one row per case, in the order of the case ids.
///
/// # Errors
///
/// [`ErrorKind::Io`] when `to` cannot be written.
pub fn write_results(to: impl Write, mut results: Vec<ResultRow>) -> Result<(), Error> {
    let failed = |error: csv::Error| Error::new(ErrorKind::Io, error);
    results.sort_by(|a, b| a.case_id.cmp(&b.case_id));
    let mut rows = csv::Writer::from_writer(to);
    rows.write_record(RESULT_COLUMNS).map_err(failed)?;
    for row in &results {
        let number = row.nhs_number.map(NhsNumber::digits);
        let died = row.date_of_death.map(|date| date.to_string());
        let text = |value: &'_ Option<String>| value.clone().unwrap_or_default();
        let values: [String; RESULT_COLUMNS.len()] = [
            row.case_id.to_string(),
            row.record_type.to_string(),
            if row.eligible { "yes" } else { "no" }.to_owned(),
            text(&row.reason),
            text(&row.result),
            text(&row.detail),
            text(&row.code),
            number.map(|digits| digits.to_string()).unwrap_or_default(),
            text(&row.nhs_number_source),
            died.unwrap_or_default(),
            text(&row.message_id),
        ];
        rows.write_record(spreadsheet::row(&values)).map_err(failed)?;
    }
    rows.flush().map_err(|error| Error::new(ErrorKind::Io, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::number::{NumberSource, RecordedNumber};

    #[test]
    fn one_row_per_case_in_the_order_of_ids() {
        let mut found = Case::new("b, 2".parse().unwrap(), RecordType::SensoryLoss);
        found.nhs_number = Some(RecordedNumber::new(
            NhsNumber::constant(9_434_765_919),
            NumberSource::Imported(Some("SMSP".into())),
        ));
        found.date_of_death = Some("2026-11".parse().unwrap());
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", chrono::DateTime::UNIX_EPOCH)
            .with_code("SMSP-0000");
        let left_out = Case::new("a".parse().unwrap(), RecordType::Review);
        let recorded = Case::new("c".parse().unwrap(), RecordType::Review);
        let mut file = Vec::new();
        write_results(
            &mut file,
            vec![
                ResultRow::new(&found).with_result("deceased", Some(&exchange)),
                ResultRow::new(&recorded)
                    .with_fault("date_of_death_implausible")
                    .with_result("differs", Some(&exchange))
                    .with_detail("differs:given"),
                ResultRow::new(&left_out).with_reason("not_allocated"),
            ],
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "case_id,record_type,eligible,reason,result,detail,code,nhs_number,nhs_number_source,date_of_death,message_id\n\
             a,review,no,not_allocated,,,,,,,\n\
             \"b, 2\",\"blind, partially sighted or deaf\",yes,,deceased,,SMSP-0000,9434765919,SMSP,2026-11,M-1\n\
             c,review,yes,date_of_death_implausible,differs,differs:given,SMSP-0000,,,,M-1\n"
        );
        let row = ResultRow::new(&found);
        assert_eq!(format!("{row:?}"), "ResultRow(redacted)");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let mut full: [u8; 8] = [0; 8];
        let error = write_results(&mut full[..], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}
