use crate::case::{Case, CaseId, NumberSource, Provenance};
use crate::demographics::{AddressUse, Demographics, Held, PartialDate};
use crate::nhs_number::NhsNumber;
use crate::trace::{Answer, Error, ErrorKind, Exchange, FindPerson, Freshness, Match, Outcome};
use crate::worker::TraceResult;
use std::fmt;

/// The way of asking that the worker uses: one question, of which everything has to agree.
const STRATEGY: &str = "exact";

/// What follows from an answer.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// The person was found: write the number and, where there is none yet, the date of death.
    Write {
        /// The number.
        number: NhsNumber,
        /// Its provenance.
        source: NumberSource,
        /// When the person died, if they did and the Spine itself says so.
        date_of_death: Option<PartialDate>,
    },
    /// A person was found, but a human being has to decide (HAV-10): write nothing of it.
    Hold(HoldReason),
    /// The answer gives no number to write: note it, and keep what is held.
    Keep(KeepReason),
    /// The service refused the data: note it; somebody has to correct them.
    Correct,
    /// The answer could not be understood: note it, and report a defect.
    Defect,
    /// There was no answer: change nothing, ask again later.
    Later,
    /// The service refused the configuration: change nothing and stop the run, for every other
    /// question would fail the same way.
    Stop,
}

/// Why a person who was found is not taken for the case's.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HoldReason {
    /// The person returned is not as asked for. Compare the two.
    Differs(Particular),
    /// Family name and date of birth were not both returned, so too little shows that it is the same
    /// person. Compare what else is known of the two.
    Unconfirmed,
    /// The case holds another number. Find out which is right; what is held is never overwritten.
    Conflict,
    /// Another case holds the number. Find out whether it is the same person (MSCA-DQ-01).
    Duplicate,
    /// The person has died, on a day that cannot be read. Enter the date of death by hand.
    DeathUndated,
}

/// A particular that is compared.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Particular {
    /// The local identifier that an answer repeats: it answers another question.
    LocalIdentifier,
    /// The family name, in any case.
    Family,
    /// The first given name, in any case; compared when one was asked for and one was returned.
    Given,
    /// The date of birth.
    DateOfBirth,
    /// The gender.
    Gender,
    /// The postcode of the usual address; compared when one was asked for and one was returned.
    Postcode,
}

/// Why an answer gives no number to write.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeepReason {
    /// Nobody matches.
    None,
    /// Several people match, and nothing may be chosen unattended.
    Ambiguous,
    /// The number has been replaced. Neither it nor its successor is written (MSCA-DQ-03).
    Superseded,
    /// The number is no longer valid (MSCA-DQ-04).
    Invalidated,
    /// The number is in use, but the particulars do not agree with it well enough.
    NotVerified,
}

impl HoldReason {
    /// A stable word for reports, metrics and the detail of a case's last trace: the variant's name in
    /// lower case, joined by `_`; for what differs also the particular's, as in `differs:given`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Differs(Particular::LocalIdentifier) => "differs:local_identifier",
            Self::Differs(Particular::Family) => "differs:family",
            Self::Differs(Particular::Given) => "differs:given",
            Self::Differs(Particular::DateOfBirth) => "differs:date_of_birth",
            Self::Differs(Particular::Gender) => "differs:gender",
            Self::Differs(Particular::Postcode) => "differs:postcode",
            Self::Unconfirmed => "unconfirmed",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::DeathUndated => "death_undated",
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Particular {
    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LocalIdentifier => "local_identifier",
            Self::Family => "family",
            Self::Given => "given",
            Self::DateOfBirth => "date_of_birth",
            Self::Gender => "gender",
            Self::Postcode => "postcode",
        }
    }
}

