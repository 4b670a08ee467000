use std::fmt;

/// Why an action is not allowed. Nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// The case does not exist. Check the id.
    NoSuchCase,
    /// The case has no such item. Check its number.
    NoSuchItem,
    /// The case is not active: it is deleted, merged into another or erased. To work on it,
    /// undelete it or undo the merge.
    NotInUse,
    /// The item is settled. Reopen it first.
    Closed,
    /// The item's state cannot be set directly to a settled one. Resolve or dismiss the item.
    NeedsResolution,
    /// The case has another open item on the same subject. Work on that item.
    OpenElsewhere,
    /// The text is blank. Enter a text.
    Blank,
    /// The item does not offer this number, or offers none. View the item again.
    NotOffered,
    /// A user found that the number is not this person's. It is not offered again.
    RejectedBefore,
    /// Another active case has the number. If it is the same person, merge the cases; if not,
    /// reject the number for one of them (MSCA-DQ-01).
    HeldByAnother,
    /// The person has died, and the case has no date of death. Enter the date first.
    DeathUndated,
    /// The corrections change nothing. Enter the correct data.
    NothingToCorrect,
    /// The person was never traced with this demographic data. Wait for the worker to trace the
    /// case.
    NeverAsked,
    /// The case has a number without a known fault. Reject the number first.
    HoldsNumber,
    /// A case cannot be merged with itself. Name the other case.
    SameCase,
    /// The other case is not active. Undelete it, or undo its merge, first.
    OtherNotInUse,
    /// The other case is not merged into this one. Check both cases.
    NotMerged,
    /// The case was merged into another. Undo the merge instead.
    Merged,
    /// The case was erased by order of a court. This cannot be undone.
    Erased,
    /// No court order is given. A case is erased only by order of a court (MSCA-DQ-02).
    NoCourtOrder,
    /// The case, or the item, has changed since the user saw it. View it again, then decide.
    Changed,
    /// No decision on the item can be undone. View its history.
    NothingToUndo,
    /// What the decision changed has been changed again since. Correct the case by a new decision.
    MovedOn,
    /// The case has no NHS Number to keep.
    NoNumber,
    /// Items with this reason need a decision each. Open the item.
    NotInBulk,
}

impl Refusal {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchCase => "no_such_case",
            Self::NoSuchItem => "no_such_item",
            Self::NotInUse => "not_in_use",
            Self::Closed => "closed",
            Self::NeedsResolution => "needs_resolution",
            Self::OpenElsewhere => "open_elsewhere",
            Self::Blank => "blank",
            Self::NotOffered => "not_offered",
            Self::RejectedBefore => "rejected_before",
            Self::HeldByAnother => "held_by_another",
            Self::DeathUndated => "death_undated",
            Self::NothingToCorrect => "nothing_to_correct",
            Self::NeverAsked => "never_asked",
            Self::HoldsNumber => "holds_number",
            Self::SameCase => "same_case",
            Self::OtherNotInUse => "other_not_in_use",
            Self::NotMerged => "not_merged",
            Self::Merged => "merged",
            Self::Erased => "erased",
            Self::NoCourtOrder => "no_court_order",
            Self::Changed => "changed",
            Self::NothingToUndo => "nothing_to_undo",
            Self::MovedOn => "moved_on",
            Self::NoNumber => "no_number",
            Self::NotInBulk => "not_in_bulk",
        }
    }
}

impl fmt::Display for Refusal {
    /// Writes the reason, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchCase => "the case does not exist",
            Self::NoSuchItem => "the case has no such item",
            Self::NotInUse => "the case is not active: undelete it, or undo the merge, first",
            Self::Closed => "the item is settled: reopen it first",
            Self::NeedsResolution => "resolve or dismiss the item to close it",
            Self::OpenElsewhere => "another item on the same subject is open: work on that item",
            Self::Blank => "the text is blank",
            Self::NotOffered => "the item does not offer this number",
            Self::RejectedBefore => "the number was found not to be this person's",
            Self::HeldByAnother => {
                "another case has the number: merge the cases, or reject the number for one of them"
            }
            Self::DeathUndated => "the person has died: enter the date of death first",
            Self::NothingToCorrect => "the corrections change nothing",
            Self::NeverAsked => "the person has not been traced yet",
            Self::HoldsNumber => "the case has a number: reject it first",
            Self::SameCase => "a case cannot be merged with itself",
            Self::OtherNotInUse => "the other case is not active",
            Self::NotMerged => "the other case is not merged into this one",
            Self::Merged => "the case was merged into another: undo the merge instead",
            Self::Erased => "the case was erased",
            Self::NoCourtOrder => "a case is erased only by order of a court: give its reference",
            Self::Changed => "the case has changed since it was shown: view it again",
            Self::NothingToUndo => "no decision on the item can be undone",
            Self::MovedOn => "the case was changed again after the decision: decide anew",
            Self::NoNumber => "the case has no NHS Number",
            Self::NotInBulk => "items with this reason need a decision each",
        })
    }
}
