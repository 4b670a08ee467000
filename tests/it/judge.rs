//! The judge: who counts as the person of a case. Each example is a person returned, and what follows.

use crate::strategy::{Night, found, person, with};
use crate::support::one_question;
use crate::support::service::case;
use chrono::TimeDelta;
use nhs_pds::case::{Candidate, Case, CaseId, Heard, NumberSource, RecordedNumber, ReviewReason};
use nhs_pds::demographics::Gender;
use nhs_pds::matching::{Criteria, GivenRelation, Judge, PostcodeRelation, Risk, RiskLimit, Veto};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::{Context, Decision, Row, Scope, decide, plan};
use nhs_pds::trace::{Answer, ErrorKind, Exchange, LocalIdentifier, Outcome};
use serde_json::{Value, json};

const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);

fn now() -> chrono::DateTime<chrono::Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

/// What is known about the person of the case, as a query has it.
fn criteria(case: &Case) -> Criteria {
    let birth = case.date_of_birth.unwrap().full().unwrap();
    let mut asked = Criteria::new(case.surname.clone().unwrap(), birth);
    (asked.given, asked.gender) = (case.forename.clone(), case.gender);
    asked.postcode = case.postcode.as_deref().map(|postcode| postcode.parse().unwrap());
    asked.nhs_number = case.nhs_number.as_ref().map(|recorded| recorded.number);
    asked
}

struct Scene {
    case: Case,
    judge: Judge,
    known: Vec<Heard>,
    holders: Vec<CaseId>,
}

impl Scene {
    fn new(case: Case) -> Self {
        Self { case, judge: Judge::default(), known: Vec::new(), holders: Vec::new() }
    }

    /// The case has the number from elsewhere.
    fn with_number(mut self) -> Self {
        let source = NumberSource::Imported(Some("GP letter".into()));
        self.case.nhs_number = Some(RecordedNumber::new(NUMBER, source));
        self
    }

    /// The decision when `who` is returned, by a search or by the number of the case.
    fn decides(&self, who: &Value) -> Decision {
        let policy = one_question().with_judge(self.judge.clone());
        let exchange = Exchange::new("test", "trace", "M-1", now());
        let answer = Answer::new(found(NUMBER, who), exchange);
        let asked = criteria(&self.case);
        let mut context = Context::new(&asked, &self.holders, &policy);
        let root = LocalIdentifier::LOCAL_PATIENT_ROOT;
        let mut planned;
        if !self.known.is_empty() {
            planned = plan(&self.case, &Scope::default(), &policy, root, now()).unwrap();
            planned.step = "last".into();
            context = context.after(&self.known, &planned);
        }
        let decision = decide(&self.case, Ok(&answer), &context, now());
        let candidate = decision.candidate.as_ref();
        let limit = self.judge.limit();
        if decision.number.is_some() {
            let candidate = candidate.unwrap();
            assert!(candidate.vetoes.is_empty() && limit.allows(candidate.risk));
        }
        decision
    }

    fn candidate(&self, who: &Value) -> Candidate {
        self.decides(who).candidate.unwrap()
    }

    #[track_caller]
    fn is_vetoed(&self, who: &Value, veto: Veto) {
        let decision = self.decides(who);
        assert!(decision.number.is_none() && decision.date_of_death.is_none(), "{who}");
        assert!(decision.candidate.unwrap().vetoes.contains(&veto), "{veto}: {who}");
        let reviewed = &decision.evidence.candidates;
        assert!(reviewed.iter().any(|shown| shown.vetoes.contains(&veto)), "for the reviewer");
    }
}

/// Comfort Aindow as PDS has recorded her, with `changes`.
fn comfort_but(changes: Value) -> Value {
    with(person("COMFORT", "AINDOW", "KT17 1NA"), changes)
}

fn name(given: &str, family: &str) -> Value {
    json!({"name": {"given": [given], "family": family}})
}

fn merged(parts: &[Value]) -> Value {
    parts.iter().fold(json!({}), |all, part| with(all, part.clone()))
}

/// Values of each field, from agreement to contradiction.
fn names() -> Vec<Value> {
    let families = ["AINDOW", "AINDOWE", "OBI"];
    let givens = ["COMFORT", "COMFORTT", "JOY"];
    families.iter().flat_map(|family| givens.map(|given| name(given, family))).collect()
}

fn births() -> [Value; 3] {
    ["1943-05-19", "1943-05-18", "1950-01-01"].map(|born| json!({"date_of_birth": born}))
}