impl fmt::Display for Particular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Decision {
    /// The decision as reports and the case's last trace name it.
    #[must_use]
    pub const fn result(&self) -> TraceResult {
        match self {
            Self::Write { source: NumberSource::Traced(provenance), .. }
                if matches!(provenance.freshness, Freshness::Stale) =>
            {
                TraceResult::Stale
            }
            Self::Write { date_of_death: Some(_), .. } => TraceResult::Deceased,
            Self::Write { .. } => TraceResult::Found,
            Self::Hold(HoldReason::Differs(_) | HoldReason::Unconfirmed) => TraceResult::Differs,
            Self::Hold(HoldReason::Conflict) => TraceResult::Conflict,
            Self::Hold(HoldReason::Duplicate) => TraceResult::Duplicate,
            Self::Hold(HoldReason::DeathUndated) => TraceResult::DeathUndated,
            Self::Keep(KeepReason::None) => TraceResult::None,
            Self::Keep(KeepReason::Ambiguous) => TraceResult::Ambiguous,
            Self::Keep(KeepReason::Superseded) => TraceResult::Superseded,
            Self::Keep(KeepReason::Invalidated) => TraceResult::Invalidated,
            Self::Keep(KeepReason::NotVerified) => TraceResult::NotVerified,
            Self::Correct => TraceResult::Rejected,
            Self::Defect => TraceResult::Unreadable,
            Self::Later => TraceResult::Unavailable,
            Self::Stop => TraceResult::Configuration,
        }
    }
}

/// What follows from `answer` to `question` about `case`.
///
/// `holders` are the cases that hold the number found, among which `case` itself may be. Nothing here
/// depends on the time, the store or the service.
///
/// A date of death is written only on the Spine's own word. Recording it takes the case out of the
/// selection (HAV-2), so a provider's stale copy would be the last that was ever heard.
#[must_use]
pub fn decide(
    case: &Case,
    question: &FindPerson,
    answer: Result<&Answer, &Error>,
    holders: &[CaseId],
) -> Decision {
    match answer {
        Ok(Answer { outcome, exchange }) => match outcome {
            Outcome::Found(found) => match doubt(case, question, found, holders) {
                Some(reason) => Decision::Hold(reason),
                None => write(found, exchange),
            },
            Outcome::None => Decision::Keep(KeepReason::None),
            Outcome::Ambiguous(_) => Decision::Keep(KeepReason::Ambiguous),
            Outcome::Superseded { .. } => Decision::Keep(KeepReason::Superseded),
            Outcome::Invalidated => Decision::Keep(KeepReason::Invalidated),
            Outcome::NotVerified => Decision::Keep(KeepReason::NotVerified),
        },
        Err(error) => match error.kind() {
            ErrorKind::Configuration => Decision::Stop,
            ErrorKind::Rejected => Decision::Correct,
            ErrorKind::Unavailable => Decision::Later,
            ErrorKind::Unreadable => Decision::Defect,
        },
    }
}

fn write(found: &Match, exchange: &Exchange) -> Decision {
    let provenance = Provenance::new(exchange.clone(), found.freshness, STRATEGY);
    let died = found.person.as_ref().and_then(|person| person.date_of_death.known());
    Decision::Write {
        number: found.nhs_number,
        source: NumberSource::Traced(provenance),
        date_of_death: died.copied().filter(|_| found.freshness == Freshness::Live),
    }
}

/// Why the match is not simply taken for the case's person.
fn doubt(
    case: &Case,
    question: &FindPerson,
    found: &Match,
    holders: &[CaseId],
) -> Option<HoldReason> {
    if let Some(reason) = difference(question, found) {
        return Some(reason);
    }
    if case.nhs_number.as_ref().is_some_and(|held| held.number != found.nhs_number) {
        return Some(HoldReason::Conflict);
    }
    if holders.iter().any(|holder| *holder != case.id) {
        return Some(HoldReason::Duplicate);
    }
    let died = found.person.as_ref().map(|person| &person.date_of_death);
    let undated = matches!(died, Some(Held::Unrecognised(_)));
    (undated && found.freshness == Freshness::Live).then_some(HoldReason::DeathUndated)
}

