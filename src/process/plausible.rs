//! Deaths that PDS returns and that cannot be right.

use crate::case::is_implausible_death;
use crate::demographics::{Demographics, Recorded, london_day};
use crate::process::Reply;
use crate::trace::{Answer, Outcome};
use chrono::{DateTime, Utc};

/// The answer with its date of death as one that cannot be read, if it returned a person whose death is to
/// come at `now`, before the birth, or more than 125 years ago; `None` for every other reply.
///
/// The person may have died, so the case is held as for every death without a day.
pub(super) fn without_implausible_death(reply: Reply<'_>, now: DateTime<Utc>) -> Option<Answer> {
    let mut answer = reply.ok()?.clone();
    let person = person_of(&mut answer.outcome)?;
    let died = *person.date_of_death.known()?;
    let born = person.date_of_birth.known().copied();
    if !is_implausible_death(died, born, london_day(now)) {
        return None;
    }
    person.date_of_death = Recorded::Unrecognised(died.to_string());
    Some(answer)
}

fn person_of(outcome: &mut Outcome) -> Option<&mut Demographics> {
    match outcome {
        Outcome::Found(found) => found.person.as_mut(),
        Outcome::Superseded { person, .. } => person.as_deref_mut(),
        _ => None,
    }
}
