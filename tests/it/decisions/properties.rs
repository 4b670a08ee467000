//! Effects that no case and no response may have.

use super::{Scene, by_fields, case, comfort, person, with};
use nhs_pds::case::{
    Case, Evidence, NumberSource, NumberStatus, Provenance, RecordedNumber, ReviewReason,
};
use nhs_pds::demographics::{Demographics, Field, Gender, Recorded};
use nhs_pds::matching::{Corroboration, Criteria, RiskLimit};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::{Context, Decision, NumberEffect, Policy, Requirement, Row, apply, decide};
use nhs_pds::trace::{
    Answer, Candidate, Error, ErrorKind, Exchange, Freshness, Match, Outcome, Restriction,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;

const NUMBERS: [NhsNumber; 3] = [
    NhsNumber::constant(9_434_765_919),
    NhsNumber::constant(9_449_304_424),
    NhsNumber::constant(9_990_000_018),
];

fn number() -> impl Strategy<Value = NhsNumber> {
    select(NUMBERS.to_vec())
}

fn sources() -> impl Strategy<Value = NumberSource> {
    let provenance = |freshness| {
        let exchange = Exchange::new("SMSP", "anOperation", "M-0", chrono::DateTime::UNIX_EPOCH);
        Provenance::new(exchange, freshness, "exact")
    };
    let traced = |freshness| NumberSource::Traced(provenance(freshness));
    let by = |corroboration, freshness| {
        NumberSource::Traced(provenance(freshness).with_corroboration(corroboration))
    };
    select(vec![
        by(Corroboration::Postcode, Freshness::Live),
        by(Corroboration::Number, Freshness::Live),
        by(Corroboration::Successor, Freshness::Live),
        by(Corroboration::Postcode, Freshness::Stale),
        NumberSource::Traced(provenance(Freshness::Live).with_confirmed_by("j.doe")),
        NumberSource::Imported(None),
        NumberSource::Imported(Some("GP letter".into())),
        NumberSource::Imported(Some("SMSP".into())),
        traced(Freshness::Live),
        traced(Freshness::Stale),
    ])
}

fn recorded() -> impl Strategy<Value = RecordedNumber> {
    let status = select(vec![
        NumberStatus::Usable,
        NumberStatus::Usable,
        NumberStatus::Superseded,
        NumberStatus::Invalid,
        NumberStatus::NotVerified,
    ]);
    (number(), sources(), status).prop_map(|(number, source, status)| {
        let mut recorded = RecordedNumber::new(number, source);
        recorded.status = status;
        recorded
    })
}

/// Cases with and without numbers, deaths, rejected numbers and open items.
fn cases() -> impl Strategy<Value = Case> {
    let items = vec![
        ReviewReason::NoMatch,
        ReviewReason::NotVerified,
        ReviewReason::Duplicate,
        ReviewReason::Superseded,
        ReviewReason::Invalidated,
        ReviewReason::Replaced,
        ReviewReason::Conflict,
    ];
    (
        prop::option::of(recorded()),
        prop_oneof![4 => Just(Vec::new()), 1 => subsequence(NUMBERS.to_vec(), 1..=2)],
        prop_oneof![5 => Just(None), 1 => Just(Some("2026-01-01".parse().unwrap()))],
        (subsequence(items, 0..=2), prop::option::of(number())),
        (0..6_u32, 0..4_u32),
    )
        .prop_map(|(recorded, rejected, died, (items, about), counts)| {
            let mut case = case();
            (case.nhs_number, case.rejected_numbers, case.date_of_death) =
                (recorded, rejected, died);
            let mut evidence = Evidence::default();
            evidence.nhs_number = about;
            let evidence = serde_json::to_value(evidence).unwrap();
            let items: Vec<Value> = (1..)
                .zip(items)
                .map(|(number, reason): (u32, _)| {
                    super::earlier(number, reason.as_str(), evidence.clone())
                })
                .collect();
            case.review = serde_json::from_value(json!(items)).unwrap();
            case.asking.asked = serde_json::from_value(by_fields()).unwrap();
            let asking = &mut case.asking;
            (asking.unreadable, asking.unsettled) = counts;
            asking.unanswered = (asking.unreadable + asking.unsettled) % 6;
            case
        })
}

/// One of the changes, or mostly no change.
fn change(weight: u32, changes: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![weight => Just(None), 1 => select(changes).prop_map(Some)]
}

/// Comfort, and people who differ from her in every way.
fn people() -> impl Strategy<Value = Demographics> {
    let names = vec![
        json!({"given": ["JOY"], "family": "AINDOW"}),
        json!({"given": ["COMFORT"], "family": "OBI"}),
        json!({"given": ["COMFORT"]}),
        json!({"given": ["COMFORT", "JOY"], "family": "AINDOW"}),
        json!({"given": ["COMFORT JOY"], "family": "AINDOW"}),
        json!({"given": [""], "family": "AINDOW"}),
        json!({"given": [], "family": "AINDOW"}),
        json!({"given": [""], "family": ""}),
        Value::Null,
    ];
    let births = ["1950-01-01", "1943-05", "1943", "", "in May"].map(|born| json!(born));
    let births = births.into_iter().chain([Value::Null]).collect();
    let deaths = ["2026-10-01", "2026-10", "", "in May"].map(|died| json!(died)).into();
    let genders =
        vec![json!("male"), json!("not known"), json!("not specified"), json!(""), Value::Null];
    let homes = vec![
        json!([]),
        json!([{"use": "home", "postcode": "KT1 1AA"}]),
        json!([{"use": "home", "postcode": ""}]),
        json!([{"use": "temporary", "postcode": "KT17 1NA"}]),
        json!([{"use": "home", "postcode": "ZZ99 3VZ"}]),
    ];
    (change(6, names), change(6, births), change(1, deaths), change(6, genders), change(2, homes))
        .prop_map(|(name, born, died, gender, home)| {
            let changes = [
                ("name", name),
                ("date_of_birth", born),
                ("date_of_death", died),
                ("gender", gender),
                ("addresses", home),
            ];
            let changes =
                changes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            person(&with(comfort(), Value::Object(changes.collect())))
        })
}

/// Every outcome. The number of the response is mostly the number of the query.
fn outcomes(asked: Option<NhsNumber>) -> impl Strategy<Value = Outcome> {
    let answered = match asked {
        Some(asked) => prop_oneof![8 => Just(asked), 1 => number()].boxed(),
        None => number().boxed(),
    };
    let someone = prop_oneof![9 => people().prop_map(Some), 1 => Just(None)];
    let fresh = prop_oneof![3 => Just(Freshness::Live), 1 => Just(Freshness::Stale)];
    let restriction = select(vec![
        Restriction::NotStated,
        Restriction::Unrestricted,
        Restriction::Restricted,
        Restriction::VeryRestricted,
    ]);
    let found = (answered, someone, fresh, restriction).prop_map(
        |(number, person, freshness, restriction)| {
            let mut found = Match::new(number);
            (found.person, found.freshness) = (person, freshness);
            found.restriction = restriction;
            Outcome::Found(Box::new(found))
        },
    );
    let superseded = (prop::option::of(number()), prop::option::of(people()))
        .prop_map(|(by, person)| Outcome::Superseded { by, person: person.map(Box::new) });
    prop_oneof![
        10 => found,
        6 => superseded,
        1 => Just(Outcome::None),
        1 => number().prop_map(|number| Outcome::Ambiguous(vec![Candidate::new(number.to_string())])),
        1 => Just(Outcome::Invalidated),
        1 => Just(Outcome::NotVerified),
    ]
}

#[derive(Clone, Debug)]
enum Received {
    Answer(Outcome),
    Error(ErrorKind, Option<Field>),
}

impl Received {
    fn reply(&self) -> Result<Answer, Error> {
        let exchange: Exchange = serde_json::from_value(super::exchange("SMSP-0000")).unwrap();
        match self {
            Self::Answer(outcome) => Ok(Answer::new(outcome.clone(), exchange)),
            Self::Error(kind, field) => {
                let error = Error::new(*kind).with_exchange(exchange);
                Err(match field {
                    Some(field) => error.with_field(*field),
                    None if *kind == ErrorKind::Rejected => error.with_unexplained(),
                    None => error,
                })
            }
        }
    }
}

fn replies(asked: Option<NhsNumber>) -> impl Strategy<Value = Received> {
    let kinds = select(vec![
        ErrorKind::Configuration,
        ErrorKind::Rejected,
        ErrorKind::Unavailable,
        ErrorKind::Unreadable,
    ]);
    let particulars = prop::option::of(select(vec![Field::NhsNumber, Field::Family]));
    prop_oneof![
        8 => outcomes(asked).prop_map(Received::Answer),
        1 => (kinds, particulars).prop_map(|(kind, field)| Received::Error(kind, field)),
    ]
}

/// Search criteria, mostly with every field.
fn criteria(number: Option<NhsNumber>) -> impl Strategy<Value = Criteria> {
    let givens = ["Comfort Joy", " "].map(|given| json!(given));
    let givens = givens.into_iter().chain([Value::Null]).collect();
    let genders = ["not_known", "not_specified"].map(|gender| json!(gender));
    let genders = genders.into_iter().chain([Value::Null]).collect();
    let postcodes = vec![json!("ZZ99 3VZ"), json!("LS1 4HY"), Value::Null];
    (change(4, givens), change(9, genders), change(3, postcodes)).prop_map(
        move |(given, gender, postcode)| {
            let changes = [("given", given), ("gender", gender), ("postcode", postcode)];
            let changes =
                changes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            let asked = with(by_fields(), Value::Object(changes.collect()));
            let mut asked: Criteria = serde_json::from_value(asked).unwrap();
            asked.nhs_number = number;
            asked
        },
    )
}

/// A case, the search criteria, the reply, and the cases that have the number returned.
fn situations() -> impl Strategy<Value = (Case, Criteria, Received, Vec<&'static str>)> {
    cases()
        .prop_flat_map(|case| {
            let own = case.nhs_number.as_ref().map(|recorded| recorded.number);
            let asked = prop_oneof![
                4 => Just(own),
                4 => Just(None),
                1 => prop::option::of(number()),
            ];
            (Just(case), asked)
        })
        .prop_flat_map(|(case, asked)| {
            let holders = prop_oneof![
                2 => Just(Vec::new()),
                1 => subsequence(vec!["RXX:1", "RXX:2", "RXX:3"], 0..=3),
            ];
            (Just(case), criteria(asked), replies(asked), holders)
        })
        .prop_map(|(mut case, asked, received, holders)| {
            // A worker sends the fields that the case has.
            (case.forename, case.gender) = (asked.given.clone(), asked.gender);
            let identity = case.identity();
            if let Some(recorded) = &mut case.nhs_number {
                recorded.person = Some(identity);
            }
            (case, asked, received, holders)
        })
}

fn scene(case: &Case, asked: &Criteria, received: &Received, holders: &[&str]) -> Scene {
    let mut scene = Scene::new(case.clone(), by_fields(), received.reply()).shared_with(holders);
    scene.asked.clone_from(asked);
    scene
}

/// The number and the person that were returned, and whether by the Spine itself.
fn returned(received: &Received) -> (Option<NhsNumber>, Option<&Demographics>, bool) {
    match received {
        Received::Answer(Outcome::Found(found)) => {
            let live = found.freshness == Freshness::Live;
            (Some(found.nhs_number), found.person.as_ref(), live)
        }
        Received::Answer(Outcome::Superseded { by, person }) => (*by, person.as_deref(), true),
        _ => (None, None, true),
    }
}

/// Whether family name, first given name, date of birth and gender are known, were returned and agree. It
/// knows only the people and queries that this file makes.
fn four_fields_agree(asked: &Criteria, person: &Demographics) -> bool {
    let given = given(person);
    let first_given = match asked.given.as_deref() {
        Some("Comfort") => given == ["COMFORT"] || given == ["COMFORT", "JOY"],
        Some("Comfort Joy") => given == ["COMFORT", "JOY"] || given == ["COMFORT JOY"],
        _ => false,
    };
    first_given
        && family(person) == Some("AINDOW")
        && person.date_of_birth == Recorded::Known("1943-05-19".parse().unwrap())
        && asked.gender == Some(Gender::Female)
        && person.gender == Recorded::Known(Gender::Female)
}

fn given(person: &Demographics) -> Vec<&str> {
    person.name.iter().flat_map(|name| &name.given).map(String::as_str).collect()
}

fn family(person: &Demographics) -> Option<&str> {
    person.name.as_ref()?.family.known().map(String::as_str)
}

/// Whether no field excludes that the person is the one that was asked about: a family name was returned, one
/// given name is the same, and the full date of birth is the same. The gender may differ, and the family name
/// too.
fn no_field_excludes(asked: &Criteria, person: &Demographics) -> bool {
    let own = asked.given.as_deref().unwrap_or_default().to_uppercase();
    let own: Vec<&str> = own.split_whitespace().collect();
    let one_given =
        given(person).iter().flat_map(|name| name.split(' ')).any(|name| own.contains(&name));
    one_given
        && family(person).is_some_and(|family| !family.is_empty())
        && person.date_of_birth == Recorded::Known("1943-05-19".parse().unwrap())
}

/// Whether a postcode that was returned is that of the query.
fn lives_there(asked: &Criteria, person: &Demographics) -> bool {
    let homes = person.addresses.iter().filter_map(|at| at.postcode.known());
    let homes = homes.filter(|home| !home.is_pseudo());
    asked.postcode.is_some_and(|asked| homes.clone().any(|home| *home == asked))
}

/// Whether the successor of a confirmed number may be the person by MSCA-DQ-03; `None` when that rule does not
/// apply.
fn may_succeed(scene: &Scene, received: &Received) -> Option<bool> {
    let (_, person, _) = returned(received);
    let (asked, recorded) = (&scene.asked, scene.case.nhs_number.as_ref());
    let standings = [NumberStatus::Usable, NumberStatus::Superseded];
    let confirmed = recorded.is_some_and(|recorded| {
        use Corroboration::{Number, Postcode};
        standings.contains(&recorded.status)
            && matches!(&recorded.source, NumberSource::Traced(provenance)
                if provenance.freshness == Freshness::Live
                    && [Some(Postcode), Some(Number)].contains(&provenance.corroboration))
    });
    let superseded = matches!(received, Received::Answer(Outcome::Superseded { .. }));
    (asked.nhs_number.is_some() && confirmed && superseded).then(|| {
        person.is_none_or(|person| {
            let born = [Recorded::NotReturned, Recorded::Known("1943-05-19".parse().unwrap())];
            let same = asked.gender.is_none_or(|asked| person.gender == Recorded::Known(asked));
            born.contains(&person.date_of_birth) && (person.gender == Recorded::NotReturned || same)
        })
    })
}

/// Whether the number comes from elsewhere than a search by the same fields.
fn is_from_elsewhere(scene: &Scene) -> bool {
    let Some(recorded) = &scene.case.nhs_number else { return true };
    let refused = [NumberStatus::NotVerified, NumberStatus::Invalid].contains(&recorded.status);
    match &recorded.source {
        NumberSource::Traced(provenance) => {
            (!refused && provenance.corroboration.is_some()) || provenance.confirmed_by.is_some()
        }
        _ => true,
    }
}

/// Whether the person returned may be the person of the case at all: without this, no number is written and
/// none is confirmed. It is a necessary part of the rule of `docs/decisions.md`, written independently of the
/// judge.
fn may_be_the_person(scene: &Scene, received: &Received) -> bool {
    let (_, person, _) = returned(received);
    may_succeed(scene, received).unwrap_or_else(|| {
        person.is_some_and(|person| {
            let home = match scene.asked.nhs_number {
                Some(_) => is_from_elsewhere(scene) || lives_there(&scene.asked, person),
                // The service has matched it.
                None => scene.asked.postcode.is_some_and(|postcode| !postcode.is_pseudo()),
            };
            no_field_excludes(&scene.asked, person) && home
        })
    })
}

/// Whether everything agrees: then the number is written or confirmed.
fn is_the_person(scene: &Scene, received: &Received) -> bool {
    let (_, person, _) = returned(received);
    may_succeed(scene, received).unwrap_or_else(|| {
        person.is_some_and(|person| {
            four_fields_agree(&scene.asked, person) && lives_there(&scene.asked, person)
        })
    })
}

/// No number is written or confirmed by a person found above the limit of the risk, or against a veto.
fn check_judged(received: &Received, decision: &Decision) {
    let Some(written) = &decision.number else { return };
    let NumberSource::Traced(provenance) = &written.source else { panic!() };
    if provenance.corroboration == Some(Corroboration::Successor) {
        assert!(matches!(received, Received::Answer(Outcome::Superseded { .. })));
        return;
    }
    let candidate = decision.candidate.as_ref().unwrap();
    assert_eq!(candidate.nhs_number, written.number);
    assert!(candidate.vetoes.is_empty(), "{:?}", candidate.vetoes);
    assert!(RiskLimit::default().allows(candidate.risk), "{}", candidate.risk);
    assert_eq!(provenance.risk, Some(candidate.risk));
    assert_eq!(provenance.relations, Some(candidate.relations));
    assert_eq!(provenance.step.as_ref(), Some(&candidate.step));
}

/// Whether only the evidence decides about the number that was returned.
fn nothing_is_in_the_way(scene: &Scene, received: &Received) -> bool {
    let (number, person, live) = returned(received);
    let Some(number) = number else { return false };
    let recorded = scene.case.nhs_number.as_ref().map(|recorded| recorded.number);
    let found = matches!(received, Received::Answer(Outcome::Found(_)));
    let death_can_be_read = !found
        || person.is_none_or(|person| !matches!(person.date_of_death, Recorded::Unrecognised(_)));
    !scene.case.rejected_numbers.contains(&number)
        && scene.holders.iter().all(|holder| *holder == scene.case.id)
        && death_can_be_read
        && scene.asked.nhs_number == recorded
        && match recorded {
            None => true,
            Some(recorded) => live && (found == (recorded == number)),
        }
}

fn check_number(scene: &Scene, received: &Received, decision: &Decision, after: &Case) {
    let (before, now) = (&scene.case.nhs_number, &after.nhs_number);
    if before == now {
        return;
    }
    let now = now.as_ref().unwrap();
    let effect = decision.effects().number;
    if let NumberEffect::Mark(status) = effect {
        let mut marked = before.clone().unwrap();
        // A number that the service has spoken against loses its evidence; a superseded number keeps it.
        let kept = [marked.status, status]
            .into_iter()
            .all(|status| [NumberStatus::Usable, NumberStatus::Superseded].contains(&status));
        marked.status = status;
        if let (false, NumberSource::Traced(provenance)) = (kept, &mut marked.source) {
            provenance.corroboration = None;
        }
        assert_eq!(*now, marked);
        return;
    }
    let (number, _, live) = returned(received);
    assert_eq!(Some(now.number), number);
    assert!(now.status.is_usable());
    assert!(!scene.case.rejected_numbers.contains(&now.number), "rejected");
    assert!(
        scene.holders.iter().all(|holder| *holder == scene.case.id),
        "another case has the number"
    );
    assert!(may_be_the_person(scene, received), "without evidence");
    check_judged(received, decision);
    assert_ne!(decision.row.requirement(), Requirement::None);
    let before = before.as_ref();
    if before.is_none_or(|before| before.number != now.number) {
        assert_eq!(effect, NumberEffect::Write);
    } else {
        assert!(matches!(effect, NumberEffect::Write | NumberEffect::Confirm));
    }
    let Some(before) = before else { return };
    let wrong = matches!(before.status, NumberStatus::Superseded | NumberStatus::Invalid);
    if before.number != now.number && !wrong {
        assert_eq!(decision.row, Row::RecordedSupersededFree, "a usable number was replaced");
        assert_eq!(scene.asked.nhs_number, Some(before.number));
    }
    if !live {
        assert!(!before.source.is_traced() && before.status.is_usable(), "by a copy");
    }
}

fn check_death(scene: &Scene, received: &Received, after: &Case) {
    if scene.case.date_of_death.is_some() {
        assert_eq!(scene.case.date_of_death, after.date_of_death);
    } else if let Some(died) = after.date_of_death {
        let (_, person, live) = returned(received);
        assert!(live && may_be_the_person(scene, received), "without evidence");
        assert!(person.is_some_and(|person| person.date_of_death == Recorded::Known(died)));
        assert!(after.death_traced);
    }
}

/// The data of the local system do not change.
fn check_local(before: &Case, after: &Case) {
    let mut same = after.clone();
    same.nhs_number.clone_from(&before.nhs_number);
    same.date_of_death = before.date_of_death;
    same.death_traced = before.death_traced;
    same.review.clone_from(&before.review);
    same.undelivered.clone_from(&before.undelivered);
    same.asking.clone_from(&before.asking);
    same.last_trace.clone_from(&before.last_trace);
    assert!(same == *before, "names, addresses and the like");
}

fn check_items(scene: &Scene, decision: &Decision, after: &Case) {
    let before = &scene.case;
    let kept = after.review.iter().take(before.review.len());
    assert!(kept.zip(&before.review).all(|(kept, before)| kept.number == before.number
        && kept.reason == before.reason
        && kept.opened_at == before.opened_at));
    assert!(after.review.len() <= before.review.len() + 1);
    assert!(after.undelivered.len() <= 2);
    if let Some(reason) = decision.review {
        let open = after.open_items().filter(|item| item.reason == reason);
        assert!(open.count() >= 1, "the review item is open");
    }
    for item in &before.review {
        let settled = after.review.iter().any(|it| it.number == item.number && !it.is_open());
        let of_number = matches!(item.reason, ReviewReason::Superseded | ReviewReason::Invalidated);
        let from_spine =
            decision.number.as_ref().is_some_and(|recorded| recorded.source.is_traced());
        assert!(!settled || item.reason.is_settled_by_an_answer() || (of_number && from_spine));
    }
    // The same response again opens no second item and sends no second alert.
    let twice = scene.after_once(after);
    if !matches!(decision.row, Row::Unreadable | Row::Unavailable) {
        let again = scene.decide_once(after).row;
        assert_eq!(after.review.len(), twice.review.len(), "{} {again}", decision.row);
        assert!(after.undelivered == twice.undelivered);
        let mut delivered = after.clone();
        delivered.undelivered.clear();
        let further = scene.after_once(&delivered).undelivered;
        assert!(further.is_empty(), "nor after delivery: {} {again} {further:?}", decision.row);
    }
}

fn check_others(scene: &Scene, decision: &Decision) {
    if !decision.effects().flag_others {
        return;
    }
    let number = decision.evidence.nhs_number.unwrap();
    assert!(!decision.evidence.others.is_empty());
    for other in &decision.evidence.others {
        assert_ne!(*other, scene.case.id);
        let mut holder = Case::new(other.clone(), case().record_type);
        holder.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        let flagged = holder.flag_duplicate(&scene.case.id, number, super::now()).unwrap();
        assert!(flagged.nhs_number == holder.nhs_number, "the other case keeps its number");
        assert_eq!(flagged.open_items().count(), 1);
        assert!(flagged.undelivered.is_empty());
        assert!(flagged.flag_duplicate(&scene.case.id, number, super::now()).is_none());
    }
}

/// Checks that complete evidence writes the number. Returns whether the evidence was complete.
fn check_written(scene: &Scene, received: &Received, decision: &Decision, after: &Case) -> bool {
    let complete = is_the_person(scene, received) && nothing_is_in_the_way(scene, received);
    if complete {
        let effect = decision.effects().number;
        assert!(matches!(effect, NumberEffect::Write | NumberEffect::Confirm), "{}", decision.row);
        let (number, person, live) = returned(received);
        let now = after.nhs_number.as_ref().unwrap();
        assert_eq!(Some(now.number), number);
        let NumberSource::Traced(provenance) = &now.source else { panic!() };
        assert!(provenance.corroboration.is_some());
        assert_ne!(decision.row.requirement(), Requirement::None);
        let died = person.and_then(|person| person.date_of_death.known()).filter(|_| live);
        let died = scene.case.date_of_death.or(died.copied());
        assert_eq!(after.date_of_death, died);
    }
    complete
}

/// Without a response, only the wait and the count change, and the fifth time a review item is opened.
fn check_unanswered(before: &Case, decision: &Decision, mut after: Case) {
    assert!(matches!(decision.row, Row::Unavailable | Row::UnavailableTooOften));
    assert_eq!(after.asking.unanswered, before.asking.unanswered + 1);
    assert!(after.asking.retry_after > Some(super::now()));
    let too_often = after.asking.unanswered >= Policy::default().unanswered_limit;
    assert_eq!(decision.row == Row::UnavailableTooOften, too_often);
    assert_eq!(decision.review, too_often.then_some(ReviewReason::Unanswered));
    if !too_often {
        assert_eq!(after.review, before.review);
    }
    after.asking.unanswered = before.asking.unanswered;
    after.asking.retry_after = before.asking.retry_after;
    after.review.clone_from(&before.review);
    assert!(after == *before, "nothing else changes");
}

fn check(case: &Case, asked: &Criteria, received: &Received, holders: &[&str]) -> (Row, bool) {
    let scene = scene(case, asked, received, holders);
    let policy = Policy::default();
    let context = Context::new(&scene.asked, &scene.holders, &policy);
    let decision = decide(case, scene.reply.as_ref(), &context, super::now());
    assert_eq!(scene.decide_once(case), decision);
    let Some(after) = apply(case, &decision, &policy) else {
        assert!(matches!(decision.row, Row::Configuration | Row::RecordedChanged));
        return (decision.row, false);
    };
    assert!(!matches!(received, Received::Error(ErrorKind::Configuration, _)));
    check_number(&scene, received, &decision, &after);
    check_death(&scene, received, &after);
    let written = check_written(&scene, received, &decision, &after);
    check_local(case, &after);
    check_items(&scene, &decision, &after);
    check_others(&scene, &decision);
    if matches!(received, Received::Error(ErrorKind::Unavailable, _)) {
        check_unanswered(case, &decision, after);
        return (decision.row, written);
    }
    assert_eq!(after.asking.unanswered, 0, "the service has answered");
    let last = after.last_trace.unwrap();
    assert_eq!(last.result, decision.result().as_str());
    (decision.row, written)
}

#[test]
fn no_response_has_a_forbidden_effect() {
    let config = ProptestConfig {
        cases: 12_000,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Default::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let reached = RefCell::new(BTreeMap::<Row, u32>::new());
    let written = RefCell::new(0);
    TestRunner::new_with_rng(config, rng)
        .run(&situations(), |(case, asked, received, holders)| {
            let (row, was_written) = check(&case, &asked, &received, &holders);
            *reached.borrow_mut().entry(row).or_default() += 1;
            *written.borrow_mut() += u32::from(was_written);
            Ok(())
        })
        .unwrap();
    assert!(written.into_inner() > 500);
    let reached = reached.into_inner();
    for row in Row::ALL {
        assert!(reached.get(row).is_some_and(|count| *count >= 3), "{row}: {reached:?}");
    }
}
