//! The library writes requests by file, and reads the responses of the simulator, in every form and with every fault.
#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::NaiveDate;
use nhs_pds::batch::Finding;
use nhs_pds::batch::file::{Entry, Format, Limits, RequestFile, RequestRow, ResponseFile};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::Outcome;
use nhs_pds_simulator::{
    BatchFault, BatchFaultMix, BatchStyle, Caseload, Person, Sensitivity, Share, Simulator,
};
use std::collections::HashMap;

/// A request for everyone with a full date of birth, each person once by number and once by search; and the people, by
/// the reference of the row.
struct Asked {
    request: Vec<u8>,
    sent: HashMap<String, Option<NhsNumber>>,
    people: HashMap<String, Person>,
    simulator: Simulator,
}

fn asked(format: impl Fn(u64) -> Format) -> Asked {
    let register = Caseload::from_seed(2026, 480).register().clone();
    let mut rows = Vec::new();
    let mut people = HashMap::new();
    for (place, person) in register.iter().enumerate() {
        let Some(birth) = person.birth.full() else { continue };
        let [number, search] = ["number", "search"].map(|how| format!("{how}-{place}"));
        rows.push(RequestRow::by_number(number.parse().unwrap(), person.nhs_number, birth));
        let family = person.family.parse().unwrap();
        let row = RequestRow::by_search(search.parse().unwrap(), family, person.gender, birth);
        let row = row.unwrap().with_given(person.given.parse().unwrap()).unwrap();
        rows.push(match person.postcode.parse() {
            Ok(postcode) => row.with_postcode(postcode),
            Err(_) => row,
        });
        people.extend([number, search].map(|reference| (reference, person.clone())));
    }
    let format = format(rows.len() as u64);
    let mut file = RequestFile::new(Vec::new(), format, Limits::INTERNET).unwrap();
    assert!(rows.iter().all(|row| file.write(row).unwrap()));
    let (request, _) = file.finish().unwrap();
    let sent = rows.iter().map(|row| (row.reference().to_string(), row.nhs_number())).collect();
    Asked { request, sent, people, simulator: Simulator::new(register) }
}

/// Reads a response: what each row finds, by its reference, in the order of the file. The number is that of the rows
/// that cannot be read.
fn read(asked: &Asked, simulator: &Simulator) -> (Vec<(String, Finding)>, u64) {
    let mut response = Vec::new();
    simulator.answer_batch(asked.request.as_slice(), &mut response).unwrap();
    let (mut found, mut damaged) = (Vec::new(), 0);
    for entry in ResponseFile::open(response.as_slice()).unwrap() {
        match entry {
            Ok(Entry::Row(row)) => {
                let reference = row.reference().to_string();
                let sent = asked.sent.get(&reference).copied().flatten();
                found.push((reference, row.finding(sent)));
            }
            _ => damaged += 1,
        }
    }
    (found, damaged)
}

/// What a row says, with the number that it finds.
fn word(finding: &Finding) -> (&'static str, &'static str, Option<NhsNumber>) {
    let (how, outcome) = match finding {
        Finding::ByNumber(outcome) => ("number", outcome),
        Finding::BySearch(outcome) => ("search", outcome),
        Finding::Refused => return ("refused", "", None),
        _ => return ("not traced", "", None),
    };
    let number = match outcome {
        Outcome::Found(found) => Some(found.nhs_number),
        Outcome::Superseded { by, .. } => *by,
        _ => None,
    };
    (how, outcome.as_str(), number)
}

fn of_mpt(rows: u64) -> Format {
    let day = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
    Format::mpt(day.and_hms_opt(9, 45, 0).unwrap(), rows)
}

#[test]
fn every_person_is_found_as_the_register_has_them() {
    for asked in [asked(|_| Format::PdsMesh), asked(of_mpt)] {
        let (found, damaged) = read(&asked, &asked.simulator);
        assert_eq!((found.len(), damaged), (asked.people.len(), 0));
        let mut plain = 0;
        for (reference, finding) in &found {
            let person = asked.people.get(reference).unwrap();
            let how = if reference.starts_with("number") { "number" } else { "search" };
            let is_by_number = how == "number";
            // SMSP-0003 comes with the person's data.
            let is_unanswered = person.answer.as_deref().is_some_and(|code| code != "SMSP-0003");
            let expected = if is_unanswered {
                // SMSP-0004: the provider cannot reach the Spine.
                ("not traced", "", None)
            } else if let Some(by) = person.superseded_by {
                if is_by_number { (how, "superseded", Some(by)) } else { (how, "none", None) }
            } else if person.sensitivity == Sensitivity::Invalidated {
                (how, if is_by_number { "invalidated" } else { "none" }, None)
            } else {
                plain += 1;
                (how, "found", Some(person.nhs_number))
            };
            assert_eq!(word(finding), expected, "{reference} {:?}", person.answer);
        }
        assert!(plain > 900, "{plain}");
    }
}

#[test]
fn every_form_of_the_file_says_the_same() {
    for asked in [asked(|_| Format::PdsMesh), asked(of_mpt)] {
        let (plain, _) = read(&asked, &asked.simulator);
        for seed in 0..32 {
            let styled = asked.simulator.clone().with_batch_style(BatchStyle::from_seed(seed));
            let (found, damaged) = read(&asked, &styled);
            assert_eq!((found.len(), damaged), (plain.len(), 0), "seed {seed}");
            assert!(found == plain, "seed {seed}");
        }
    }
}

#[test]
fn nothing_false_follows_from_a_fault() {
    for asked in [asked(|_| Format::PdsMesh), asked(of_mpt)] {
        let (plain, _) = read(&asked, &asked.simulator);
        let plain: HashMap<String, Finding> = plain.into_iter().collect();
        let (mut lost, mut foreign, mut twice) = (0, 0, 0);
        for seed in 0..16 {
            let share = Share::per_cent(8).unwrap();
            let faults = [
                BatchFault::Drop,
                BatchFault::Duplicate,
                BatchFault::Damage,
                BatchFault::Foreign,
                BatchFault::Code("15".into()),
                BatchFault::Code("77".into()),
            ];
            let mix =
                BatchFaultMix::new(seed).with(Share::per_mille(1).unwrap(), BatchFault::Truncate);
            let mix = faults.into_iter().fold(mix, |mix, fault| mix.unwrap().with(share, fault));
            let simulator = asked.simulator.clone().with_batch_style(BatchStyle::from_seed(seed));
            let (found, damaged) = read(&asked, &simulator.with_batch_faults(mix.unwrap()));
            lost += damaged;
            let mut seen = HashMap::new();
            for (reference, finding) in found {
                let Some(expected) = plain.get(&reference) else {
                    foreign += 1;
                    continue;
                };
                let is_untraced = matches!(finding, Finding::NotTraced | Finding::Refused);
                assert!(
                    is_untraced || finding == *expected,
                    "seed {seed} {reference}: {:?}",
                    word(&finding)
                );
                twice += u32::from(seen.insert(reference, ()).is_some());
            }
        }
        assert!(lost > 100 && foreign > 100 && twice > 100, "{lost} {foreign} {twice}");
    }
}
