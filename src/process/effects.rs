//! The right-hand side of the decision table.

use crate::case::{AlertKind, NumberStatus, ReviewReason};
use crate::process::{Again, Effects, NumberEffect, Requirement, ReviewEffect, Row, TraceResult};

use Again::{Afresh, AfterDays, NextDay, NextPass, Settled, Soon, Stop, WhenCorrected};
use NumberEffect::{Confirm, Keep, Mark, Write};
use ReviewEffect::{Open, OpenDoubt, Settle};

impl Effects {
    const fn new(
        result: TraceResult,
        number: NumberEffect,
        review: ReviewEffect,
        again: Again,
    ) -> Self {
        let (date_of_death, flag_holders) = (false, false);
        Self { result, number, date_of_death, review, flag_holders, alert: None, again }
    }

    /// The same effects, and the date of death, which the answer has.
    const fn with_death(self) -> Self {
        self.with_death_if_told().with_alert(AlertKind::Deceased)
    }

    /// The same effects, and the date of death, when the answer happens to have one: whatever else is
    /// to be settled about the number, nobody writes to the dead.
    const fn with_death_if_told(mut self) -> Self {
        self.date_of_death = true;
        self
    }

    const fn with_alert(mut self, alert: AlertKind) -> Self {
        self.alert = Some(alert);
        self
    }

    const fn with_flagged_holders(mut self) -> Self {
        self.flag_holders = true;
        self
    }
}

impl Row {
    /// What follows. A table: nothing here depends on anything but the row.
    #[must_use]
    pub const fn effects(self) -> Effects {
        match self {
            Self::Configuration
            | Self::Unavailable
            | Self::HeldChanged
            | Self::Rejected
            | Self::NumberRejected
            | Self::MessageRefused
            | Self::Unreadable
            | Self::UnreadableTooOften => self.without_answer(),
            Self::FoundRejected
            | Self::FoundDiffers
            | Self::FoundStaleForDoubtful
            | Self::FoundDoubtfulAgain
            | Self::FoundConflict
            | Self::FoundDuplicate
            | Self::FoundDeathUndated
            | Self::FoundDeceased
            | Self::FoundStale
            | Self::FoundSame
            | Self::FoundInstead
            | Self::FoundRestricted
            | Self::Found => self.found(),
            Self::NoMatchForDoubtful
            | Self::NoMatch
            | Self::AmbiguousForDoubtful
            | Self::Ambiguous
            | Self::SupersededUnknown
            | Self::SupersededDiffers
            | Self::SupersededHeld
            | Self::SupersededConflict
            | Self::SupersededFree
            | Self::Invalidated
            | Self::NotVerified => self.not_found(),
            _ => self.verified(),
        }
    }

    /// What evidence the row rests upon. A table like [`effects`](Self::effects).
    #[must_use]
    pub const fn requirement(self) -> Requirement {
        match self {
            Self::FoundDuplicate
            | Self::FoundStaleForDoubtful
            | Self::FoundDoubtfulAgain
            | Self::FoundConflict
            | Self::FoundStale
            | Self::FoundDeathUndated
            | Self::FoundDeceased
            | Self::FoundSame
            | Self::FoundInstead
            | Self::FoundRestricted
            | Self::Found
            | Self::SupersededHeld
            | Self::SupersededConflict
            | Self::SupersededFree => Requirement::FieldsAndPostcode,
            Self::HeldDuplicate
            | Self::HeldStaleAfterLive
            | Self::HeldStale
            | Self::HeldDeathUndated
            | Self::HeldDeceased
            | Self::HeldRestricted
            | Self::HeldDiscrepant
            | Self::Verified => Requirement::FieldsAndNumber,
            Self::HeldSupersededHeld | Self::HeldSupersededFree => Requirement::Successor,
            _ => Requirement::None,
        }
    }

