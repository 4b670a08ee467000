//! The clauses of the contract.

use super::asking::{Asker, Inquiry, Word};
use super::population::{Known, Particulars, Population};
use super::{Breach, hold};
use crate::demographics::{Demographics, is_same_form};
use crate::trace::answer::{Answer, Match, Outcome, Restriction};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// How many questions are sent at the same time.
const AT_ONCE: usize = 50;

/// Checks that `answer` is `known`, with their demographics if the question fetched them.
fn is_found<'a>(inquiry: &Inquiry, known: &Known, answer: &'a Answer) -> Result<&'a Match, Breach> {
    let clause = "a known person is found";
    let Outcome::Found(found) = &answer.outcome else {
        return Err(Breach::of(clause).about(inquiry));
    };
    let own = found.nhs_number == known.nhs_number;
    hold(own, "a found person has their own number")
        .and_then(|()| match &found.person {
            Some(person) => is_person(person, &known.particulars),
            None => Ok(()),
        })
        .map_err(|breach| breach.about(inquiry))?;
    Ok(found)
}

/// Checks that the demographics are those of `who`. Compares names in their form, without case.
fn is_person(person: &Demographics, who: &Particulars) -> Result<(), Breach> {
    let name = person.name.as_ref();
    let family = name.and_then(|name| name.family.known());
    let given = name.and_then(|name| name.given.first());
    let same = |name: Option<&String>, own: &str| name.is_some_and(|name| is_same_form(name, own));
    hold(same(family, who.family.as_str()), "a family name is returned as it is recorded")?;
    hold(same(given, who.given.as_str()), "a given name is returned as it is recorded")?;
    let born = person.date_of_birth.known().copied();
    hold(born == Some(who.date_of_birth.into()), "a date of birth is returned as it is recorded")?;
    hold(person.gender.known() == Some(&who.gender), "a gender is returned as it is recorded")
}

fn is(answer: &Answer, inquiry: &Inquiry, word: &str, clause: &'static str) -> Result<(), Breach> {
    hold(answer.outcome.as_str() == word, clause).map_err(|breach| breach.about(inquiry))
}

/// The question with the family name only, with the given name too, and with every criterion.
fn ways(word: Word, attended: bool, known: &Known) -> Vec<Inquiry> {
    let plain = Inquiry::about(word, attended, known);
    let named = plain.clone().with_given(known.particulars.given.as_str());
    let mut ways = vec![plain, named.clone()];
    if word == Word::Find {
        ways.push(named.with_postcode(known.particulars.postcode.as_ref()));
    } else {
        // A number and a date of birth are sufficient.
        ways.push(Inquiry { family: None, given: None, ..named });
    }
    ways
}

