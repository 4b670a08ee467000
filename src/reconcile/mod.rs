//! What the local system and PDS say about one person, held side by side (HAV-10, MSCA-DQ-06), and how
//! good the local data are (MSCA-DQ-05).
//!
//! [`compare`] goes through the particulars field by field. What it returns is for a person to look at,
//! and for deciding whether somebody has to: which field differs, how, how much that weighs, and how
//! well the given names agree.
//!
//! [`report`] goes through a store of cases and counts what a data-quality officer wants to know:
//! completeness, duplicates before they bite, what is open and for how long, and the match rate.
//!
//! Nothing here decides whether two records are of one person. That is the worker's, which holds who was
//! returned against who was asked for, and is stricter: see `worker::difference`.

mod class;
mod compare;
mod given;
mod report;

pub use class::{FieldClass, Weight};
pub use compare::{Comparison, FieldComparison, compare};
pub use given::GivenRung;
pub use report::{
    CaseCounts, Completeness, Duplicates, MatchCounts, MatchRate, NumberCount, Report,
    ReportBuilder, ReviewAges, ReviewCount, ReviewCounts, SourceKind, report,
};
