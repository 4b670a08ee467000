use crate::case::caseload::COLUMNS;
use crate::case::caseload::dates;
use crate::case::caseload::error::Fault;
use crate::case::id::{self, CaseId};
use crate::case::number::{NumberSource, RecordedNumber};
use crate::case::placeholder::is_no_number;
use crate::case::record::{Allocation, Case};
use crate::demographics::{DateError, FullDate, PartialDate, is_same_form};
use crate::nhs_number::ParseError;

/// A fault and the column that has it.
pub(super) type At = (&'static str, Fault);

/// Reads one row: a case with at most one allocation, and the fault of a value that was read as
/// blank.
///
/// `values` are in the order of [`COLUMNS`], without white space around them.
///
/// `day_first` allows dates such as `19/01/1986`.
pub(super) fn case(
    values: [&str; COLUMNS.len()],
    day_first: bool,
) -> Result<(Case, Option<At>), At> {
    // One name per column, so that the compiler checks their number.
    let [
        id,
        record_type,
        surname,
        forename,
        date_of_birth,
        gender,
        address_1,
        address_2,
        address_3,
        address_4,
        address_5,
        postcode,
        worker,
        start,
        end,
        date_of_death,
        number,
        source,
    ] = values;
    let partial_date = |column, value| partial_date(column, value, day_first);
    let id: CaseId = id.parse().map_err(|error| match error {
        id::BLANK => ("case_id", Fault::Blank),
        id::LONG => ("case_id", Fault::Long),
        _ => ("case_id", Fault::Control),
    })?;
    let record_type = single_line("record_type", record_type)?
        .parse()
        .map_err(|_| ("record_type", Fault::Blank))?;
    let mut case = Case::new(id, record_type);
    case.surname = text(surname);
    case.forename = text(forename);
    case.date_of_birth = partial_date("date_of_birth", date_of_birth)?;
    case.gender = match gender {
        "" => None,
        gender => Some(gender.parse().map_err(|error| ("gender", Fault::Gender(error)))?),
    };
    case.address = [address_1, address_2, address_3, address_4, address_5].map(str::to_owned);
    case.postcode = text(postcode);
    case.allocations.extend(allocation(worker, start, end, day_first)?);
    case.date_of_death = partial_date("date_of_death", date_of_death)?;
    let flag = match held_number(number, source)? {
        Ok(recorded) => {
            case.nhs_number = recorded;
            None
        }
        Err(error) => {
            case.damaged_number = Some(number.to_owned());
            Some(("nhs_number", Fault::NhsNumber(error)))
        }
    };
    Ok((case, flag))
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

/// A line break in a value that never has one shows that a quotation mark has joined the next rows
/// to it.
fn single_line<'a>(column: &'static str, value: &'a str) -> Result<&'a str, At> {
    if value.chars().any(char::is_control) { Err((column, Fault::Control)) } else { Ok(value) }
}

fn partial_date(
    column: &'static str,
    value: &str,
    day_first: bool,
) -> Result<Option<PartialDate>, At> {
    if value.is_empty() {
        return Ok(None);
    }
    let rewritten = day_first.then(|| dates::day_first(value)).flatten();
    PartialDate::from_local(rewritten.as_deref().unwrap_or(value))
        .map(Some)
        .map_err(|error| (column, Fault::Date(error)))
}

fn full_date(column: &'static str, value: &str, day_first: bool) -> Result<Option<FullDate>, At> {
    let date = partial_date(column, value, day_first)?;
    let full = date.map(|date| date.full().ok_or((column, Fault::Date(DateError::Partial))));
    full.transpose()
}

fn allocation(
    worker: &str,
    start: &str,
    end: &str,
    day_first: bool,
) -> Result<Option<Allocation>, At> {
    let start = full_date("allocation_start", start, day_first)?;
    let end = full_date("allocation_end", end, day_first)?;
    if worker.is_empty() {
        let dated = start.is_some() || end.is_some();
        return if dated { Err(("allocated_worker", Fault::Blank)) } else { Ok(None) };
    }
    let mut allocation = Allocation::new(single_line("allocated_worker", worker)?);
    (allocation.start, allocation.end) = (start, end);
    Ok(Some(allocation))
}

/// The number with its source, or why the number cannot be read. A placeholder counts as no number
/// and no source.
fn held_number(
    number: &str,
    source: &str,
) -> Result<Result<Option<RecordedNumber>, ParseError>, At> {
    let source = text(single_line("nhs_number_source", source)?);
    let source = source.filter(|source| !is_no_number(source));
    if number.is_empty() {
        return if source.is_some() { Err(("nhs_number", Fault::Blank)) } else { Ok(Ok(None)) };
    }
    if is_no_number(number) {
        return Ok(Ok(None));
    }
    // Other control characters, such as a tab between digits, damage only this value.
    if number.contains(['\r', '\n']) {
        return Err(("nhs_number", Fault::Control));
    }
    let number = number.parse();
    Ok(number.map(|number| Some(RecordedNumber::new(number, NumberSource::Imported(source)))))
}

/// How two rows of one case disagree, except in allocations and dates of death.
pub(super) struct Contradiction {
    /// The first column in which they disagree.
    pub(super) column: &'static str,
    /// Whether the rows may be of two people.
    pub(super) of_identity: bool,
}

/// How `other` disagrees with the first row of its case.
pub(super) fn contradiction(first: &Case, other: &Case) -> Option<Contradiction> {
    let of_identity = identity(first, other);
    let column = of_identity.or_else(|| home(first, other))?;
    Some(Contradiction { column, of_identity: of_identity.is_some() })
}

/// The first column about who the person is in which the two disagree.
fn identity(first: &Case, other: &Case) -> Option<&'static str> {
    let source = |case: &Case| case.nhs_number.as_ref().map(|recorded| recorded.source.clone());
    let number = |case: &Case| case.nhs_number.as_ref().map(|recorded| recorded.number);
    // The original of a damaged number is not known.
    let damaged = first.damaged_number.is_some() || other.damaged_number.is_some();
    [
        ("record_type", first.record_type == other.record_type),
        ("surname", is_same(first.surname.as_deref(), other.surname.as_deref())),
        ("forename", is_same(first.forename.as_deref(), other.forename.as_deref())),
        ("date_of_birth", first.date_of_birth == other.date_of_birth),
        ("gender", first.gender == other.gender),
        ("nhs_number", damaged || number(first) == number(other)),
        ("nhs_number_source", damaged || source(first) == source(other)),
    ]
    .into_iter()
    .find_map(disagrees)
}

fn is_same(name: Option<&str>, other: Option<&str>) -> bool {
    match (name, other) {
        (Some(name), Some(other)) => is_same_form(name, other),
        (name, other) => name == other,
    }
}

/// The first column about where the person lives in which the two disagree.
fn home(first: &Case, other: &Case) -> Option<&'static str> {
    let lines = ["address_1", "address_2", "address_3", "address_4", "address_5"];
    let address = first.address.iter().zip(&other.address).map(|(first, other)| first == other);
    lines
        .into_iter()
        .zip(address)
        .chain([("postcode", first.postcode == other.postcode)])
        .find_map(disagrees)
}

fn disagrees((column, agrees): (&'static str, bool)) -> Option<&'static str> {
    (!agrees).then_some(column)
}
