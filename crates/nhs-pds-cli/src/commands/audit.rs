//! Verifies an audit trail, queries it, and exports one case.
//!
//! `verify` prints whether the trail is whole, or its first bad link. It opens the file read-only and changes
//! nothing. `query` prints one line for each event, with tabs between the fields: number, time, kind, user,
//! name, role, organisation, authority, device, message, case, numbers, details. An unknown field is `-`; the
//! case of a forgotten person is `(forgotten)`. Each page of a query is audited. `export` prints everything in
//! the trail about one case, with the case as it was at each change, for a subject access request (MSCA-ORG-04):
//! one event a line, as JSON. An export is audited too.
//!
//! `query` and `export` write to the trail, so the file must be writable. Damaged events are left out and named.

use crate::console::{self, Quiet, about, because, warn};
use crate::database::Required;
use crate::device;
use crate::private::PrivateFile;
use crate::trail::Trail;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use clap::Subcommand;
use nhs_pds::audit::{
    About, Actor, AuditLog, Event, EventKind, FileAnchors, Filter, Verdict, export, query,
};
use nhs_pds::case::CaseId;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::text::terminal::{printable, printable_json};
use nhs_pds::trace::{Caller, LocalIdentity, User};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The number of events in one page.
const PAGE: usize = 500;