    const fn without_answer(self) -> Effects {
        let rejected = Open(ReviewReason::Rejected);
        match self {
            Self::Configuration => {
                Effects::new(TraceResult::Configuration, Keep, ReviewEffect::Keep, Stop)
                    .with_alert(AlertKind::Configuration)
            }
            Self::Rejected | Self::NumberRejected => {
                Effects::new(TraceResult::Rejected, Keep, rejected, WhenCorrected)
            }
            Self::MessageRefused => Effects::new(TraceResult::Rejected, Keep, rejected, NextDay),
            Self::Unreadable => {
                Effects::new(TraceResult::Unreadable, Keep, ReviewEffect::Keep, NextPass)
            }
            Self::UnreadableTooOften => {
                let defect = Open(ReviewReason::Defect);
                Effects::new(TraceResult::Unreadable, Keep, defect, AfterDays)
                    .with_alert(AlertKind::Defect)
            }
            Self::HeldChanged => {
                Effects::new(TraceResult::ConflictOnSave, Keep, ReviewEffect::Keep, NextPass)
            }
            _ => Effects::new(TraceResult::Unavailable, Keep, ReviewEffect::Keep, NextPass),
        }
    }

    const fn found(self) -> Effects {
        match self {
            Self::FoundRejected => {
                let nobody = Open(ReviewReason::NoMatch);
                Effects::new(TraceResult::None, Keep, nobody, AfterDays)
            }
            Self::FoundDiffers => Effects::new(TraceResult::Differs, Keep, OpenDoubt, AfterDays),
            Self::FoundStaleForDoubtful => {
                Effects::new(TraceResult::Stale, Keep, ReviewEffect::Keep, Soon)
            }
            Self::FoundDoubtfulAgain => {
                Effects::new(TraceResult::Conflict, Keep, ReviewEffect::Keep, AfterDays)
            }
            Self::FoundConflict => {
                let conflict = Open(ReviewReason::Conflict);
                Effects::new(TraceResult::Conflict, Keep, conflict, AfterDays)
            }
            Self::FoundDuplicate => {
                let duplicate = Open(ReviewReason::Duplicate);
                Effects::new(TraceResult::Duplicate, Keep, duplicate, AfterDays)
                    .with_flagged_holders()
                    .with_alert(AlertKind::Duplicate)
                    .with_death_if_told()
            }
            Self::FoundDeathUndated => {
                let undated = Open(ReviewReason::DeathUndated);
                Effects::new(TraceResult::DeathUndated, Keep, undated, AfterDays)
                    .with_alert(AlertKind::Deceased)
            }
            Self::FoundDeceased => {
                Effects::new(TraceResult::Deceased, Write, Settle, Settled).with_death()
            }
            Self::FoundStale => Effects::new(TraceResult::Stale, Write, Settle, Soon),
            Self::FoundInstead => {
                let replaced = Open(ReviewReason::Replaced);
                Effects::new(TraceResult::Replaced, Write, replaced, Settled)
                    .with_alert(AlertKind::Superseded)
            }
            Self::FoundSame => Effects::new(TraceResult::Verified, Confirm, Settle, Settled),
            _ => Effects::new(TraceResult::Found, Write, Settle, Settled),
        }
    }

    const fn not_found(self) -> Effects {
        let kept = ReviewEffect::Keep;
        match self {
            Self::NoMatchForDoubtful => Effects::new(TraceResult::None, Keep, kept, AfterDays),
            Self::AmbiguousForDoubtful => {
                Effects::new(TraceResult::Ambiguous, Keep, kept, AfterDays)
            }
            Self::Ambiguous => {
                let several = Open(ReviewReason::Ambiguous);
                Effects::new(TraceResult::Ambiguous, Keep, several, AfterDays)
            }
            Self::SupersededUnknown => {
                let superseded = Open(ReviewReason::Superseded);
                Effects::new(TraceResult::Superseded, Keep, superseded, AfterDays)
                    .with_alert(AlertKind::Superseded)
            }
            Self::SupersededDiffers => {
                Effects::new(TraceResult::Differs, Keep, OpenDoubt, AfterDays)
            }
            Self::SupersededHeld => {
                let duplicate = Open(ReviewReason::Duplicate);
                Effects::new(TraceResult::Duplicate, Keep, duplicate, AfterDays)
                    .with_flagged_holders()
                    .with_alert(AlertKind::Duplicate)
            }
            Self::SupersededConflict => {
                let conflict = Open(ReviewReason::Conflict);
                Effects::new(TraceResult::Conflict, Keep, conflict, AfterDays)
            }
            Self::SupersededFree => {
                let replaced = Open(ReviewReason::Replaced);
                Effects::new(TraceResult::Replaced, Write, replaced, Settled)
                    .with_alert(AlertKind::Superseded)
                    .with_death_if_told()
            }
            Self::Invalidated => {
                let invalidated = Open(ReviewReason::Invalidated);
                Effects::new(TraceResult::Invalidated, Keep, invalidated, AfterDays)
                    .with_alert(AlertKind::Invalidated)
            }
            Self::NotVerified => {
                let not_verified = Open(ReviewReason::NotVerified);
                Effects::new(TraceResult::NotVerified, Keep, not_verified, AfterDays)
            }
            _ => {
                let nobody = Open(ReviewReason::NoMatch);
                Effects::new(TraceResult::None, Keep, nobody, AfterDays)
            }
        }
    }

