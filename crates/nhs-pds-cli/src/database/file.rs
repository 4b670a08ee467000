//! A database in an SQLite file.

use super::{Inbox, Opened};
use crate::console::{self, Failed, about, because, check_database};
use crate::trail::Trail;
use nhs_pds::audit::{self, AuditLog, SqliteLog};
use nhs_pds::case::{CaseStore, SqliteStore};
use nhs_pds::process::alert::SqliteAlerts;
use nhs_pds::process::store::transfer::Place;
use nhs_pds::process::store::{Joined, Sqlite, Store};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// Opens the file, and creates it if it does not exist.
pub(super) fn open(db: &Path, anchors: Option<&Path>) -> Result<Opened, Failed> {
    check_database(db)?;
    let in_db = |error: &(dyn Error + 'static)| format!("{}: {}", db.display(), because(error));
    let log = SqliteLog::open(db).map_err(|error| in_db(&error))?;
    let trail = Trail::new(Arc::new(log), anchors);
    // Where the trail has anchors outside the file, each append to it has its own.
    if anchors.is_none() {
        let store = Sqlite::open(db).map_err(|error| in_db(&error))?;
        let inbox = Inbox::File(store.inbox().clone());
        let store: Arc<dyn Store> = Arc::new(store);
        let probe = Arc::new(Arc::clone(&store));
        return Ok(Opened { store, trail, inbox, probe });
    }
    let cases = SqliteStore::open(db).map_err(|error| in_db(&error))?;
    let alerts = SqliteAlerts::open(db).map_err(|error| in_db(&error))?;
    let (cases, log) = (Arc::new(cases), Arc::clone(&trail.log));
    let store: Arc<dyn Store> = Arc::new(Joined::new(cases, log, Arc::new(alerts.clone())));
    let probe = Arc::new(Arc::clone(&store));
    Ok(Opened { store, trail, inbox: Inbox::File(alerts), probe })
}

/// Opens a file that exists and has an audit trail.
pub(super) fn open_existing(db: &Path, anchors: Option<&Path>) -> Result<Opened, Failed> {
    check_trail(db)?;
    open(db, anchors)
}

/// Whether the file exists and has an audit trail.
fn check_trail(db: &Path) -> Result<(), Failed> {
    // SQLite would create a missing store, and the queue would be empty.
    console::open(db)?;
    check_database(db)?;
    // The same would happen in a file of another program.
    match SqliteLog::open_read_only(db) {
        Err(error) if error.kind() == audit::ErrorKind::NoTrail => Err(about(db, &error)),
        _ => Ok(()),
    }
}

/// Everything in the file, which is created if it does not exist.
pub(super) fn place(db: &Path) -> Result<Place, Failed> {
    check_database(db)?;
    Ok(Sqlite::open(db).map_err(|error| about(db, &error))?.into())
}

/// Everything in a file that exists and has an audit trail.
pub(super) fn existing_place(db: &Path) -> Result<Place, Failed> {
    check_trail(db)?;
    place(db)
}

pub(super) fn trail_to_read(db: &Path) -> Result<Arc<dyn AuditLog>, Failed> {
    console::open(db)?;
    check_database(db)?;
    Ok(Arc::new(SqliteLog::open_read_only(db).map_err(|error| about(db, &error))?))
}

pub(super) fn trail_to_write(db: &Path, anchors: Option<&Path>) -> Result<Trail, Failed> {
    // SQLite would create a missing trail.
    trail_to_read(db)?;
    let log = SqliteLog::open(db).map_err(|error| about(db, &error))?;
    Ok(Trail::new(Arc::new(log), anchors))
}

pub(super) fn cases(db: &Path) -> Result<Arc<dyn CaseStore>, Failed> {
    // SQLite would create a missing store, and the report would be about an empty one.
    if console::open(db)?.metadata()?.len() == 0 {
        return Err(format!("{}: the file is empty: it has no store of cases", db.display()).into());
    }
    check_database(db)?;
    Ok(Arc::new(SqliteStore::open(db).map_err(|error| about(db, &error))?))
}