fn genders() -> [Value; 2] {
    ["female", "male"].map(|gender| json!({"gender": gender}))
}

fn homes() -> [Value; 2] {
    ["KT17 1NA", "LS1 4HY"].map(|home| json!({"addresses": [{"use": "home", "postcode": home}]}))
}

/// Every person that the values make, by search and by number.
fn everybody() -> Vec<(Scene, Value)> {
    let mut all = Vec::new();
    for name in names() {
        for birth in births() {
            for gender in genders() {
                for home in homes() {
                    let who =
                        comfort_but(merged(&[name.clone(), birth.clone(), gender.clone(), home]));
                    let mut nowhere = case("1");
                    nowhere.postcode = None;
                    all.push((Scene::new(case("1")), who.clone()));
                    all.push((Scene::new(nowhere), who.clone()));
                    all.push((Scene::new(case("1")).with_number(), who));
                }
            }
        }
    }
    all
}

#[test]
fn no_number_is_written_above_the_risk_limit() {
    let limit = RiskLimit::default();
    let (mut written, mut refused_by_risk_alone) = (0, 0);
    for (scene, who) in everybody() {
        let decision = scene.decides(&who);
        let candidate = decision.candidate.as_ref().unwrap();
        let accepted = candidate.vetoes.is_empty() && limit.allows(candidate.risk);
        assert_eq!(decision.number.is_some(), accepted, "{who}");
        written += u32::from(accepted);
        refused_by_risk_alone += u32::from(candidate.vetoes.is_empty() && !accepted);
    }
    assert!(written > 10 && refused_by_risk_alone > 10, "{written} {refused_by_risk_alone}");
    // Everything that is known agrees, and without a postcode she may be her namesake.
    let mut moved = case("1");
    moved.postcode = None;
    let decision = Scene::new(moved).decides(&comfort_but(json!({})));
    assert_eq!(decision.row, Row::FoundDiffers);
    assert_eq!(decision.review, Some(ReviewReason::Unconfirmed));
    assert_eq!(decision.candidate.unwrap().vetoes, []);
}

#[test]
fn a_risk_limit_above_the_floor_is_refused() {
    for n in [0, 1, 1_000, 99_999] {
        assert!(RiskLimit::one_in(n).is_err(), "{n}");
    }
    let floor = RiskLimit::one_in(100_000).unwrap();
    assert_eq!(floor, RiskLimit::default());
    let strict = RiskLimit::one_in(10_000_000).unwrap();
    for one_in in [1, 10, 99_000, 101_000, 9_000_000, 11_000_000, 1_000_000_000_u64] {
        #[expect(clippy::cast_precision_loss, reason = "a float has room for it")]
        let risk = Risk::of(1.0 / one_in as f64);
        assert!(!strict.allows(risk) || floor.allows(risk), "a stricter limit allows no more");
        assert_eq!(floor.allows(risk), one_in > 100_000);
        assert_eq!(strict.allows(risk), one_in > 10_000_000);
    }
}

/// A deployment with a stricter limit writes less.
#[test]
fn a_stricter_limit_is_applied() {
    let who = comfort_but(json!({}));
    let mut scene = Scene::new(case("1"));
    let risk = scene.candidate(&who).risk;
    assert_eq!(scene.decides(&who).row, Row::Found);
    scene.judge = Judge::default().with_limit(RiskLimit::one_in(risk.one_in() * 2).unwrap());
    assert_eq!(scene.decides(&who).row, Row::FoundDiffers);
    assert_eq!(scene.candidate(&who).risk, risk);
}

fn named(given: &str, family: &str) -> Case {
    let mut case = case("1");
    (case.surname, case.forename) = (Some(family.into()), Some(given.into()));
    case
}

#[test]
fn no_name_is_rarer_than_the_floor() {
    let risk = |given: &str, family: &str, at_home: bool| {
        let mut case = named(given, family);
        case.postcode = case.postcode.filter(|_| at_home);
        Scene::new(case).candidate(&comfort_but(name(given, family))).risk
    };
    for at_home in [true, false] {
        let invented = risk("Xyzzlewyn", "Qwxplover", at_home);
        // Listed, and rarer than the floor.
        let listed = risk("Comfort", "Aindow", at_home);
        assert_eq!(invented, listed, "{at_home}");
        let common = risk("Mary", "Smith", at_home);
        assert!(common > invented, "{at_home}: {common}, {invented}");
    }
    // Without an agreeing postcode, no full name is evidence enough.
    assert!(risk("Xyzzlewyn", "Qwxplover", false) > Risk::of(0.001));
}

