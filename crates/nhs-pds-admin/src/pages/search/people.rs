//! The people in an answer of PDS, for the user who must choose.

use crate::compared::{self, Row};
use crate::facts;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::Actor;
use nhs_pds::demographics::Demographics;
use nhs_pds::matching::LocalRecord;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Answer, Candidate, Exchange, Freshness, Match, Outcome, Restriction};
use serde::{Deserialize, Serialize};

/// How long a person who was found can be chosen. After that PDS may have changed.
const VALID: TimeDelta = TimeDelta::minutes(30);

/// A person in an answer, as a page carries it in a sealed field from the search to the confirmation.
#[derive(Clone, Deserialize, Serialize)]
pub(in crate::pages) struct Found {
    /// The user who found the person: no other user can confirm it.
    by: String,
    at: DateTime<Utc>,
    pub(in crate::pages) number: NhsNumber,
    pub(in crate::pages) person: Demographics,
    pub(in crate::pages) exchange: Exchange,
    pub(in crate::pages) stale: bool,
    pub(in crate::pages) restricted: bool,
}

impl Found {
    /// The person as the service returned it.
    pub(in crate::pages) fn to_match(&self) -> Match {
        let mut found = Match::new(self.number).with_person(self.person.clone());
        if self.stale {
            found.freshness = Freshness::Stale;
        }
        if self.restricted {
            found.restriction = Restriction::Restricted;
        }
        found
    }

    /// Whether `actor` can choose the person now.
    pub(in crate::pages) fn is_valid_for(&self, actor: &Actor, now: DateTime<Utc>) -> bool {
        self.by == actor.user_id() && self.at <= now && now < self.at + VALID
    }
}

/// A person in the list of hits.
pub(in crate::pages) struct Hit {
    pub(in crate::pages) name: String,
    /// The number in its groups; `None` if what the service returned is no NHS Number.
    pub(in crate::pages) number: Option<String>,
    pub(in crate::pages) rows: Vec<Row>,
    pub(in crate::pages) other_names: Vec<String>,
    pub(in crate::pages) practice: Option<String>,
    pub(in crate::pages) notes: Vec<&'static str>,
    /// What the confirmation needs; `None` if the person cannot be chosen.
    pub(in crate::pages) found: Option<Found>,
}

/// What PDS answered.
pub(in crate::pages) struct People {
    pub(in crate::pages) heading: &'static str,
    pub(in crate::pages) text: String,
    /// In the order of the service, without scores.
    pub(in crate::pages) hits: Vec<Hit>,
}

const RESTRICTED: &str = "Restricted record. PDS shows no address, contacts or GP practice. Do not tell anyone where \
     the person may live, and do not ask others for it.";
const NO_ADDRESS: &str = "PDS returned no address. Such a record may be restricted.";
const STALE: &str =
    "From a copy of PDS, which may be out of date. The number is verified again later.";
const DECEASED: &str = "PDS records that this person has died.";
const NO_NUMBER: &str = "PDS returned no valid NHS Number for this person, so it cannot be used.";

