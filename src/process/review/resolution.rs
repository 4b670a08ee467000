use crate::case::CaseId;
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use crate::process::review::corrections::Corrections;

/// How a review item is resolved. `Debug` shows no content.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub enum Resolution {
    /// The user has confirmed that this number, one of those that the item offers, is the person's
    /// (MSCA-PDS-03).
    ///
    /// It replaces the case's NHS Number, with the exchange that returned it, the user who
    /// confirmed it, and the evidence that the user had: the step of the strategy, the relations and the risk. If the case has no date of death, it gets the one that the Spine returned with
    /// the number. Open items that an answer would settle are settled. A number that a service
    /// replaced, found invalid or did not verify is not offered.
    AcceptNumber(NhsNumber),
    /// The number is permanently not the person's: it is never offered or imported again.
    ///
    /// It is the item's number or the case's own. If it is the case's, the case loses it, with a
    /// date of death that the Spine returned for the number's person, and is traced again from the
    /// start. Other cases that were flagged with this one for the number no longer are.
    ///
    /// An item with several candidates stays open with the others. They are ranked anew, and the most likely
    /// one gives the item its number and its reason.
    RejectNumber(NhsNumber),
    /// None of the people whom the item offers is the person of the case. All their numbers are rejected at
    /// once, as by [`RejectNumber`](Self::RejectNumber), and the item is resolved.
    ///
    /// If the case's own number is among them, the case loses it.
    NoneOfThese,
    /// The case's own number is right. Every other number that the item offers is rejected, as by
    /// [`RejectNumber`](Self::RejectNumber), and the item is resolved. The number keeps its status.
    KeepOurs,
    /// The demographics were wrong and are corrected; the person is traced at once.
    CorrectAndAskAgain(Corrections),
    /// PDS does not know the person (MSCA-PDS-04). The same criteria are not traced again. After a
    /// correction, the new criteria are.
    NotOnPds,
    /// The other case is of the same person, and is merged into this one (MSCA-DQ-01).
    ///
    /// The other case becomes inactive and keeps its data. This case keeps its number if the number
    /// has no known fault. Otherwise it takes over the other's, if that has no known fault
    /// (MSCA-DQ-03). It takes over a date of death if it has none. Each case keeps its allocations.
    /// A third case that also has the number becomes a duplicate of this one.
    Merge {
        /// The other case.
        absorbed: CaseId,
    },
    /// A user has viewed the item and done what was needed, such as informing the person of the new
    /// number.
    Acknowledge,
    /// No action was needed.
    Dismiss,
}

impl Resolution {
    /// Returns a stable word for the resolution: `accepted`, `rejected`, `none_of_these`, `kept_ours`,
    /// `corrected`, `not_on_pds`, `merged`, `acknowledged` or `dismissed`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AcceptNumber(_) => "accepted",
            Self::RejectNumber(_) => "rejected",
            Self::NoneOfThese => "none_of_these",
            Self::KeepOurs => "kept_ours",
            Self::CorrectAndAskAgain(_) => "corrected",
            Self::NotOnPds => "not_on_pds",
            Self::Merge { .. } => "merged",
            Self::Acknowledge => "acknowledged",
            Self::Dismiss => "dismissed",
        }
    }
}

redacted_debug!(Resolution);