/// Two people named Mohammed Khan, born on 1 January, are little evidence.
#[test]
fn a_common_name_on_the_first_of_january_is_little_evidence() {
    let khan = |born: &str| {
        let mut case = named("Mohammed", "Khan");
        (case.date_of_birth, case.gender) = (Some(born.parse().unwrap()), Some(Gender::Male));
        let who = comfort_but(name("MOHAMMED", "KHAN"));
        (case, with(who, json!({"date_of_birth": born, "gender": "male"})))
    };
    let (new_year, who) = khan("1980-01-01");
    let rare = Scene::new(case("1")).candidate(&comfort_but(json!({}))).risk;
    let (other_day, other) = khan("1980-05-19");
    let at_new_year = Scene::new(new_year.clone()).candidate(&who).risk;
    assert!(at_new_year > Scene::new(other_day).candidate(&other).risk);
    assert!(at_new_year.probability() > 10.0 * rare.probability(), "{at_new_year}, {rare}");
    // A number from elsewhere is not confirmed when he lives elsewhere.
    let moved = with(who.clone(), json!({"addresses": [{"use": "home", "postcode": "LS1 4HY"}]}));
    let held = Scene::new(new_year).with_number();
    assert_eq!(held.decides(&moved).row, Row::RecordedDiffers);
}

#[test]
fn an_unknown_field_says_nothing() {
    let scene = Scene::new(case("1"));
    let risk = |gender: Value| scene.candidate(&comfort_but(json!({"gender": gender}))).risk;
    let (same, other) = (risk(json!("female")), risk(json!("male")));
    for unknown in [Value::Null, json!("not_known"), json!("not_specified")] {
        let unknown = risk(unknown);
        assert!(same < unknown && unknown < other, "{same} {unknown} {other}");
    }
    // The service has matched the postcode. Without an address it is neither another one nor a former one.
    let hidden = scene.candidate(&comfort_but(json!({"addresses": []})));
    assert_eq!(hidden.relations.postcode, PostcodeRelation::Equal);
    let by_number = Scene::new(case("1")).with_number();
    let hidden = by_number.candidate(&comfort_but(json!({"addresses": []})));
    assert_eq!(hidden.relations.postcode, PostcodeRelation::Unknown);
    let at = |home: usize| by_number.candidate(&comfort_but(homes()[home].clone())).risk;
    assert!(at(0) < hidden.risk && hidden.risk < at(1));
    // A name or a date of birth that is not known is never enough, whatever else agrees.
    for changes in [
        json!({"name": null}),
        json!({"name": {"family": "AINDOW"}}),
        json!({"name": {"given": ["COMFORT"]}}),
        json!({"date_of_birth": null}),
        json!({"date_of_birth": "1943-05"}),
    ] {
        for scene in [Scene::new(case("1")), Scene::new(case("1")).with_number()] {
            scene.is_vetoed(&comfort_but(changes.clone()), Veto::Incomplete);
        }
    }
    let mut nameless = case("1");
    nameless.forename = None;
    Scene::new(nameless).is_vetoed(&comfort_but(json!({})), Veto::Incomplete);
}

#[test]
fn another_candidate_of_comparable_weight_is_a_veto() {
    let mut scene = Scene::new(case("1"));
    let who = comfort_but(json!({}));
    assert_eq!(scene.decides(&who).row, Row::Found);
    let mut namesake = scene.candidate(&who);
    namesake.nhs_number = OTHER;
    scene.known = vec![Heard::person(namesake)];
    scene.is_vetoed(&who, Veto::AnotherCandidate);
    assert_eq!(scene.decides(&who).evidence.candidates.len(), 2);
    // One that is far less likely is no reason for doubt.
    let mut unlike =
        scene.candidate(&comfort_but(merged(&[name("JOY", "OBI"), births()[2].clone()])));
    unlike.nhs_number = OTHER;
    unlike.vetoes.clear();
    scene.known = vec![Heard::person(unlike)];
    scene.known[0].candidate.as_mut().unwrap().risk = Risk::CERTAIN;
    assert_eq!(scene.decides(&who).row, Row::Found);
}

