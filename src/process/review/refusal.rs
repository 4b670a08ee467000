use std::fmt;

/// Why something is not done. Nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// There is no such case. Look at the id.
    NoSuchCase,
    /// The case has no such item. Look at its number.
    NoSuchItem,
    /// The case is not in use: deleted, merged into another or erased. Undelete it, or undo the merge,
    /// if it has to be worked.
    NotInUse,
    /// The item is settled. Reopen it first.
    Closed,
    /// The item's state leads nowhere by itself. Resolve or dismiss the item.
    NeedsResolution,
    /// The case has another open item about the same. Work that one.
    OpenElsewhere,
    /// There is nothing in the text. Write something.
    Blank,
    /// The number is not the one that the item offers, or the item offers none. Look at the item again.
    NotOffered,
    /// Somebody has found that the number is not this person's. It is not offered again.
    RejectedBefore,
    /// Another case in use holds the number. If it is the same person, merge the two; if not, the
    /// number is to be rejected for one of them (MSCA-DQ-01).
    HeldByAnother,
    /// The person has died, and the case has no date of death. Enter the date first.
    DeathUndated,
    /// Nothing would be corrected. Say what is wrong.
    NothingToCorrect,
    /// Nobody has been asked about the person by these particulars. Let the worker ask first.
    NeverAsked,
    /// The case holds a number against which nothing is known. Reject it first.
    HoldsNumber,
    /// A case cannot be merged with itself. Name the other one.
    SameCase,
    /// The other case is not in use. Undelete it, or undo its merge, first.
    OtherNotInUse,
    /// The other case was not merged into this one, or not any more. Look at both.
    NotMerged,
    /// The case was merged into another. Undo the merge instead.
    Merged,
    /// The case was erased by order of a court. There is no way back.
    Erased,
    /// No court order is named. A case is erased by order of a court alone (MSCA-DQ-02).
    NoCourtOrder,
}

impl Refusal {
    /// A stable word: the variant's name in lower case, joined by `_`.
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
        }
    }
}

impl fmt::Display for Refusal {
    /// Writes the reason, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchCase => "there is no such case",
            Self::NoSuchItem => "the case has no such item",
            Self::NotInUse => "the case is not in use: undelete it, or undo the merge, first",
            Self::Closed => "the item is settled: reopen it first",
            Self::NeedsResolution => "an item ends by being resolved or dismissed",
            Self::OpenElsewhere => "another item about the same is open: work that one",
            Self::Blank => "there is nothing in the text",
            Self::NotOffered => "the item does not offer this number",
            Self::RejectedBefore => "the number was found not to be this person's",
            Self::HeldByAnother => {
                "another case holds the number: merge the two, or reject the number for one of them"
            }
            Self::DeathUndated => "the person has died: enter the date of death first",
            Self::NothingToCorrect => "nothing would be corrected",
            Self::NeverAsked => "nobody has been asked about the person yet",
            Self::HoldsNumber => "the case holds a number: reject it first",
            Self::SameCase => "a case cannot be merged with itself",
            Self::OtherNotInUse => "the other case is not in use",
            Self::NotMerged => "the other case is not merged into this one",
            Self::Merged => "the case was merged into another: undo the merge instead",
            Self::Erased => "the case was erased",
            Self::NoCourtOrder => "a case is erased by order of a court, which has to be named",
        })
    }
}
