//! A case in which every field is used.

use super::{Breach, NUMBER, OTHER_NUMBER};
use crate::case::alert::{Alert, AlertKind};
use crate::case::candidate::{Candidate, Heard};
use crate::case::deletion::Absorbed;
use crate::case::number::{NumberSource, Provenance, RecordedNumber, TraceRecord};
use crate::case::record::{Allocation, Case};
use crate::case::record_type::RecordType;
use crate::case::review::{Evidence, ReviewItem, ReviewReason, ReviewState, ReviewStep};
use crate::case::submission::Submission;
use crate::case::trace_state::KnownSoFar;
use crate::demographics::{
    Demographics, Field, FullDate, Gender, PartialDate, PersonName, Recorded,
};
use crate::matching::{Criteria, Local, NameTables, Risk, Veto, relate};
use crate::trace::{Exchange, Freshness};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// A case in which every field is used, with text that needs quoting.
pub(super) fn full_case(id: &str) -> Result<Case, Breach> {
    let text = |text: &str| Some(text.to_owned());
    let date = |year, month, day| {
        NaiveDate::from_ymd_opt(year, month, day).and_then(|date| FullDate::try_from(date).ok())
    };
    let mut case = super::case(id)?;
    case.record_type = RecordType::Other("Carer's \"own\"; DROP TABLE cases".into());
    case.surname = text("O'Brien-李\u{301}\u{0} \\ \"x\"");
    case.forename = text("");
    case.date_of_birth = PartialDate::new(1984, Some(2), None).ok();
    case.gender = Some(Gender::NotSpecified);
    case.address = ["", "1 High St\r\nAnnexe", "", "Town\t", " "].map(str::to_owned);
    case.postcode = text("not known");
    let mut ended = Allocation::new("worker, 1");
    (ended.start, ended.end) = (date(2026, 1, 31), date(9999, 12, 31));
    case.allocations = vec![ended, Allocation::new("worker 2")];
    case.date_of_death = PartialDate::new(2026, None, None).ok();
    (case.death_traced, case.contradicted) = (true, true);
    let at = DateTime::from_timestamp_millis(1_764_000_000_123).unwrap_or_default();
    let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", at).with_code("SMSP-0003");
    case.last_trace = Some(TraceRecord::new(at, "stale", Some(&exchange)).with_detail("of 2026"));
    let source = NumberSource::Traced(
        Provenance::new(exchange, Freshness::Stale, "exact").with_confirmed_by("u1"),
    );
    let mut person = case.identity();
    (person.surname, person.gender) = (text("Former"), Some(Gender::Female));
    case.nhs_number = Some(RecordedNumber::new(NUMBER, source).with_since(at).with_person(person));
    set_processing(&mut case, at);
    Ok(case)
}

/// The case with one further value in each list.
fn other_lists(case: &Case) -> Case {
    let mut other = case.clone();
    for list in other.lists_mut() {
        list.push("\u{1}\"taken\"".into());
    }
    other
}

fn candidate(returned: &Demographics, at: DateTime<Utc>) -> Candidate {
    Candidate::new(
        OTHER_NUMBER,
        returned.clone(),
        relate(&Local::default(), returned, &NameTables::shipped()),
        Risk::of(0.018_6),
        vec![Veto::Twin],
        "no_given",
        Exchange::new("SMSP", "getPatientDetailsBySearch", "M-3", at),
    )
}

/// Sets the fields of the case's processing.
fn set_processing(case: &mut Case, at: DateTime<Utc>) {
    let born = NaiveDate::from_ymd_opt(1984, 2, 29).and_then(|date| FullDate::try_from(date).ok());
    let asked = born.map(|born| {
        let mut asked = Criteria::new("O'Brien", born);
        (asked.nhs_number, asked.given) = (Some(NUMBER), Some("Zo\u{eb}".into()));
        (asked.gender, asked.postcode) = (Some(Gender::Female), "KT17 1NA".parse().ok());
        asked
    });
    case.aliases = vec!["Bob \"the\" builder".into()];
    case.other_forenames = vec!["Ann; May".into(), " ".into()];
    case.former_surnames = vec!["O\u{2019}Brien|\u{0}".into()];
    case.former_postcodes = vec!["KT17 1NA".into(), "not known".into()];
    case.telephones = vec!["+44 1632 960001\r\n".into()];
    case.emails = vec!["\"a b\"@c.example".into()];
    case.asking.asked.clone_from(&asked);
    let row = |asked| Submission::new("B-1", "R-1", (at, at + TimeDelta::days(7)), asked);
    case.asking.one_by_one = true;
    case.asking.submitted = asked.clone().map(row);
    (case.asking.not_before, case.asking.unsettled, case.asking.unreadable) = (Some(at), 2, 3);
    case.damaged_number = Some("9.43477E+09".into());
    (case.rejected_numbers, case.not_on_pds) = (vec![OTHER_NUMBER], true);
    let returned = Demographics {
        name: Some(PersonName::new("ZOE", "O'BRIEN")),
        date_of_death: Recorded::Blank,
        ..Demographics::default()
    };
    let candidate = candidate(&returned, at);
    let heard = vec![Heard::person(candidate.clone()), Heard::several("no_postcode".to_owned())];
    let so_far = asked.clone().map(|asked| KnownSoFar::new("smsp-1", asked, heard, at));
    case.asking.known = so_far;
    let step = ReviewStep::new(at, "u2", "assigned").with_note("ask the GP\n(again)");
    case.review = vec![ReviewItem {
        number: 1,
        reason: ReviewReason::Differs(Field::Given),
        state: ReviewState::WithGp,
        opened_at: at,
        assignee: Some("u2".into()),
        evidence: Evidence {
            asked,
            nhs_number: Some(OTHER_NUMBER),
            returned: Some(returned),
            others: vec![case.id.clone()],
            field: Some(Field::NhsNumber),
            damaged_number: Some("9.43477E+09".into()),
            exchange: Some(Exchange::new("SMSP", "getNHSNumber", "M-2", at)),
            stale: true,
            candidates: vec![candidate],
        },
        history: vec![step],
    }];
    let mut alert = Alert::about("1/1", AlertKind::Superseded, at, case);
    (alert.nhs_number, alert.new_nhs_number) = (Some(NUMBER), Some(OTHER_NUMBER));
    (alert.invalid_nhs_number, alert.code) = (Some(NUMBER), Some("DEMOG-0017".into()));
    alert.others = vec![case.id.clone()];
    case.undelivered = vec![alert];
    case.read_digest = Some("0f".repeat(32));
    let absorbed = Absorbed::new(case.id.clone(), at, case.nhs_number.clone()).with_death();
    let taken = case.clone().take_lists(&other_lists(case));
    case.absorbed = vec![absorbed.with_lists(taken)];
}
