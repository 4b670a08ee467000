use crate::case::{Case, ReviewState};
use crate::process::review::context::{Changed, Context, in_use, item, item_mut};
use crate::process::review::refusal::Refusal;
use crate::process::review::resolve::with_undo;

/// Returns the changes when the item `number` is dismissed with others, or none if it is done.
///
/// Pure.
pub(super) fn dismiss(
    case: &Case,
    number: u32,
    note: &str,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let found = item(case, number)?;
    let note = note.trim();
    if note.is_empty() {
        return Err(Refusal::Blank);
    }
    if found.state == ReviewState::Dismissed {
        return Ok(Vec::new());
    }
    in_use(case)?;
    if !found.is_open() {
        return Err(Refusal::Closed);
    }
    if !found.reason.may_be_dismissed_in_bulk() {
        return Err(Refusal::NotInBulk);
    }
    let mut changed = case.clone();
    let target = item_mut(&mut changed, number)?;
    target.state = ReviewState::Dismissed;
    target.history.push(context.step("dismissed").with_note(note));
    Ok(with_undo(case, number, vec![Changed::new(changed, "dismissed")]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ReviewReason;
    use crate::demographics::Field;
    use crate::process::review::fixtures::{NUMBER, case, context};

    #[test]
    fn only_what_puts_nothing_in_doubt_is_dismissed_unseen() {
        use ReviewReason as Why;
        let dismissed = |reason, note| {
            let open = case("1", reason, Some(NUMBER));
            dismiss(&open, 1, note, &context()).map(|changes| changes[0].case.clone())
        };
        for reason in [Why::Discrepancy, Why::Defect, Why::Unanswered] {
            let done = dismissed(reason, " The provider mended it. ").unwrap();
            let item = &done.review[0];
            assert_eq!(item.state, ReviewState::Dismissed);
            assert_eq!(item.history[0].note.as_deref(), Some("The provider mended it."));
            assert_eq!(dismiss(&done, 1, "again", &context()), Ok(Vec::new()));
            assert_eq!(dismissed(reason, " ").err(), Some(Refusal::Blank));
        }
        for reason in [
            Why::Differs(Field::Given),
            Why::Unconfirmed,
            Why::Conflict,
            Why::Duplicate,
            Why::DeathUndated,
            Why::NoMatch,
            Why::Ambiguous,
            Why::Replaced,
            Why::Superseded,
            Why::Invalidated,
            Why::NotVerified,
            Why::Rejected,
            Why::NumberDamaged,
        ] {
            assert_eq!(dismissed(reason, "all").err(), Some(Refusal::NotInBulk), "{reason}");
        }
    }
}
