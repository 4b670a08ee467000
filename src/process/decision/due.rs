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
    let lost = asking.submitted.as_ref().map(|submitted| submitted.until);
    let times = [asking.retry_after, asking.not_before, lost, again, refusal, tomorrow];
    let at = times.into_iter().flatten().filter(|at| *at > now).fold(limit, DateTime::min);
    Due::new(priority(case, policy, at), at)
}

/// Returns the priority that `case` has at the time `at` at which it is due.
///
/// Pure.
pub(in crate::process) fn priority(case: &Case, policy: &Policy, at: DateTime<Utc>) -> Priority {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberStatus, TraceRecord};
    use crate::process::decision::plan::tests::{NUMBER, ROOT, case, imported, now, traced};
    use crate::trace::Freshness;
    use proptest::prelude::*;

    fn due_of(case: &Case, policy: &Policy) -> Due {
        due(case, &Scope::default(), policy, ROOT, now())
    }

    fn is_planned(case: &Case, policy: &Policy, at: DateTime<Utc>) -> bool {
        plan(case, &Scope::default(), policy, ROOT, at).is_ok()
    }

    #[test]
    fn a_case_to_be_traced_is_due_now_by_its_priority() {
        let policy = Policy::default().with_reverification(TimeDelta::days(90));
        let mut case = case();
        assert_eq!(due_of(&case, &policy), Due::new(Priority::New, now()));
        case.last_trace = Some(TraceRecord::new(now(), "none", None));
        assert_eq!(due_of(&case, &policy), Due::new(Priority::Routine, now()));
        case.nhs_number = Some(imported(NUMBER, "GP letter"));
        assert_eq!(due_of(&case, &policy).priority, Priority::Routine);
        let mut number = traced(NUMBER, Freshness::Live);
        number.since = None;
        case.nhs_number = Some(number);
        let due = due_of(&case, &policy);
        assert_eq!(due.priority, Priority::Reverification);
        assert!(due.at > now());
    }

    #[test]
    fn a_case_that_time_does_not_change_is_looked_at_again_after_thirty_days() {
        let policy = Policy::default();
        let mut case = case();
        case.allocations.clear();
        assert_eq!(due_of(&case, &policy).at, now() + LOOK_AGAIN);
        assert!(LOOK_AGAIN < LONGEST_PLAN);
    }

    #[test]
    fn each_wait_ends_when_the_case_is_due() {
        let policy = Policy::default();
        let wait = TimeDelta::minutes(7);
        let asked = plan(&case(), &Scope::default(), &policy, ROOT, now()).unwrap().asked;
        let waits: [fn(&mut Case, DateTime<Utc>); 2] = [
            |case, until| case.asking.retry_after = Some(until),
            |case, until| case.asking.not_before = Some(until),
        ];
        for set in waits {
            let mut case = case();
            case.asking.asked = Some(asked.clone());
            set(&mut case, now() + wait);
            let due = due_of(&case, &policy);
            assert_eq!(due.at, now() + wait);
            assert!(!is_planned(&case, &policy, due.at - TimeDelta::milliseconds(1)));
            assert!(is_planned(&case, &policy, due.at));
        }
    }

    /// A time relative to now: none, in the past, or in the future; up to months away.
    fn time() -> impl Strategy<Value = Option<DateTime<Utc>>> {
        let seconds = prop_oneof![-400_i64..400, -9_000_000_i64..9_000_000];
        prop::option::of(seconds.prop_map(|seconds| now() + TimeDelta::seconds(seconds)))
    }

    fn cases() -> impl Strategy<Value = Case> {
        let asking = (time(), time(), any::<bool>(), any::<bool>(), 0_u32..4);
        let number = (0_u8..5, time(), any::<bool>());
        let dates = (prop::option::of(-3_i64..4), prop::option::of(-3_i64..4), time());
        (asking, number, dates, any::<bool>()).prop_map(|(asking, number, dates, not_on_pds)| {
            let mut case = case();
            let day = |days| london_day(now() + TimeDelta::days(days)).to_string();
            if let Some(days) = dates.0 {
                case.date_of_birth = day(days).parse().ok();
            }
            case.date_of_death = dates.1.and_then(|days| day(days).parse().ok());
            case.last_trace = dates.2.map(|at| TraceRecord::new(at, "rejected", None));
            case.nhs_number = match number.0 {
                0 => None,
                1 => Some(imported(NUMBER, "GP letter")),
                2 => Some(traced(NUMBER, Freshness::Stale)),
                _ => Some(traced(NUMBER, Freshness::Live)),
            };
            if let Some(recorded) = &mut case.nhs_number {
                recorded.since = number.1;
                if number.2 {
                    recorded.status = NumberStatus::NotVerified;
                }
            }
            let asked = plan(&case, &Scope::default(), &Policy::default(), ROOT, now());
            case.asking.asked = asked.ok().map(|plan| plan.asked).filter(|_| asking.2);
            (case.asking.retry_after, case.asking.not_before) = (asking.0, asking.1);
            (case.asking.until_corrected, case.asking.unanswered) = (asking.3, asking.4);
            case.not_on_pds = not_on_pds;
            case
        })
    }

    proptest! {
        /// The index may look too early, and never too late.
        #[test]
        fn no_case_is_to_be_traced_before_it_is_due(
            case in cases(),
            reverification in prop::option::of(1_i64..9_000_000),
            share in 0.0..1.0_f64,
        ) {
            let reverification = reverification.map(TimeDelta::seconds);
            let policy = Policy { reverification, ..Policy::default() };
            let due = due_of(&case, &policy);
            prop_assert!(now() <= due.at && due.at <= now() + LOOK_AGAIN);
            if is_planned(&case, &policy, now()) {
                prop_assert_eq!(due.at, now());
            }
            let gap = (due.at - now()).num_seconds();
            let at = now() + TimeDelta::seconds((gap as f64 * share) as i64);
            if at < due.at {
                prop_assert!(!is_planned(&case, &policy, at), "traced at {at}, due {}", due.at);
            }
            let last = due.at - TimeDelta::seconds(1);
            prop_assert!(last < now() || !is_planned(&case, &policy, last));
        }
    }
}
