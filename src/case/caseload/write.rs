use crate::case::caseload::COLUMNS;
use crate::case::caseload::error::{Error, ErrorKind};
use crate::case::caseload::optional::{self, OPTIONAL_COLUMNS};
use crate::case::record::{Allocation, Case};
use crate::demographics::Gender;
use crate::text::spreadsheet;
use std::io::Write;

/// Writes `cases` as a caseload that [`read`](crate::case::caseload::read) reads: one row per
/// allocation, or one row for a case without allocations.
///
/// Each of [`OPTIONAL_COLUMNS`](crate::case::caseload::OPTIONAL_COLUMNS) is written if one of the cases has
/// a value for it, with `; ` between several values. A value that contains `;`, `|` or a line end is read
/// back as several values.
///
/// A number's source is written as its text. A traced number counts as traced when it is read back
/// if its service's name is a usual name of a tracing service
/// ([`NumberSource::is_traced`](crate::case::NumberSource::is_traced)). A number from a service
/// with any other name is traced again. A number with something known against it
/// ([`Case::usable_number`]) is written without its source, so that it is verified when it is read
/// back. For a case without a number, the text of a damaged number is written, if there is one. Not
/// written are the last trace, the exchange that returned a number, whether a death was traced,
/// whether the local data contradicted themselves, and the version.
///
/// # Errors
///
/// [`ErrorKind::Io`] when `to` cannot be written.
pub fn write<'a>(to: impl Write, cases: impl IntoIterator<Item = &'a Case>) -> Result<(), Error> {
    let failed = |error: csv::Error| Error::new(ErrorKind::Io, error);
    let mut rows = csv::Writer::from_writer(to);
    let cases: Vec<&Case> = cases.into_iter().collect();
    let mut used = [false; OPTIONAL_COLUMNS.len()];
    for case in &cases {
        for (used, cell) in used.iter_mut().zip(optional::cells(case)) {
            *used |= !cell.is_empty();
        }
    }
    let further = OPTIONAL_COLUMNS.iter().zip(used).filter_map(|(name, used)| used.then_some(name));
    rows.write_record(COLUMNS.iter().chain(further)).map_err(failed)?;
    for case in cases {
        let further = optional::cells(case).into_iter().zip(used);
        let further: Vec<String> =
            further.filter_map(|(cell, used)| used.then_some(cell)).collect();
        let mut write = |allocation| {
            let row: Vec<String> =
                values(case, allocation).into_iter().chain(further.iter().cloned()).collect();
            rows.write_record(spreadsheet::row(&row)).map_err(failed)
        };
        if case.allocations.is_empty() {
            write(None)?;
        }
        for allocation in &case.allocations {
            write(Some(allocation))?;
        }
    }
    rows.flush().map_err(|error| Error::new(ErrorKind::Io, error))
}

