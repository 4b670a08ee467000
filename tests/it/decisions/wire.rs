//! One caseload and one register: the worker makes the same decisions with every service, except the
//! differences listed here.

use crate::support::services::{Face, us};
use nhs_pds::case::{Case, NumberSource, RecordedNumber, caseload};
use nhs_pds::ids::CountingIds;
use nhs_pds::process::{Context, Policy, Row, Scope, decide, plan};
use nhs_pds::trace::{Caller, LocalIdentifier, MessageId};
use nhs_pds_simulator::{Caseload, Simulator};
use std::collections::{BTreeMap, BTreeSet};

/// The size of the sample caseload: enough for every answer that it has.
const CASES: usize = 480;

/// Where a service leads to another row than SMSP does, and why. The test requires every difference to occur.
const fn differences(face: Face) -> &'static [(Row, Row, &'static str)] {
    match face {
        Face::Smsp => &[],
        #[cfg(feature = "fhir")]
        _ => &[
            (Row::Found, Row::NoMatch, "a search with a postcode leaves out restricted records"),
            (Row::FoundStale, Row::Found, "there is no provider with a copy: the Spine answers"),
            (
                Row::RecordedStale,
                Row::Verified,
                "there is no provider with a copy: the Spine answers",
            ),
            (Row::Invalidated, Row::NoMatch, "a search finds no invalidated record"),
            (
                Row::SupersededFree,
                Row::NoMatch,
                "a search finds the current record, which here has other demographic fields",
            ),
            (
                Row::SupersededDiffers,
                Row::NoMatch,
                "a search finds the current record, which here has other demographic fields",
            ),
            (
                Row::RecordedSupersededFree,
                Row::RecordedSupersededUnknown,
                "the old number was not compared: the person of the new number must have that name",
            ),
            (
                Row::Verified,
                Row::RecordedRestricted,
                "the service returns that a record is restricted",
            ),
        ],
    }
}

/// The caseload, and a second one of the same people in which every case has a number from elsewhere. In every
/// fifth case it is the number of the next person.
fn cases(sample: &Caseload) -> Vec<Case> {
    let mut file = Vec::new();
    sample.write_csv(&mut file).unwrap();
    let cases = caseload::read(file.as_slice()).unwrap().cases;
    let people: Vec<_> = sample.register().iter().collect();
    let by_fields = |case: &Case| {
        let mut case = case.clone();
        case.nhs_number = None;
        case
    };
    let pattern = cases.first().unwrap();
    let next = people.iter().cycle().skip(1);
    let by_number = people.iter().zip(next).enumerate().map(|(n, (person, next))| {
        let holder = if n % 5 == 0 { next } else { person };
        let mut case = pattern.clone();
        case.id = format!("N-{n}").parse().unwrap();
        case.surname = Some(person.family.clone());
        case.forename = Some(person.given.clone());
        case.date_of_birth = Some(person.birth);
        case.gender = Some(person.gender);
        case.postcode = Some(person.postcode.clone());
        case.date_of_death = None;
        let source = NumberSource::Imported(Some("GP letter".into()));
        case.nhs_number = Some(RecordedNumber::new(holder.nhs_number, source));
        case
    });
    cases.iter().map(by_fields).chain(by_number.take(CASES)).collect()
}

/// The row for each case that is queried.
async fn rows(face: Face, sample: &Caseload) -> BTreeMap<String, Row> {
    let tracer = face.in_process(&Simulator::new(sample.register().clone()));
    let (ids, policy, scope) = (CountingIds::default(), Policy::default(), Scope::default());
    let mut rows = BTreeMap::new();
    for case in cases(sample) {
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        let Ok(planned) = plan(&case, &scope, &policy, root, super::now()) else { continue };
        let id = MessageId::fresh(&ids);
        let reply = tracer.trace(&Caller::System(us()), &planned.question, id).await;
        let context = Context::new(&planned.asked, &[], &policy);
        let decision = decide(&case, reply.as_ref(), &context, super::now());
        rows.insert(case.id.to_string(), decision.row);
    }
    rows
}

#[tokio::test]
async fn every_service_leads_to_the_same_rows() {
    let sample = Caseload::from_seed(11, CASES);
    let smsp = rows(Face::Smsp, &sample).await;
    let met: BTreeSet<Row> = smsp.values().copied().collect();
    for row in [
        Row::Found,
        Row::FoundDeceased,
        Row::FoundStale,
        Row::NoMatch,
        Row::Ambiguous,
        Row::SupersededFree,
        Row::Invalidated,
        Row::Verified,
        Row::RecordedDeceased,
        Row::RecordedStale,
        Row::RecordedNotVerified,
        Row::RecordedSupersededFree,
        Row::RecordedInvalidated,
        Row::Unavailable,
        Row::Rejected,
    ] {
        assert!(met.contains(&row), "{row} is not among {met:?}");
    }
    for face in Face::UNATTENDED.iter().copied().filter(|face| *face != Face::Smsp) {
        let mut unseen: Vec<_> = differences(face).iter().collect();
        for (case, row) in rows(face, &sample).await {
            let from = smsp[&case];
            let listed = |(a, b, _): &(Row, Row, &str)| (*a, *b) == (from, row);
            assert!(
                row == from || differences(face).iter().any(listed),
                "{face:?}: {case} is {row}, and {from} by SMSP"
            );
            unseen.retain(|difference| !listed(difference));
        }
        assert!(unseen.is_empty(), "{face:?}: {unseen:?}");
    }
}