/// Verifies an audit trail, queries it, and exports one case
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 the trail is broken, an event cannot be read, or the trail has nothing about the case, 2 the trail cannot be read, or the arguments are wrong"
)]
pub(crate) struct Args {
    #[command(flatten)]
    database: Required,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verifies the whole trail and names the first bad link
    Verify {
        /// The file of anchors that `worker --anchors` wrote.
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
        /// Print the verdict as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints the events that match every condition
    Query(Box<Query>),
    /// Prints everything about one case, as JSON Lines
    Export {
        /// The case.
        case: CaseId,
        /// A file to write to, instead of standard output. On Unix, only its owner may read it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        auditor: Auditor,
    },
}

/// The auditor.
#[derive(clap::Args)]
struct Auditor {
    /// The auditor's user id; without this option, the user of the operating system, or `auditor`.
    #[arg(long = "as", value_name = "USER")]
    asked_by: Option<String>,
    /// The ODS code of the auditor's organisation.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    ods_code: OdsCode,
    /// A file for the heads of the audit trail, as for `worker --anchors`.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Query {
    /// Only events of this user or system: the whole identifier, such as urn:nhs-uk:identity:ods:RHM:jane.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only events that this person authorised.
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    /// Only events of this message.
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// Only events about the patient with this NHS Number.
    #[arg(long, value_name = "NUMBER")]
    nhs_number: Option<NhsNumber>,
    /// Only events about this case.
    #[arg(long, value_name = "ID")]
    case: Option<CaseId>,
    /// Only events at this time or later: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Only events before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
    /// Only events of this kind, such as `case_viewed`.
    #[arg(long)]
    kind: Option<EventKind>,
    /// Only events with greater sequence numbers.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// The highest number of events. [default: no limit]
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Print each event as a JSON object on one line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    auditor: Auditor,
}

/// Whether the trail is whole, all events can be read, and the case is known.
pub(crate) async fn run(cli: Args) -> Result<bool, Box<dyn Error>> {
    let db = cli.database.database()?;
    let in_db = |error: nhs_pds::audit::Error| format!("{db}: {}", because(&error));
    match cli.command {
        Command::Verify { anchors, json } => {
            let anchors = match anchors {
                Some(file) => FileAnchors::read(&file).map_err(|error| about(&file, &error))?,
                None => Vec::new(),
            };
            let verdict = db.trail_to_read().await?.verify(&anchors).await.map_err(in_db)?;
            if json {
                console::say_json(&format!("{:#}", verdict_object(&verdict)))?;
            } else {
                console::say(&format!("{verdict}\n"))?;
            }
            Ok(verdict.is_whole())
        }
        Command::Query(args) => {
            let trail = db.trail_to_write(args.auditor.anchors.as_deref()).await?;
            let filter = args.filter(trail.log.head().await.map_err(in_db)?.seq);
            let known = match &args.case {
                Some(case) => is_known(&*trail.log, case).await?,
                None => true,
            };
            print(&*trail.log, *args, &filter).await?;
            ended(&trail, &filter, known).await
        }
        Command::Export { case, out, auditor } => {
            let trail = db.trail_to_write(auditor.anchors.as_deref()).await?;
            let (actor, now) = (auditor.actor()?, SystemClock.now());
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

fn verdict_object(verdict: &Verdict) -> Value {
    let (events, head, seq, reason) = match verdict {
        Verdict::Whole { events, head, .. } => (Some(events), Some(head), None, None),
        Verdict::Broken { seq, reason, .. } => (None, None, Some(seq), Some(reason)),
        _ => (None, None, None, None),
    };
    json!({
        "whole": verdict.is_whole(),
        "events": events,
        "head": head.map(ToString::to_string),
        "broken_at": seq,
        "reason": reason.map(ToString::to_string),
    })
}

/// Whether the case is `known` and all events of `filter` can be read. Warns otherwise.
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

/// Whether the trail has events about `case` other than queries and exports.
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

/// Writes everything about `case` to a file.
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

/// Prints page after page, up to the last event at the start of the query.
async fn print(log: &dyn AuditLog, args: Query, filter: &Filter) -> Result<(), Box<dyn Error>> {
    let actor = args.auditor.actor()?;
    let (mut after, mut left) = (args.after, args.limit);
    let mut out = io::BufWriter::new(Quiet(io::stdout().lock()));
    loop {
        let limit = left.min(PAGE);
        let page = query(log, &actor, SystemClock.now(), filter, after, limit).await?;
        for event in &page {
            let line = if args.json { json_line(event)? } else { line(event) };
            writeln!(out, "{line}")?;
        }
        left -= page.len();
        match page.last() {
            Some(last) if page.len() == limit && left > 0 => after = last.seq,
            _ => return Ok(out.flush()?),
        }
    }
}

impl Auditor {
    fn actor(&self) -> Result<Actor, Box<dyn Error>> {
        let identity = |id: &str| LocalIdentity::new(self.ods_code.clone(), id);
        let identity = match &self.asked_by {
            Some(id) => identity(id)?,
            // The operating system allows names that an identity does not.
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
    /// The filter of the query, for the events up to `head`.
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
        // A tab or a line end in a text must not begin a field or a line.
        Some(text) if !text.is_empty() => printable(&text).into_owned(),
        _ => "-".to_owned(),
    });
    fields.join("\t")
}

/// An event as `audit export` writes it, in addition with its case and numbers.
fn json_line(event: &Event) -> Result<String, Box<dyn Error>> {
    let actor = &event.actor;
    let (case, numbers, forgotten) = match &event.about {
        About::Subject(subject) => (subject.case_id(), subject.numbers(), false),
        About::Forgotten => (None, &[][..], true),
        _ => (None, &[][..], false),
    };
    let details: Map<String, Value> =
        event.details.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let json = json!({
        "seq": event.seq,
        "at": event.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "kind": event.kind.as_str(),
        "actor": {
            "user_id": actor.user_id(),
            "name": actor.name(),
            "role": actor.role(),
            "organisation": actor.organisation().map(OdsCode::as_str),
            "authority": actor.authority(),
            "device": actor.device(),
        },
        "message_id": event.message_id,
        "case": case,
        "forgotten": forgotten,
        "nhs_numbers": numbers,
        "details": details,
    });
    Ok(printable_json(&json.to_string()).into_owned())
}

/// Reads RFC 3339, or a date, which means its first moment in UTC.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let date = |text: &str| text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN));
    match (DateTime::parse_from_rfc3339(text), date(text)) {
        (Ok(time), _) => Ok(time.to_utc()),
        (_, Ok(day)) => Ok(day.and_utc()),
        _ => Err("a time is like 2026-11-23T09:30:00Z, and a date like 2026-11-23".to_owned()),
    }
}
