//! The arguments of `nhs-pds review`.

use crate::database::{Address, Required, address_parser};
use clap::Subcommand;
use nhs_pds::case::{CaseId, ReviewReason, ReviewState};
use nhs_pds::demographics::{Gender, OdsCode, PartialDate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::review::{Corrections, ItemFilter, ReleaseReason, Resolution};
use std::path::PathBuf;

/// Lists, shows and resolves the items that the worker left for reviewers
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, or already done before, 1 refused, or there is no such case or item, 2 it cannot be done, or the input is wrong"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) database: Required,
    /// The reviewer's user id; without this option, the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    pub(super) user: Option<String>,
    /// The reviewer's name, for the audit trail; without this option, the user id.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The reviewer's role.
    #[arg(long, default_value = "reviewer")]
    pub(super) role: String,
    /// The user who authorised the action, if it is another person.
    #[arg(long, value_name = "USER")]
    pub(super) authorised_by: Option<String>,
    /// The ODS code of the reviewer's organisation.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    pub(super) ods_code: OdsCode,
    /// PostgreSQL: how the owner of the tables connects, for `erase`: `postgres://OWNER@HOST/DATABASE`. Deleted rows
    /// leave the files of the database when their table is rewritten, which only its owner can do.
    #[arg(long, value_name = "ADDRESS", value_parser = address_parser())]
    pub(super) owner: Option<Address>,
    /// A file for the heads of the audit trail, for `audit verify --anchors`.
    #[arg(long, value_name = "FILE")]
    pub(super) anchors: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the open items, or the items in one state
    List {
        /// Only items in this state, such as `open`, `with_gp` or `resolved`.
        #[arg(long, value_parser = state)]
        state: Option<ReviewState>,
        /// Only items with this reason, such as `none` or `differs:given`.
        #[arg(long)]
        reason: Option<ReviewReason>,
        /// Only items of this reviewer, by user id.
        #[arg(long)]
        assignee: Option<String>,
        /// Print each item as a JSON object on one line.
        #[arg(long)]
        json: bool,
    },
    /// Shows an item with its evidence and its history. The audit trail records this
    Show {
        /// The case id.
        case: CaseId,
        /// The number of the item in its case.
        item: u32,
        /// Print the item as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Assigns an item to a user
    Assign {
        /// The case id.
        case: CaseId,
        /// The number of the item in its case.
        item: u32,
        /// The user id.
        user: String,
    },
    /// Moves an item to a state: `open`, `with_front_line`, `with_gp`, `with_national_back_office`
    Move {
        /// The case id.
        case: CaseId,
        /// The number of the item in its case.
        item: u32,
        /// The new state.
        #[arg(value_parser = state)]
        state: ReviewState,
    },
    /// Adds a note to an item
    Note {
        /// The case id.
        case: CaseId,
        /// The number of the item in its case.
        item: u32,
        /// The note.
        text: String,
    },
    /// Resolves an item
    Resolve {
        /// The case id.
        case: CaseId,
        /// The number of the item in its case.
        item: u32,
        #[command(subcommand)]
        how: How,
    },
    /// Releases all cases whose questions the service refused, after the fault was corrected. The next run
    /// traces them
    Release {
        /// `rejected`, or `defect` for responses that could not be read.
        #[arg(long, default_value = "rejected", value_parser = release_reason)]
        reason: ReleaseReason,
        /// Only cases that were refused with this code, such as `Client/1000`; `-` means without a code.
        #[arg(long, allow_hyphen_values = true)]
        code: Option<String>,
    },
    /// Undoes a merge of OTHER into CASE
    UndoMerge {
        /// The case id.
        case: CaseId,
        /// The merged case.
        other: CaseId,
    },
    /// Deletes a case logically
    Delete {
        /// The case id.
        case: CaseId,
    },
    /// Undoes a logical deletion
    Undelete {
        /// The case id.
        case: CaseId,
    },
    /// Erases a case permanently
    Erase {
        /// The case id.
        case: CaseId,
        /// The reference of the court order. It is kept permanently: it must not contain personal data.
        #[arg(long, value_name = "REF")]
        court_order: String,
    },
}

#[derive(Subcommand)]
pub(super) enum How {
    /// You have confirmed that this is the person's number
    Accept {
        /// The NHS Number; without it, the only number that the item offers.
        number: Option<NhsNumber>,
    },
    /// This is not the person's number, and never will be. The item stays open if it has other candidates
    Reject {
        /// The NHS Number.
        number: NhsNumber,
    },
    /// None of the candidates is the person: rejects all of them
    NoneOfThese,
    /// The demographic fields were wrong: correct them and trace again
    Correct(Fields),
    /// PDS has no record of the person
    NotOnPds,
    /// OTHER is a case of the same person: merge it into this case
    Merge {
        /// The other case.
        other: CaseId,
    },
    /// The necessary work is done
    Acknowledge,
    /// No work is necessary
    Dismiss,
}

#[derive(clap::Args)]
pub(super) struct Fields {
    /// The surname.
    #[arg(long)]
    surname: Option<String>,
    /// The forename.
    #[arg(long)]
    forename: Option<String>,
    /// The date of birth.
    #[arg(long, value_parser = PartialDate::from_local)]
    date_of_birth: Option<PartialDate>,
    /// The gender.
    #[arg(long)]
    gender: Option<Gender>,
    /// The lines of the address, five at most.
    #[arg(long, num_args = 1..=5, value_name = "LINE")]
    address: Option<Vec<String>>,
    /// The postcode.
    #[arg(long)]
    postcode: Option<String>,
    /// The date of death.
    #[arg(long, value_parser = PartialDate::from_local)]
    date_of_death: Option<PartialDate>,
    /// The local data no longer contradict themselves.
    #[arg(long)]
    is_one_person: bool,
}

fn state(word: &str) -> Result<ReviewState, &'static str> {
    use ReviewState::{Dismissed, Open, Resolved, WithFrontLine, WithGp, WithNationalBackOffice};
    [Open, WithFrontLine, WithGp, WithNationalBackOffice, Resolved, Dismissed]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or("open, with_front_line, with_gp, with_national_back_office, resolved or dismissed")
}

