//! The decision table: one entry for each row of `docs/decisions.md`.
//!
//! To add a row, write it here with all its columns, choose it in `choose.rs`, write its test in
//! `tests/it/decisions/`, and generate the document anew.

use crate::case::{AlertKind, NumberStatus, ReviewReason};
use crate::process::decision::result::TraceResult;
use crate::process::decision::row::{
    DeathEffect, Effects, NextQuery, NumberEffect, Requirement, ReviewEffect, RowSpec, Saved,
    Section, decision_table,
};
use std::fmt;

impl Row {
    /// The row's name in `docs/decisions.md`. Its test has the same name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The situation in words.
    #[must_use]
    pub const fn situation(self) -> &'static str {
        self.spec().situation
    }

    /// The evidence that the row requires.
    #[must_use]
    pub const fn requirement(self) -> Requirement {
        self.spec().evidence
    }

    /// The consequences. They depend on nothing but the row.
    #[must_use]
    pub const fn effects(self) -> Effects {
        self.spec().effects
    }

    /// Whether the row follows from a response: all rows but those of the first section.
    pub(in crate::process) const fn is_response(self) -> bool {
        !matches!(self.spec().section, Section::NoResponse)
    }

    /// The row's word in the audit trail.
    pub(in crate::process) const fn audited(self) -> &'static str {
        self.spec().audited
    }

    /// All columns of the row. The table has its entries in the order of the variants.
    #[expect(clippy::indexing_slicing, reason = "one macro writes an entry for each variant")]
    pub(in crate::process) const fn spec(self) -> &'static RowSpec {
        &TABLE[self as usize]
    }
}

/// Writes the row's [name](Row::as_str).
impl serde::Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

