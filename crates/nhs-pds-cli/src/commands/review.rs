//! The review queue on the command line: what the worker left to people, and what they do about it.
//!
//! ```sh
//! cargo run --all-features --example review -- --db cases.sqlite list
//! cargo run --all-features --example review -- --db cases.sqlite --as j.doe show RXX:00001 1
//! cargo run --all-features --example review -- --db cases.sqlite --as j.doe resolve RXX:00001 1 accept "943 476 5919"
//! cargo run --all-features --example review -- --db cases.sqlite --as j.doe release --code Client/1000
//! ```
//!
//! Works on a store that `worker --db` has kept. Whoever is named by `--as` answers for it in the
//! audit trail, which is in the same file. Exits 0 when it is done (or was done before), 1 when it is
//! refused, with the reason, or there is no such case or item, 2 when it cannot be done or the input is wrong.
//!
//! Looking is audited too, so the file has to be one that can be written. `--anchors` keeps the heads of
//! the audit trail in a file, as `worker --anchors` does.
//!
//! Who may do what is not looked at here: whoever can write the file may do all of it.

mod console;
mod device;
mod trail;

use clap::{Args, Parser, Subcommand};
use console::{about, check_database, say, warn};
use nhs_pds::process::alert::SqliteAlerts;
use nhs_pds::audit::{self, Actor, SqliteLog};
use nhs_pds::case::{CaseId, ReviewItem, ReviewReason, ReviewState, SqliteStore};
use nhs_pds::demographics::{Gender, OdsCode, PartialDate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::matching::Comparison;
use nhs_pds::process::review::{Corrections, ItemFilter, ItemId, Outcome, Refusal, Release, ReleaseReason, Resolution, ReviewQueue, ShownItem};
use nhs_pds::text::terminal::printable;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use trail::Trail;

/// How many items are read at a time.
const PAGE: usize = 100;

#[derive(Parser)]
#[command(
    about = "Lists, shows and resolves what the worker left to people",
    after_help = "Exit codes: 0 done (or done before), 1 refused, or no such case or item, 2 it cannot be done, or the input is wrong"
)]
struct Cli {
    /// The store of cases, their audit trail and their alerts.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Who is acting; without it, the user of this machine.
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// Their name, for the audit trail; without it, the user id.
    #[arg(long)]
    name: Option<String>,
    /// The role they act in.
    #[arg(long, default_value = "reviewer")]
    role: String,
    /// Who has authorised it, when that is somebody else.
    #[arg(long, value_name = "USER")]
    authorised_by: Option<String>,
    /// Their organisation's ODS code.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    ods_code: OdsCode,
    /// Where the heads of the audit trail are kept too, for `audit verify --anchors`.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The open items, or those in one state.
    List {
        /// Such as `open`, `with_gp` or `resolved`.
        #[arg(long, value_parser = state)]
        state: Option<ReviewState>,
        /// Such as `none` or `differs:given`.
        #[arg(long)]
        reason: Option<ReviewReason>,
        /// Who works on it.
        #[arg(long)]
        assignee: Option<String>,
    },
    /// An item with its evidence and its history. That you looked is audited.
    Show { case: CaseId, item: u32 },
    /// Gives an item to somebody.
    Assign { case: CaseId, item: u32, user: String },
    /// Hands an item on: `open`, `with_front_line`, `with_gp`, `with_national_back_office`.
    Move {
        case: CaseId,
        item: u32,
        #[arg(value_parser = state)]
        state: ReviewState,
    },
    /// Writes something down about an item.
    Note { case: CaseId, item: u32, text: String },
    /// Resolves an item.
    Resolve {
        case: CaseId,
        item: u32,
        #[command(subcommand)]
        how: How,
    },
    /// Releases all cases whose questions the service refused, after the fault was put right: the next pass asks.
    Release {
        /// `rejected`, or `defect` for answers that could not be understood.
        #[arg(long, default_value = "rejected", value_parser = release_reason)]
        reason: ReleaseReason,
        /// Only those refused with this code, such as `Client/1000`; `-` is no code.
        #[arg(long, allow_hyphen_values = true)]
        code: Option<String>,
    },
    /// Takes OTHER out of CASE again.
    UndoMerge { case: CaseId, other: CaseId },
    /// Deletes a case logically.
    Delete { case: CaseId },
    /// Takes back a logical deletion.
    Undelete { case: CaseId },
    /// Erases a case for good.
    Erase {
        case: CaseId,
        /// The order's reference. It is kept for ever: nothing of the person may be in it.
        #[arg(long, value_name = "REF")]
        court_order: String,
    },
}

#[derive(Subcommand)]
enum How {
    /// The number is the person's: you have confirmed it.
    Accept { number: NhsNumber },
    /// The number is not the person's, for good.
    Reject { number: NhsNumber },
    /// The particulars were wrong; ask again.
    Correct(Particulars),
    /// PDS does not know the person.
    NotOnPds,
    /// OTHER is of the same person, and goes into this case.
    Merge { other: CaseId },
    /// What had to be done was done.
    Acknowledge,
    /// It was nothing.
    Dismiss,
}

