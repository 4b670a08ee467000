//! When a worker looks at a case next.

use crate::case::{Case, Due, LONGEST_PLAN, Priority, is_implausible_birth, is_implausible_death};
use crate::demographics::london_day;
use crate::process::decision::eligibility::Scope;
use crate::process::decision::plan::plan;
use crate::process::decision::policy::Policy;
use crate::process::decision::purpose::Purpose;
use chrono::{DateTime, TimeDelta, Utc};

/// The longest time between two looks at a case. Nothing but time may change the answer of [`plan`],
/// and each such time is computed; this limit mends what no program foresees, such as a clock that was
/// set back.
const LOOK_AGAIN: TimeDelta = TimeDelta::days(30);

/// How soon a case is looked at again whose dates are not plausible on the present day.
const NEXT_DAY: TimeDelta = TimeDelta::hours(6);

/// Returns when `case` is due: now, if it is to be traced now, else the first time at which [`plan`]
/// may give another answer about the unchanged case.
///
/// Pure.
pub(in crate::process) fn due(
    case: &Case,
    scope: &Scope,
    policy: &Policy,
    local_root: &str,
    now: DateTime<Utc>,
) -> Due {
    let limit = now.checked_add_signed(LOOK_AGAIN.min(LONGEST_PLAN)).unwrap_or(now);
    if plan(case, scope, policy, local_root, now).is_ok() {
        return Due::new(priority(case, policy, now), now);
    }
    let asking = &case.asking;
    let again = case
        .nhs_number
        .as_ref()
        .and_then(|recorded| policy.next_reverification(&case.id, recorded, now));
    let refusal = case.last_trace.as_ref().filter(|_| asking.until_corrected);
    let refusal = refusal.and_then(|last| last.at.checked_add_signed(policy.refusal_wait));
    let today = london_day(now);
    let birth = case.date_of_birth.filter(|born| is_implausible_birth(*born, today));
    let death =
        case.date_of_death.filter(|died| is_implausible_death(*died, case.date_of_birth, today));
    let tomorrow = birth.or(death).and_then(|_| now.checked_add_signed(NEXT_DAY));
    let times = [asking.retry_after, asking.not_before, again, refusal, tomorrow];
    let at = times.into_iter().flatten().filter(|at| *at > now).fold(limit, DateTime::min);
    Due::new(priority(case, policy, at), at)
}

/// The priority that the case has at the time `at` at which it is due.
fn priority(case: &Case, policy: &Policy, at: DateTime<Utc>) -> Priority {
    let is_new = case.last_trace.is_none() && case.asking.unanswered == 0;
    let is_routine = case.nhs_number.as_ref().is_none_or(|recorded| {
        !recorded.status.is_usable() || !recorded.source.is_traced() || case.person_changed()
    });
    match Purpose::of(case, policy, at) {
        Purpose::Find | Purpose::Verify(_) if is_new => Priority::New,
        Purpose::Find | Purpose::Verify(_) if is_routine => Priority::Routine,
        _ => Priority::Reverification,
    }
}