#[test]
fn a_number_of_another_case_is_a_veto() {
    let mut scene = Scene::new(case("1"));
    scene.holders = vec!["2".parse().unwrap()];
    let decision = scene.decides(&comfort_but(json!({})));
    assert_eq!((decision.row, decision.number), (Row::FoundDuplicate, None));
    let held = Scene { holders: vec!["2".parse().unwrap()], ..Scene::new(case("1")).with_number() };
    let decision = held.decides(&comfort_but(json!({})));
    assert_eq!((decision.row, decision.number), (Row::RecordedDuplicate, None));
}

#[test]
fn a_rejected_number_is_a_veto() {
    let mut scene = Scene::new(case("1"));
    scene.case.rejected_numbers = vec![NUMBER];
    let decision = scene.decides(&comfort_but(json!({})));
    assert_eq!((decision.row, decision.number), (Row::FoundRejected, None));
    assert_eq!(decision.evidence.candidates, [], "never proposed again");
    let decision = Scene { case: scene.case, ..Scene::new(case("1")) }
        .with_number()
        .decides(&comfort_but(json!({})));
    assert_eq!((decision.row, decision.number), (Row::RecordedRejected, None));
}

/// Family name, birth and address agree, and the given name is another.
#[test]
fn a_twin_pattern_is_a_veto() {
    // Another name, a name that differs in one letter, and an initial.
    for (own, given) in [("Comfort", "JOY"), ("Harry", "BARRY"), ("Comfort", "C")] {
        let local = named(own, "Aindow");
        for scene in [Scene::new(local.clone()), Scene::new(local).with_number()] {
            scene.is_vetoed(&comfort_but(name(given, "AINDOW")), Veto::Twin);
        }
    }
}

/// Family name and address agree, and birth and given name are others.
#[test]
fn a_sibling_pattern_is_a_veto() {
    let sibling = comfort_but(merged(&[name("JOY", "AINDOW"), births()[2].clone()]));
    for scene in [Scene::new(case("1")), Scene::new(case("1")).with_number()] {
        scene.is_vetoed(&sibling, Veto::Sibling);
    }
}

#[test]
fn parent_and_child_of_one_name_is_a_veto() {
    for born in ["1913-05-19", "1968-10-02"] {
        let parent = comfort_but(json!({"date_of_birth": born, "date_of_death": "1990-01-02"}));
        for scene in [Scene::new(case("1")), Scene::new(case("1")).with_number()] {
            scene.is_vetoed(&parent, Veto::ParentOrChild);
        }
    }
}

#[test]
fn a_contradiction_in_gender_and_given_name_is_a_veto() {
    for given in ["COMFORTT", "JOHN"] {
        let brother = comfort_but(merged(&[name(given, "AINDOW"), json!({"gender": "male"})]));
        for scene in [Scene::new(case("1")), Scene::new(case("1")).with_number()] {
            scene.is_vetoed(&brother, Veto::GenderAndGiven);
        }
    }
}

/// Differences that a record of the same person has: with everything else equal, the number is written.
#[test]
fn one_named_difference_is_no_obstacle() {
    let mut wide = case("1");
    wide.other_forenames = vec!["Joy".into()];
    wide.former_surnames = vec!["Obi".into()];
    for (changes, family, given, birth) in [
        (name("COMFORT", "AINDOWE"), "spelling_variant", "equal", "equal"),
        (name("COMFORT", "AINDOWB"), "typing_error", "equal", "equal"),
        (name("COMFORT", "OBI"), "former", "equal", "equal"),
        (name("COMFORT", "AINDOW-OBI"), "part_of_double", "equal", "equal"),
        (name("AINDOW", "COMFORT"), "swapped_with_given", "swapped_with_family", "equal"),
        (json!({"date_of_birth": "1943-05-18"}), "equal", "equal", "day_or_month_digit"),
        (json!({"date_of_birth": "1944-05-19"}), "equal", "equal", "year_digit"),
    ] {
        let decision = Scene::new(wide.clone()).decides(&comfort_but(changes.clone()));
        let relations = decision.candidate.as_ref().unwrap().relations;
        assert_eq!(
            (relations.family.as_str(), relations.given.as_str(), relations.birth.as_str()),
            (family, given, birth)
        );
        assert_eq!(decision.row, Row::Found, "{changes}: {}", decision.candidate.unwrap().risk);
    }
    // A further name may also be the first name of a twin.
    let decision = Scene::new(wide.clone()).decides(&comfort_but(name("JOY", "AINDOW")));
    let relations = decision.candidate.as_ref().unwrap().relations;
    assert_eq!((relations.given.as_str(), decision.row), ("further_name", Row::FoundDiffers));
    let mut bob = Scene::new(named("Bob", "Aindow"));
    bob.case.gender = Some(Gender::Male);
    let robert = with(comfort_but(name("ROBERT", "AINDOW")), json!({"gender": "male"}));
    let decision = bob.decides(&robert);
    assert_eq!(decision.candidate.unwrap().relations.given, GivenRelation::FamiliarForm);
    assert_eq!(decision.row, Row::Found);
}

