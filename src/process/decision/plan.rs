use crate::case::{
    Candidate, Case, Heard, KnownSoFar, is_implausible_birth, is_no_forename, is_no_surname,
};
use crate::demographics::{FullDate, Postcode, london_day, name_form};
use crate::matching::Criteria;
use crate::nhs_number::NhsNumber;
use crate::process::decision::eligibility::{Eligibility, Reason, Scope, eligibility};
use crate::process::decision::hear::candidate_of;
use crate::process::decision::policy::Policy;
use crate::process::decision::purpose::Purpose;
use crate::process::decision::strategy::next::Verdict;
use crate::process::decision::strategy::parts::Parts;
use crate::process::decision::strategy::questions::{Asked, questions};
use crate::process::decision::strategy::table::NO_POSTCODE;
use crate::trace::{CriterionError, FetchDetails, LocalIdentifier, NameText, Question};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// The next query about a case.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// The search criteria, with which the person returned is compared.
    pub asked: Criteria,
    /// The query.
    pub question: Question,
    /// The step of the strategy, by a stable word: `number` when a number is verified.
    pub step: String,
    /// What earlier questions by the same criteria have shown.
    pub(in crate::process) known: Vec<Heard>,
    /// Whether the service itself is not certain of the person whom it returned.
    pub(in crate::process) doubted: bool,
}

/// The step in which a number is verified.
pub(in crate::process) const BY_NUMBER: &str = "number";

/// Plans the query about `case` at `now`.
///
/// * A case without a number, or with a number marked as not reliable, is traced by its demographic fields:
///   surname and full date of birth, with forename, gender and postcode where they are known (HAV-1). The
///   [`Strategy`](crate::process::Strategy) has the steps; a service without history requires the gender.
/// * A number from elsewhere, or from a provider's copy, is verified. The query has the number, the date of
///   birth and the surname, so that no other person is returned.
/// * A traced number is not queried (HAV-3), unless `policy` verifies it again. If name, date of birth or gender
///   have changed since it was confirmed ([`Case::person_changed`]), it is verified at once.
///
/// The query has the case id under the OID `local_root`, and the answer repeats it.
///
/// A placeholder in place of a name, such as `UNKNOWN` or `Baby` (`reference/placeholders.txt`), is a fault of
/// the data. So is a birth in the future or more than 125 years ago, by the day in London. Such data are not
/// queried.
///
/// No tracing service searches by address. A postcode for a country or for "no fixed abode" (`ZZ99`) is left
/// out: it would only prevent a match. A postcode that cannot be read is not left out: the case is not queried
/// until a person corrects it ([`Reason::PostcodeUnusable`]).
///
/// Pure.
///
/// ```
/// use nhs_pds::case::{Allocation, Case, RecordType};
/// use nhs_pds::trace::LocalIdentifier;
/// use nhs_pds::process::{plan, Policy, Reason, Scope};
///
/// let mut case = Case::new("RXX:00001".parse()?, RecordType::AdultCase);
/// case.allocations = vec![Allocation::new("A Worker")];
/// let now = "2026-11-23T09:30:00Z".parse()?;
/// let (scope, policy) = (Scope::default(), Policy::default());
/// let planned = plan(&case, &scope, &policy, LocalIdentifier::LOCAL_PATIENT_ROOT, now);
/// assert_eq!(planned.unwrap_err().reason(), Some(Reason::SurnameMissing));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The [`Eligibility`], with every reason against the query, in the order of [`Reason`].
pub fn plan(
    case: &Case,
    scope: &Scope,
    policy: &Policy,
    local_root: &str,
    now: DateTime<Utc>,
) -> Result<Plan, Eligibility> {
    let purpose = Purpose::of(case, policy, now);
    let planned = ask(case, purpose.number(), policy, local_root, now);
    let mut eligible = eligibility(case, scope, now);
    if purpose == Purpose::Nothing {
        eligible = eligible.and([Reason::AlreadyTraced]);
    } else if planned.as_ref().is_ok_and(|planned| is_submitted(case, &planned.asked, now)) {
        eligible = eligible.and([Reason::InBatch]);
    } else if is_backing_off(case, policy, now) {
        eligible = eligible.and([Reason::NotDue]);
    }
    match planned {
        Err(reasons) => Err(eligible.and(reasons)),
        Ok(planned) => {
            let again = case.asking.asked.as_ref().is_some_and(|asked| {
                asked.has_same_fields(&planned.asked)
                    && purpose.is_answered_by(case, asked)
                    && (planned.asked.nhs_number.is_some() || case.asking.further == further(case))
            });
            if again && case.not_on_pds {
                eligible = eligible.and([Reason::NotOnPds]);
            } else if again && !is_due(case, policy, now) && !is_backing_off(case, policy, now) {
                eligible = eligible.and([Reason::NotDue]);
            }
            if !eligible.is_eligible() {
                return Err(eligible);
            }
            // What earlier answers have shown, before one did not come, need not be asked again.
            let known = known(case, &planned.asked, policy, now);
            let rest = (!known.is_empty())
                .then(|| following(case, &planned.asked, known, policy, local_root, now));
            Ok(rest.flatten().unwrap_or(planned))
        }
    }
}

