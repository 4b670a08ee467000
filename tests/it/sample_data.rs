//! The sample data of the repository.

use nhs_pds_simulator::{Caseload, Expected};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const SEED: u64 = 2026;
const CASES: usize = 240;

fn committed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(name);
    fs::read_to_string(path).unwrap()
}

fn written(caseload: &Caseload) -> String {
    let mut file = Vec::new();
    caseload.write_csv(&mut file).unwrap();
    String::from_utf8(file).unwrap()
}

#[test]
fn the_files_are_what_the_generator_makes() {
    let caseload = Caseload::from_seed(SEED, CASES);
    let mut register = Vec::new();
    caseload.register().write_csv(&mut register).unwrap();
    // Not assert_eq, which would print both.
    assert!(register == committed("register.csv").as_bytes(), "run the example sample_data");
    assert!(written(&caseload) == committed("caseload.csv"), "run the example sample_data");
}

#[test]
fn every_kind_of_case_is_there() {
    let caseload = Caseload::from_seed(SEED, CASES);
    let counts: Vec<usize> = caseload.counts().into_values().collect();
    assert_eq!(
        counts,
        [131, 5, 1, 2, 6, 4, 4, 14, 6, 4, 3, 3, 4, 8, 6, 8, 6, 12, 3, 3, 4, 3],
        "in the order of Expected"
    );
    let file = written(&caseload);
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for line in file.lines().skip(1) {
        *rows.entry(line.split(',').next().unwrap()).or_default() += 1;
    }
    assert_eq!(rows.len(), CASES);
    assert!(rows.values().any(|count| *count > 1));
    for text in [
        "adult case",
        "residential care",
        "home care",
        "\"blind, partially sighted or deaf\"",
        "physical disability",
        "deprivation of liberty",
        "learning disability",
        "mental health",
        "transitions",
        "review",
        "safeguarding adults",
        "children looked after",
        "ZZ99 3VZ",
    ] {
        assert!(file.contains(text), "{text}");
    }
}

#[test]
fn a_large_caseload_keeps_its_proportions() {
    let caseload = Caseload::from_seed(5, 24_000);
    let counts = caseload.counts();
    assert_eq!(counts[&Expected::Superseded], 400);
    assert_eq!(counts[&Expected::NumberDiffers], 100);
    let ids: BTreeSet<_> = caseload.cases().iter().map(|case| &case.id).collect();
    assert_eq!(ids.len(), 24_000);
    assert!(written(&caseload).starts_with(&written(&Caseload::from_seed(5, 100))));
}
