//! The caseload and the truth, as files.

use super::Population;
use super::local::TrueCase;
use nhs_pds::case::caseload;
use nhs_pds::text::spreadsheet;
use std::io::Write;

/// Columns that a caseload may have in addition.
const FURTHER: [&str; 5] =
    ["other_forenames", "former_surnames", "former_postcodes", "telephone", "email"];

impl Population {
    /// Writes the cases as a local system exports them.
    pub(crate) fn write_caseload(&self, to: impl Write) -> Result<(), csv::Error> {
        write_caseload(&self.cases, to)
    }

    /// Writes the kind of each case, and the number of its person, if PDS has the person.
    pub(crate) fn write_truth(&self, to: impl Write) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(to);
        rows.write_record(["case_id", "kind", "nhs_number"])?;
        for case in &self.cases {
            let number = case.truth.map(|number| number.digits().to_string());
            rows.write_record([&case.id, case.kind.as_str(), &number.unwrap_or_default()])?;
        }
        Ok(rows.flush()?)
    }
}

/// Writes the rows of a caseload.
pub(crate) fn write_caseload(cases: &[TrueCase], to: impl Write) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(to);
    rows.write_record(
        caseload::COLUMNS.into_iter().filter(|name| !FURTHER.contains(name)).chain(FURTHER),
    )?;
    for case in cases {
        let local = &case.local;
        let fields: Vec<String> = caseload::COLUMNS
            .into_iter()
            .filter(|name| !FURTHER.contains(name))
            .chain(FURTHER)
            .map(|column| field(case, column))
            .collect();
        debug_assert!(!local.birth.is_empty());
        rows.write_record(fields.iter().map(|text| spreadsheet::cell(text).into_owned()))?;
    }
    Ok(rows.flush()?)
}

/// The value of a column. Columns that are not known here are blank.
fn field(case: &TrueCase, column: &str) -> String {
    let local = &case.local;
    let line = |place: usize| local.lines.get(place).cloned().unwrap_or_default();
    match column {
        "case_id" => case.id.clone(),
        "record_type" => "review".to_owned(),
        "surname" => local.family.clone(),
        "forename" => local.given.clone(),
        "date_of_birth" => local.birth.clone(),
        "gender" => local.gender.map(|gender| gender.code().to_owned()).unwrap_or_default(),
        "address_1" => line(0),
        "address_2" => line(1),
        "address_3" => line(2),
        "address_4" => line(3),
        "address_5" => line(4),
        "postcode" => local.postcode.clone(),
        "allocated_worker" => "Worker 1".to_owned(),
        "allocation_start" => "2026-01-05".to_owned(),
        "nhs_number" => local.number.map(|number| number.digits().to_string()).unwrap_or_default(),
        "other_forenames" => local.other_given.clone(),
        "former_surnames" => local.former_families.join(";"),
        "former_postcodes" => local.former_postcodes.join(";"),
        "telephone" => local.telephone.clone(),
        "email" => local.email.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::Mix;
    use super::*;

    #[test]
    fn the_library_reads_every_case() {
        let population = Population::new(11, 3_000, 1_000, Mix::Stress).unwrap();
        let mut bytes = Vec::new();
        population.write_caseload(&mut bytes).unwrap();
        let read = caseload::read(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(read.refused.len(), 0);
        assert_eq!(read.cases.len(), population.cases.len());
    }
}
