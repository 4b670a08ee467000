use crate::case::{AlertKind, NumberStatus};
use crate::process::TraceResult;
use std::fmt;

/// What a decision does with the case's number.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NumberEffect {
    /// The case keeps what it has, or has not.
    Keep,
    /// The number that was found, or that replaces the one held, is written with its provenance.
    Write,
    /// The number that is held gets the provenance of this answer: it was matched and validated.
    Confirm,
    /// The number that is held stays, but is marked as not to be relied upon.
    Mark(NumberStatus),
}

impl fmt::Display for NumberEffect {
    /// For the table that people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("kept as it is"),
            Self::Write => f.write_str("**written**"),
            Self::Confirm => f.write_str("confirmed"),
            Self::Mark(standing) => write!(f, "kept, marked {}", spaced(standing.as_str())),
        }
    }
}

/// Which review item a decision opens.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ReviewEffect {
    /// None; items that this answer settles are closed.
    Settle,
    /// None, and what is open stays open.
    Keep,
    /// One with the reason that the row is named after.
    Open(crate::case::ReviewReason),
    /// One that says in what the person returned differs, or that too little was returned to say.
    OpenDoubt,
}

impl fmt::Display for ReviewEffect {
    /// For the table that people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settle => f.write_str("settles"),
            Self::Keep => f.write_str("–"),
            Self::Open(reason) => write!(f, "`{reason}`"),
            Self::OpenDoubt => f.write_str("`differs:`… or `unconfirmed`"),
        }
    }
}

/// When the case is asked about again, unless its particulars are corrected before.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Again {
    /// Not, unless numbers are verified again from time to time.
    Settled,
    /// At once, by the particulars.
    Afresh,
    /// In the next pass.
    NextPass,
    /// After a quarter of an hour, unless told otherwise.
    Soon,
    /// After days, more of them each time.
    AfterDays,
    /// Not before the particulars are corrected.
    WhenCorrected,
    /// After a day.
    NextDay,
    /// Nobody is asked about any more in this run.
    Stop,
}

impl fmt::Display for Again {
    /// For the table that people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settled => "no",
            Self::Afresh => "at once, by particulars",
            Self::NextPass => "next pass",
            Self::Soon => "soon",
            Self::AfterDays => "after days",
            Self::WhenCorrected => "when corrected",
            Self::NextDay => "after a day",
            Self::Stop => "all asking stops",
        })
    }
}

/// What evidence a row rests upon that the person returned is the person of the case.
///
/// A row that writes a number, confirms one, or takes a date of death always requires some.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Requirement {
    /// None: nothing is written on the strength of the person returned.
    None,
    /// Family name, first given name, date of birth and gender agree, and so does the postcode.
    FieldsAndPostcode,
    /// Family name, first given name, date of birth and gender agree, for a number from elsewhere, or where
    /// the number has no recorded evidence, and so does the postcode.
    FieldsAndNumber,
    /// The same; or the rule confirmed the number that was replaced, and date of birth and gender of its
    /// successor do not contradict (MSCA-DQ-03).
    Successor,
}

impl fmt::Display for Requirement {
    /// For the table that people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "–",
            Self::FieldsAndPostcode => "four fields, postcode",
            Self::FieldsAndNumber => "four fields, number",
            Self::Successor => "four fields, number; or successor",
        })
    }
}

/// The consequences of a row of the decision table.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Effects {
    /// What a report calls it.
    pub result: TraceResult,
    /// What is done with the number.
    pub number: NumberEffect,
    /// Whether a date of death that the Spine itself tells is written, where the case has none. An alert
    /// of its own goes with it.
    pub date_of_death: bool,
    /// Which review item is opened.
    pub review: ReviewEffect,
    /// Whether the other cases that hold the number are flagged as duplicates too.
    pub flag_holders: bool,
    /// Which alert is sent, once: for the review item, or for the date of death.
    pub alert: Option<AlertKind>,
    /// When it is asked again.
    pub again: Again,
}

