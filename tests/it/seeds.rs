//! Every seed of every fuzz target, through its decoder.

use crate::decoders;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 16] = [
    ("batch_dbs", decoders::batch_dbs),
    ("batch_mpt", decoders::batch_mpt),
    ("batch_pds_mesh", decoders::batch_pds_mesh),
    ("caseload_csv", decoders::caseload_csv),
    ("case_json", decoders::case_json),
    ("fhir_patient", decoders::fhir_patient),
    ("fhir_response", decoders::fhir_response),
    ("fhir_token", decoders::fhir_token),
    ("hl7_ts", decoders::hl7_ts),
    ("nhs_number", decoders::nhs_number),
    ("partial_date", decoders::partial_date),
    ("register_csv", decoders::register_csv),
    ("smsp_differential", decoders::smsp_differential),
    ("soap_fault", decoders::soap_fault),
    ("soap_response", decoders::soap_response),
    ("text_values", decoders::text_values),
];

/// The seeds of all targets: a folder of the repository that the package does not contain.
#[expect(clippy::print_stderr, reason = "says what it passes over")]
fn corpus() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    if path.exists() {
        return Some(path);
    }
    eprintln!("passed over: there is no fuzz/corpus beside this package");
    None
}

#[test]
fn every_seed_passes_its_target() {
    let Some(corpus) = corpus() else { return };
    for (target, run) in TARGETS {
        let mut seeds = 0;
        for entry in fs::read_dir(corpus.join(target)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            if let Err(panic) = std::panic::catch_unwind(|| run(&bytes)) {
                println!("the seed {}:", path.display());
                std::panic::resume_unwind(panic);
            }
            seeds += 1;
        }
        assert!(seeds > 2, "{target} has {seeds} seeds");
    }
}

/// Every fuzzed decoder is tested here, and every decoder tested here is fuzzed.
#[test]
fn every_target_has_seeds() {
    let Some(corpus) = corpus() else { return };
    let names = |folder: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(corpus.join("../fuzz_targets")), targets);
    assert_eq!(names(corpus), targets);
}