    const fn verified(self) -> Effects {
        match self {
            Self::HeldDiffers => Effects::new(TraceResult::Differs, Keep, OpenDoubt, AfterDays),
            Self::HeldDuplicate => {
                let duplicate = Open(ReviewReason::Duplicate);
                Effects::new(TraceResult::Duplicate, Keep, duplicate, AfterDays)
                    .with_flagged_holders()
                    .with_alert(AlertKind::Duplicate)
                    .with_death_if_told()
            }
            Self::HeldDeathUndated => {
                let undated = Open(ReviewReason::DeathUndated);
                Effects::new(TraceResult::DeathUndated, Keep, undated, AfterDays)
                    .with_alert(AlertKind::Deceased)
            }
            Self::HeldDeceased => {
                Effects::new(TraceResult::Deceased, Confirm, Settle, Settled).with_death()
            }
            Self::HeldStaleAfterLive => {
                Effects::new(TraceResult::Stale, Keep, ReviewEffect::Keep, Soon)
            }
            Self::HeldStale => Effects::new(TraceResult::Stale, Confirm, Settle, Soon),
            Self::HeldDiscrepant => {
                let discrepancy = Open(ReviewReason::Discrepancy);
                Effects::new(TraceResult::Verified, Confirm, discrepancy, Settled)
            }
            Self::HeldRestricted | Self::Verified => {
                Effects::new(TraceResult::Verified, Confirm, Settle, Settled)
            }
            Self::HeldAmbiguous => {
                let several = Open(ReviewReason::Ambiguous);
                Effects::new(TraceResult::Ambiguous, Keep, several, AfterDays)
            }
            Self::HeldRejected | Self::HeldUnknown | Self::HeldNotVerified => {
                let not_verified = Open(ReviewReason::NotVerified);
                let marked = Mark(NumberStatus::NotVerified);
                Effects::new(TraceResult::NotVerified, marked, not_verified, Afresh)
            }
            Self::HeldInvalidated => {
                let (marked, invalidated) =
                    (Mark(NumberStatus::Invalid), Open(ReviewReason::Invalidated));
                Effects::new(TraceResult::Invalidated, marked, invalidated, Afresh)
                    .with_alert(AlertKind::Invalidated)
            }
            _ => self.superseded(),
        }
    }

    /// The number held was replaced (MSCA-DQ-03).
    const fn superseded(self) -> Effects {
        let (marked, superseded) = (Mark(NumberStatus::Superseded), Open(ReviewReason::Superseded));
        match self {
            Self::HeldSupersededFree => {
                let replaced = Open(ReviewReason::Replaced);
                Effects::new(TraceResult::Replaced, Write, replaced, Settled).with_death_if_told()
            }
            Self::HeldSupersededHeld => {
                Effects::new(TraceResult::Superseded, marked, superseded, AfterDays)
                    .with_flagged_holders()
                    .with_death_if_told()
            }
            // No number is named on the screen: that of somebody else must not get about.
            Self::HeldSupersededDiffers => {
                Effects::new(TraceResult::Superseded, marked, OpenDoubt, AfterDays)
            }
            _ => Effects::new(TraceResult::Superseded, marked, superseded, Afresh),
        }
        .with_alert(AlertKind::Superseded)
    }
}
