use crate::case::advisory::{Advisory, AdvisoryKind, advisories};
use crate::case::candidate::Candidate;
use crate::case::caseload::error::{Error, ErrorKind};
use crate::case::deletion::DeletionKind;
use crate::case::number::{NumberSource, RecordedNumber};
use crate::case::record::Case;
use crate::case::review::ReviewItem;
use crate::matching::Risk;
use crate::nhs_number::NhsNumber;
use crate::text::spreadsheet;
use std::fmt;
use std::io::Write;

/// The columns of a file of decisions, in order.
const DECISION_COLUMNS: [&str; 19] = [
    "case_id",
    "record_type",
    "in_use",
    "result",
    "detail",
    "code",
    "nhs_number",
    "nhs_number_source",
    "nhs_number_standing",
    "strategy",
    "confirmed_by",
    "date_of_death",
    "not_on_pds",
    "rejected_numbers",
    "review",
    "advisories",
    "step",
    "risk",
    "candidates",
];

/// Writes the decisions about cases, one row per case as it arrives, with one row in memory.
///
/// A row contains every decision, and nothing that depends on time or repetition: no times, message
/// identifiers, versions or counts of attempts. Two stores with the same final decisions give the
/// same file, if the cases are written in the same order; pages of a store are sorted by id.
///
/// `step` and `risk` are the evidence for the case's number: the step of the strategy, and the probability that
/// the number is a different person's, as a decimal such as `0.0000012`. For a case without such evidence, they
/// are those of the most likely candidate. `candidates` are the numbers of the people whom a user can choose
/// from, the most likely first, of the newest open review item that has any.
///
/// ```
/// use nhs_pds::case::caseload::DecisionWriter;
/// use nhs_pds::case::{Case, RecordType};
///
/// let mut file = Vec::new();
/// let mut rows = DecisionWriter::new(&mut file)?;
/// rows.write(&Case::new("RXX:1".parse()?, RecordType::Review))?;
/// rows.finish()?;
/// assert!(String::from_utf8(file)?.ends_with("\nRXX:1,review,yes,,,,,,,,,,no,,,,,,\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DecisionWriter<W: Write>(csv::Writer<W>);

/// Shows nothing, because the writer buffers rows.
impl<W: Write> fmt::Debug for DecisionWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecisionWriter(..)")
    }
}

impl<W: Write> DecisionWriter<W> {
    /// Creates a file with the names of the columns as the first line.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when `to` cannot be written.
    pub fn new(to: W) -> Result<Self, Error> {
        let mut rows = csv::Writer::from_writer(to);
        rows.write_record(DECISION_COLUMNS).map_err(failed)?;
        Ok(Self(rows))
    }

    /// Writes the row of `case`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub fn write(&mut self, case: &Case) -> Result<(), Error> {
        self.0.write_record(spreadsheet::row(&values(case))).map_err(failed)
    }

    /// Flushes the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub fn finish(mut self) -> Result<(), Error> {
        self.0.flush().map_err(|error| Error::new(ErrorKind::Io, error))
    }
}

fn failed(error: csv::Error) -> Error {
    Error::new(ErrorKind::Io, error)
}

fn values(case: &Case) -> [String; DECISION_COLUMNS.len()] {
    let last = case.last_trace.as_ref();
    let recorded = case.nhs_number.as_ref();
    let traced = recorded.and_then(|recorded| match &recorded.source {
        NumberSource::Traced(provenance) => Some(provenance),
        NumberSource::Imported(_) => None,
    });
    let candidates = candidates(case);
    let of_number = traced.and_then(|traced| traced.step.as_ref().zip(traced.risk));
    let of_first = || candidates.first().map(|first| (&first.step, first.risk));
    let evidence = of_number.or_else(of_first);
    let some = |text: Option<&String>| text.cloned().unwrap_or_default();
    [
        case.id.to_string(),
        case.record_type.to_string(),
        in_use(case),
        some(last.map(|last| &last.result)),
        some(last.and_then(|last| last.detail.as_ref())),
        some(last.and_then(|last| last.code.as_ref())),
        recorded.map(|recorded| recorded.number.digits().to_string()).unwrap_or_default(),
        recorded.map(|recorded| recorded.source.to_string()).unwrap_or_default(),
        recorded.map(|recorded| status(case, recorded)).unwrap_or_default(),
        some(traced.map(|traced| &traced.strategy)),
        some(traced.and_then(|traced| traced.confirmed_by.as_ref())),
        case.date_of_death.map(|date| date.to_string()).unwrap_or_default(),
        if case.not_on_pds { "yes" } else { "no" }.to_owned(),
        joined(case.rejected_numbers.iter().map(|number| NhsNumber::digits(*number))),
        joined(case.review.iter().map(item)),
        joined(advisories(case).iter().map(|advisory: &Advisory| advisory.kind)),
        evidence.map(|(step, _)| step.clone()).unwrap_or_default(),
        evidence.map(|(_, risk)| decimal(risk)).unwrap_or_default(),
        joined(candidates.iter().map(|candidate| candidate.nhs_number.digits())),
    ]
}

/// The candidates of the newest open item that has any.
fn candidates(case: &Case) -> &[Candidate] {
    let items = case.open_items().filter(|item| !item.evidence.candidates.is_empty());
    items.max_by_key(|item| item.number).map_or(&[], |item| &item.evidence.candidates)
}

