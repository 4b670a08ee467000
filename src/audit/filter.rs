use crate::audit::entry::bare_message_id;
use crate::audit::event::Event;
use crate::audit::kind::EventKind;
use crate::case::CaseId;
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};
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

    /// Whether `event` meets every condition except those on the patient. The log checks these,
    /// because it knows more about the patient than the event.
    pub(super) fn passes(&self, event: &Event) -> bool {
        let same = |asked: &Option<String>, is: Option<&str>| {
            asked.as_deref().is_none_or(|asked| is == Some(asked))
        };
        same(&self.user, Some(event.actor.user_id()))
            && same(&self.authority, event.actor.authority())
            && same(&self.message_id, event.message_id.as_deref())
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.from.is_none_or(|from| from <= event.at)
            && self.to.is_none_or(|to| event.at < to)
            && self.sequence.is_none_or(|(first, last)| (first..=last).contains(&event.seq))
    }
}

redacted_debug!(Filter);
