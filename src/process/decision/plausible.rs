//! Dates of death that PDS returns and that cannot be right.

use crate::case::is_implausible_death;
use crate::demographics::{Demographics, Recorded, london_day};
use crate::process::decision::reply::Reply;
use crate::trace::{Answer, Outcome};
use chrono::{DateTime, Utc};

/// Returns the answer with its date of death marked as unreadable, if that date cannot be right at `now`: in
/// the future, before the birth, or more than 125 years ago. `None` for every other reply.
///
/// The person may have died, so the decision is the same as for a death without a readable date.
pub(in crate::process) fn without_implausible_death(
    reply: Reply<'_>,
    now: DateTime<Utc>,
) -> Option<Answer> {
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