/// A further disagreement never makes a person more likely.
#[test]
fn a_disagreement_never_lowers_the_risk() {
    let mut compared = 0;
    for (scene, who) in everybody() {
        let before = scene.candidate(&who);
        let worse =
            [name("JOY", "OBI"), births()[2].clone(), genders()[1].clone(), homes()[1].clone()];
        for change in worse {
            let after = scene.candidate(&with(who.clone(), change.clone()));
            assert!(after.risk >= before.risk, "{who} {change}: {} {}", before.risk, after.risk);
            compared += u32::from(after.relations != before.relations);
        }
    }
    assert!(compared > 300, "{compared}");
}

/// The number came from elsewhere. The search for the person decides whether a move is a move.
#[tokio::test]
async fn a_person_who_moved_is_confirmed_and_a_namesake_is_not() {
    let held = || Scene::new(case("1")).with_number().case;
    let moved = found(NUMBER, &comfort_but(homes()[1].clone()));
    // No other person is found at the address of the case.
    let night = Night::new(held(), [Ok(moved.clone()), Ok(Outcome::None)]).await;
    let (after, asked) = night.pass().await;
    assert_eq!(asked, ["number", "exact"]);
    let number = after.nhs_number.unwrap();
    assert!(number.number == NUMBER && number.status.is_usable() && number.source.is_traced());
    // The search finds her, with another number: the case has the number of her namesake.
    let own = found(OTHER, &comfort_but(json!({})));
    let night = Night::new(held(), [Ok(moved.clone()), Ok(own)]).await;
    let (after, _) = night.pass().await;
    assert!(!after.nhs_number.as_ref().unwrap().source.is_traced(), "not confirmed");
    let open: Vec<ReviewReason> = after.open_items().map(|item| item.reason).collect();
    assert_eq!(open, [ReviewReason::Conflict]);
    // The search found the same person: an address that the record had before.
    let night = Night::new(held(), [Ok(moved.clone()), Ok(moved.clone())]).await;
    let (after, _) = night.pass().await;
    assert!(after.nhs_number.unwrap().source.is_traced());
    // A number of a person who lives elsewhere, and a record at the address of the case that is not theirs.
    let another = Outcome::Superseded { by: Some(OTHER), person: None };
    for unclear in
        [Outcome::Ambiguous(Vec::new()), Outcome::Invalidated, Outcome::NotVerified, another]
    {
        let night = Night::new(held(), [Ok(moved.clone()), Ok(unclear)]).await;
        let (after, _) = night.pass().await;
        let number = after.nhs_number.as_ref().unwrap();
        assert!(
            number.number == NUMBER && number.status.is_usable(),
            "nothing is against the number"
        );
        assert!(!number.source.is_traced(), "not confirmed");
        assert_eq!(after.open_items().count(), 1);
        assert_eq!(after.undelivered, []);
    }
    let own = Outcome::Superseded { by: Some(NUMBER), person: None };
    let night = Night::new(held(), [Ok(moved.clone()), Ok(own)]).await;
    let (after, _) = night.pass().await;
    assert!(after.nhs_number.unwrap().source.is_traced(), "a former record of the same person");
    // Without an answer to the search, the number is not confirmed; the next run sends the search alone.
    let night = Night::new(held(), [Ok(moved.clone()), Err(ErrorKind::Unavailable)]).await;
    let (after, _) = night.pass().await;
    assert!(!after.nhs_number.unwrap().source.is_traced());
    night.script([Ok(Outcome::None)]);
    let (after, asked) = night.pass_after(TimeDelta::hours(1)).await;
    assert_eq!(asked, ["exact"]);
    assert!(after.nhs_number.unwrap().source.is_traced());
    // A twin's number is not confirmed, and no search is needed.
    let twin = found(NUMBER, &comfort_but(name("JOY", "AINDOW")));
    let night = Night::new(held(), [Ok(twin)]).await;
    let (after, asked) = night.pass().await;
    assert_eq!(asked, ["number"]);
    assert!(!after.nhs_number.unwrap().source.is_traced());
}
