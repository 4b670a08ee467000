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
//! `export --out FILE` writes to a file that only its owner may read (Unix).
//!
//! Exits 0 when all is well, 1 when the trail is broken, an event cannot be read, or there is nothing about the
//! case, 2 when it cannot be read or what was asked makes no sense.

mod console;
mod device;
mod private;
mod trail;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use clap::{Args, Parser, Subcommand};
use console::{Quiet, about, check_database, end, warn};
use nhs_pds::audit::{
    About, Actor, AuditLog, Event, EventKind, FileAnchors, Filter, SqliteLog, export, query,
};
use nhs_pds::case::CaseId;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::text::terminal::printable;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use private::PrivateFile;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trail::Trail;

/// How many events one query reads.
const PAGE: usize = 500;

#[derive(Parser)]
#[command(
    about = "Verifies an audit trail, and queries it",
    after_help = "Exit codes: 0 all is well, 1 the trail is broken, or has nothing about the case, 2 it cannot be read, or the question makes no sense"
)]
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
        /// Where it goes, instead of standard output. Only its owner may read the file (Unix).
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
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
    end("audit", run(Cli::parse()).await)
}

/// Whether nothing is wrong with the trail, and something was found.
async fn run(cli: Cli) -> Result<bool, Box<dyn Error>> {
    let db = &cli.db;
    let in_db = |error: nhs_pds::audit::Error| about(db, &error);
    console::open(db)?;
    check_database(db)?;
    let to_read = || SqliteLog::open_read_only(db).map_err(in_db);
    let to_write = |anchors: &Option<PathBuf>| {
        // SQLite would make a trail where there is none.
        to_read()?;
        Trail::open(db, anchors.as_deref()).map_err(in_db)
    };
    match cli.command {
        Command::Verify { anchors } => {
            let anchors = match anchors {
                Some(file) => FileAnchors::read(&file).map_err(|error| about(&file, &error))?,
                None => Vec::new(),
            };
            let verdict = to_read()?.verify(&anchors).await.map_err(in_db)?;
            console::say(&format!("{verdict}\n"))?;
            Ok(verdict.is_whole())
        }
        Command::Query(asked) => {
            let trail = to_write(&asked.asker.anchors)?;
            let filter = asked.filter(trail.log.head().await.map_err(in_db)?.seq);
            let known = match &asked.case {
                Some(case) => is_known(&*trail.log, case).await?,
                None => true,
            };
            print(&*trail.log, *asked, &filter).await?;
            ended(&trail, &filter, known).await
        }
        Command::Export { case, out, asker } => {
            let trail = to_write(&asker.anchors)?;
            let (actor, now) = (asker.actor()?, SystemClock.now());
            let known = is_known(&*trail.log, &case).await?;
            match out {
                None => {
                    let to = io::BufWriter::new(Quiet(io::stdout()));
                    export(&*trail.log, &actor, now, &case, to).await?;
                }
                Some(place) => export_to(&*trail.log, &actor, &case, &place)
                    .await
                    .map_err(|error| about(&place, &*error))?,
            }
            ended(&trail, &Filter::new().with_case(case), known).await
        }
    }
}

/// Whether the case is `known` and everything that `filter` lets pass could be read. Says what is amiss.
async fn ended(trail: &Trail, filter: &Filter, known: bool) -> Result<bool, Box<dyn Error>> {
    if let Some(warning) = trail.warning() {
        warn(format!("audit: {warning}"));
    }
    if !known {
        warn("audit: nothing is on record about this case");
    }
    let damaged = trail.log.unreadable(filter).await?;
    if damaged.is_empty() {
        return Ok(known);
    }
    let numbers: Vec<String> = damaged.iter().map(ToString::to_string).collect();
    let numbers = numbers.join(", ");
    warn(format!("audit: these events cannot be read, verify the trail: {numbers}"));
    Ok(false)
}

/// Whether something is on record about `case`, besides that the record was looked at.
async fn is_known(log: &dyn AuditLog, case: &CaseId) -> Result<bool, Box<dyn Error>> {
    let about = Filter::new().with_case(case.clone());
    let mut after = 0;
    loop {
        let page = log.page(&about, after, PAGE).await?;
        let looked = |event: &Event| {
            matches!(event.kind, EventKind::AuditQueried | EventKind::AuditExported)
        };
        match page.last() {
            None => return Ok(false),
            Some(_) if !page.iter().all(looked) => return Ok(true),
            Some(last) => after = last.seq,
        }
    }
}

/// Writes what there is about `case` to a file.
async fn export_to(
    log: &dyn AuditLog,
    actor: &Actor,
    case: &CaseId,
    place: &Path,
) -> Result<(), Box<dyn Error>> {
    let file = PrivateFile::begin(place)?;
    export(log, actor, SystemClock.now(), case, io::BufWriter::new(file.file())).await?;
    Ok(file.finish()?)
}

/// Prints page after page, up to what was the end when it began.
async fn print(log: &dyn AuditLog, asked: Query, filter: &Filter) -> Result<(), Box<dyn Error>> {
    let actor = asked.asker.actor()?;
    let (mut after, mut left) = (asked.after, asked.limit);
    let mut out = io::BufWriter::new(Quiet(io::stdout().lock()));
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
        Some(text) if !text.is_empty() => printable(&text).into_owned(),
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
