//! The review queue: lists, shows and resolves the items that the worker left for reviewers.
//!
//! Works on a store that `worker --db` wrote. The audit trail, which is in the same file, records each action
//! with the user of `--as`. Looking at items is audited too, so the file must be writable.
//!
//! The command does not check permissions: a user who can write the file can do everything.

use crate::console::{self, about, block_on, check_database, say, say_json, warn};
use crate::device;
use crate::trail::Trail;
use chrono::SecondsFormat;
use clap::Subcommand;
use nhs_pds::audit::{self, Actor, SqliteLog};
use nhs_pds::case::{CaseId, ReviewItem, ReviewReason, ReviewState, SqliteStore};
use nhs_pds::demographics::{Gender, OdsCode, PartialDate};
use nhs_pds::matching::Comparison;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::SqliteAlerts;
use nhs_pds::process::review::{
    Corrections, ItemFilter, ItemId, ListedItem, Outcome, Refusal, Release, ReleaseReason,
    Resolution, ReviewQueue, ShownItem,
};
use nhs_pds::text::terminal::{printable, printable_json};
use nhs_pds::trace::{Caller, LocalIdentity, User};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Builder;

/// The number of items in one page.
const PAGE: usize = 100;

/// Lists, shows and resolves the items that the worker left for reviewers
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, or already done before, 1 refused, or there is no such case or item, 2 it cannot be done, or the input is wrong"
)]
pub(crate) struct Args {
    /// The SQLite file with cases, audit trail and alerts.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// The reviewer's user id; without this option, the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// The reviewer's name, for the audit trail; without this option, the user id.
    #[arg(long)]
    name: Option<String>,
    /// The reviewer's role.
    #[arg(long, default_value = "reviewer")]
    role: String,
    /// The user who authorised the action, if it is another person.
    #[arg(long, value_name = "USER")]
    authorised_by: Option<String>,
    /// The ODS code of the reviewer's organisation.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    ods_code: OdsCode,
    /// A file for the heads of the audit trail, for `audit verify --anchors`.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
enum How {
    /// You have confirmed that this is the person's number
    Accept {
        /// The NHS Number.
        number: NhsNumber,
    },
    /// This is not the person's number, and never will be
    Reject {
        /// The NHS Number.
        number: NhsNumber,
    },
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
struct Fields {
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

pub(crate) fn main(args: Args) -> ExitCode {
    let ran = block_on(&mut Builder::new_current_thread(), run(args));
    match ran.and_then(|ran| ran) {
        Ok(Some(Outcome::Refused(refusal))) => {
            warn(format!("review: refused: {refusal}"));
            ExitCode::from(1)
        }
        Ok(Some(ActionOutcome::AlreadyDone)) => {
            warn("review: done already");
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let case = error.downcast_ref::<nhs_pds::process::Error>().and_then(|e| e.case());
            if let Some(case) = case {
                warn(format!("review: the fault is in case {case}"));
            }
            console::end("review", Err(error))
        }
    }
}

/// The outcome of an action; `None` for a command that only reads.
async fn run(cli: Args) -> Result<Option<Outcome>, Box<dyn Error>> {
    let actor = actor(&cli)?;
    let (queue, alerts, trail) = open(&cli.db, cli.anchors.as_deref())?;
    let done = act(cli.command, &queue, &alerts, &actor).await;
    if let Some(warning) = trail.warning() {
        warn(format!("review: {warning}"));
    }
    done
}

async fn act(
    command: Command,
    queue: &ReviewQueue,
    alerts: &SqliteAlerts,
    actor: &Actor,
) -> Result<Option<Outcome>, Box<dyn Error>> {
    let item = ItemId::new;
    Ok(Some(match command {
        Command::List { state, reason, assignee, json } => {
            list(queue, &filter(state, reason, assignee), actor, json).await?;
            warn_of_damaged(queue).await?;
            return Ok(None);
        }
        Command::Show { case, item: number, json } => {
            let shown = queue.show(&item(case, number), actor).await?;
            let Some(shown) = shown else {
                return Ok(Some(ActionOutcome::Refused(Refusal::NoSuchItem)));
            };
            if json {
                say_json(&serde_json::to_string_pretty(&object(&shown)?)?)?;
            } else {
                say(&text(&shown)?)?;
            }
            return Ok(None);
        }
        Command::Assign { case, item: number, user } => {
            queue.assign(&item(case, number), Some(&user), actor).await?
        }
        Command::Move { case, item: number, state } => {
            queue.transition(&item(case, number), state, actor).await?
        }
        Command::Note { case, item: number, text } => {
            queue.note(&item(case, number), &text, actor).await?
        }
        Command::Resolve { case, item: number, how } => {
            queue.resolve(&item(case, number), &resolution(how), actor).await?
        }
        Command::Release { reason, code } => {
            let all = Release::of(reason);
            let release = code.into_iter().fold(all, Release::with_code);
            let released = queue.release(&release, actor).await?;
            say(&format!("released {released} cases\n"))?;
            return Ok(None);
        }
        Command::UndoMerge { case, other } => queue.undo_merge(&case, &other, actor).await?,
        Command::Delete { case } => queue.delete(&case, actor).await?,
        Command::Undelete { case } => queue.undelete(&case, actor).await?,
        Command::Erase { case, court_order } => {
            let outcome = queue.erase(&case, &court_order, actor).await?;
            if !matches!(outcome, Outcome::Refused(_)) {
                // The queue has delivered alerts to this file: delete them too.
                alerts.forget(&case).await?;
                // Damaged cases may still name the erased case, and they cannot be read.
                warn_of_damaged(queue).await?;
            }
            outcome
        }
    }))
}

fn actor(cli: &Args) -> Result<Actor, Box<dyn Error>> {
    let login = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = cli.user.clone().or(login).unwrap_or_else(|| "reviewer".to_owned());
    let identity = |argument: &str, id: &str| {
        LocalIdentity::new(cli.ods_code.clone(), id)
            .map(|identity| Caller::User(User::Local(identity)))
            .map_err(|error| format!("{argument}: {error}"))
    };
    let caller = identity("--as", &user)?;
    let actor = Actor::new(&caller, cli.name.clone().unwrap_or(user))
        .with_role(&cli.role, cli.ods_code.clone())
        .on_device(device::name());
    Ok(match &cli.authorised_by {
        Some(id) => actor.authorised_by(identity("--authorised-by", id)?.to_string()),
        None => actor,
    })
}

fn open(
    db: &Path,
    anchors: Option<&Path>,
) -> Result<(ReviewQueue, SqliteAlerts, Trail), Box<dyn Error>> {
    // SQLite would create a missing store, and the queue would be empty.
    console::open(db)?;
    check_database(db)?;
    // The same would happen in a file of another program.
    if let Err(error) = SqliteLog::open_read_only(db)
        && error.kind() == audit::ErrorKind::NoTrail
    {
        return Err(about(db, &error));
    }
    let trail = Trail::open(db, anchors).map_err(|error| about(db, &error))?;
    let store = Arc::new(SqliteStore::open(db).map_err(|error| about(db, &error))?);
    let alerts = SqliteAlerts::open(db).map_err(|error| about(db, &error))?;
    let queue = ReviewQueue::new(store, Arc::clone(&trail.log), Arc::new(alerts.clone()));
    Ok((queue, alerts, trail))
}

/// Names the damaged cases of the store, which no list contains.
async fn warn_of_damaged(queue: &ReviewQueue) -> Result<(), Box<dyn Error>> {
    let damaged: Vec<String> = queue.unreadable().await?.iter().map(ToString::to_string).collect();
    if !damaged.is_empty() {
        warn(format!(
            "review: these stored cases are damaged and cannot be read: {}",
            damaged.join(", ")
        ));
    }
    Ok(())
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

fn filter(
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

fn resolution(how: How) -> Resolution {
    match how {
        How::Accept { number } => Resolution::AcceptNumber(number),
        How::Reject { number } => Resolution::RejectNumber(number),
        How::Correct(fields) => Resolution::CorrectAndAskAgain(corrections(fields)),
        How::NotOnPds => Resolution::NotOnPds,
        How::Merge { other } => Resolution::Merge { absorbed: other },
        How::Acknowledge => Resolution::Acknowledge,
        How::Dismiss => Resolution::Dismiss,
    }
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

async fn list(
    queue: &ReviewQueue,
    filter: &ItemFilter,
    actor: &Actor,
    json: bool,
) -> Result<(), Box<dyn Error>> {
    let mut after = None;
    loop {
        let page = queue.list(filter, after.as_ref(), PAGE, actor).await?;
        let line = if json { json_line } else { text_line };
        say(&page.iter().map(line).collect::<String>())?;
        let Some(last) = page.last().filter(|_| page.len() == PAGE) else { return Ok(()) };
        after = Some(last.id.clone());
    }
}

fn text_line(listed: &ListedItem) -> String {
    format!(
        "{:<16} {:>3}  {:<22} {:<26} {:>5} days  {}\n",
        printable(listed.id.case.as_str()),
        listed.id.item,
        listed.reason.as_str(),
        listed.state.as_str(),
        listed.age.num_days(),
        printable(listed.assignee.as_deref().unwrap_or("-")),
    )
}

fn json_line(listed: &ListedItem) -> String {
    let item = json!({
        "case": listed.id.case,
        "item": listed.id.item,
        "reason": listed.reason.as_str(),
        "state": listed.state.as_str(),
        "opened_at": listed.opened_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "age_days": listed.age.num_days(),
        "assignee": listed.assignee,
    });
    format!("{}\n", printable_json(&item.to_string()))
}

/// What [`text`] shows, with the whole evidence.
fn object(shown: &ShownItem) -> Result<Value, serde_json::Error> {
    let case = &shown.case;
    let number = case.nhs_number.as_ref();
    let changed = case.changed_fields();
    let advisories: Vec<Value> = shown
        .advisories
        .iter()
        .map(|advisory| json!({ "kind": advisory.kind.as_str(), "text": advisory.text() }))
        .collect();
    let comparison = shown.comparison.as_ref().map(|comparison| {
        let fields = comparison.fields().iter().map(|field| {
            json!({
                "field": field.field.as_str(),
                "class": field.class.as_str(),
                "weight": field.weight.as_str(),
                "local": field.local,
                "pds": field.pds,
            })
        });
        fields.collect::<Vec<Value>>()
    });
    Ok(json!({
        "case": case.id,
        "nhs_number": number.map(|number| number.number),
        "nhs_number_status": number.map(|number| number.standing.as_str()),
        "changed_since_confirmed": changed.iter().map(|field| field.as_str()).collect::<Vec<_>>(),
        "offered": shown.offered,
        "advisories": advisories,
        "comparison": comparison,
        "item": serde_json::to_value(&shown.item)?,
    }))
}

fn text(shown: &ShownItem) -> Result<String, std::fmt::Error> {
    let (case, item) = (&shown.case, &shown.item);
    let mut said = String::new();
    let id = printable(case.id.as_str());
    writeln!(said, "{id} item {}: {}, {}", item.number, item.reason, item.state)?;
    for advisory in &shown.advisories {
        writeln!(said, "  ! {}", advisory.text())?;
    }
    if let Some(held) = &case.nhs_number {
        writeln!(said, "held      {} ({})", held.number, held.standing.as_str())?;
    }
    if case.person_changed() {
        let fields: Vec<&str> = case.changed_fields().iter().map(|field| field.as_str()).collect();
        writeln!(said, "changed   {} since the number was confirmed", fields.join(", "))?;
    }
    if let Some(damaged) = &item.evidence.damaged_number {
        writeln!(said, "damaged   {}", printable(damaged))?;
    }
    if let Some(number) = shown.offered {
        writeln!(said, "offered   {number}")?;
    }
    asked(&mut said, item)?;
    if let Some(comparison) = &shown.comparison {
        side_by_side(&mut said, comparison)?;
    }
    for step in &item.history {
        let note = printable(step.note.as_deref().unwrap_or_default());
        let by = printable(&step.by);
        writeln!(said, "{}  {by}  {}  {note}", step.at.format("%F %R"), step.what)?;
    }
    Ok(said)
}

fn asked(said: &mut String, item: &ReviewItem) -> std::fmt::Result {
    if let Some(asked) = &item.evidence.asked {
        let gender = asked.gender.map(|gender| gender.to_string()).unwrap_or_default();
        let postcode = asked.postcode.map(|postcode| postcode.to_string()).unwrap_or_default();
        let given = printable(asked.given.as_deref().unwrap_or_default());
        let number = asked.nhs_number.map(|number| format!("{number} ")).unwrap_or_default();
        let (family, born) = (printable(&asked.family), asked.date_of_birth);
        writeln!(said, "asked     {number}{given} {family}, {born}, {gender}, {postcode}")?;
    }
    if let Some(field) = item.evidence.field {
        writeln!(said, "field     {}", field.as_str())?;
    }
    for other in &item.evidence.others {
        writeln!(said, "other     {}", printable(other.as_str()))?;
    }
    if let Some(exchange) = &item.evidence.exchange {
        let code = exchange.code.as_deref().unwrap_or("-");
        writeln!(said, "answer    {} {} {code}", exchange.service, exchange.operation)?;
    }
    Ok(())
}

fn side_by_side(said: &mut String, comparison: &Comparison) -> std::fmt::Result {
    writeln!(said, "{:<14} {:<44} {:<44} weight", "", "here", "PDS")?;
    for field in comparison.fields() {
        let local = printable(field.local.as_deref().unwrap_or("-"));
        let pds = printable(field.pds.as_deref().unwrap_or("-"));
        writeln!(said, "{:<14} {local:<44} {pds:<44} {}", field.field.as_str(), field.weight)?;
    }
    Ok(())
}
