//! Verifies an audit trail, and queries it.
//!
//! ```sh
//! cargo run --all-features --example audit -- --db cases.sqlite verify --anchors anchors.txt
//! cargo run --all-features --example audit -- --db cases.sqlite query --user urn:nhs-uk:identity:ods:RHM:get-nhs-number
//! cargo run --all-features --example audit -- --db cases.sqlite export C000001
//! ```
//!
//! `verify` prints whether the trail is whole, or its first bad link. `query` prints one line for
//! each event, with tabs between: number, time, kind, user, name, role, organisation, authority,
//! device, message, case, numbers, details. What is not known is `-`; of somebody who was
//! forgotten, the case is `(forgotten)`. A query is audited in turn, one event for each page. `export`
//! prints all that stands in the trail about one case, with the case as it was at each change, for a
//! subject access request (MSCA-ORG-04): one event a line, as JSON; that too is audited.
//!
//! `verify` opens the file read-only, on a read-only medium too, and changes nothing. `query` and `export`
//! have to be put on record, so they need a file that can be written; `--anchors` keeps the heads of
//! the trail in a file, as `worker --anchors` does. Events that were damaged are left out and named.
//!
//! Exits 0 when all is well, 1 when the trail is broken or an event cannot be read, 2 when it cannot be read or what was asked
//! makes no sense.
#![expect(clippy::print_stderr, reason = "that is what it is for")]

mod device;
mod trail;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use clap::{Args, Parser, Subcommand};
use nhs_pds::audit::{
    About, Actor, AuditLog, Event, EventKind, FileAnchors, Filter, SqliteLog, export, query,
};
use nhs_pds::case::CaseId;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use trail::Trail;

/// How many events one query reads.
const PAGE: usize = 500;

#[derive(Parser)]
#[command(about = "Verifies an audit trail, and queries it")]
struct Cli {
    /// The SQLite file of the trail.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Walks along the whole trail and names the first bad link.
    Verify {
        /// Anchors that were kept outside, as `FileAnchors` writes them.
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
    },
    /// Prints the events that meet every condition.
    Query(Box<Query>),
    /// Prints everything about one case, as JSON.
    Export {
        /// The case.
        case: CaseId,
        #[command(flatten)]
        asker: Asker,
    },
}

/// Who asks.
#[derive(Args)]
struct Asker {
    /// Who asks; without it, the user of the operating system, or `auditor`.
    #[arg(long = "as", value_name = "USER")]
    asked_by: Option<String>,
    /// The organisation of whoever asks.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    ods_code: OdsCode,
    /// Where the heads of the audit trail are kept too, as `worker --anchors` keeps them.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
}

#[derive(Args)]
struct Query {
    /// Only what this user or system did.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only what this person authorised.
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    /// Only what belongs to this message.
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// Only what is about the patient with this number.
    #[arg(long, value_name = "NUMBER")]
    nhs_number: Option<NhsNumber>,
    /// Only what is about this case.
    #[arg(long, value_name = "ID")]
    case: Option<CaseId>,
    /// Only what happened at this time or later: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Only what happened before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
    /// Only events of this kind, such as `case_viewed`.
    #[arg(long)]
    kind: Option<EventKind>,
    /// Only events with greater sequence numbers.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// At most so many events.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    #[command(flatten)]
    asker: Asker,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("audit: {}", because(&*error));
            ExitCode::from(2)
        }
    }
}

/// Whether nothing is wrong with the trail.
async fn run(cli: Cli) -> Result<bool, Box<dyn Error>> {
    let db = &cli.db;
    let in_db = |error: nhs_pds::audit::Error| format!("{}: {}", db.display(), because(&error));
    std::fs::metadata(db).map_err(|error| format!("{}: {error}", db.display()))?;
    let to_read = || SqliteLog::open_read_only(db).map_err(in_db);
    let to_write = |anchors: &Option<PathBuf>| {
        // SQLite would make a trail where there is none.
        to_read()?;
        Trail::open(db, anchors.as_deref()).map_err(in_db)
    };
    match cli.command {
        Command::Verify { anchors } => {
            let anchors = match anchors {
                Some(file) => FileAnchors::read(&file)
                    .map_err(|error| format!("{}: {}", file.display(), because(&error)))?,
                None => Vec::new(),
            };
            let verdict = to_read()?.verify(&anchors).await.map_err(in_db)?;
            writeln!(io::stdout(), "{verdict}")?;
            Ok(verdict.is_whole())
        }
        Command::Query(asked) => {
            let trail = to_write(&asked.asker.anchors)?;
            let filter = asked.filter(trail.log.head().await.map_err(in_db)?.seq);
            let printed = print(&*trail.log, *asked, &filter).await;
            ended(&trail, &filter, printed).await
        }
        Command::Export { case, asker } => {
            let trail = to_write(&asker.anchors)?;
            let (to, now) = (io::BufWriter::new(io::stdout()), SystemClock.now());
            let events = export(&*trail.log, &asker.actor()?, now, &case, to).await;
            let filter = Filter::new().with_case(case);
            ended(&trail, &filter, events.map(drop).map_err(Into::into)).await
        }
    }
}