decision_table! {
    /// A row of the decision table: a query, its response, and the state of the case.
    ///
    /// `docs/decisions.md` is the table for a clinical-safety officer. Within a section the first row
    /// that fits applies.
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    pub enum Row;

    NoResponse {
        Configuration = "configuration_refused" {
            situation: "No usable response: the service refuses our configuration.",
            audited: "configuration_refused", evidence: None, result: Configuration,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: Some(Configuration), flag_others: false, next_query: StopAll, saved: Nothing,
        }
        Unavailable = "unavailable" {
            situation: "No response: the service, or the way to it, does not work (SMSP-0003 without data, SMSP-0004, SMSP-9999, DEMOG-9999, time-outs); it is not yet too often for this case.",
            audited: "unavailable", evidence: None, result: Unavailable,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: AfterMinutes, saved: Unanswered,
        }
        UnavailableTooOften = "unavailable_too_often" {
            situation: "The same, too often in a row for this case.",
            audited: "unavailable_too_often", evidence: None, result: Unavailable,
            number: Keep, date_of_death: No, review: Open(Unanswered),
            alert: None, flag_others: false, next_query: AfterMinutes, saved: Unanswered,
        }
        RecordedChanged = "recorded_number_changed_meanwhile" {
            situation: "The response is about a number that the case no longer has: the number was changed meanwhile.",
            audited: "held_number_changed_meanwhile", evidence: None, result: ConflictOnSave,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: NextPass, saved: Nothing,
        }
        NumberRejected = "local_number_rejected" {
            situation: "No usable response: the service says that the local number is not an NHS Number (DEMOG-0042).",
            audited: "local_number_rejected", evidence: None, result: Rejected,
            number: Keep, date_of_death: No, review: Open(Rejected),
            alert: None, flag_others: false, next_query: WhenCorrected, saved: Trace,
        }
        Rejected = "data_rejected" {
            situation: "No usable response: the service refuses the data (SMSP-0001).",
            audited: "data_rejected", evidence: None, result: Rejected,
            number: Keep, date_of_death: No, review: Open(Rejected),
            alert: None, flag_others: false, next_query: WhenCorrected, saved: Trace,
        }
        MessageRefused = "message_refused" {
            situation: "No usable response: the service refuses the message, with no code that names the data as the cause (SOAP fault Client or 1000, HTTP 413, 414, 422, 431).",
            audited: "message_refused", evidence: None, result: Rejected,
            number: Keep, date_of_death: No, review: Open(Rejected),
            alert: None, flag_others: false, next_query: AfterOneDay, saved: Trace,
        }
        Unreadable = "unreadable" {
            situation: "The response cannot be understood, or it answers something else (SMSP-0002, unknown codes, damage); it is not yet too often.",
            audited: "unreadable", evidence: None, result: Unreadable,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: AfterMinutes, saved: UnreadableTrace,
        }
        UnreadableTooOften = "unreadable_too_often" {
            situation: "The same, too often in a row.",
            audited: "unreadable_too_often", evidence: None, result: Unreadable,
            number: Keep, date_of_death: No, review: Open(Defect),
            alert: Some(Defect), flag_others: false, next_query: AfterDays, saved: UnreadableTrace,
        }
    }
    Found {
        FoundRejected = "found_a_rejected_number" {
            situation: "Found by demographic fields; a reviewer has rejected the number for this person.",
            audited: "found_a_rejected_number", evidence: None, result: None,
            number: Keep, date_of_death: No, review: Open(NoMatch),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        FoundDiffers = "found_a_different_person" {
            situation: "Found by demographic fields; the person returned differs from the person of the case. Or the evidence is not complete: a field is not known to the case or was not returned, or the postcode was not part of the search.",
            audited: "found_somebody_who_differs", evidence: None, result: Differs,
            number: Keep, date_of_death: No, review: OpenDoubt,
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        FoundDuplicate = "found_a_number_of_another_case" {
            situation: "Found by demographic fields; another active case has the number.",
            audited: "found_a_number_that_another_case_holds", evidence: Search, result: Duplicate,
            number: Keep, date_of_death: IfReturned, review: Open(Duplicate),
            alert: Some(Duplicate), flag_others: true, next_query: AfterDays, saved: Trace,
        }
        FoundStaleForDoubtful = "found_in_a_copy_for_a_number_in_doubt" {
            situation: "Found by demographic fields in a provider's copy; the case already has a number.",
            audited: "found_in_a_copy_for_a_number_in_doubt", evidence: Search, result: Stale,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: Soon, saved: Trace,
        }
        FoundDoubtfulAgain = "found_the_number_in_doubt_again" {
            situation: "Found by demographic fields; the case has the same number, but that number was superseded or is invalid.",
            audited: "found_the_number_in_doubt_again", evidence: Search, result: Conflict,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        FoundConflict = "found_a_conflicting_number" {
            situation: "Found by demographic fields; the case has another number, which the service did not confirm.",
            audited: "found_another_number_than_the_unverified", evidence: Search, result: Conflict,
            number: Keep, date_of_death: No, review: Open(Conflict),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        FoundStale = "found_in_a_copy" {
            situation: "Found by demographic fields in a provider's copy (SMSP-0003 with data); the case has no number.",
            audited: "found_in_a_copy", evidence: Search, result: Stale,
            number: Write, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: Soon, saved: Trace,
        }
        FoundDeathUndated = "found_with_an_unusable_date_of_death" {
            situation: "Found by demographic fields; the person has died, on a date that cannot be read or cannot be right.",
            audited: "found_dead_on_an_unreadable_day", evidence: Search, result: DeathUndated,
            number: Keep, date_of_death: No, review: Open(DeathUndated),
            alert: Some(Deceased), flag_others: false, next_query: AfterDays, saved: Trace,
        }
        FoundDeceased = "found_deceased" {
            situation: "Found by demographic fields; the person has died.",
            audited: "found_dead", evidence: Search, result: Deceased,
            number: Write, date_of_death: Yes, review: Settle,
            alert: Some(Deceased), flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        FoundSame = "found_the_unverified_number" {
            situation: "Found by demographic fields; the case has the same number, which the service did not confirm before.",
            audited: "found_the_unverified_number", evidence: Search, result: Verified,
            number: Confirm, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        FoundReplacement = "found_a_replacement_number" {
            situation: "Found by demographic fields; the case has a number that was superseded or is invalid.",
            audited: "found_a_number_for_one_in_doubt", evidence: Search, result: Replaced,
            number: Write, date_of_death: No, review: Open(Replaced),
            alert: Some(Superseded), flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        FoundRestricted = "found_restricted" {
            situation: "Found by demographic fields; the record is restricted: number and name are usable, no address is returned, and the service matched the postcode.",
            audited: "found_restricted", evidence: Search, result: Found,
            number: Write, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        Found = "found" {
            situation: "Found by demographic fields; the case has no number.",
            audited: "found", evidence: Search, result: Found,
            number: Write, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: NotNeeded, saved: Trace,
        }
    }
    NotFound {
        NoMatchForDoubtful = "no_match_for_a_number_in_doubt" {
            situation: "No person matches the demographic fields; the case has a number in doubt.",
            audited: "nobody_for_a_number_in_doubt", evidence: None, result: None,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        NoMatch = "no_match" {
            situation: "No person matches the demographic fields (DEMOG-0001).",
            audited: "nobody", evidence: None, result: None,
            number: Keep, date_of_death: No, review: Open(NoMatch),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        AmbiguousForDoubtful = "several_matches_for_a_number_in_doubt" {
            situation: "Several people match the demographic fields; the case has a number in doubt.",
            audited: "several_for_a_number_in_doubt", evidence: None, result: Ambiguous,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        Ambiguous = "several_matches" {
            situation: "Several people match the demographic fields (DEMOG-0007).",
            audited: "several", evidence: None, result: Ambiguous,
            number: Keep, date_of_death: No, review: Open(Ambiguous),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        SupersededUnknown = "superseded_by_an_unknown_number" {
            situation: "The demographic fields lead to a number that was superseded (DEMOG-0017), and the service does not say by which number.",
            audited: "superseded_by_an_unknown_number", evidence: None, result: Superseded,
            number: Keep, date_of_death: No, review: Open(Superseded),
            alert: Some(Superseded), flag_others: false, next_query: AfterDays, saved: Trace,
        }
        SupersededDiffers = "superseded_by_a_number_of_a_different_person" {
            situation: "The demographic fields lead to a number that was superseded. A reviewer has rejected the successor for this person, or the successor's person differs, or the evidence for that person is not complete.",
            audited: "superseded_by_somebody_who_differs", evidence: None, result: Differs,
            number: Keep, date_of_death: No, review: OpenDoubt,
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        SupersededDuplicate = "superseded_by_a_number_of_another_case" {
            situation: "The demographic fields lead to a number that was superseded; another active case has the successor.",
            audited: "superseded_by_a_number_that_another_case_holds", evidence: Search, result: Duplicate,
            number: Keep, date_of_death: No, review: Open(Duplicate),
            alert: Some(Duplicate), flag_others: true, next_query: AfterDays, saved: Trace,
        }
        SupersededConflict = "superseded_by_a_conflicting_number" {
            situation: "The demographic fields lead to a number that was superseded; the successor is free. But the case has another number, which the service did not confirm, or the case has this successor itself, in doubt.",
            audited: "superseded_by_a_number_in_conflict", evidence: Search, result: Conflict,
            number: Keep, date_of_death: No, review: Open(Conflict),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        SupersededFree = "superseded_by_a_free_number" {
            situation: "The demographic fields lead to a number that was superseded; the successor is free.",
            audited: "superseded_by_a_free_number", evidence: Search, result: Replaced,
            number: Write, date_of_death: IfReturned, review: Open(Replaced),
            alert: Some(Superseded), flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        Invalidated = "invalidated" {
            situation: "The demographic fields lead to a number that is no longer valid (DEMOG-0022).",
            audited: "invalidated", evidence: None, result: Invalidated,
            number: Keep, date_of_death: No, review: Open(Invalidated),
            alert: Some(Invalidated), flag_others: false, next_query: AfterDays, saved: Trace,
        }
        NotVerified = "not_verified" {
            situation: "The demographic fields lead to a number that the service does not confirm for these fields (DEMOG-0040).",
            audited: "not_verified", evidence: None, result: NotVerified,
            number: Keep, date_of_death: No, review: Open(NotVerified),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
    }
    Recorded {
        RecordedRejected = "recorded_number_rejected_by_a_reviewer" {
            situation: "A reviewer has rejected the case's number for this person.",
            audited: "held_number_that_was_rejected", evidence: None, result: NotVerified,
            number: Mark(NotVerified), date_of_death: No, review: Open(NotVerified),
            alert: None, flag_others: false, next_query: AtOnce, saved: Trace,
        }
        RecordedDiffers = "recorded_number_of_a_different_person" {
            situation: "The case's number belongs to a person who differs. Or the evidence is not complete: a field is not known to the case or was not returned. The same applies if the number has no recorded evidence and the postcode returned is not the postcode of the case.",
            audited: "held_number_of_somebody_who_differs", evidence: None, result: Differs,
            number: Keep, date_of_death: No, review: OpenDoubt,
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        RecordedDuplicate = "recorded_number_shared_with_another_case" {
            situation: "The case's number is the person's, and another active case has it too.",
            audited: "held_number_that_another_case_holds_too", evidence: Number, result: Duplicate,
            number: Keep, date_of_death: IfReturned, review: Open(Duplicate),
            alert: Some(Duplicate), flag_others: true, next_query: AfterDays, saved: Trace,
        }
        RecordedStaleAfterLive = "recorded_number_in_a_copy_after_the_spine_answered" {
            situation: "The case's number is the person's according to a provider's copy (SMSP-0003 with data). What the Spine said about the number before, for it or against it, counts for more.",
            audited: "held_traced_number_confirmed_by_a_copy", evidence: Number, result: Stale,
            number: Keep, date_of_death: No, review: Unchanged,
            alert: None, flag_others: false, next_query: Soon, saved: Trace,
        }
        RecordedStale = "recorded_number_confirmed_by_a_copy" {
            situation: "The case's number is the person's according to a provider's copy; the Spine never confirmed it.",
            audited: "held_number_confirmed_by_a_copy", evidence: Number, result: Stale,
            number: Confirm, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: Soon, saved: Trace,
        }
        RecordedDeathUndated = "recorded_number_with_an_unusable_date_of_death" {
            situation: "The case's number is the person's; the person has died, on a date that cannot be read or cannot be right.",
            audited: "held_number_dead_on_an_unreadable_day", evidence: Number, result: DeathUndated,
            number: Keep, date_of_death: No, review: Open(DeathUndated),
            alert: Some(Deceased), flag_others: false, next_query: AfterDays, saved: Trace,
        }
        RecordedDeceased = "recorded_number_of_a_deceased_person" {
            situation: "The case's number is the person's; the person has died.",
            audited: "held_number_dead", evidence: Number, result: Deceased,
            number: Confirm, date_of_death: Yes, review: Settle,
            alert: Some(Deceased), flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        RecordedRestricted = "recorded_number_of_a_restricted_record" {
            situation: "The case's number is the person's; the record is restricted.",
            audited: "held_number_restricted", evidence: Number, result: Verified,
            number: Confirm, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        RecordedDiscrepant = "recorded_number_with_a_discrepancy" {
            situation: "The case's number is the person's; PDS has recorded something other than the case, such as where the person lives (MSCA-DQ-06).",
            audited: "held_number_with_a_discrepancy", evidence: Number, result: Verified,
            number: Confirm, date_of_death: No, review: Open(Discrepancy),
            alert: None, flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        Verified = "verified" {
            situation: "The case's number is the person's: matched and validated.",
            audited: "verified", evidence: Number, result: Verified,
            number: Confirm, date_of_death: No, review: Settle,
            alert: None, flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        RecordedUnknown = "recorded_number_unknown_to_pds" {
            situation: "No person has the case's number (DEMOG-0001).",
            audited: "held_number_of_nobody", evidence: None, result: NotVerified,
            number: Mark(NotVerified), date_of_death: No, review: Open(NotVerified),
            alert: None, flag_others: false, next_query: AtOnce, saved: Trace,
        }
        RecordedAmbiguous = "recorded_number_of_several_people" {
            situation: "Several people have the case's number (DEMOG-0007).",
            audited: "held_number_of_several", evidence: None, result: Ambiguous,
            number: Keep, date_of_death: No, review: Open(Ambiguous),
            alert: None, flag_others: false, next_query: AfterDays, saved: Trace,
        }
        RecordedNotVerified = "recorded_number_not_verified" {
            situation: "The case's number is not the person's, by what the case says about the person (DEMOG-0040).",
            audited: "held_number_not_verified", evidence: None, result: NotVerified,
            number: Mark(NotVerified), date_of_death: No, review: Open(NotVerified),
            alert: None, flag_others: false, next_query: AtOnce, saved: Trace,
        }
        RecordedSupersededUnknown = "recorded_number_superseded_by_an_unknown_number" {
            situation: "The case's number was superseded (DEMOG-0017), and the service does not say by which number.",
            audited: "held_number_superseded_by_an_unknown_number", evidence: None, result: Superseded,
            number: Mark(Superseded), date_of_death: No, review: Open(Superseded),
            alert: Some(Superseded), flag_others: false, next_query: AtOnce, saved: Trace,
        }
        RecordedSupersededDiffers = "recorded_number_superseded_by_a_number_of_a_different_person" {
            situation: "The case's number was superseded. A reviewer has rejected the successor for this person, or the successor's person has another date of birth or gender. Or the rule never confirmed the case's number, and the successor's person differs or the evidence is not complete.",
            audited: "held_number_superseded_by_somebody_who_differs", evidence: None, result: Superseded,
            number: Mark(Superseded), date_of_death: No, review: OpenDoubt,
            alert: Some(Superseded), flag_others: false, next_query: AfterDays, saved: Trace,
        }
        RecordedSupersededDuplicate = "recorded_number_superseded_by_a_number_of_another_case" {
            situation: "The case's number was superseded; another active case has the successor.",
            audited: "held_number_superseded_by_a_number_that_another_case_holds", evidence: Successor, result: Superseded,
            number: Mark(Superseded), date_of_death: IfReturned, review: Open(Superseded),
            alert: Some(Superseded), flag_others: true, next_query: AfterDays, saved: Trace,
        }
        RecordedSupersededFree = "recorded_number_superseded_by_a_free_number" {
            situation: "The case's number was superseded; the successor is free.",
            audited: "held_number_superseded_by_a_free_number", evidence: Successor, result: Replaced,
            number: Write, date_of_death: IfReturned, review: Open(Replaced),
            alert: Some(Superseded), flag_others: false, next_query: NotNeeded, saved: Trace,
        }
        RecordedInvalidated = "recorded_number_invalidated" {
            situation: "The case's number is no longer valid, and no number replaces it (DEMOG-0022).",
            audited: "held_number_invalidated", evidence: None, result: Invalidated,
            number: Mark(Invalid), date_of_death: No, review: Open(Invalidated),
            alert: Some(Invalidated), flag_others: false, next_query: AtOnce, saved: Trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trails of earlier versions are read too, and their entries are never written again.
    #[test]
    fn the_words_of_the_audit_trail_never_change() {
        let words = "
            configuration_refused unavailable unavailable_too_often held_number_changed_meanwhile local_number_rejected
            data_rejected message_refused unreadable unreadable_too_often
            found_a_rejected_number found_somebody_who_differs
            found_a_number_that_another_case_holds found_in_a_copy_for_a_number_in_doubt
            found_the_number_in_doubt_again found_another_number_than_the_unverified
            found_in_a_copy found_dead_on_an_unreadable_day found_dead
            found_the_unverified_number found_a_number_for_one_in_doubt found_restricted found
            nobody_for_a_number_in_doubt nobody several_for_a_number_in_doubt several
            superseded_by_an_unknown_number superseded_by_somebody_who_differs
            superseded_by_a_number_that_another_case_holds superseded_by_a_number_in_conflict
            superseded_by_a_free_number invalidated not_verified
            held_number_that_was_rejected held_number_of_somebody_who_differs
            held_number_that_another_case_holds_too held_traced_number_confirmed_by_a_copy
            held_number_confirmed_by_a_copy held_number_dead_on_an_unreadable_day
            held_number_dead held_number_restricted held_number_with_a_discrepancy verified
            held_number_of_nobody held_number_of_several held_number_not_verified
            held_number_superseded_by_an_unknown_number
            held_number_superseded_by_somebody_who_differs
            held_number_superseded_by_a_number_that_another_case_holds
            held_number_superseded_by_a_free_number held_number_invalidated
        ";
        let audited: Vec<&str> = Row::ALL.iter().map(|row| row.audited()).collect();
        assert_eq!(audited, words.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn a_name_is_of_one_row() {
        let mut names: Vec<&str> = Row::ALL.iter().map(|row| row.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Row::ALL.len());
    }
}