fn values(case: &Case, allocation: Option<&Allocation>) -> [String; COLUMNS.len()] {
    let [address_1, address_2, address_3, address_4, address_5] = case.address.clone();
    let recorded = case.nhs_number.as_ref();
    [
        case.id.to_string(),
        case.record_type.to_string(),
        case.surname.clone().unwrap_or_default(),
        case.forename.clone().unwrap_or_default(),
        text(case.date_of_birth),
        text(case.gender.map(Gender::code)),
        address_1,
        address_2,
        address_3,
        address_4,
        address_5,
        case.postcode.clone().unwrap_or_default(),
        allocation.map(|allocation| allocation.worker.clone()).unwrap_or_default(),
        text(allocation.and_then(|allocation| allocation.start)),
        text(allocation.and_then(|allocation| allocation.end)),
        text(case.date_of_death),
        match recorded {
            Some(recorded) => recorded.number.digits().to_string(),
            None => case.damaged_number.clone().unwrap_or_default(),
        },
        text(case.usable_number().map(|recorded| &recorded.source)),
    ]
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::caseload::read::read;
    use crate::case::number::{NumberSource, RecordedNumber};
    use crate::case::record_type::RecordType;
    use crate::demographics::{FullDate, PartialDate};
    use crate::nhs_number::NhsNumber;
    use proptest::prelude::*;

    /// Text as it is after reading: without white space around, and `None` instead of an empty
    /// text.
    fn words() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(
            "[a-z\"',;\\n=+@＝-]{0,3}[A-Zé李=+ ]{0,4}[a-z\"',]{1,3}"
                .prop_map(|text| text.trim().to_owned()),
        )
    }

    /// Different values as they are after reading a cell of several.
    fn lists() -> impl Strategy<Value = Vec<String>> {
        let one = "[a-z\"',=+@＝ -]{0,4}[a-z\"',é+-]{1,3}".prop_map(|text| text.trim().to_owned());
        proptest::collection::vec(one, 0..4).prop_map(|values| {
            let mut all = Vec::new();
            for value in values {
                if !all.contains(&value) {
                    all.push(value);
                }
            }
            all
        })
    }

    fn dates() -> impl Strategy<Value = Option<PartialDate>> {
        let date = (1u16..=9999, 1u8..=12, 1u8..=28, 0..3).prop_map(|(year, month, day, parts)| {
            let (month, day) = ((parts > 0).then_some(month), (parts > 1).then_some(day));
            PartialDate::new(year, month, day).unwrap()
        });
        proptest::option::of(date)
    }

    fn allocations() -> impl Strategy<Value = Allocation> {
        let date = || dates().prop_map(|date| date.and_then(PartialDate::full));
        ("[a-z,\"]{1,5}", date(), date()).prop_map(
            |(worker, start, end): (String, Option<FullDate>, Option<FullDate>)| {
                let mut allocation = Allocation::new(worker);
                (allocation.start, allocation.end) = (start, end);
                allocation
            },
        )
    }

    fn cases() -> impl Strategy<Value = Case> {
        let kinds = prop_oneof![
            proptest::sample::select(RecordType::HAV4.to_vec()),
            Just(RecordType::Other("carer, \"young\"".into()))
        ];
        let sources = proptest::option::of("[A-Za-z, \"]{0,8}".prop_map(|text| text + "xyz"));
        let number = sources.prop_map(|text| {
            let text = text.map(|text| text.trim().to_owned());
            let number = NhsNumber::constant(9_434_765_919);
            RecordedNumber::new(number, NumberSource::Imported(text))
        });
        (
            (kinds, words(), words(), words()),
            (dates(), dates(), proptest::option::of(proptest::sample::select(&Gender::ALL[..]))),
            proptest::collection::vec(words(), 5),
            proptest::collection::vec(allocations(), 0..3),
            proptest::option::of(number),
            proptest::collection::vec(lists(), 5),
        )
            .prop_map(
                |((kind, surname, forename, postcode), dates, lines, rows, number, lists)| {
                    let mut case = Case::new("to be numbered".parse().unwrap(), kind);
                    (case.surname, case.forename, case.postcode) = (surname, forename, postcode);
                    (case.date_of_birth, case.date_of_death, case.gender) = dates;
                    for (line, text) in case.address.iter_mut().zip(lines) {
                        *line = text.unwrap_or_default();
                    }
                    for row in rows {
                        if !case.allocations.contains(&row) {
                            case.allocations.push(row);
                        }
                    }
                    case.nhs_number = number;
                    optional::set(&mut case, lists.try_into().unwrap());
                    case
                },
            )
    }

    proptest! {
        #[test]
        fn written_cases_are_read_back(cases in proptest::collection::vec(cases(), 0..6)) {
            let numbered = cases.into_iter().enumerate().map(|(number, mut case)| {
                case.id = format!("case {number}").parse().unwrap();
                case
            });
            let cases: Vec<Case> = numbered.collect();
            let mut file = Vec::new();
            write(&mut file, &cases).unwrap();
            let caseload = read(&file[..]).unwrap();
            prop_assert_eq!(caseload.refused, []);
            prop_assert!(caseload.cases == cases);
        }
    }
}
