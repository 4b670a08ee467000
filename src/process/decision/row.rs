//! The columns of the decision table, and the macro that declares its rows.

use crate::case::{AlertKind, NumberStatus, ReviewReason};
use crate::process::decision::result::TraceResult;
use std::fmt;

/// What a decision does with the NHS Number of the case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NumberEffect {
    /// The case keeps its number, or stays without one.
    Keep,
    /// The number found, or the successor of the case's number, is written with its provenance.
    Write,
    /// The case's number gets the provenance of this response: it was matched and validated.
    Confirm,
    /// The case keeps its number, marked with this status: the number is not reliable.
    Mark(NumberStatus),
}

impl fmt::Display for NumberEffect {
    /// The words of the column in `docs/decisions.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("kept as it is"),
            Self::Write => f.write_str("**written**"),
            Self::Confirm => f.write_str("confirmed"),
            Self::Mark(status) => write!(f, "kept, marked {}", spaced(status.as_str())),
        }
    }
}

/// Whether a decision writes the date of death that the Spine returned, where the case has none.
///
/// A date that is written sends an alert of its own ([`AlertKind::Deceased`]).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DeathEffect {
    /// No date of death is written.
    No,
    /// A date of death is written if the response has one.
    IfReturned,
    /// The date of death is written. The response always has one.
    Yes,
}

impl fmt::Display for DeathEffect {
    /// The words of the column in `docs/decisions.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "–",
            Self::IfReturned => "if returned",
            Self::Yes => "**written**",
        })
    }
}

/// Which review item a decision opens.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ReviewEffect {
    /// Opens no item, and closes the open items that this response settles.
    Settle,
    /// Opens no item and closes none.
    Unchanged,
    /// Opens an item with this reason.
    Open(ReviewReason),
    /// Opens an item that names the field in which the person returned differs, or says that the evidence is
    /// not complete.
    OpenDoubt,
}

impl fmt::Display for ReviewEffect {
    /// The words of the column in `docs/decisions.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settle => f.write_str("settles"),
            Self::Unchanged => f.write_str("–"),
            Self::Open(reason) => write!(f, "`{reason}`"),
            Self::OpenDoubt => f.write_str("`differs:`… or `unconfirmed`"),
        }
    }
}

/// When the case is queried next, unless its demographic fields are corrected before.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NextQuery {
    /// Never, unless the policy verifies numbers again after an interval.
    NotNeeded,
    /// At once, by the demographic fields.
    AtOnce,
    /// In the next pass.
    NextPass,
    /// After [`Policy::retry_wait`](crate::process::Policy::retry_wait): minutes, and twice as many each time.
    AfterMinutes,
    /// After [`Policy::stale_wait`](crate::process::Policy::stale_wait): by default 15 minutes.
    Soon,
    /// After [`Policy::waits`](crate::process::Policy::waits): days, and more of them each time.
    AfterDays,
    /// Not before the demographic fields are corrected.
    WhenCorrected,
    /// After [`Policy::refusal_wait`](crate::process::Policy::refusal_wait): by default one day.
    AfterOneDay,
    /// In a later run. The worker sends no more queries in this run, for any case.
    StopAll,
}

impl fmt::Display for NextQuery {
    /// The words of the column in `docs/decisions.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNeeded => "none",
            Self::AtOnce => "at once, by demographic fields",
            Self::NextPass => "next pass",
            Self::AfterMinutes => "after minutes",
            Self::Soon => "soon",
            Self::AfterDays => "after days",
            Self::WhenCorrected => "when corrected",
            Self::AfterOneDay => "after one day",
            Self::StopAll => "all queries stop",
        })
    }
}

/// What the case records about the query itself.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Saved {
    /// Nothing: the case is not changed.
    Nothing,
    /// Only that the query got no response, and the time of the next query: the count of queries in a row
    /// without a response grows by one. The last trace stays.
    Unanswered,
    /// The query, its result and the time of the next query. The counts of queries without a response and of
    /// unreadable responses become 0.
    Trace,
    /// The same as [`Trace`](Self::Trace), but the count of unreadable responses in a row grows by one.
    UnreadableTrace,
}

/// The evidence that a row requires: that the person returned is the person of the case.
///
/// A row that writes or confirms a number, writes a date of death, or flags other cases always requires
/// evidence. A row that does not, does not compile.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Requirement {
    /// No evidence: nothing is written because of the person returned.
    None,
    /// A search found the person: the risk that it is a different person is below the limit, there is no
    /// [`Veto`](crate::matching::Veto), and the person is the most likely of all that the searches returned.
    Search,
    /// The same for the person of a number that comes from elsewhere. A number that only a search has found is
    /// assessed as after a search.
    Number,
    /// The same for the successor of a superseded number. Or the rule confirmed the number that was superseded,
    /// and date of birth and gender of its successor do not contradict the case (MSCA-DQ-03).
    Successor,
}

impl fmt::Display for Requirement {
    /// The words of the column in `docs/decisions.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "–",
            Self::Search => "search: risk below the limit, no veto",
            Self::Number => "number: risk below the limit, no veto",
            Self::Successor => "risk below the limit, no veto; or successor",
        })
    }
}