fn release_reason(word: &str) -> Result<ReleaseReason, &'static str> {
    [ReleaseReason::Rejected, ReleaseReason::Defect]
        .into_iter()
        .find(|reason| reason.as_str() == word)
        .ok_or("rejected or defect")
}

pub(super) fn filter(
    state: Option<ReviewState>,
    reason: Option<ReviewReason>,
    assignee: Option<String>,
) -> ItemFilter {
    let mut filter = ItemFilter::default();
    if let Some(state) = state {
        filter = filter.with_state(state);
    }
    if let Some(reason) = reason {
        filter = filter.with_reason(reason);
    }
    if let Some(assignee) = assignee {
        filter = filter.with_assignee(assignee);
    }
    filter
}

/// The resolution; `None` when it accepts the only number of the item.
pub(super) fn resolution(how: How) -> Option<Resolution> {
    Some(match how {
        How::Accept { number } => Resolution::AcceptNumber(number?),
        How::Reject { number } => Resolution::RejectNumber(number),
        How::NoneOfThese => Resolution::NoneOfThese,
        How::Correct(fields) => Resolution::CorrectAndAskAgain(corrections(fields)),
        How::NotOnPds => Resolution::NotOnPds,
        How::Merge { other } => Resolution::Merge { absorbed: other },
        How::Acknowledge => Resolution::Acknowledge,
        How::Dismiss => Resolution::Dismiss,
    })
}

fn corrections(fields: Fields) -> Corrections {
    let mut corrections = Corrections::default();
    corrections.surname = fields.surname;
    corrections.forename = fields.forename;
    corrections.date_of_birth = fields.date_of_birth;
    corrections.gender = fields.gender;
    corrections.address = fields.address.map(|lines| {
        let mut lines = lines.into_iter();
        std::array::from_fn(|_| lines.next().unwrap_or_default())
    });
    corrections.postcode = fields.postcode;
    corrections.date_of_death = fields.date_of_death;
    corrections.is_one_person = fields.is_one_person;
    corrections
}