/// Why the person found may not be written for the person asked for with nobody looking on; `None`
/// when they agree.
///
/// For programs that call a [`Tracer`](crate::trace::Tracer) themselves; [`decide`] holds what this
/// names. Family name and date of birth have to be returned and to agree. Gender, the first given
/// name, the postcode of the usual address and the local identifier have to agree if they were asked
/// for and returned. Names agree in any case and with any amount of white space, and in nothing less:
/// no nicknames, no accents left out.
///
/// This is no reconciliation of two records: other given names, titles, address lines, telecoms,
/// practices and dates of death are not looked at, and of a pair that differs nothing says which is
/// right (HAV-10).
///
/// ```
/// use nhs_pds::demographics::{Demographics, Gender, Held, PersonName};
/// use nhs_pds::trace::{FindPerson, Match};
/// use nhs_pds::worker::{HoldReason, Particular, difference};
///
/// let asked = FindPerson::new("Aindow".parse()?, Gender::Female, "1943-05-19".parse()?)
///     .with_given("Comfort".parse()?);
/// let mut person = Demographics::default();
/// person.name = Some(PersonName::new("JOY", "AINDOW"));
/// let found = |person: &Demographics| {
///     Match::new(nhs_pds::nhs_number::NhsNumber::constant(9_434_765_919)).with_person(person.clone())
/// };
/// let given = HoldReason::Differs(Particular::Given);
/// assert_eq!(difference(&asked, &found(&person)), Some(given));
/// person.name = Some(PersonName::new("COMFORT", "AINDOW"));
/// assert_eq!(difference(&asked, &found(&person)), Some(HoldReason::Unconfirmed));
/// person.date_of_birth = Held::read("1943-05-19");
/// assert_eq!(difference(&asked, &found(&person)), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn difference(question: &FindPerson, found: &Match) -> Option<HoldReason> {
    if let (Some(asked), Some(answered)) = (question.local_identifier(), &found.local_identifier)
        && !asked.is_repeated_by(answered)
    {
        return Some(HoldReason::Differs(Particular::LocalIdentifier));
    }
    let Some(person) = &found.person else { return Some(HoldReason::Unconfirmed) };
    if let Some(particular) = particular(question, person) {
        return Some(HoldReason::Differs(particular));
    }
    let named = person.name.as_ref().is_some_and(|name| name.family.known().is_some());
    let confirmed = named && person.date_of_birth.known().is_some();
    (!confirmed).then_some(HoldReason::Unconfirmed)
}

/// The first particular that was returned and is not as it was asked for.
fn particular(question: &FindPerson, person: &Demographics) -> Option<Particular> {
    let family = person.name.as_ref().map_or(&Held::NotReturned, |name| &name.family);
    let born = PartialDate::from(question.date_of_birth());
    if differs(family, |name| same_name(name, question.family().as_str())) {
        Some(Particular::Family)
    } else if given_differs(question, person) {
        Some(Particular::Given)
    } else if differs(&person.date_of_birth, |date| *date == born) {
        Some(Particular::DateOfBirth)
    } else if differs(&person.gender, |gender| *gender == question.gender()) {
        Some(Particular::Gender)
    } else if postcode_differs(question, person) {
        Some(Particular::Postcode)
    } else {
        None
    }
}

/// Whether the first given name returned is not the one asked for; a blank one agrees with nothing.
fn given_differs(question: &FindPerson, person: &Demographics) -> bool {
    let first = person.name.as_ref().and_then(|name| name.given.first());
    match (question.given(), first) {
        (Some(asked), Some(first)) => !same_name(first, asked.as_str()),
        _ => false,
    }
}

/// Whether the postcode of the usual address is not the one asked for.
///
/// A pseudo-postcode that was asked for is no evidence either way; one that was returned means that
/// the person does not live where the local system says.
fn postcode_differs(question: &FindPerson, person: &Demographics) -> bool {
    let Some(asked) = question.postcode().filter(|postcode| !postcode.is_pseudo()) else {
        return false;
    };
    let home = person.addresses.iter().filter(|at| at.usage == Some(AddressUse::Home));
    let mut returned = home.filter_map(|address| address.postcode.known()).peekable();
    returned.peek().is_some() && returned.all(|postcode| postcode != asked)
}

/// Whether the field was returned and does not agree; blank or unreadable agrees with nothing.
fn differs<T>(held: &Held<T>, agrees: impl FnOnce(&T) -> bool) -> bool {
    match held {
        Held::NotReturned => false,
        Held::Blank | Held::Unrecognised(_) => true,
        Held::Known(value) => !agrees(value),
    }
}