/// The people in `answer`, beside the criteria `ours`.
pub(in crate::pages) fn people(
    answer: &Answer,
    ours: &LocalRecord,
    actor: &Actor,
    at: DateTime<Utc>,
) -> People {
    let of = |number, person: Option<&Demographics>, stale, restricted| {
        hit(number, person, ours, stale, restricted, || (actor, at, answer.exchange.clone()))
    };
    match &answer.outcome {
        Outcome::Found(found) => People {
            heading: "PDS found one person",
            text: "Check each field before you use the NHS Number.".to_owned(),
            hits: vec![of_match(found, &of)],
        },
        Outcome::Ambiguous(candidates) if candidates.is_empty() => People {
            heading: "More than one person on PDS matches",
            text: "PDS does not list them. Add a given name or a postcode, and search again.".to_owned(),
            hits: Vec::new(),
        },
        Outcome::Ambiguous(candidates) => People {
            heading: "PDS found several people",
            text: format!(
                "{} people match. They are in the order of PDS. Check each field before you use an NHS Number.",
                candidates.len()
            ),
            hits: candidates.iter().map(|candidate| of_candidate(candidate, &of)).collect(),
        },
        Outcome::None => People {
            heading: "PDS found no person",
            text: "No person on PDS matches all criteria. Check the spelling, or leave out the given name or the \
                   postcode."
                .to_owned(),
            hits: Vec::new(),
        },
        Outcome::Superseded { by, person } => People {
            heading: "This NHS Number has been replaced",
            text: match by {
                Some(by) => format!("PDS has replaced it by {by}. Check that this is the same person."),
                None => "PDS does not say by which number. Search again without the number.".to_owned(),
            },
            hits: by.iter().map(|by| of(Some(*by), person.as_deref(), false, None)).collect(),
        },
        Outcome::Invalidated => People {
            heading: "This NHS Number is no longer valid",
            text: "No number replaces it. Search again without the number.".to_owned(),
            hits: Vec::new(),
        },
        Outcome::NotVerified => People {
            heading: "This NHS Number is another person's",
            text: "The number is on PDS, and the other criteria do not match its person. Check them, or search \
                   again without the number."
                .to_owned(),
            hits: Vec::new(),
        },
        _ => People {
            heading: "PDS gave another answer",
            text: "These screens do not know it. Tell your administrator.".to_owned(),
            hits: Vec::new(),
        },
    }
}

type Of<'a> = dyn Fn(Option<NhsNumber>, Option<&Demographics>, bool, Option<bool>) -> Hit + 'a;

fn of_match(found: &Match, of: &Of<'_>) -> Hit {
    let restricted = match found.restriction {
        Restriction::NotStated => None,
        Restriction::Unrestricted => Some(false),
        _ => Some(true),
    };
    let stale = found.freshness == Freshness::Stale;
    of(Some(found.nhs_number), found.person.as_ref(), stale, restricted)
}

fn of_candidate(candidate: &Candidate, of: &Of<'_>) -> Hit {
    of(candidate.nhs_number, candidate.person.as_ref(), false, None)
}

/// `restricted` is `None` where the service does not say whether the record is.
fn hit<'a>(
    number: Option<NhsNumber>,
    person: Option<&Demographics>,
    ours: &LocalRecord,
    stale: bool,
    restricted: Option<bool>,
    context: impl FnOnce() -> (&'a Actor, DateTime<Utc>, Exchange),
) -> Hit {
    let mut shown = person.cloned().unwrap_or_default();
    if restricted == Some(true) {
        // Even if the service has sent them.
        (shown.addresses, shown.telecoms, shown.gp_practice) = (Vec::new(), Vec::new(), None);
    }
    let mut notes = notes(&shown, stale, restricted);
    if number.is_none() {
        notes.push(NO_NUMBER);
    }
    let name = shown.name.as_ref().and_then(facts::full_name);
    let found = number.filter(|_| person.is_some()).map(|number| {
        let (actor, at, exchange) = context();
        let (by, restricted) = (actor.user_id().to_owned(), restricted == Some(true));
        Found { by, at, number, person: shown.clone(), exchange, stale, restricted }
    });
    Hit {
        name: name.unwrap_or_else(|| "Name not recorded".to_owned()),
        number: number.map(|number| number.to_string()),
        rows: compared::rows(ours, &shown, true),
        other_names: facts::other_names(&shown),
        practice: facts::practice(&shown),
        notes,
        found,
    }
}

