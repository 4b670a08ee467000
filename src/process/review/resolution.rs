use crate::case::CaseId;
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use crate::process::review::Corrections;

/// How a review item was resolved. `Debug` shows nothing of it.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub enum Resolution {
    /// The user has confirmed that the number which the item offers is the person's (MSCA-PDS-03).
    ///
    /// It becomes the case's, with the exchange that brought it and the user who confirmed it, in
    /// place of whatever the case held. A date of death that came with it from the Spine is filled in
    /// where the case has none. Open items that an answer would settle are settled. What a service
    /// replaced, found invalid or did not verify is not offered.
    AcceptNumber(NhsNumber),
    /// The number is not the person's, for good: it is never offered or imported again.
    ///
    /// It is the item's number, or the one that the case holds. If the case holds it, it is given up,
    /// along with a date of death that the Spine told of the number's person, and the person is asked
    /// about afresh. Other cases that were flagged with this one for the number are not any more.
    RejectNumber(NhsNumber),
    /// The local particulars were wrong, and are corrected; the person is asked about at once.
    CorrectAndAskAgain(Corrections),
    /// PDS does not know the person (MSCA-PDS-04). Nobody is asked again in the words that were asked
    /// last; once the particulars are corrected, the corrected ones are.
    NotOnPds,
    /// The other case is of the same person, and goes into this one (MSCA-DQ-01).
    ///
    /// The other is out of use, and keeps its data. This case keeps its number if nothing is known
    /// against it, and else takes over the other's if nothing is known against that (MSCA-DQ-03);
    /// a date of death it takes over where it has none. Allocations stay with each. A third case that has
    /// the number too is a duplicate of this one then.
    Merge {
        /// The other case.
        absorbed: CaseId,
    },
    /// It was looked at, and what had to be done was done, such as telling the person of their new
    /// number.
    Acknowledge,
    /// It was nothing.
    Dismiss,
}

impl Resolution {
    /// A stable word for what was done: `accepted`, `rejected`, `corrected`, `not_on_pds`, `merged`,
    /// `acknowledged` or `dismissed`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AcceptNumber(_) => "accepted",
            Self::RejectNumber(_) => "rejected",
            Self::CorrectAndAskAgain(_) => "corrected",
            Self::NotOnPds => "not_on_pds",
            Self::Merge { .. } => "merged",
            Self::Acknowledge => "acknowledged",
            Self::Dismiss => "dismissed",
        }
    }
}

redacted_debug!(Resolution);