#[derive(Args)]
struct Particulars {
    #[arg(long)]
    surname: Option<String>,
    #[arg(long)]
    forename: Option<String>,
    #[arg(long, value_parser = PartialDate::from_local)]
    date_of_birth: Option<PartialDate>,
    #[arg(long)]
    gender: Option<Gender>,
    /// The lines of the address, five at most.
    #[arg(long, num_args = 1..=5, value_name = "LINE")]
    address: Option<Vec<String>>,
    #[arg(long)]
    postcode: Option<String>,
    #[arg(long, value_parser = PartialDate::from_local)]
    date_of_death: Option<PartialDate>,
    /// The local data do not contradict themselves any more.
    #[arg(long)]
    is_one_person: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(Some(ActionOutcome::Refused(refusal))) => {
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

/// What became of an action; of looking, nothing becomes.
async fn run(cli: Cli) -> Result<Option<ActionOutcome>, Box<dyn Error>> {
    let jo = actor(&cli)?;
    let (queue, alerts, trail) = open(&cli.db, cli.anchors.as_deref())?;
    let done = act(cli.command, &queue, &alerts, &jo).await;
    if let Some(warning) = trail.warning() {
        warn(format!("review: {warning}"));
    }
    done
}

async fn act(
    command: Command,
    queue: &ReviewQueue,
    alerts: &SqliteAlerts,
    jo: &Actor,
) -> Result<Option<ActionOutcome>, Box<dyn Error>> {
    let item = ItemId::new;
    Ok(Some(match command {
        Command::List { state, reason, assignee } => {
            list(queue, &filter(state, reason, assignee), jo).await?;
            say_what_is_damaged(queue).await?;
            return Ok(None);
        }
        Command::Show { case, item: number } => {
            let shown = queue.show(&item(case, number), jo).await?;
            let Some(shown) = shown else {
                return Ok(Some(ActionOutcome::Refused(Refusal::NoSuchItem)));
            };
            say(&text(&shown)?)?;
            return Ok(None);
        }
        Command::Assign { case, item: number, user } => {
            queue.assign(&item(case, number), Some(&user), jo).await?
        }
        Command::Move { case, item: number, state } => {
            queue.transition(&item(case, number), state, jo).await?
        }
        Command::Note { case, item: number, text } => {
            queue.note(&item(case, number), &text, jo).await?
        }
        Command::Resolve { case, item: number, how } => {
            queue.resolve(&item(case, number), &resolution(how), jo).await?
        }
        Command::Release { reason, code } => {
            let all = Release::of(reason);
            let release = code.into_iter().fold(all, Release::with_code);
            let released = queue.release(&release, jo).await?;
            say(&format!("released {released} cases\n"))?;
            return Ok(None);
        }
        Command::UndoMerge { case, other } => queue.undo_merge(&case, &other, jo).await?,
        Command::Delete { case } => queue.delete(&case, jo).await?,
        Command::Undelete { case } => queue.undelete(&case, jo).await?,
        Command::Erase { case, court_order } => {
            let outcome = queue.erase(&case, &court_order, jo).await?;
            if !matches!(outcome, ActionOutcome::Refused(_)) {
                // The queue delivers alerts; what was delivered here is ours to delete.
                alerts.forget(&case).await?;
                // They may still name the case, and nothing can tell.
                say_what_is_damaged(queue).await?;
            }
            outcome
        }
    }))
}

fn actor(cli: &Cli) -> Result<Actor, Box<dyn Error>> {
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
    // A store that is not there would be made, and found empty.
    console::open(db)?;
    check_database(db)?;
    // So would one be in a file that is of another program.
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

/// Names the cases that are damaged in the store: no list has them.
async fn say_what_is_damaged(queue: &ReviewQueue) -> Result<(), Box<dyn Error>> {
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
        How::Correct(particulars) => Resolution::CorrectAndAskAgain(corrections(particulars)),
        How::NotOnPds => Resolution::NotOnPds,
        How::Merge { other } => Resolution::Merge { absorbed: other },
        How::Acknowledge => Resolution::Acknowledge,
        How::Dismiss => Resolution::Dismiss,
    }
}

fn corrections(particulars: Particulars) -> Corrections {
    let mut corrections = Corrections::default();
    corrections.surname = particulars.surname;
    corrections.forename = particulars.forename;
    corrections.date_of_birth = particulars.date_of_birth;
    corrections.gender = particulars.gender;
    corrections.address = particulars.address.map(|lines| {
        let mut lines = lines.into_iter();
        std::array::from_fn(|_| lines.next().unwrap_or_default())
    });
    corrections.postcode = particulars.postcode;
    corrections.date_of_death = particulars.date_of_death;
    corrections.is_one_person = particulars.is_one_person;
    corrections
}

async fn list(queue: &ReviewQueue, filter: &ItemFilter, jo: &Actor) -> Result<(), Box<dyn Error>> {
    let mut after = None;
    loop {
        let page = queue.list(filter, after.as_ref(), PAGE, jo).await?;
        let mut said = String::new();
        for listed in &page {
            writeln!(
                said,
                "{:<16} {:>3}  {:<22} {:<26} {:>5} days  {}",
                printable(listed.id.case.as_str()),
                listed.id.item,
                listed.reason.as_str(),
                listed.state.as_str(),
                listed.age.num_days(),
                printable(listed.assignee.as_deref().unwrap_or("-")),
            )?;
        }
        say(&said)?;
        let Some(last) = page.last().filter(|_| page.len() == PAGE) else { return Ok(()) };
        after = Some(last.id.clone());
    }
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
