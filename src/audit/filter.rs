use crate::audit::entry::bare_message_id;
use crate::audit::kind::EventKind;
use crate::audit::owner::Owner;
use crate::audit::row::Row;
use crate::audit::value::Value;
use crate::case::CaseId;
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The conditions of a search in the audit trail: an event must meet every condition (MSCA-AUD-05).
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use nhs_pds::audit::{EventKind, Filter};
///
/// let day = DateTime::UNIX_EPOCH;
/// let filter = Filter::new()
///     .with_kind(EventKind::SignInFailed)
///     .with_from(day)
///     .with_to(day + TimeDelta::days(1));
/// assert_eq!(format!("{filter:?}"), "Filter(redacted)");
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Filter {
    pub(super) user: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) number: Option<NhsNumber>,
    pub(super) case: Option<CaseId>,
    pub(super) kind: Option<EventKind>,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) sequence: Option<(u64, u64)>,
}

impl Filter {
    /// A filter that passes every event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events of the user or system with this id, in the form of
    /// [`Caller`](crate::trace::Caller)'s `Display`.
    #[must_use]
    pub fn with_user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Only events authorised by the person with this user id.
    #[must_use]
    pub fn with_authority(mut self, id: impl Into<String>) -> Self {
        self.authority = Some(id.into());
        self
    }

    /// Only events of this message, in any spelling of its identifier.
    #[must_use]
    pub fn with_message_id(mut self, id: impl AsRef<str>) -> Self {
        self.message_id = Some(bare_message_id(id.as_ref()));
        self
    }

    /// Only events about the patient with this number: about the number itself, or about a case
    /// that any event links to the number. This includes earlier events of the case, from before
    /// its number was known, and events that do not repeat the number.
    #[must_use]
    pub const fn with_number(mut self, number: NhsNumber) -> Self {
        self.number = Some(number);
        self
    }

    /// Only events about this case.
    #[must_use]
    pub fn with_case(mut self, case: CaseId) -> Self {
        self.case = Some(case);
        self
    }

    /// Only events of this kind.
    #[must_use]
    pub const fn with_kind(mut self, kind: EventKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only events at `from` or later.
    #[must_use]
    pub const fn with_from(mut self, from: DateTime<Utc>) -> Self {
        self.from = Some(from);
        self
    }

    /// Only events before `to`.
    #[must_use]
    pub const fn with_to(mut self, to: DateTime<Utc>) -> Self {
        self.to = Some(to);
        self
    }

    /// Only events with sequence numbers in this range.
    #[must_use]
    pub const fn with_sequence(mut self, range: RangeInclusive<u64>) -> Self {
        self.sequence = Some((*range.start(), *range.end()));
        self
    }

    /// Returns this filter, limited to the event `last`.
    #[must_use]
    pub(super) fn up_to(mut self, last: u64) -> Self {
        let (first, end) = self.sequence.unwrap_or((0, u64::MAX));
        self.sequence = Some((first, end.min(last)));
        self
    }

    /// The user id that an event must have.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The user id of the person who must have authorised an event.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The message id that an event must have, in the form in which it is stored.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// The number that must lead to the subject of an event.
    #[must_use]
    pub const fn number(&self) -> Option<NhsNumber> {
        self.number
    }

    /// The case that the subject of an event must be.
    #[must_use]
    pub const fn case(&self) -> Option<&CaseId> {
        self.case.as_ref()
    }

    /// The kind that an event must have.
    #[must_use]
    pub const fn kind(&self) -> Option<EventKind> {
        self.kind
    }

    /// The first time, in microseconds since 1970-01-01T00:00:00Z, that an event may have.
    #[must_use]
    pub fn from_micros(&self) -> Option<i64> {
        self.from.map(micros)
    }

    /// The first time, in microseconds since 1970-01-01T00:00:00Z, that is too late for an event.
    #[must_use]
    pub fn before_micros(&self) -> Option<i64> {
        self.to.map(micros)
    }

    /// The first and the last number that an event may have.
    #[must_use]
    pub const fn sequence(&self) -> Option<(u64, u64)> {
        self.sequence
    }

    /// Whether `row` meets every condition. `owner` and `numbers` are those of its subject.
    pub(super) fn selects(
        &self,
        row: &Row,
        owner: Option<&Owner>,
        numbers: &BTreeSet<NhsNumber>,
    ) -> bool {
        let is = |column: &str, text: Option<&str>| {
            text.is_none_or(|text| row.get(column).and_then(Value::as_str) == Some(text))
        };
        let at = row.get("at").and_then(Value::as_integer);
        let is_in = |(first, last): (u64, u64)| {
            u64::try_from(row.seq()).is_ok_and(|seq| (first..=last).contains(&seq))
        };
        self.sequence.is_none_or(is_in)
            && is("user_id", self.user())
            && is("authority", self.authority())
            && is("message_id", self.message_id())
            && is("kind", self.kind.map(EventKind::as_str))
            && self.from_micros().is_none_or(|from| at.is_some_and(|at| from <= at))
            && self.before_micros().is_none_or(|to| at.is_some_and(|at| at < to))
            && self.number.is_none_or(|number| numbers.contains(&number))
            && self
                .case
                .as_ref()
                .is_none_or(|case| matches!(owner, Some(Owner::Case(owner)) if owner == case))
    }
}

/// The first microsecond that is not before `at`. If `at` is between two microseconds, events at
/// the earlier microsecond are before it.
fn micros(at: DateTime<Utc>) -> i64 {
    let between = !at.timestamp_subsec_nanos().is_multiple_of(1000);
    at.timestamp_micros().saturating_add(i64::from(between))
}

redacted_debug!(Filter);
