//! The rows of the table for a query without a usable response.

use crate::case::Case;
use crate::demographics::Field;
use crate::process::decision::policy::Policy;
use crate::process::decision::rows::Row;
use crate::trace::{Error, ErrorKind};

pub(super) fn without_response(case: &Case, error: &Error, policy: &Policy) -> Row {
    match error.kind() {
        ErrorKind::Configuration => Row::Configuration,
        ErrorKind::Unavailable => unavailable(case, policy),
        ErrorKind::Rejected if error.field() == Some(Field::NhsNumber) => Row::NumberRejected,
        ErrorKind::Rejected if error.is_unexplained() => Row::MessageRefused,
        ErrorKind::Rejected => Row::Rejected,
        ErrorKind::Unreadable => unreadable(case, policy),
    }
}

pub(super) const fn unavailable(case: &Case, policy: &Policy) -> Row {
    if case.asking.unanswered.saturating_add(1) < policy.unanswered_limit {
        Row::Unavailable
    } else {
        Row::UnavailableTooOften
    }
}

pub(super) const fn unreadable(case: &Case, policy: &Policy) -> Row {
    if case.asking.unreadable.saturating_add(1) < policy.unreadable_limit {
        Row::Unreadable
    } else {
        Row::UnreadableTooOften
    }
}
