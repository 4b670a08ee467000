//! Stored words as a user reads them. The stored words themselves never change.

use nhs_pds::case::{NumberStatus, ReviewReason, ReviewState};
use nhs_pds::demographics::Field;

/// Why a case needs a person.
pub(crate) const fn reason(reason: ReviewReason) -> &'static str {
    match reason {
        ReviewReason::Differs(Field::Family) => "The surname differs",
        ReviewReason::Differs(Field::Given) => "The given name differs",
        ReviewReason::Differs(Field::DateOfBirth) => "The date of birth differs",
        ReviewReason::Differs(Field::Gender) => "The gender differs",
        ReviewReason::Differs(Field::Address) => "The address differs",
        ReviewReason::Differs(Field::Postcode) => "The postcode differs",
        ReviewReason::Differs(Field::DateOfDeath) => "The date of death differs",
        ReviewReason::Differs(_) => "A field differs",
        ReviewReason::Unconfirmed => "The person found is not certainly this person",
        ReviewReason::Conflict => "PDS has another NHS Number for this person",
        ReviewReason::Duplicate => "Another record has the same NHS Number",
        ReviewReason::DeathUndated => "PDS records a death without a date",
        ReviewReason::NoMatch => "No person on PDS matches",
        ReviewReason::Ambiguous => "Several people on PDS match",
        ReviewReason::Replaced => "The NHS Number was replaced, and the new one is recorded",
        ReviewReason::Superseded => "The NHS Number was replaced, and the new one is not certain",
        ReviewReason::Invalidated => "The NHS Number is no longer valid",
        ReviewReason::NotVerified => "The NHS Number does not belong to this person on PDS",
        ReviewReason::Rejected => "PDS rejected the question",
        ReviewReason::Defect => "The answer of PDS could not be read",
        ReviewReason::Discrepancy => "The record and PDS differ",
        ReviewReason::NumberDamaged => "The NHS Number on the record is not a valid number",
        ReviewReason::Unanswered => "PDS has not answered for a long time",
        _ => "Another reason",
    }
}

/// Where an item is.
pub(crate) const fn state(state: ReviewState) -> &'static str {
    match state {
        ReviewState::Open => "Open",
        ReviewState::WithFrontLine => "With the front line",
        ReviewState::WithGp => "With the GP practice",
        ReviewState::WithNationalBackOffice => "With the National Back Office",
        ReviewState::Resolved => "Resolved",
        ReviewState::Dismissed => "Dismissed",
        _ => "Other",
    }
}

/// Whether an NHS Number may be used.
pub(crate) const fn status(status: NumberStatus) -> &'static str {
    match status {
        NumberStatus::Usable => "Can be used",
        NumberStatus::Superseded => "Replaced by another number",
        NumberStatus::Invalid => "No longer valid",
        NumberStatus::NotVerified => "Not verified as this person's",
        _ => "Must not be used",
    }
}

/// The result of a trace, by its stored word.
pub(crate) fn trace_result(word: &str) -> &'static str {
    match word {
        "found" => "The NHS Number was found and recorded",
        "verified" => "The NHS Number is verified as this person's",
        "replaced" => "The NHS Number was replaced, and the new one is recorded",
        "deceased" => "The person has died",
        "stale" => "PDS answered from a copy, so the NHS Number is verified again later",
        "none" => "No person on PDS matches",
        "ambiguous" => "Several people on PDS match",
        "superseded" => "The NHS Number was replaced, and the new one is not certain",
        "invalidated" => "The NHS Number is no longer valid",
        "not_verified" => "The NHS Number does not belong to this person on PDS",
        "differs" => "The person found differs from the record",
        "conflict" => "PDS has another NHS Number for this person",
        "duplicate" => "Another record has the NHS Number that was found",
        "death_undated" => "PDS records a death without a date",
        "rejected" => "PDS rejected the question",
        "unavailable" => "PDS did not answer",
        "unreadable" => "The answer of PDS could not be read",
        "configuration" => "PDS refused this system",
        "conflict_on_save" => "The record was changed by another program at the same time",
        "not_asked" => "The case was not traced",
        _ => "Another result",
    }
}

