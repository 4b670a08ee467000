use crate::case::{Case, ReviewState};
use crate::demographics::redacted_debug;
use crate::process::review::context::{Changed, Context, in_use, item, item_mut};
use crate::process::review::offer::ranked;
use crate::process::review::refusal::Refusal;

/// An action on an item that does not settle it. `Debug` shows no content.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum Step {
    /// Assigns the item to the user with this user id, or to no user.
    Assign(Option<String>),
    /// Passes the item between the open states, in any direction: the front-line staff, the GP
    /// practice, the PDS National Back Office (HAV-10). A settled item can only go back to
    /// [`Open`](ReviewState::Open).
    Move(ReviewState),
    /// Adds a note.
    Note(String),
}

/// Returns the changes of a step on the item `number` of `case`, or none if it is done already.
/// Adds the step to the item's history.
///
/// Pure.
///
/// # Errors
///
/// The [`Refusal`].
pub(super) fn step(
    case: &Case,
    number: u32,
    step: &Step,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let found = item(case, number)?;
    in_use(case)?;
    let mut changed = case.clone();
    let target = item_mut(&mut changed, number)?;
    let what = match step {
        Step::Assign(user) => {
            let user = user.as_deref().map(str::trim).filter(|user| !user.is_empty());
            if found.assignee.as_deref() == user {
                return Ok(Vec::new());
            }
            if !found.is_open() {
                return Err(Refusal::Closed);
            }
            target.assignee = user.map(str::to_owned);
            target.history.push(match user {
                Some(user) => context.step("assigned").with_note(user),
                None => context.step("unassigned"),
            });
            "assigned"
        }
        Step::Move(state) => {
            if found.state == *state {
                return Ok(Vec::new());
            }
            check_move(case, number, *state)?;
            target.state = *state;
            if !found.is_open() {
                // A user may have rejected candidates since the item was settled.
                target.evidence.candidates = ranked(case, &found.evidence.candidates);
            }
            let word = if found.is_open() { state.as_str() } else { "reopened" };
            target.history.push(context.step(word));
            word
        }
        Step::Note(text) => {
            let text = text.trim();
            if text.is_empty() {
                return Err(Refusal::Blank);
            }
            let last = found.history.last();
            if last.is_some_and(|last| last.by == context.by && last.note.as_deref() == Some(text))
            {
                return Ok(Vec::new());
            }
            target.history.push(context.step("noted").with_note(text));
            "noted"
        }
    };
    Ok(vec![Changed::new(changed, what)])
}

fn check_move(case: &Case, number: u32, state: ReviewState) -> Result<(), Refusal> {
    let found = item(case, number)?;
    if found.is_open() {
        return if state.is_open() { Ok(()) } else { Err(Refusal::NeedsResolution) };
    }
    if state != ReviewState::Open {
        return Err(Refusal::Closed);
    }
    // Two users could otherwise work on two items on the same subject.
    let again = case.open_items().any(|other| {
        other.reason == found.reason
            && (found.reason.is_settled_by_an_answer()
                || other.evidence.nhs_number == found.evidence.nhs_number)
    });
    if again { Err(Refusal::OpenElsewhere) } else { Ok(()) }
}

redacted_debug!(Step);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Evidence, ReviewReason};
    use crate::process::review::fixtures::{case, context, now};
    use ReviewState::{Dismissed, Open, Resolved, WithFrontLine, WithGp, WithNationalBackOffice};

    fn done(case: &Case, what: &Step) -> Result<Case, Refusal> {
        let mut changes = step(case, 1, what, &context())?;
        assert_eq!(changes.len(), 1);
        let changed = changes.remove(0).case;
        assert_eq!(step(&changed, 1, what, &context()), Ok(Vec::new()), "a second call");
        Ok(changed)
    }

    #[test]
    fn moves_between_all_states() {
        let states = [Open, WithFrontLine, WithGp, WithNationalBackOffice, Resolved, Dismissed];
        for from in states {
            for to in states.into_iter().filter(|to| *to != from) {
                let mut item = case("1", ReviewReason::NoMatch, None);
                item.review[0].state = from;
                let moved = done(&item, &Step::Move(to)).map(|case| case.review[0].state);
                let expected = match (from.is_open(), to.is_open()) {
                    (true, true) => Ok(to),
                    (true, false) => Err(Refusal::NeedsResolution),
                    (false, _) if to == Open => Ok(Open),
                    (false, _) => Err(Refusal::Closed),
                };
                assert_eq!(moved, expected, "{from} {to}");
            }
        }
    }

    #[test]
    fn an_item_with_an_open_successor_is_not_reopened() {
        let mut closed = case("1", ReviewReason::NoMatch, None);
        closed.review[0].state = Resolved;
        closed.open_item(ReviewReason::NoMatch, &Evidence::default(), now());
        assert_eq!(done(&closed, &Step::Move(Open)), Err(Refusal::OpenElsewhere));
    }

    #[test]
    fn steps_are_recorded_in_the_history() {
        let item = case("1", ReviewReason::NoMatch, None);
        let item = done(&item, &Step::Assign(Some(" a.worker ".into()))).unwrap();
        assert_eq!(item.review[0].assignee.as_deref(), Some("a.worker"));
        let item = done(&item, &Step::Move(WithGp)).unwrap();
        let item = done(&item, &Step::Note(" Rang the practice. ".into())).unwrap();
        let mut item = done(&item, &Step::Assign(None)).unwrap();
        let history: Vec<_> = item.review[0]
            .history
            .iter()
            .map(|step| (step.by.as_str(), step.what.as_str(), step.note.as_deref()))
            .collect();
        assert_eq!(
            history,
            [
                ("j.doe", "assigned", Some("a.worker")),
                ("j.doe", "with_gp", None),
                ("j.doe", "noted", Some("Rang the practice.")),
                ("j.doe", "unassigned", None),
            ]
        );
        assert_eq!(done(&item, &Step::Note(" ".into())), Err(Refusal::Blank));
        item.review[0].state = Resolved;
        assert_eq!(done(&item, &Step::Assign(Some("b".into()))), Err(Refusal::Closed));
        assert!(done(&item, &Step::Note("The person rang back.".into())).is_ok());
        let missing = step(&item, 9, &Step::Move(Open), &context());
        assert_eq!(missing, Err(Refusal::NoSuchItem));
    }
}