/// Returns the first query that finds the person of `case`, or that verifies `number`, whether or not it is due.
///
/// # Errors
///
/// Every fault in the data that prevents the query.
pub(in crate::process) fn ask(
    case: &Case,
    number: Option<NhsNumber>,
    policy: &Policy,
    local_root: &str,
    now: DateTime<Utc>,
) -> Result<Plan, Vec<Reason>> {
    let (asked, parts) = criteria(case, number, policy, local_root, now)?;
    if let Some(number) = number {
        let question = FetchDetails::new(number, parts.born)
            .with_family(parts.family.clone())
            .with_local_identifier(parts.local);
        let (step, known) = (BY_NUMBER.to_owned(), Vec::new());
        let question = question.into();
        return Ok(Plan { asked, question, step, known, doubted: false });
    }
    let strategy = policy.strategy();
    let first = questions(strategy.steps(), case, &parts).into_iter().next();
    first.map(|first| search(asked, first, &[])).ok_or_else(Vec::new)
}

/// Returns the next query about `case` by the same criteria, if what is known is not enough and another query
/// may add to it.
pub(in crate::process) fn following(
    case: &Case,
    asked: &Criteria,
    known: &[Heard],
    policy: &Policy,
    local_root: &str,
    now: DateTime<Utc>,
) -> Option<Plan> {
    let (asked, parts) = criteria(case, asked.nhs_number, policy, local_root, now).ok()?;
    let strategy = policy.strategy();
    let listed = questions(strategy.steps(), case, &parts);
    let Some(number) = asked.nhs_number else {
        let verdict = Verdict::of(case, known);
        let next = verdict.next(&listed, known, policy.judge.limit())?;
        return Some(search(asked, next.clone(), known));
    };
    // A number whose person lives elsewhere may be that of a namesake: does the search find another person?
    let held = candidate_of(known, number)?;
    let verdict = Verdict::of(case, known);
    let (_, searches) = known.split_first()?;
    let found = candidate_of(searches, number).is_some();
    if !is_elsewhere(held, &asked) || found || verdict.several || verdict.has_likely_other(number) {
        return None;
    }
    // At the postcode of the case first, and then wherever the person may live: are there two of the name and birth?
    let first = strategy.steps().first()?.name;
    let beside = |step: &str| step.starts_with(first) || step.starts_with(NO_POSTCODE);
    let unasked = |next: &Asked| known.iter().all(|heard| heard.step != next.step);
    let next = listed.into_iter().find(|next| beside(&next.step) && unasked(next))?;
    Some(search(asked, next, known))
}

/// Whether the person of a verified number agrees in everything but the postcode; or the case has none.
fn is_elsewhere(held: &Candidate, asked: &Criteria) -> bool {
    let elsewhere = asked.postcode.is_none() || held.relations.is_elsewhere();
    elsewhere && held.vetoes.is_empty() && held.risk.probability() < 0.5
}