/// Equal but for upper and lower case and the amount of white space.
fn same_name(a: &str, b: &str) -> bool {
    // Upper case, because `ß` and the two small sigmas have one upper case form each.
    let words = |name: &str| name.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>();
    words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::HeldNumber;
    use crate::demographics::{Address, Gender, PersonName};
    use crate::trace::LocalIdentifier;
    use crate::worker::question;
    use crate::worker::question::tests::{ROOT, case};

    const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
    const OTHER: NhsNumber = NhsNumber::constant(9_434_765_919);

    fn exchange() -> Exchange {
        Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", chrono::DateTime::UNIX_EPOCH)
    }

    fn person() -> Demographics {
        Demographics {
            name: Some(PersonName::new("COMFORT", "AINDOW")),
            date_of_birth: Held::Known("1943-05-19".parse().unwrap()),
            gender: Held::Known(Gender::Female),
            ..Demographics::default()
        }
    }

    fn on(case: &Case, outcome: Outcome, holders: &[&str]) -> Decision {
        let holders: Vec<CaseId> = holders.iter().map(|id| id.parse().unwrap()).collect();
        let answer = Answer::new(outcome, exchange());
        decide(case, &question(case, ROOT).unwrap(), Ok(&answer), &holders)
    }

    fn found(change: impl FnOnce(&mut Match)) -> Outcome {
        let mut found = Match::new(NUMBER).with_person(person());
        change(&mut found);
        Outcome::Found(Box::new(found))
    }

    fn found_person(change: impl FnOnce(&mut Demographics)) -> Outcome {
        found(|found| change(found.person.as_mut().unwrap()))
    }

    fn on_person(change: impl FnOnce(&mut Demographics)) -> Decision {
        on(&case(), found_person(change), &[])
    }

    fn written(freshness: Freshness, died: Option<&str>) -> Decision {
        Decision::Write {
            number: NUMBER,
            source: NumberSource::Traced(Provenance::new(exchange(), freshness, "exact")),
            date_of_death: died.map(|date| date.parse().unwrap()),
        }
    }

    #[test]
    fn the_person_asked_for_is_written() {
        let decision = on(&case(), found(|_| ()), &[]);
        assert_eq!(decision, written(Freshness::Live, None));
        assert_eq!(decision.result(), TraceResult::Found);
        let own = on(&case(), found(|_| ()), &["RXX:1"]);
        assert_eq!(own.result(), TraceResult::Found, "the case itself is no duplicate");
    }

    #[test]
    fn the_dead_are_written_with_their_date_of_death() {
        let decision = on_person(|person| person.date_of_death = Held::read("2026-11"));
        assert_eq!(decision, written(Freshness::Live, Some("2026-11")));
        assert_eq!(decision.result(), TraceResult::Deceased);
        let blank = on_person(|person| person.date_of_death = Held::Blank);
        assert_eq!(blank.result(), TraceResult::Found);
        let undated = on_person(|person| person.date_of_death = Held::read("last week"));
        assert_eq!(undated, Decision::Hold(HoldReason::DeathUndated));
        assert_eq!(undated.result(), TraceResult::DeathUndated);
    }

    #[test]
    fn a_provider_s_copy_is_written_as_stale_and_without_a_death() {
        for died in [Held::NotReturned, Held::read("2026-11"), Held::read("last week")] {
            let decision = on(
                &case(),
                found(|found| {
                    found.freshness = Freshness::Stale;
                    found.person.as_mut().unwrap().date_of_death = died;
                }),
                &[],
            );
            assert_eq!(decision, written(Freshness::Stale, None));
            assert_eq!(decision.result(), TraceResult::Stale);
        }
    }

    #[test]
    fn a_person_who_differs_is_held() {
        let differs = |particular| Decision::Hold(HoldReason::Differs(particular));
        for family in ["AINDOWE", "", "?"] {
            let decision = on_person(|person| {
                person.name.as_mut().unwrap().family = Held::read(family);
            });
            assert_eq!(decision, differs(Particular::Family));
            assert_eq!(decision.result(), TraceResult::Differs);
        }
        for born in ["1943-05-20", "1943-05", "1943", "", "long ago"] {
            let decision = on_person(|person| person.date_of_birth = Held::read(born));
            assert_eq!(decision, differs(Particular::DateOfBirth));
        }
        for gender in ["1", "0", "9", "", "F"] {
            let decision = on_person(|person| person.gender = Held::read(gender));
            assert_eq!(decision, differs(Particular::Gender));
        }
        for given in ["", "Comfortable", "Com", "COMFORT ANN"] {
            let decision = on_person(|person| person.name = Some(PersonName::new(given, "AINDOW")));
            assert_eq!(decision, differs(Particular::Given), "{given}");
        }
        let second = on_person(|person| {
            person.name.as_mut().unwrap().given = ["ANN", "COMFORT"].map(str::to_owned).into();
        });
        assert_eq!(second, differs(Particular::Given), "the first is the first");
        let local = |id| {
            let local = LocalIdentifier::new("1.2", id).unwrap();
            on(&case(), found(|found| found.local_identifier = Some(local)), &[])
        };
        assert_eq!(local("RXX:2"), differs(Particular::LocalIdentifier));
        assert_eq!(local("RXX:1").result(), TraceResult::Found);
    }

    #[test]
    fn given_names_are_compared_when_asked_for_and_returned() {
        let returned = |asked: Option<&str>, given: &[&str]| {
            let mut case = case();
            case.forename = asked.map(str::to_owned);
            let given = given.iter().map(|&name| name.to_owned()).collect();
            let outcome = found_person(|person| person.name.as_mut().unwrap().given = given);
            on(&case, outcome, &[]).result()
        };
        for (asked, given) in [
            (Some("Comfort"), &["comfort", "ANN"][..]),
            (Some("Comfort"), &[" Comfort "]),
            (Some("Zoë"), &["ZOË"]),
            (Some("Strauß"), &["STRAUSS"]),
            (Some("Νίκος"), &["ΝΊΚΟΣ"]),
            (Some("Comfort"), &[]),
            (None, &["JOY"]),
        ] {
            assert_eq!(returned(asked, given), TraceResult::Found, "{asked:?} {given:?}");
        }
        assert_eq!(returned(Some("Zoë"), &["ZOE"]), TraceResult::Differs);
    }

    #[test]
    fn the_postcode_of_the_usual_address_is_compared_when_asked_for_and_returned() {
        let address = |usage, postcode| {
            let mut address = Address::default();
            (address.usage, address.postcode) = (usage, Held::read(postcode));
            address
        };
        let home = |postcode| address(Some(AddressUse::Home), postcode);
        let with = |asked: &str, addresses: Vec<Address>| {
            let mut case = case();
            case.postcode = Some(asked.into());
            on(&case, found_person(|person| person.addresses = addresses), &[])
        };
        let differs = Decision::Hold(HoldReason::Differs(Particular::Postcode));
        for postcode in ["KT17 1NB", "LS1 4HY", "ZZ99 3VZ"] {
            assert_eq!(with("KT17 1NA", vec![home(postcode)]), differs, "{postcode}");
            assert_eq!(with("ZZ99 3VZ", vec![home(postcode)]).result(), TraceResult::Found);
            assert_eq!(with("not known", vec![home(postcode)]).result(), TraceResult::Found);
            let temporary = address(Some(AddressUse::Temporary), postcode);
            assert_eq!(with("KT17 1NA", vec![temporary.clone()]).result(), TraceResult::Found);
            let two = vec![temporary, home("kt171na")];
            assert_eq!(with("KT17 1NA", two).result(), TraceResult::Found);
        }
        for postcode in ["KT17 1NA", "", "NOT KNOWN"] {
            assert_eq!(with("KT17 1NA", vec![home(postcode)]).result(), TraceResult::Found);
        }
    }

    #[test]
    fn what_is_the_same_name() {
        let family = |text: &str| {
            let mut case = case();
            case.surname = Some("de  la Zoë".into());
            let outcome = found_person(|person| {
                person.name = Some(PersonName::new("COMFORT", text));
            });
            on(&case, outcome, &[]).result()
        };
        assert_eq!(family("DE LA ZOË"), TraceResult::Found);
        assert_eq!(family("DE LA ZOE"), TraceResult::Differs);
        assert_eq!(family("DELAZOË"), TraceResult::Differs);
    }

    #[test]
    fn family_name_and_date_of_birth_have_both_to_be_returned() {
        let unconfirmed = Decision::Hold(HoldReason::Unconfirmed);
        assert_eq!(unconfirmed.result(), TraceResult::Differs);
        assert_eq!(on(&case(), found(|found| found.person = None), &[]), unconfirmed);
        assert_eq!(on_person(|person| *person = Demographics::default()), unconfirmed);
        assert_eq!(on_person(|person| person.name = None), unconfirmed);
        let no_family = |person: &mut Demographics| {
            person.name.as_mut().unwrap().family = Held::NotReturned;
        };
        assert_eq!(on_person(no_family), unconfirmed);
        assert_eq!(on_person(|person| person.date_of_birth = Held::NotReturned), unconfirmed);
        let no_gender = on_person(|person| person.gender = Held::NotReturned);
        assert_eq!(no_gender.result(), TraceResult::Found);
        // Two things in doubt: what differs is the one to be told.
        let both = on_person(|person| {
            person.date_of_birth = Held::NotReturned;
            person.gender = Held::read("1");
        });
        assert_eq!(both, Decision::Hold(HoldReason::Differs(Particular::Gender)));
    }

    #[test]
    fn another_number_is_never_overwritten() {
        let stale = Provenance::new(exchange(), Freshness::Stale, "exact");
        for source in [NumberSource::Imported(None), NumberSource::Traced(stale)] {
            let mut case = case();
            case.nhs_number = Some(HeldNumber::new(OTHER, source.clone()));
            let decision = on(&case, found(|_| ()), &["RXX:2"]);
            assert_eq!(decision, Decision::Hold(HoldReason::Conflict));
            assert_eq!(decision.result(), TraceResult::Conflict);
            case.nhs_number = Some(HeldNumber::new(NUMBER, source));
            assert_eq!(on(&case, found(|_| ()), &["RXX:1"]), written(Freshness::Live, None));
        }
    }

    #[test]
    fn a_number_that_another_case_holds_is_held() {
        for holders in [&["RXX:2"][..], &["RXX:1", "RXX:2"]] {
            let decision = on(&case(), found(|_| ()), holders);
            assert_eq!(decision, Decision::Hold(HoldReason::Duplicate));
            assert_eq!(decision.result(), TraceResult::Duplicate);
        }
    }

    #[test]
    fn answers_without_a_number_to_write() {
        let superseded = |by| {
            let person = Some(Box::new(person()));
            Outcome::Superseded { by, person }
        };
        for (outcome, reason, result) in [
            (Outcome::None, KeepReason::None, TraceResult::None),
            (Outcome::Ambiguous(Vec::new()), KeepReason::Ambiguous, TraceResult::Ambiguous),
            (superseded(Some(NUMBER)), KeepReason::Superseded, TraceResult::Superseded),
            (superseded(None), KeepReason::Superseded, TraceResult::Superseded),
            (Outcome::Invalidated, KeepReason::Invalidated, TraceResult::Invalidated),
            (Outcome::NotVerified, KeepReason::NotVerified, TraceResult::NotVerified),
        ] {
            // The result's word is the outcome's.
            assert_eq!(result.word(), outcome.name());
            let decision = on(&case(), outcome, &[]);
            assert_eq!((&decision, decision.result()), (&Decision::Keep(reason), result));
        }
    }

    #[test]
    fn what_is_held_has_its_word() {
        for particular in [
            Particular::LocalIdentifier,
            Particular::Family,
            Particular::Given,
            Particular::DateOfBirth,
            Particular::Gender,
            Particular::Postcode,
        ] {
            let reason = HoldReason::Differs(particular);
            assert_eq!(reason.to_string(), format!("differs:{particular}"));
        }
        assert_eq!(HoldReason::Unconfirmed.to_string(), "unconfirmed");
        // Where the result says it all, the two words are one.
        for reason in [HoldReason::Conflict, HoldReason::Duplicate, HoldReason::DeathUndated] {
            assert_eq!(reason.word(), Decision::Hold(reason).result().word());
        }
    }

    #[test]
    fn questions_without_an_answer() {
        for (kind, decision) in [
            (ErrorKind::Configuration, Decision::Stop),
            (ErrorKind::Rejected, Decision::Correct),
            (ErrorKind::Unavailable, Decision::Later),
            (ErrorKind::Unreadable, Decision::Defect),
        ] {
            let case = case();
            let question = question(&case, ROOT).unwrap();
            let decided = decide(&case, &question, Err(&Error::new(kind)), &[]);
            assert_eq!(decided, decision);
            assert_eq!(decided.result().word(), kind.name(), "the result's word is the kind's");
        }
    }
}