/// The consequences of a row of the decision table.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Effects {
    /// The result in reports, in metrics and in the case's last trace.
    pub result: TraceResult,
    /// What is done with the number of the case.
    pub number: NumberEffect,
    /// Whether a date of death is written.
    pub date_of_death: DeathEffect,
    /// Which review item is opened.
    pub review: ReviewEffect,
    /// Which alert is sent once: for the review item, or for the date of death.
    pub alert: Option<AlertKind>,
    /// Whether the other active cases that have the number get a `duplicate` item too.
    pub flag_others: bool,
    /// When the case is queried next.
    pub next_query: NextQuery,
    /// What the case records about the query itself.
    pub saved: Saved,
}

/// The sections of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Section {
    NoResponse,
    Found,
    NotFound,
    Recorded,
}

impl Section {
    pub(in crate::process) const fn title(self) -> &'static str {
        match self {
            Self::NoResponse => "No usable response",
            Self::Found => "Traced by demographic fields: a person was found",
            Self::NotFound => {
                "Traced by demographic fields: no person was found, or the number cannot be used"
            }
            Self::Recorded => "Verified by number: the NHS Number of the case",
        }
    }
}

/// One row of the decision table, with all its columns.
#[derive(Debug)]
pub(in crate::process) struct RowSpec {
    pub(in crate::process) section: Section,
    /// The name in documents and tests.
    pub(in crate::process) name: &'static str,
    /// The word in the audit trail. Trails are read for years, so this word never changes.
    pub(in crate::process) audited: &'static str,
    pub(in crate::process) situation: &'static str,
    pub(in crate::process) evidence: Requirement,
    pub(in crate::process) effects: Effects,
}

impl RowSpec {
    /// Stops the build when the columns of the row contradict the rule of evidence or each other.
    pub(in crate::process) const fn check(&self) {
        let Effects { number, date_of_death, review, alert, flag_others, saved, .. } = self.effects;
        let writes_number = matches!(number, NumberEffect::Write | NumberEffect::Confirm);
        let writes_death = !matches!(date_of_death, DeathEffect::No);
        let needs_evidence = writes_number || writes_death || flag_others;
        let has_evidence = !matches!(self.evidence, Requirement::None);
        assert!(has_evidence || !needs_evidence, "a row acts on a person without evidence");
        let is_response = !matches!(self.section, Section::NoResponse);
        let changes_number = !matches!(number, NumberEffect::Keep);
        assert!(is_response || !changes_number, "a row changes a number without a response");
        let own_alert = matches!(alert, Some(AlertKind::Deceased));
        assert!(
            match date_of_death {
                DeathEffect::No => true,
                DeathEffect::IfReturned => alert.is_some() && !own_alert,
                DeathEffect::Yes => own_alert,
            },
            "the alert of a row does not fit its date of death"
        );
        let opens_none = matches!(review, ReviewEffect::Unchanged);
        assert!(
            !matches!(saved, Saved::Nothing) || (opens_none && !changes_number && !needs_evidence),
            "a row changes the case and does not save it"
        );
    }
}

/// Declares the rows and the table from one list, so that a row without one of its columns does not compile.
///
/// No column has a default.
macro_rules! decision_table {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident; $($section:ident {$(
        $row:ident = $slug:literal {
            situation: $situation:literal,
            audited: $audited:literal,
            evidence: $evidence:ident,
            result: $result:ident,
            number: $number:ident $(($status:ident))?,
            date_of_death: $death:ident,
            review: $review:ident $(($reason:ident))?,
            alert: $alert:ident $(($kind:ident))?,
            flag_others: $flag_others:literal,
            next_query: $next:ident,
            saved: $saved:ident,
        }
    )+})+) => {
        $(#[$attribute])*
        $visibility enum $name {
            $($(#[doc = $situation] $row,)+)+
        }

        impl $name {
            /// Every row, in the order of the table.
            pub const ALL: &[Self] = &[$($(Self::$row),+),+];
        }

        /// Every row with its columns, in the order of the variants.
        const TABLE: &[RowSpec] = &[$($(RowSpec {
            section: Section::$section,
            name: $slug,
            audited: $audited,
            situation: $situation,
            evidence: Requirement::$evidence,
            effects: Effects {
                result: TraceResult::$result,
                number: NumberEffect::$number $((NumberStatus::$status))?,
                date_of_death: DeathEffect::$death,
                review: ReviewEffect::$review $((ReviewReason::$reason))?,
                alert: $alert $((AlertKind::$kind))?,
                flag_others: $flag_others,
                next_query: NextQuery::$next,
                saved: Saved::$saved,
            },
        }),+),+];

        const _: () = {
            let mut rest = TABLE;
            while let [spec, later @ ..] = rest {
                spec.check();
                rest = later;
            }
        };
    };
}
pub(in crate::process) use decision_table;

/// A stable word as people read it: with spaces in place of `_`.
pub(in crate::process) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}