macro_rules! rows {
    ($($(#[doc = $doc:literal])+ $row:ident = $slug:literal,)+) => {
        /// A row of the decision table: what was asked and answered, and what the case had.
        ///
        /// `docs/decisions.md` is the table as a safety officer reads it. The rows are looked through
        /// from the top, and the first that fits counts.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Row {
            $($(#[doc = $doc])+ $row,)+
        }

        impl Row {
            /// Every row, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$row),+];

            /// The row's stable name, after which its test is named too.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$row => $slug),+ }
            }

            /// Whether the service has answered: the rows after the section *No answer*.
            #[must_use]
            pub(crate) fn is_answer(self) -> bool {
                self >= Self::FoundRejected
            }

            /// The situation in words.
            #[must_use]
            pub const fn situation(self) -> &'static str {
                match self { $(Self::$row => concat!($($doc),+)),+ }
            }
        }
    };
}

rows! {
    /// No answer, for the service refuses our configuration.
    Configuration = "configuration_refused",
    /// No answer, for the service or the way to it does not work (SMSP-0003 without data, SMSP-0004, SMSP-9999, DEMOG-9999, time-outs).
    Unavailable = "unavailable",
    /// An answer about a number that the case does not hold any more: it was changed meanwhile.
    HeldChanged = "held_number_changed_meanwhile",
    /// No answer, for the service says that the local number is none (DEMOG-0042).
    NumberRejected = "local_number_rejected",
    /// No answer, for the service refuses the data (SMSP-0001).
    Rejected = "data_rejected",
    /// No answer, for the service refuses the message, with no code that blames the data (SOAP fault Client or 1000, HTTP 413, 414, 422, 431).
    MessageRefused = "message_refused",
    /// An answer that cannot be understood, or is to something else (SMSP-0002, unknown codes, damage), not yet too often.
    Unreadable = "unreadable",
    /// The same, too often in a row.
    UnreadableTooOften = "unreadable_too_often",

    /// Found by particulars; somebody has rejected the number for this person.
    FoundRejected = "found_a_rejected_number",
    /// Found by particulars; the person returned differs from the person asked for, or the evidence is not complete: a field is not known to the case or was not returned, or the postcode was not part of the search.
    FoundDiffers = "found_somebody_who_differs",
    /// Found by particulars; another case in use holds the number.
    FoundDuplicate = "found_a_number_that_another_case_holds",
    /// Found by particulars in a provider's copy; the case holds a number already.
    FoundStaleForDoubtful = "found_in_a_copy_for_a_number_in_doubt",
    /// Found by particulars; the case holds the same number, but it was replaced or is invalid.
    FoundDoubtfulAgain = "found_the_number_in_doubt_again",
    /// Found by particulars; the case holds another number, which the service did not confirm.
    FoundConflict = "found_another_number_than_the_unverified",
    /// Found by particulars in a provider's copy (SMSP-0003 with data); the case holds no number.
    FoundStale = "found_in_a_copy",
    /// Found by particulars; the person has died, on a day that cannot be read or cannot be right.
    FoundDeathUndated = "found_dead_on_an_unreadable_day",
    /// Found by particulars; the person has died.
    FoundDeceased = "found_dead",
    /// Found by particulars; the case holds the same number, which the service did not confirm before.
    FoundSame = "found_the_unverified_number",
    /// Found by particulars; the case holds a number that was replaced or is invalid.
    FoundInstead = "found_a_number_for_one_in_doubt",
    /// Found by particulars, restricted: number and name are usable, no address comes, and the service matched the postcode.
    FoundRestricted = "found_restricted",
    /// Found by particulars; the case holds no number.
    Found = "found",

    /// Nobody matches the particulars; the case holds a number in doubt.
    NoMatchForDoubtful = "nobody_for_a_number_in_doubt",
    /// Nobody matches the particulars (DEMOG-0001).
    NoMatch = "nobody",
    /// Several match the particulars; the case holds a number in doubt.
    AmbiguousForDoubtful = "several_for_a_number_in_doubt",
    /// Several match the particulars (DEMOG-0007).
    Ambiguous = "several",
    /// The particulars lead to a number that was replaced (DEMOG-0017), and by which is not told.
    SupersededUnknown = "superseded_by_an_unknown_number",
    /// The particulars lead to a number that was replaced by one that somebody has rejected for this person, or whose person differs, or for whom the evidence is not complete.
    SupersededDiffers = "superseded_by_somebody_who_differs",
    /// The particulars lead to a number that was replaced by one that another case in use holds.
    SupersededHeld = "superseded_by_a_number_that_another_case_holds",
    /// The particulars lead to a number that was replaced by one that is free, but the case holds another, which the service did not confirm, or this very one in doubt.
    SupersededConflict = "superseded_by_a_number_in_conflict",
    /// The particulars lead to a number that was replaced by one that is free.
    SupersededFree = "superseded_by_a_free_number",
    /// The particulars lead to a number that is no longer valid (DEMOG-0022).
    Invalidated = "invalidated",
    /// The particulars lead to a number that the service does not confirm for them (DEMOG-0040).
    NotVerified = "not_verified",

    /// The number held is one that somebody has rejected for this person.
    HeldRejected = "held_number_that_was_rejected",
    /// The number held is somebody's who differs, or the evidence is not complete: a field is not known to the case or was not returned, or the number has no recorded evidence and the postcode returned is not that of the case.
    HeldDiffers = "held_number_of_somebody_who_differs",
    /// The number held is the person's, and another case in use holds it too.
    HeldDuplicate = "held_number_that_another_case_holds_too",
    /// The number held is the person's by a provider's copy (SMSP-0003 with data); what the Spine has said of it before, for or against, counts for more.
    HeldStaleAfterLive = "held_traced_number_confirmed_by_a_copy",
    /// The number held is the person's by a provider's copy; the Spine never confirmed it.
    HeldStale = "held_number_confirmed_by_a_copy",
    /// The number held is the person's, who has died on a day that cannot be read or cannot be right.
    HeldDeathUndated = "held_number_dead_on_an_unreadable_day",
    /// The number held is the person's, who has died.
    HeldDeceased = "held_number_dead",
    /// The number held is the person's, whose record is restricted.
    HeldRestricted = "held_number_restricted",
    /// The number held is the person's, of whom PDS holds something else than the case, such as where they live (MSCA-DQ-06).
    HeldDiscrepant = "held_number_with_a_discrepancy",
    /// The number held is the person's: matched and validated.
    Verified = "verified",
    /// The number held is nobody's (DEMOG-0001).
    HeldUnknown = "held_number_of_nobody",
    /// The number held is several people's (DEMOG-0007).
    HeldAmbiguous = "held_number_of_several",
    /// The number held is not the person's by what the case says of them (DEMOG-0040).
    HeldNotVerified = "held_number_not_verified",
    /// The number held was replaced (DEMOG-0017), and by which is not told.
    HeldSupersededUnknown = "held_number_superseded_by_an_unknown_number",
    /// The number held was replaced by one that somebody has rejected for this person, or whose person has another birth or gender; or the rule never confirmed the number held, and the person of the new one differs, or the evidence is not complete.
    HeldSupersededDiffers = "held_number_superseded_by_somebody_who_differs",
    /// The number held was replaced by one that another case in use holds.
    HeldSupersededHeld = "held_number_superseded_by_a_number_that_another_case_holds",
    /// The number held was replaced by one that is free.
    HeldSupersededFree = "held_number_superseded_by_a_free_number",
    /// The number held is no longer valid, and none replaces it (DEMOG-0022).
    HeldInvalidated = "held_number_invalidated",
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A stable word as it is read: without the `_`.
fn spaced(word: &str) -> String {
    word.replace('_', " ")
}
