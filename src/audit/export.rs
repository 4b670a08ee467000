use crate::audit::actor::Actor;
use crate::audit::entry::{Entry, Subject};
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::{About, Event};
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::case::CaseId;
use crate::text::terminal::printable_json;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::io::{self, Write};

/// How many events are in memory at once.
const PAGE: usize = 200;

/// Writes everything about the person of the case `case` to `to`, for a subject access request
/// (MSCA-ORG-04). Writes one event per line, in order, as JSON, and returns the number of events.
///
/// First it appends an `audit_exported` event that records who asked for the export; that event is
/// the last that is written. Each line has `seq`, `at` (RFC 3339, UTC), `kind` and `actor`
/// (`user_id`, `name`, and if known `role`, `organisation`, `authority` and `device`). If present,
/// a line also has `message_id`, `details` (a list of pairs) and `subject` (`case`, `numbers`,
/// `personal`, `snapshot`: the case as it was then). Characters that a terminal executes or does
/// not show are written as `\uXXXX`.
///
/// The export does not contain searches by number alone, because the trail cannot know which
/// patient they were about. Query by number for them. It does not contain events that cannot be
/// read: [`AuditLog::unreadable`] lists them. The function writes to `to` where the future is
/// polled, so `to` should be fast.
///
/// # Errors
///
/// [`ErrorKind::Write`] when writing to `to` fails; otherwise the errors of [`AuditLog::append`],
/// in which case nothing was written, and of [`AuditLog::page`].
pub async fn export(
    log: &dyn AuditLog,
    asked_by: &Actor,
    now: DateTime<Utc>,
    case: &CaseId,
    mut to: impl Write + Send,
) -> Result<u64, Error> {
    let asked = Entry::new(EventKind::AuditExported, now, asked_by);
    let last = log.append(vec![asked.about(Subject::new(case.clone()))]).await?;
    let filter = Filter::new().with_case(case.clone()).with_sequence(1..=last);
    let (mut written, mut after) = (0, 0);
    loop {
        let page = log.page(&filter, after, PAGE).await?;
        let Some(end) = page.last() else { break };
        after = end.seq;
        for event in &page {
            write_line(&mut to, event)
                .map_err(|error| Error::new(ErrorKind::Write).with_source(error))?;
            written += 1;
        }
    }
    to.flush().map_err(|error| Error::new(ErrorKind::Write).with_source(error))?;
    Ok(written)
}

fn write_line(to: &mut impl Write, event: &Event) -> io::Result<()> {
    let actor = &event.actor;
    let mut line = json!({
        "seq": event.seq,
        "at": event.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "kind": event.kind.as_str(),
        "actor": some([
            ("user_id", Some(actor.user_id().into())),
            ("name", Some(actor.name().into())),
            ("role", actor.role().map(Value::from)),
            ("organisation", actor.organisation().map(|code| code.as_str().into())),
            ("authority", actor.authority().map(Value::from)),
            ("device", actor.device().map(Value::from)),
        ]),
    });
    let subject = match &event.about {
        // The error of a JSON library may quote the value.
        About::Subject(subject) => {
            Some(serde_json::to_value(subject).map_err(|_| io::ErrorKind::InvalidData)?)
        }
        About::NoPatient | About::Forgotten | About::Withheld => None,
    };
    let details = (!event.details.is_empty()).then(|| json!(event.details));
    let rest = [
        ("message_id", event.message_id.as_deref().map(Value::from)),
        ("details", details),
        ("subject", subject),
    ];
    if let (Value::Object(line), Value::Object(mut rest)) = (&mut line, some(rest)) {
        line.append(&mut rest);
    }
    writeln!(to, "{}", printable_json(&line.to_string()))
}

/// An object of the values that are present.
fn some<const N: usize>(values: [(&str, Option<Value>); N]) -> Value {
    let values = values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(values.collect())
}