fn search(asked: Criteria, next: Asked, known: &[Heard]) -> Plan {
    let (question, known) = (next.find.into(), known.to_vec());
    Plan { asked, question, step: next.step, known, doubted: false }
}

/// What earlier questions by the same criteria and the same strategy have shown, before one got no answer.
pub(in crate::process) fn known<'a>(
    case: &'a Case,
    asked: &Criteria,
    policy: &Policy,
    now: DateTime<Utc>,
) -> &'a [Heard] {
    let fresh = |known: &&KnownSoFar| {
        let age = now.signed_duration_since(known.at);
        known.asked == *asked
            && known.strategy == policy.rules()
            && (TimeDelta::zero()..KEPT).contains(&age)
    };
    case.asking.known.as_ref().filter(fresh).map_or(&[], |known| &known.heard)
}

/// A digest of what a case has to send besides the criteria; `None` when it has nothing.
pub(in crate::process) fn further(case: &Case) -> Option<String> {
    let lists = case.lists();
    if lists.iter().all(|list| list.is_empty()) {
        return None;
    }
    let mut digest = Sha256::new();
    for list in lists {
        for text in list {
            digest.update(text.len().to_be_bytes());
            digest.update(text.as_bytes());
        }
        digest.update([0xff]);
    }
    let digest: [u8; 32] = digest.finalize().into();
    Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// How long answers are kept while a further question gets none. People move and change their names.
const KEPT: TimeDelta = TimeDelta::days(1);

/// The criteria of the case, and what it has to send.
pub(in crate::process) fn criteria(
    case: &Case,
    number: Option<NhsNumber>,
    policy: &Policy,
    local_root: &str,
    now: DateTime<Utc>,
) -> Result<(Criteria, Parts), Vec<Reason>> {
    let (family, given) = (family(case), given(case));
    let needs_gender = number.is_none() && policy.strategy().needs_gender();
    let (gender, born) = (gender(case, needs_gender), date_of_birth(case, now));
    let (postcode, local) = (postcode(case), LocalIdentifier::new(local_root, case.id.as_str()));
    let (Ok(family), Ok(given), Ok(()), Ok(born), Ok(postcode), Ok(local)) =
        (&family, &given, gender, born, postcode, &local)
    else {
        let local = local.err().map(|_| Reason::LocalIdentifierUnusable);
        let faults = [family.err(), given.err(), gender.err(), born.err(), postcode.err(), local];
        return Err(faults.into_iter().flatten().collect());
    };
    let mut asked = Criteria::new(family.as_str(), born);
    asked.nhs_number = number;
    asked.given = given.as_ref().map(|given| given.as_str().to_owned());
    (asked.gender, asked.postcode) = (case.gender, postcode);
    let parts = Parts {
        family: family.clone(),
        given: given.clone(),
        born,
        gender: case.gender,
        postcode,
        local: local.clone(),
    };
    Ok((asked, parts))
}

/// Whether the case waits for the row of a batch that was sent with the criteria `asked`. If the case has others
/// meanwhile, a person has corrected it, and the row says nothing about it.
fn is_submitted(case: &Case, asked: &Criteria, now: DateTime<Utc>) -> bool {
    let submitted = case.asking.submitted.as_ref();
    submitted.is_some_and(|submitted| submitted.is_awaited(now) && submitted.asked == *asked)
}

/// Whether the last query got no usable response a short while ago.
///
/// As in [`is_due`], a time later than the longest wait was set by a clock that was ahead.
fn is_backing_off(case: &Case, policy: &Policy, now: DateTime<Utc>) -> bool {
    let latest = now.checked_add_signed(policy.longest_retry_wait).unwrap_or(now);
    case.asking.retry_after.is_some_and(|until| now < until && until <= latest)
}

/// Whether the same query may be sent again.
///
/// A time later than the longest wait was set by a clock that was ahead, or under another policy, and does not
/// count. Neither does a time that was set at a time in the future.
fn is_due(case: &Case, policy: &Policy, now: DateTime<Utc>) -> bool {
    if case.asking.until_corrected {
        return is_refusal_over(case, policy, now);
    }
    let latest = now.checked_add_signed(policy.longest_wait()).unwrap_or(now);
    let was_ahead = case.last_trace.as_ref().is_some_and(|last| last.at > now);
    let is_over = |at| at <= now || at > latest || was_ahead;
    case.asking.not_before.is_none_or(is_over)
}

/// Whether a case that waits for a correction need not wait: its message was refused by a fault or a status,
/// which older stores record as a fault of the data.
fn is_refusal_over(case: &Case, policy: &Policy, now: DateTime<Utc>) -> bool {
    case.last_trace.as_ref().is_some_and(|last| {
        let since = now.signed_duration_since(last.at);
        // A time in the future was set by a clock that was ahead.
        last.is_unexplained_refusal() && !(TimeDelta::zero()..policy.refusal_wait).contains(&since)
    })
}

fn family(case: &Case) -> Result<NameText, Reason> {
    let text = case.surname.as_deref().unwrap_or_default();
    match text.parse() {
        Ok(_) if is_no_surname(text) => Err(Reason::SurnamePlaceholder),
        Ok(family) => Ok(family),
        Err(CriterionError::Blank) => Err(Reason::SurnameMissing),
        Err(_) => Err(Reason::SurnameUnusable),
    }
}

fn given(case: &Case) -> Result<Option<NameText>, Reason> {
    let text = case.forename.as_deref().unwrap_or_default();
    match text.parse() {
        Ok(_) if is_no_forename(text) => Err(Reason::ForenamePlaceholder),
        Ok(given) => Ok(Some(given)),
        Err(CriterionError::Blank) => Ok(None),
        Err(_) => Err(Reason::ForenameUnusable),
    }
}

/// Some services require the gender for a search; the verification of a number does not.
const fn gender(case: &Case, needed: bool) -> Result<(), Reason> {
    if needed && case.gender.is_none() { Err(Reason::GenderMissing) } else { Ok(()) }
}

fn date_of_birth(case: &Case, now: DateTime<Utc>) -> Result<FullDate, Reason> {
    let date = case.date_of_birth.ok_or(Reason::DateOfBirthMissing)?;
    if is_implausible_birth(date, london_day(now)) {
        return Err(Reason::DateOfBirthImplausible);
    }
    date.full().ok_or(Reason::DateOfBirthIncomplete)
}

/// The postcode of an address, if the case has one.
fn postcode(case: &Case) -> Result<Option<Postcode>, Reason> {
    let text = case.postcode.as_deref().unwrap_or_default();
    if name_form(text).chars().all(char::is_whitespace) {
        return Ok(None);
    }
    let postcode: Postcode = text.parse().map_err(|_| Reason::PostcodeUnusable)?;
    Ok(Some(postcode).filter(|postcode| !postcode.is_pseudo()))
}

#[cfg(test)]
pub(in crate::process) mod tests {
    use super::*;
    use crate::case::{
        Allocation, NumberSource, NumberStatus, Provenance, RecordType, RecordedNumber,
    };
    use crate::demographics::Gender;
    use crate::trace::{Exchange, FindPerson, Freshness};

    pub(in crate::process) const ROOT: &str = LocalIdentifier::LOCAL_PATIENT_ROOT;
    pub(in crate::process) const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);

    /// An eligible case.
    pub(in crate::process) fn case() -> Case {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::AdultCase);
        case.surname = Some(" Aindow ".into());
        case.forename = Some("Comfort".into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case.gender = Some(Gender::Female);
        case.postcode = Some("kt171na".into());
        case.allocations = vec![Allocation::new("A Worker")];
        case
    }

    pub(in crate::process) fn now() -> DateTime<Utc> {
        "2026-11-23T09:30:00Z".parse().unwrap()
    }

    pub(in crate::process) fn traced(number: NhsNumber, freshness: Freshness) -> RecordedNumber {
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-0", now());
        RecordedNumber::new(
            number,
            NumberSource::Traced(Provenance::new(exchange, freshness, "exact")),
        )
    }

    pub(in crate::process) fn imported(number: NhsNumber, source: &str) -> RecordedNumber {
        RecordedNumber::new(number, NumberSource::Imported(Some(source.into())))
    }

    fn planned(case: &Case) -> Result<Plan, Vec<Reason>> {
        plan(case, &Scope::default(), &Policy::default(), ROOT, now())
            .map_err(|eligibility| eligibility.reasons().to_vec())
    }

    fn reasons(change: impl FnOnce(&mut Case)) -> Vec<Reason> {
        let mut case = case();
        change(&mut case);
        planned(&case).err().unwrap_or_default()
    }

    fn find(case: &Case) -> FindPerson {
        match planned(case).unwrap().question {
            Question::Find(question) => question,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_search_has_every_known_field() {
        let asked = find(&case());
        assert_eq!(asked.family().as_str(), "Aindow");
        assert_eq!(asked.given().map(NameText::as_str), Some("Comfort"));
        assert_eq!(asked.gender(), Gender::Female);
        assert_eq!(asked.date_of_birth().to_string(), "1943-05-19");
        assert_eq!(asked.postcode().map(Postcode::to_string).as_deref(), Some("KT17 1NA"));
        let local = asked.local_identifier().unwrap();
        assert_eq!((local.root(), local.extension()), (ROOT, "RXX:1"));
    }

    #[test]
    fn a_wait_longer_than_any_policy_sets_is_over() {
        let mut case = case();
        let asked = planned(&case).unwrap().asked;
        case.asking.asked = Some(asked);
        let policy = Policy::default();
        let at = |case: &Case, now: &str| {
            plan(case, &Scope::default(), &policy, ROOT, now.parse().unwrap()).is_ok()
        };
        case.asking.not_before = Some("2036-11-23T09:30:00Z".parse().unwrap());
        assert!(at(&case, "2026-11-23T09:30:00Z"), "the clock was ten years ahead");
        assert!(!at(&case, "2036-11-01T09:30:00Z"));
        assert!(at(&case, "2036-11-23T09:30:00Z"));
    }

    #[test]
    fn unknown_fields_are_left_out() {
        let mut case = case();
        for postcode in
            [None, Some(""), Some(" \t\u{A0}\u{200B}"), Some("ZZ99 3VZ"), Some("zz993wz")]
        {
            case.postcode = postcode.map(str::to_owned);
            assert_eq!(find(&case).postcode(), None, "{postcode:?}");
        }
        for forename in [None, Some(" ")] {
            case.forename = forename.map(str::to_owned);
            assert_eq!(find(&case).given(), None);
        }
    }

    #[test]
    fn a_number_from_elsewhere_is_verified_with_birth_and_surname() {
        for recorded in [imported(NUMBER, "GP letter"), traced(NUMBER, Freshness::Stale)] {
            let mut case = case();
            (case.nhs_number, case.gender) = (Some(recorded), None);
            let plan = planned(&case).unwrap();
            let Question::Fetch(question) = &plan.question else { panic!("{plan:?}") };
            assert_eq!(question.nhs_number(), NUMBER);
            assert_eq!(question.family().map(NameText::as_str), Some("Aindow"));
            assert_eq!(question.given(), None);
            assert_eq!(question.local_identifier().unwrap().extension(), "RXX:1");
            assert_eq!(plan.asked.nhs_number, Some(NUMBER));
            assert_eq!(plan.asked.given.as_deref(), Some("Comfort"));
        }
    }

    #[test]
    fn a_marked_number_is_not_sent() {
        for status in [NumberStatus::Invalid, NumberStatus::NotVerified, NumberStatus::Superseded] {
            let mut case = case();
            let mut recorded = traced(NUMBER, Freshness::Live);
            recorded.status = status;
            case.nhs_number = Some(recorded);
            assert_eq!(find(&case).family().as_str(), "Aindow", "{status:?}");
        }
    }

    #[test]
    fn a_traced_number_is_not_queried_until_it_is_due() {
        let with = |recorded| reasons(|case| case.nhs_number = Some(recorded));
        assert_eq!(with(traced(NUMBER, Freshness::Live)), [Reason::AlreadyTraced]);
        assert_eq!(with(imported(NUMBER, "smsp")), [Reason::AlreadyTraced]);
        let mut case = case();
        case.nhs_number = Some(traced(NUMBER, Freshness::Live));
        let policy = Policy::default().with_reverification(chrono::TimeDelta::days(90));
        let at = |days| {
            let then = now() + chrono::TimeDelta::days(days);
            plan(&case, &Scope::default(), &policy, ROOT, then)
        };
        assert_eq!(at(44).unwrap_err().reason(), Some(Reason::AlreadyTraced));
        assert!(matches!(at(136).unwrap().question, Question::Fetch(_)));
    }

    #[test]
    fn the_same_query_waits_and_another_query_does_not() {
        let waits: [fn(&mut Case); 3] = [
            |case| case.asking.not_before = Some(now() + chrono::TimeDelta::seconds(1)),
            |case| case.asking.until_corrected = true,
            |case| case.not_on_pds = true,
        ];
        for wait in waits {
            let mut case = case();
            case.asking.asked = Some(planned(&case).unwrap().asked);
            assert!(planned(&case).is_ok(), "no wait is set");
            wait(&mut case);
            let reasons = planned(&case).unwrap_err();
            assert!(reasons == [Reason::NotDue] || reasons == [Reason::NotOnPds]);
            for corrected in [
                (|case| case.surname = Some("Aindowe".into())) as fn(&mut Case),
                |case| case.forename = None,
                |case| case.gender = Some(Gender::Male),
                |case| case.postcode = None,
                |case| case.date_of_birth = Some("1943-05-20".parse().unwrap()),
            ] {
                let mut case = case.clone();
                corrected(&mut case);
                assert!(planned(&case).is_ok());
            }
            for typed in ["AINDOW", "Ain\u{200B}dow", "aindow\u{A0}"] {
                case.surname = Some(typed.into());
                assert_eq!(planned(&case).unwrap_err(), reasons, "{typed:?} is the same name");
            }
            case.surname = Some("Aindow".into());
            case.asking.not_before = Some(now());
            (case.asking.until_corrected, case.not_on_pds) = (false, false);
            assert!(planned(&case).is_ok(), "the wait is over");
        }
    }

    #[test]
    fn data_that_cannot_be_queried() {
        let text = |text: &str| Some(text.to_owned());
        for blank in [None, text(" ")] {
            assert_eq!(reasons(|case| case.surname = blank), [Reason::SurnameMissing]);
        }
        for unusable in [text("Sm*"), text("a\u{0}b")] {
            let also = unusable.clone();
            assert_eq!(reasons(|case| case.surname = unusable), [Reason::SurnameUnusable]);
            assert_eq!(reasons(|case| case.forename = also), [Reason::ForenameUnusable]);
        }
        assert_eq!(reasons(|case| case.forename = None), []);
        assert_eq!(reasons(|case| case.gender = None), [Reason::GenderMissing]);
        assert_eq!(reasons(|case| case.date_of_birth = None), [Reason::DateOfBirthMissing]);
        for postcode in ["RM14 OTA", "RM14 0TA (temp)", "NULL", "not known", "RM14", "N/A", "-"] {
            let found = reasons(|case| case.postcode = text(postcode));
            assert_eq!(found, [Reason::PostcodeUnusable], "{postcode}");
            let found = reasons(|case| {
                case.postcode = text(postcode);
                case.nhs_number = Some(imported(NUMBER, "GP letter"));
            });
            assert_eq!(
                found,
                [Reason::PostcodeUnusable],
                "{postcode}: the number is not verified either"
            );
        }
        for postcode in ["kt17\u{A0}1na", "\u{FEFF}KT17\u{2003}1NA", "KT17\t1NA\r\n"] {
            let case = Case { postcode: text(postcode), ..case() };
            assert_eq!(find(&case).postcode().unwrap().to_string(), "KT17 1NA");
        }
        let month = Some("1984-02".parse().unwrap());
        assert_eq!(reasons(|case| case.date_of_birth = month), [Reason::DateOfBirthIncomplete]);
        let no_root = ask(&case(), None, &Policy::default(), "no OID", now());
        assert_eq!(no_root.unwrap_err(), [Reason::LocalIdentifierUnusable]);
    }

    #[test]
    fn a_name_is_sent_in_its_normal_form() {
        let mut case = case();
        case.surname = Some("O\u{2019}Brien\u{2010}Smith".into());
        case.forename = Some("\u{202A}Zoe\u{308}\u{A0}Ann\u{200B}".into());
        let plan = planned(&case).unwrap();
        let Question::Find(question) = &plan.question else { panic!("{plan:?}") };
        assert_eq!(question.family().as_str(), "O'Brien-Smith");
        assert_eq!(question.given().map(NameText::as_str), Some("Zoë Ann"));
        assert_eq!(plan.asked.family, "O'Brien-Smith");
        assert_eq!(plan.asked.given.as_deref(), Some("Zoë Ann"));
    }

    #[test]
    fn placeholder_names() {
        for text in ["NULL", "n/a", "-", "UNKNOWN", "TBC", "Baby", "Unborn", "Twin 1", "B/O Aindow"]
        {
            let name = Some(text.to_owned());
            let (surname, forename) = (name.clone(), name);
            let by_surname = reasons(|case| case.surname = surname);
            assert_eq!(by_surname, [Reason::SurnamePlaceholder], "{text}");
            let by_forename = reasons(|case| {
                case.forename = forename;
                case.nhs_number = Some(imported(NUMBER, "GP letter"));
            });
            assert_eq!(
                by_forename,
                [Reason::ForenamePlaceholder],
                "{text}: the number is not verified either"
            );
        }
        // A person really called Null was traced at a screen, and the local system says so.
        let traced = reasons(|case| {
            case.surname = Some("Null".into());
            case.nhs_number = Some(imported(NUMBER, "SMSP"));
        });
        assert_eq!(traced, [Reason::AlreadyTraced, Reason::SurnamePlaceholder]);
    }

    #[test]
    fn births_that_cannot_be_right() {
        for born in ["0084-05-19", "1066", "1901-11-22", "2026-11-24", "2030-01-01", "9999-12-31"] {
            let born = Some(born.parse().unwrap());
            let found = reasons(|case| case.date_of_birth = born);
            assert_eq!(found, [Reason::DateOfBirthImplausible], "{born:?}");
            let verified = reasons(|case| {
                case.date_of_birth = born;
                case.nhs_number = Some(imported(NUMBER, "GP letter"));
            });
            assert_eq!(verified, [Reason::DateOfBirthImplausible], "{born:?}");
        }
        for born in ["1901-11-23", "2026-11-23"] {
            assert_eq!(reasons(|case| case.date_of_birth = Some(born.parse().unwrap())), []);
        }
        // Today is the day in London.
        let mut case = case();
        case.date_of_birth = Some("2026-07-02".parse().unwrap());
        let at = |now: &str| {
            let (scope, policy) = (Scope::default(), Policy::default());
            plan(&case, &scope, &policy, ROOT, now.parse().unwrap()).is_ok()
        };
        assert!(at("2026-07-01T23:00:00Z") && !at("2026-07-01T22:59:59Z"));
    }

    #[test]
    fn all_reasons_are_returned_in_their_order() {
        let mut nothing = Case::new("1".parse().unwrap(), RecordType::Other("adoption".into()));
        nothing.date_of_death = Some("2026".parse().unwrap());
        nothing.nhs_number = Some(traced(NUMBER, Freshness::Live));
        nothing.contradicted = true;
        let found = planned(&nothing).unwrap_err();
        assert_eq!(found.first(), Some(&Reason::RecordTypeOutOfScope));
        assert_eq!(found.len(), 8);
        assert!(found.is_sorted());
    }
}