/// Whether everything that `filter` lets pass was printed. Says what could not be read.
async fn ended(
    trail: &Trail,
    filter: &Filter,
    printed: Result<(), Box<dyn Error>>,
) -> Result<bool, Box<dyn Error>> {
    if let Some(warning) = trail.warning() {
        eprintln!("audit: {warning}");
    }
    let printed = read_enough(printed)?;
    let damaged = trail.log.unreadable(filter).await?;
    if damaged.is_empty() {
        return Ok(printed);
    }
    let numbers: Vec<String> = damaged.iter().map(ToString::to_string).collect();
    eprintln!("audit: these events cannot be read, verify the trail: {}", numbers.join(", "));
    Ok(false)
}

/// Whether it was printed; whoever reads may stop when they have seen enough.
fn read_enough(printed: Result<(), Box<dyn Error>>) -> Result<bool, Box<dyn Error>> {
    let Err(error) = printed else { return Ok(true) };
    let mut cause = Some(&*error as &(dyn Error + 'static));
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return Ok(true);
        }
        cause = error.source();
    }
    Err(error)
}

/// Prints page after page, up to what was the end when it began.
async fn print(log: &dyn AuditLog, asked: Query, filter: &Filter) -> Result<(), Box<dyn Error>> {
    let actor = asked.asker.actor()?;
    let (mut after, mut left) = (asked.after, asked.limit);
    let mut out = io::BufWriter::new(io::stdout().lock());
    loop {
        let limit = left.min(PAGE);
        let page = query(log, &actor, SystemClock.now(), filter, after, limit).await?;
        for event in &page {
            writeln!(out, "{}", line(event))?;
        }
        left -= page.len();
        match page.last() {
            Some(last) if page.len() == limit && left > 0 => after = last.seq,
            _ => return Ok(out.flush()?),
        }
    }
}

impl Asker {
    fn actor(&self) -> Result<Actor, Box<dyn Error>> {
        let identity = |id: &str| LocalIdentity::new(self.ods_code.clone(), id);
        let identity = match &self.asked_by {
            Some(id) => identity(id)?,
            // The operating system lets names pass that can stand in no identity.
            None => match std::env::var("USER").map(|id| identity(&id)) {
                Ok(Ok(us)) => us,
                _ => identity("auditor")?,
            },
        };
        let name = identity.id().to_owned();
        Ok(Actor::new(&Caller::User(User::Local(identity)), name)
            .with_role("auditor", self.ods_code.clone())
            .on_device(device::name()))
    }
}

impl Query {
    /// What is asked for, among the events up to `head`.
    fn filter(&self, head: u64) -> Filter {
        let mut filter = Filter::new().with_sequence(1..=head);
        if let Some(user) = &self.user {
            filter = filter.with_user(user);
        }
        if let Some(authority) = &self.authority {
            filter = filter.with_authority(authority);
        }
        if let Some(id) = &self.message_id {
            filter = filter.with_message_id(id);
        }
        if let Some(number) = self.nhs_number {
            filter = filter.with_number(number);
        }
        if let Some(case) = &self.case {
            filter = filter.with_case(case.clone());
        }
        if let Some(kind) = self.kind {
            filter = filter.with_kind(kind);
        }
        if let Some(from) = self.from {
            filter = filter.with_from(from);
        }
        if let Some(to) = self.to {
            filter = filter.with_to(to);
        }
        filter
    }
}

fn line(event: &Event) -> String {
    let actor = &event.actor;
    let (case, numbers) = match &event.about {
        About::Subject(subject) => (
            subject.case_id().map(ToString::to_string),
            subject.numbers().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        ),
        About::Forgotten => (Some("(forgotten)".to_owned()), String::new()),
        _ => (None, String::new()),
    };
    let details: Vec<String> =
        event.details.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let fields = [
        Some(event.seq.to_string()),
        Some(event.at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        Some(event.kind.to_string()),
        Some(actor.user_id().to_owned()),
        Some(actor.name().to_owned()),
        actor.role().map(str::to_owned),
        actor.organisation().map(ToString::to_string),
        actor.authority().map(str::to_owned),
        actor.device().map(str::to_owned),
        event.message_id.clone(),
        case,
        Some(numbers),
        Some(details.join(" ")),
    ];
    let fields = fields.map(|field| match field {
        // No text makes a field or a line of its own.
        Some(text) if !text.is_empty() => text.replace(|c: char| c.is_control(), " "),
        _ => "-".to_owned(),
    });
    fields.join("\t")
}

/// Reads RFC 3339, or a date, which is its first moment in UTC.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let date = |text: &str| text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN));
    match (DateTime::parse_from_rfc3339(text), date(text)) {
        (Ok(time), _) => Ok(time.to_utc()),
        (_, Ok(day)) => Ok(day.and_utc()),
        _ => Err("a time is like 2026-11-23T09:30:00Z, and a date like 2026-11-23".to_owned()),
    }
}

/// An error with all its causes.
fn because(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