pub(super) async fn finds_known_people(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    for known in population.found() {
        for word in Word::ALL {
            for inquiry in ways(word, attended, known) {
                // Some services omit restricted records from searches by postcode.
                let withheld = known.nhs_number == population.restricted.nhs_number;
                if withheld && inquiry.postcode.is_some() {
                    continue;
                }
                is_found(&inquiry, known, &asker.ask(&inquiry).await?)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn ignores_letter_case(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    let known = &population.ordinary;
    for word in Word::ALL {
        let asked = Inquiry::about(word, attended, known);
        let asked = asked.with_given(known.particulars.given.as_str());
        for change in [str::to_uppercase, str::to_lowercase] {
            let inquiry = asked.clone().in_case(change);
            is_found(&inquiry, known, &asker.ask(&inquiry).await?)?;
        }
    }
    Ok(())
}

pub(super) async fn finds_no_unknown_person(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    let absent = &population.absent;
    for word in Word::ALL {
        let inquiry = Inquiry::about(word, attended, absent);
        let answer = asker.ask(&inquiry).await?;
        let clause = "an unknown number or unknown demographics find no person";
        is(&answer, &inquiry, "none", clause)?;
    }
    Ok(())
}

/// A different person with the same number, or with similar demographics, does not match.
pub(super) async fn rejects_similar_people(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    let (known, absent) = (&population.ordinary, &population.absent.particulars);
    let day = known.particulars.date_of_birth.date();
    let other_day = day.succ_opt().unwrap_or(day).to_string();
    for word in Word::ALL {
        let plain = Inquiry::about(word, attended, known);
        let (outcome, clause) = match word {
            Word::Find => ("none", "a person with other demographics is not found"),
            _ => ("not_verified", "a number is not verified for other demographics"),
        };
        let mut others = vec![
            plain.clone().with_given(absent.given.as_str()),
            plain.clone().with_family(absent.family.as_str()),
            Inquiry { born: other_day.clone(), ..plain.clone() },
        ];
        if word == Word::Find && absent.postcode.is_some() {
            others.push(plain.with_postcode(absent.postcode.as_ref()));
        }
        for inquiry in others {
            is(&asker.ask(&inquiry).await?, &inquiry, outcome, clause)?;
        }
    }
    Ok(())
}

pub(super) async fn reports_several_as_ambiguous(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    let (who, numbers) = &population.twins;
    let inquiry = Inquiry::by(Word::Find, attended, numbers[0], who);
    for inquiry in [inquiry.clone(), inquiry.with_given(who.given.as_str())] {
        let answer = asker.ask(&inquiry).await?;
        is(&answer, &inquiry, "ambiguous", "several matching people are ambiguous")?;
        let Outcome::Ambiguous(candidates) = &answer.outcome else { continue };
        let own = candidates.iter().filter_map(|candidate| candidate.nhs_number);
        hold(own.clone().all(|number| numbers.contains(&number)), "candidates match the question")
            .and_then(|()| {
                let different: BTreeSet<_> = own.clone().collect();
                hold(different.len() == own.count(), "each candidate is listed once")
            })
            .map_err(|breach| breach.about(&inquiry))?;
    }
    // A question by number finds each of them.
    for number in numbers {
        let known = Known { nhs_number: *number, particulars: who.clone() };
        for word in Word::BY_NUMBER {
            let inquiry = Inquiry::about(word, attended, &known);
            is_found(&inquiry, &known, &asker.ask(&inquiry).await?)?;
        }
    }
    Ok(())
}

pub(super) async fn follows_a_replaced_number(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    let (old, new) = (&population.superseded, &population.replacement);
    // By the new demographics, and by those recorded under the old number.
    let updated = Known { nhs_number: old.nhs_number, particulars: new.particulars.clone() };
    for (word, who) in Word::ALL.into_iter().flat_map(|word| [(word, &updated), (word, old)]) {
        let inquiry = Inquiry::about(word, attended, who);
        let answer = asker.ask(&inquiry).await?;
        let checked = match (&answer.outcome, word) {
            // A service that cannot establish that this is the same person may omit the new number.
            (Outcome::Superseded { by: None, person: None }, _) if std::ptr::eq(who, old) => Ok(()),
            (Outcome::Superseded { by, person }, _) => {
                let told = *by == Some(new.nhs_number);
                hold(told, "a replaced number is returned with its replacement").and_then(|()| {
                    match person.as_deref() {
                        Some(person) => is_person(person, &new.particulars),
                        None => Ok(()),
                    }
                })
            }
            // Some services search current records only.
            (Outcome::None, Word::Find) => Ok(()),
            (Outcome::Found(found), Word::Find) => hold(
                found.nhs_number == new.nhs_number,
                "no person is found under a replaced number",
            ),
            _ => hold(false, "a replaced number is superseded"),
        };
        checked.map_err(|breach| breach.about(&inquiry))?;
    }
    Ok(())
}

pub(super) async fn refuses_an_invalid_number(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    for word in Word::ALL {
        let inquiry = Inquiry::about(word, attended, &population.invalidated);
        let answer = asker.ask(&inquiry).await?;
        let kept = match (&answer.outcome, word) {
            // Some services omit the record from searches.
            (Outcome::None, Word::Find) | (Outcome::Invalidated, _) => true,
            _ => false,
        };
        hold(kept, "a number that is no longer valid is invalidated")
            .map_err(|breach| breach.about(&inquiry))?;
    }
    Ok(())
}

pub(super) async fn reports_a_death(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    for (known, dead) in [(&population.deceased, true), (&population.ordinary, false)] {
        for word in Word::ALL {
            let inquiry = Inquiry::about(word, attended, known);
            let answer = asker.ask(&inquiry).await?;
            let told = is_found(&inquiry, known, &answer)?.is_deceased();
            let clause = "demographics say whether the person has died";
            hold(told.is_none_or(|told| told == dead), clause)
                .map_err(|breach| breach.about(&inquiry))?;
        }
    }
    Ok(())
}

pub(super) async fn withholds_restricted_data(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    for word in [Word::Find, Word::Fetch] {
        let inquiry = Inquiry::about(word, attended, &population.restricted);
        let answer = asker.ask(&inquiry).await?;
        let found = is_found(&inquiry, &population.restricted, &answer)?;
        let clause = "a withheld address, telecom or GP practice is not returned";
        hold(is_withheld(found), clause).map_err(|breach| breach.about(&inquiry))?;

        let inquiry = Inquiry::about(word, attended, &population.ordinary);
        let answer = asker.ask(&inquiry).await?;
        let found = is_found(&inquiry, &population.ordinary, &answer)?;
        let homes = found.person.iter().flat_map(|person| &person.addresses);
        let mut postcodes = homes.filter_map(|home| home.postcode.known());
        let own = population.ordinary.particulars.postcode.as_ref();
        let comes = own.is_none_or(|own| postcodes.any(|postcode| postcode == own));
        let open = matches!(found.restriction, Restriction::NotStated | Restriction::Unrestricted);
        hold(comes && open, "an address that is not withheld is returned")
            .map_err(|breach| breach.about(&inquiry))?;
    }
    let Some(very) = &population.very_restricted else { return Ok(()) };
    for word in Word::BY_NUMBER {
        let inquiry = Inquiry::about(word, attended, very);
        let answer = asker.ask(&inquiry).await?;
        let kept = match &answer.outcome {
            Outcome::Found(found) => {
                let named = found.person.iter().any(|person| person.name.is_some());
                is_withheld(found) && !named && found.restriction == Restriction::VeryRestricted
            }
            // Withheld fields cannot be compared.
            Outcome::None | Outcome::NotVerified => true,
            _ => false,
        };
        hold(kept, "a withheld name is not returned").map_err(|breach| breach.about(&inquiry))?;
    }
    Ok(())
}

fn is_withheld(found: &Match) -> bool {
    let silent = found.person.as_ref().is_none_or(|person| {
        person.addresses.is_empty() && person.telecoms.is_empty() && person.gp_practice.is_none()
    });
    silent && found.restriction != Restriction::Unrestricted
}

/// Two calls with the same question are two exchanges.
pub(super) async fn makes_one_exchange_per_call(
    asker: &Asker,
    population: &Population,
    attended: bool,
) -> Result<(), Breach> {
    for word in Word::ALL {
        let inquiry = Inquiry::about(word, attended, &population.ordinary);
        let first = asker.ask(&inquiry).await?.exchange;
        let second = asker.ask(&inquiry).await?.exchange;
        let same = first.service == second.service && first.operation == second.operation;
        hold(same && first.message_id != second.message_id, "one call is one exchange")
            .and_then(|()| hold(first.sent_at <= second.sent_at, "exchanges are in order of time"))
            .map_err(|breach| breach.about(&inquiry))?;
    }
    Ok(())
}

/// Questions that only an attended mode allows.
pub(super) async fn finds_by_wildcard(
    asker: &Asker,
    population: &Population,
) -> Result<(), Breach> {
    let Some(recognisable) = &population.recognisable else { return Ok(()) };
    let plain = Inquiry::about(Word::Find, true, &recognisable.person);
    let inquiry = Inquiry {
        family: Some(recognisable.family.as_str().to_owned()),
        gender: recognisable.gender,
        born: recognisable.date_of_birth.to_string(),
        ..plain
    };
    is_found(&inquiry, &recognisable.person, &asker.ask(&inquiry).await?)?;
    for word in Word::BY_NUMBER {
        let plain = Inquiry::about(word, true, &recognisable.person);
        let inquiry = Inquiry { born: recognisable.date_of_birth.to_string(), ..plain };
        is_found(&inquiry, &recognisable.person, &asker.ask(&inquiry).await?)?;
    }
    Ok(())
}

/// Answers to simultaneous questions are not mixed up.
pub(super) async fn answers_many_at_once(
    asker: &Asker,
    population: &Population,
) -> Result<(), Breach> {
    let mut asking = JoinSet::new();
    let people: Vec<&Known> = population.found().collect();
    for (n, known) in people.iter().cycle().take(AT_ONCE).enumerate() {
        let word = match n % 5 {
            0 => Word::Verify,
            1 | 2 => Word::Find,
            _ => Word::Fetch,
        };
        let mut inquiry = Inquiry::about(word, n % 2 == 1, known);
        inquiry.local = format!("TRACER-{}", 1000 + n);
        let (asker, known) = (asker.clone(), (*known).clone());
        asking.spawn(async move {
            is_found(&inquiry, &known, &asker.ask(&inquiry).await?)?;
            Ok::<_, Breach>(())
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.map_err(|_| Breach::of("a question does not panic"))??;
    }
    Ok(())
}