/// Why a case was not traced, by its stored word.
pub(crate) fn not_traced(word: &str) -> &'static str {
    match word {
        "record_type_out_of_scope" => "Records of this type are not traced",
        "not_allocated" => "The case is not allocated to a worker",
        "allocation_ended" => "The allocation to a worker has ended",
        "death_recorded" => "The person has died",
        "not_in_use" => "The case is deleted, merged or erased",
        "already_traced" => "The case was traced already",
        "not_on_pds" => "A user has recorded that the person is not on PDS",
        "not_due" => "The case is not due yet",
        "contradicted" => "The record contradicts itself about who the person is",
        "surname_missing" => "The surname is missing",
        "surname_unusable" => "The surname has characters that cannot be sent",
        "surname_placeholder" => "The surname is a placeholder",
        "forename_unusable" => "The forename has characters that cannot be sent",
        "forename_placeholder" => "The forename is a placeholder",
        "gender_missing" => "The gender is missing",
        "date_of_birth_missing" => "The date of birth is missing",
        "date_of_birth_implausible" => "The date of birth is not plausible",
        "date_of_birth_incomplete" => "The date of birth is incomplete",
        "postcode_unusable" => "The postcode is not valid",
        "local_identifier_unusable" => "The case id cannot be sent",
        "date_of_death_implausible" => "The date of death is not plausible",
        _ => "Another reason",
    }
}

/// A step in the history of an item, by its stored word.
pub(crate) fn step(word: &str) -> String {
    match word {
        "noted" => "Note",
        "assigned" => "Assigned",
        "open" => "Back on the worklist",
        "with_front_line" => "Passed to the front line",
        "with_gp" => "Passed to the GP practice",
        "with_national_back_office" => "Passed to the National Back Office",
        "accepted" => "Number confirmed",
        "rejected" => "Number rejected",
        "none_of_these" => "All people shown rejected",
        "kept_ours" => "Our number kept",
        "settled_by_confirmation" => "Answered by a confirmed number",
        "reopened" => "Opened again",
        "merge_undone" => "Merge undone",
        "corrected" => "Record corrected",
        "not_on_pds" => "Recorded as not on PDS",
        "merged" => "Records merged",
        "acknowledged" => "Done",
        "dismissed" => "Closed without action",
        "released" => "Released, to be traced again",
        "undone" => "Decision undone",
        "confirmed" => "Number confirmed after a search",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::process::{Reason, TraceResult};

    #[test]
    fn each_word_of_the_library_is_known() {
        use TraceResult::{
            Ambiguous, Configuration, Conflict, ConflictOnSave, DeathUndated, Deceased, Differs,
            Duplicate, Found, Invalidated, None, NotAsked, NotVerified, Rejected, Replaced, Stale,
            Superseded, Unavailable, Unreadable, Verified,
        };
        for result in [
            Ambiguous,
            Configuration,
            Conflict,
            ConflictOnSave,
            DeathUndated,
            Deceased,
            Differs,
            Duplicate,
            Found,
            Invalidated,
            None,
            NotAsked,
            NotVerified,
            Rejected,
            Replaced,
            Stale,
            Superseded,
            Unavailable,
            Unreadable,
            Verified,
        ] {
            assert_ne!(trace_result(result.as_str()), "Another result", "{result}");
        }
        for reason in [
            Reason::RecordTypeOutOfScope,
            Reason::NotAllocated,
            Reason::AllocationEnded,
            Reason::DeathRecorded,
            Reason::NotInUse,
            Reason::AlreadyTraced,
            Reason::NotOnPds,
            Reason::NotDue,
            Reason::Contradicted,
            Reason::SurnameMissing,
            Reason::SurnameUnusable,
            Reason::SurnamePlaceholder,
            Reason::ForenameUnusable,
            Reason::ForenamePlaceholder,
            Reason::GenderMissing,
            Reason::DateOfBirthMissing,
            Reason::DateOfBirthImplausible,
            Reason::DateOfBirthIncomplete,
            Reason::PostcodeUnusable,
            Reason::LocalIdentifierUnusable,
            Reason::DateOfDeathImplausible,
        ] {
            assert_ne!(not_traced(reason.as_str()), "Another reason", "{reason:?}");
        }
    }
}