/// What a user must know about `person`. `restricted` is `None` where the service does not say whether the record is.
pub(in crate::pages) fn notes(
    person: &Demographics,
    stale: bool,
    restricted: Option<bool>,
) -> Vec<&'static str> {
    let has_address = facts::address(person).is_some();
    let notes = [
        (RESTRICTED, restricted == Some(true)),
        (NO_ADDRESS, restricted.is_none() && !has_address),
        (STALE, stale),
        (DECEASED, person.is_deceased()),
    ];
    notes.into_iter().filter_map(|(note, applies)| applies.then_some(note)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::trace::{Caller, LocalIdentity, Score};

    fn person(address: bool) -> Demographics {
        let mut json = serde_json::json!({
            "name": { "given": ["Zoë"], "family": "Aindow" },
            "date_of_birth": "1943-05-19",
            "gp_practice": { "ods_code": "A28023" },
        });
        if address {
            json["addresses"] =
                serde_json::json!([{ "use": "home", "lines": ["1 Mill Lane", "", "", "", ""] }]);
        }
        serde_json::from_value(json).unwrap()
    }

    fn actor(id: &str) -> Actor {
        let identity = LocalIdentity::new("RHM".parse().unwrap(), id).unwrap();
        Actor::new(&Caller::System(identity), id)
    }

    fn now() -> DateTime<Utc> {
        "2026-11-30T09:00:00Z".parse().unwrap()
    }

    fn shown(outcome: Outcome) -> People {
        let exchange = Exchange::new("SMSP", "trace", "M-1", now());
        people(&Answer::new(outcome, exchange), &LocalRecord::default(), &actor("jo"), now())
    }

    fn found(restriction: Restriction, address: bool) -> Hit {
        let mut found = Match::new("9990000018".parse().unwrap()).with_person(person(address));
        found.restriction = restriction;
        shown(Outcome::Found(Box::new(found))).hits.remove(0)
    }

    fn address(hit: &Hit) -> Option<&str> {
        hit.rows.iter().find(|row| row.label == "Address").unwrap().theirs.as_deref()
    }

    #[test]
    fn a_restricted_record_shows_no_address_and_says_so() {
        let hit = found(Restriction::Restricted, true);
        assert_eq!((address(&hit), hit.practice.as_deref()), (None, None));
        assert_eq!(hit.notes, [RESTRICTED]);
        assert!(hit.found.unwrap().person.addresses.is_empty());

        let hit = found(Restriction::Unrestricted, true);
        assert_eq!((address(&hit), hit.notes.len()), (Some("1 Mill Lane"), 0));
        assert_eq!(found(Restriction::NotStated, false).notes, [NO_ADDRESS]);
    }

    #[test]
    fn people_are_in_the_order_of_the_service_without_scores() {
        let mut candidates = ["9990000026", "9990000018"].map(Candidate::new).to_vec();
        candidates[1].score = Some(Score::new(1.0).unwrap());
        candidates.iter_mut().for_each(|candidate| candidate.person = Some(person(true)));
        candidates.push(Candidate::new("not a number"));
        let shown = shown(Outcome::Ambiguous(candidates));
        let numbers: Vec<_> = shown.hits.iter().map(|hit| hit.number.as_deref()).collect();
        assert_eq!(numbers, [Some("999 000 0026"), Some("999 000 0018"), None]);
        assert!(shown.hits[2].found.is_none() && shown.hits[2].notes.contains(&NO_NUMBER));
    }

    #[test]
    fn a_person_can_be_chosen_by_the_user_who_found_them_for_a_time() {
        let found = found(Restriction::Unrestricted, true).found.unwrap();
        assert!(found.is_valid_for(&actor("jo"), now()));
        assert!(!found.is_valid_for(&actor("sam"), now()));
        assert!(!found.is_valid_for(&actor("jo"), now() + VALID));
        assert!(!found.is_valid_for(&actor("jo"), now() - TimeDelta::seconds(1)));
    }

    #[test]
    fn each_outcome_says_what_to_do() {
        for outcome in [
            Outcome::None,
            Outcome::Ambiguous(Vec::new()),
            Outcome::Superseded { by: None, person: None },
            Outcome::Invalidated,
            Outcome::NotVerified,
        ] {
            let word = outcome.as_str();
            let shown = shown(outcome);
            assert!(shown.hits.is_empty() && shown.text.ends_with('.'), "{word}");
        }
    }
}
