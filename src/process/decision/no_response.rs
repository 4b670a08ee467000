//! The rows of the table for a query without a usable response.

use crate::case::Case;
use crate::demographics::Field;
use crate::process::decision::context::Context;
use crate::process::decision::rows::Row;
use crate::trace::{Error, ErrorKind};

pub(super) fn without_response(case: &Case, error: &Error, context: &Context<'_>) -> Row {
    match error.kind() {
        ErrorKind::Configuration => Row::Configuration,
        ErrorKind::Unavailable => unavailable(case, context),
        ErrorKind::Rejected if error.field() == Some(Field::NhsNumber) => Row::NumberRejected,
        ErrorKind::Rejected if error.is_unexplained() => Row::MessageRefused,
        ErrorKind::Rejected => Row::Rejected,
        ErrorKind::Unreadable => unreadable(case, context),
    }
}

pub(super) fn unavailable(case: &Case, context: &Context<'_>) -> Row {
    if in_a_row(case.asking.unanswered, case, context) < context.policy.unanswered_limit {
        Row::Unavailable
    } else {
        Row::UnavailableTooOften
    }
}

pub(super) fn unreadable(case: &Case, context: &Context<'_>) -> Row {
    if in_a_row(case.asking.unreadable, case, context) < context.policy.unreadable_limit {
        Row::Unreadable
    } else {
        Row::UnreadableTooOften
    }
}

/// How many questions in a row got no usable response, with this one. An answer in between begins a new row.
fn in_a_row(before: u32, case: &Case, context: &Context<'_>) -> u32 {
    let answered = context.known.len() > case.asking.kept_answers();
    if answered { 1 } else { before.saturating_add(1) }
}
