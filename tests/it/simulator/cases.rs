//! Every case of an invented caseload gets its expected response.

use super::message::{ask, birth, gender, name, postcode, simulate};
use nhs_pds::demographics::{FullDate, Gender};
use nhs_pds_simulator::{Caseload, Expected};
use std::collections::HashMap;

/// The first row of each case, by identifier and column.
fn rows(caseload: &Caseload) -> HashMap<String, HashMap<String, String>> {
    let mut file = Vec::new();
    caseload.write_csv(&mut file).unwrap();
    let mut rows = HashMap::new();
    for row in csv::Reader::from_reader(&*file).deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let id = row.get("case_id").unwrap().clone();
        rows.entry(id).or_insert(row);
    }
    rows
}

/// All fields of the case, as a search.
fn search(row: &HashMap<String, String>) -> Vec<String> {
    let born: FullDate = row["date_of_birth"].parse().unwrap();
    let sex: Gender = row["gender"].parse().unwrap();
    let mut parameters = vec![
        birth(&born.to_string().replace('-', "")),
        gender(sex.code()),
        name(&row["forename"], &row["surname"]),
    ];
    if !row["postcode"].is_empty() {
        parameters.push(postcode(&row["postcode"]));
    }
    parameters
}

#[tokio::test]
async fn traced_cases() {
    let caseload = Caseload::from_seed(11, 2_400);
    let simulator = simulate(caseload.register().clone());
    let rows = rows(&caseload);
    assert_eq!(rows.len(), 2_400);
    for case in caseload.cases() {
        let row = &rows[&case.id];
        let Some(code) = case.expected.code() else { continue };
        let answer = ask(&simulator, "getPatientDetailsBySearch", &search(row)).await;
        assert_eq!(answer.code(), code, "{}: {}", case.id, case.expected);
        assert_eq!(answer.has("<deceasedTime"), case.expected == Expected::Deceased);
        let recorded: String = row["nhs_number"].split_whitespace().collect();
        let agrees = !recorded.is_empty() && answer.has(&recorded);
        assert_eq!(agrees, case.expected == Expected::NumberAgrees, "{}", case.id);
        assert_eq!(recorded.is_empty() || agrees, case.expected != Expected::NumberDiffers);
    }
}

#[test]
fn cases_that_are_not_traced_have_one_reason() {
    let caseload = Caseload::from_seed(11, 480);
    let rows = rows(&caseload);
    for case in caseload.cases() {
        let row = &rows[&case.id];
        let blank = |column: &str| row[column].is_empty();
        let expects = |expected| case.expected == expected;
        assert_eq!(blank("allocated_worker"), expects(Expected::NoWorker));
        assert_eq!(!blank("date_of_death"), expects(Expected::DeathRecorded));
        assert_eq!(row["nhs_number_source"] == "SMSP", expects(Expected::AlreadyTraced));
        assert_eq!(blank("surname"), expects(Expected::NoSurname));
        assert_eq!(blank("gender"), expects(Expected::NoGender));
        assert_eq!(blank("date_of_birth"), expects(Expected::NoDateOfBirth));
        let full = row["date_of_birth"].parse::<FullDate>().is_ok();
        let lacking = expects(Expected::NoDateOfBirth) || expects(Expected::PartialDateOfBirth);
        assert_eq!(!full, lacking);
        assert_eq!(case.expected.code().is_some(), case.expected.is_traced());
    }
}