/// The probability as a decimal without an exponent, which spreadsheet programs read as a number.
fn decimal(risk: Risk) -> String {
    let text = format!("{:.12}", risk.probability());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn in_use(case: &Case) -> String {
    match case.deleted.as_ref().map(|deletion| &deletion.how) {
        None => "yes".to_owned(),
        Some(DeletionKind::Logical) => "deleted".to_owned(),
        Some(DeletionKind::MergedInto(into)) => format!("merged into {into}"),
        Some(DeletionKind::Erased) => "erased".to_owned(),
    }
}

/// Whether the number may be relied upon: its status, or `person_changed`.
fn status(case: &Case, recorded: &RecordedNumber) -> String {
    let in_doubt = recorded.status.is_usable() && case.person_changed();
    let word =
        if in_doubt { AdvisoryKind::PersonChanged.as_str() } else { recorded.status.as_str() };
    word.to_owned()
}

/// `reason state [assignee] number with others`; parts without a value are left out.
fn item(item: &ReviewItem) -> String {
    let mut said = format!("{} {}", item.reason, item.state);
    if let Some(assignee) = &item.assignee {
        said += &format!(" [{assignee}]");
    }
    if let Some(number) = item.evidence.nhs_number {
        said += &format!(" {}", number.digits());
    }
    if !item.evidence.others.is_empty() {
        said += &format!(" with {}", joined(item.evidence.others.iter()));
    }
    said
}

fn joined(values: impl Iterator<Item = impl ToString>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::number::Provenance;
    use crate::case::record_type::RecordType;
    use crate::case::review::{Evidence, ReviewReason, ReviewState};
    use crate::demographics::Demographics;
    use crate::matching::{Local, NameTables, relate};
    use crate::trace::{Exchange, Freshness};
    use chrono::DateTime;

    const NUMBERS: [NhsNumber; 3] = [
        NhsNumber::constant(5_990_000_014),
        NhsNumber::constant(5_990_000_022),
        NhsNumber::constant(5_990_000_030),
    ];

    fn exchange() -> Exchange {
        Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", DateTime::UNIX_EPOCH)
    }

    fn candidate(number: NhsNumber, step: &str, risk: f64) -> Candidate {
        let person = Demographics::default();
        let relations = relate(&Local::default(), &person, &NameTables::shipped());
        Candidate::new(number, person, relations, Risk::of(risk), vec![], step, exchange())
    }

    /// The last three columns.
    fn last(case: &Case) -> [String; 3] {
        let mut file = Vec::new();
        let mut rows = DecisionWriter::new(&mut file).unwrap();
        rows.write(case).unwrap();
        rows.finish().unwrap();
        let mut reader = csv::Reader::from_reader(file.as_slice());
        let columns = reader.headers().unwrap().clone();
        assert_eq!(columns.iter().collect::<Vec<_>>()[16..], ["step", "risk", "candidates"]);
        let row = reader.records().next().unwrap().unwrap();
        std::array::from_fn(|place| row[16 + place].to_owned())
    }

    #[test]
    fn a_risk_is_a_plain_decimal() {
        for (risk, text) in [
            (0.000_001_2, "0.0000012"),
            (0.0, "0.000000000001"),
            (1.0, "1"),
            (0.5, "0.5"),
            (0.018_6, "0.0186"),
            (1e-10, "0.0000000001"),
        ] {
            assert_eq!(decimal(Risk::of(risk)), text);
            assert_eq!(Risk::of(text.parse().unwrap()), Risk::of(risk), "it is read back");
        }
    }

    #[test]
    fn the_evidence_is_the_number_s_or_that_of_the_newest_candidates() {
        let mut case = Case::new("1".parse().unwrap(), RecordType::Review);
        assert_eq!(last(&case), ["", "", ""]);
        let [a, b, c] = NUMBERS;
        let found = |candidates: Vec<Candidate>| Evidence { candidates, ..Evidence::default() };
        let at = DateTime::UNIX_EPOCH;
        let old = found(vec![candidate(a, "exact", 0.1)]);
        case.open_item(ReviewReason::Invalidated, &old, at);
        let new = found(vec![candidate(b, "no_given", 0.25), candidate(c, "exact", 0.5)]);
        case.open_item(ReviewReason::Unconfirmed, &new, at);
        case.open_item(ReviewReason::NumberDamaged, &Evidence::default(), at);
        assert_eq!(last(&case), ["no_given", "0.25", "5990000022; 5990000030"]);

        let provenance = Provenance::new(exchange(), Freshness::Live, "smsp-1");
        let number = |provenance| Some(RecordedNumber::new(a, NumberSource::Traced(provenance)));
        case.nhs_number = number(provenance.clone());
        let without = "a number from before evidence was recorded";
        assert_eq!(last(&case)[..2], ["no_given", "0.25"], "{without}");
        let evidence = candidate(a, "no_postcode", 0.000_001_2);
        case.nhs_number = number(provenance.with_evidence(&evidence));
        assert_eq!(last(&case), ["no_postcode", "0.0000012", "5990000022; 5990000030"]);

        case.review[1].state = ReviewState::Resolved;
        assert_eq!(last(&case)[2], "5990000014", "the older item is now the newest open one");
        case.review[0].state = ReviewState::Dismissed;
        assert_eq!(last(&case)[2], "");
    }
}
