//! How `nhs-pds compare` explains differences; `docs/from-smsp-to-fhir.md` lists every kind.

#[path = "../../src/comparison.rs"]
#[allow(dead_code, reason = "the command uses all of it; these tests look at the explanations")]
mod comparison;

use comparison::{Answered, Difference, Side};
use nhs_pds::process::TraceResult;
use std::fs;
use std::path::Path;

/// The rows of the table under this header, cell by cell.
fn table(header: &str) -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/from-smsp-to-fhir.md");
    let page = fs::read_to_string(page).unwrap();
    let mut lines = page.lines().skip_while(|line| *line != header);
    assert!(lines.next().is_some(), "there is no table {header}");
    let rows = lines.skip(1).take_while(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

fn bare(cell: &str) -> &str {
    cell.trim_matches('`')
}

#[test]
fn every_kind_of_difference_is_on_the_page() {
    let rows = table("| kind | SMSP | API | what to do |");
    let named: Vec<&str> = rows.iter().map(|row| bare(&row[0])).collect();
    assert_eq!(named, Difference::ALL.map(Difference::name));
}

/// A case that was searched for with a postcode.
fn side(result: TraceResult, outcome: Option<&'static str>) -> Side {
    let number = outcome.filter(|outcome| *outcome == "found");
    let number = number.map(|_| "9990000077".parse().unwrap());
    let answered = outcome.map(|outcome| Answered {
        outcome,
        number,
        searched: true,
        by_postcode: true,
        withheld: false,
    });
    Side { result, review: None, number: None, code: None, answered }
}

#[test]
fn differences_are_explained() {
    use TraceResult::{
        Ambiguous, Differs, Duplicate, Found, Invalidated, None as NoMatch, NotVerified, Rejected,
        Replaced, Stale, Superseded, Unavailable,
    };
    let found = || side(Found, Some("found"));
    let no_match = || side(NoMatch, Some("none"));
    let mut withheld = found();
    withheld.answered.as_mut().unwrap().withheld = true;
    let mut by_name_alone = withheld.clone();
    by_name_alone.answered.as_mut().unwrap().by_postcode = false;
    let mut by_number = no_match();
    by_number.answered.as_mut().unwrap().searched = false;
    let mut answered_by_number = side(Replaced, Some("superseded"));
    answered_by_number.answered.as_mut().unwrap().searched = false;
    let mut other_person = found();
    other_person.answered.as_mut().unwrap().number = Some("9990000085".parse().unwrap());
    let mut refused_there = side(Rejected, None);
    refused_there.code = Some("INVALID_SEARCH_DATA".into());
    for (smsp, fhir, why) in [
        (side(Replaced, Some("superseded")), no_match(), Difference::ReplacedRecord),
        (side(Superseded, Some("superseded")), no_match(), Difference::ReplacedRecord),
        (side(Superseded, Some("superseded")), by_number, Difference::Unexplained),
        (answered_by_number, no_match(), Difference::Unexplained),
        (side(Invalidated, Some("invalidated")), no_match(), Difference::InvalidRecord),
        (withheld, no_match(), Difference::RestrictedByPostcode),
        (by_name_alone, no_match(), Difference::Unexplained),
        (found(), no_match(), Difference::Unexplained),
        (side(Stale, Some("found")), found(), Difference::ProviderCopy),
        (side(Stale, Some("found")), other_person.clone(), Difference::Unexplained),
        (no_match(), side(Differs, Some("found")), Difference::AnotherNameOrAddress),
        (
            side(NotVerified, Some("not_verified")),
            side(Differs, Some("found")),
            Difference::AnotherNameOrAddress,
        ),
        (no_match(), found(), Difference::Unexplained),
        (no_match(), side(Rejected, None), Difference::NameTooLong),
        (no_match(), refused_there, Difference::Unexplained),
        (found(), side(Duplicate, Some("found")), Difference::Follows),
        (side(Duplicate, Some("found")), other_person.clone(), Difference::Unexplained),
        (found(), other_person, Difference::Unexplained),
        (side(Ambiguous, Some("ambiguous")), found(), Difference::Unexplained),
        (side(Unavailable, None), found(), Difference::Unanswered),
        (found(), side(Unavailable, None), Difference::Unanswered),
    ] {
        assert_eq!(Difference::of(&smsp, &fhir), why, "{smsp:?} {fhir:?}");
        assert!(!smsp.agrees(&fhir) || smsp.result == fhir.result);
    }
    let unexplained = Difference::ALL.into_iter().filter(|why| !why.is_explained());
    assert!(unexplained.eq([Difference::Unanswered, Difference::Unexplained]));
}
