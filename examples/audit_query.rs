//! Writes to an audit trail, queries it, exports one case, and notices a change to the file.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::audit::{
    Actor, AuditLog, Entry, EventKind, Filter, SqliteLog, Subject, export, query,
};
use nhs_pds::case::CaseId;
use nhs_pds::clock::{Clock as _, SystemClock};
use nhs_pds::trace::{Caller, LocalIdentity, User};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("audit.sqlite");
    let log = SqliteLog::open(&file)?;
    let case: CaseId = "RHM:00001".parse()?;

    // Your screens record that a user looked at a case, before they show it.
    let jo = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
    let jo = Actor::new(&Caller::User(jo), "Jo Doe").with_role("social worker", "RHM".parse()?);
    let viewed = Entry::new(EventKind::CaseViewed, SystemClock.now(), &jo);
    let viewed = viewed.about(Subject::new(case.clone())).with_detail("screen", "overview");
    log.append(vec![viewed]).await?;

    // A query is audited too, so the auditor needs an identity.
    let ann = User::Local(LocalIdentity::new("RHM".parse()?, "a.auditor")?);
    let ann = Actor::new(&Caller::User(ann), "Ann Auditor");
    let filter = Filter::new().with_case(case.clone());
    for event in query(&log, &ann, SystemClock.now(), &filter, 0, 100).await? {
        println!("event {}: {} by {}", event.seq, event.kind, event.actor.user_id());
    }

    // Everything about one case, as JSON Lines, for a subject access request.
    let mut lines = Vec::new();
    let count = export(&log, &ann, SystemClock.now(), &case, &mut lines).await?;
    println!("exported {count} events, {} bytes", lines.len());

    println!("{}", log.verify(&[]).await?.is_whole());
    let connection = rusqlite::Connection::open(&file)?;
    connection.execute("UPDATE audit_event SET user_name = 'Jo Dee' WHERE seq = 1", [])?;
    println!("after a change: {}", log.verify(&[]).await?);
    Ok(())
}
