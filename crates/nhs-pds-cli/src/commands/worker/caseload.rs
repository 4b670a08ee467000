//! Takes a caseload in, and the decisions out.

use super::args::Args;
use crate::console::{self, about, warn};
use crate::private::PrivateFile;
use crate::progress;
use crate::stop::Stop;
use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind};
use nhs_pds::case::CaseStore;
use nhs_pds::case::caseload::{self, DecisionWriter, Entry as Row};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::process::import_from;
use nhs_pds::process::store::Store;
use std::error::Error;
use std::io::BufWriter;
use std::path::Path;

/// Imports a caseload; whether no row was refused. Ends early when the worker is asked to stop.
pub(super) async fn take_in(
    path: &Path,
    store: &dyn Store,
    actor: &Actor,
    stop: &Stop,
) -> Result<bool, Box<dyn Error>> {
    let name = path.display();
    let file = console::open(path)?;
    let file = console::seekable(file).map_err(|error| about(path, &error))?;
    let reader = caseload::open(file).map_err(|error| about(path, &error))?;
    let bar = progress::waiting(format!("importing {name}"));
    let (mut refused, mut flagged) = (0, 0);
    let cases = reader.cases(|entry| match entry {
        Row::Refused(row) => {
            refused += 1;
            bar.suspend(|| warn(format!("{name}: {row}")));
        }
        Row::Flagged(row) => {
            flagged += 1;
            bar.suspend(|| warn(format!("{name}: {row}")));
        }
        _ => {}
    });
    let cases = cases.map(|case| match case {
        _ if stop.is_asked() => Err("the import was stopped".into()),
        case => case.map_err(Box::<dyn Error + Send + Sync>::from),
    });
    let imported = import_from(store, actor, &SystemClock, cases).await;
    bar.finish_and_clear();
    if imported.is_err() && stop.is_asked() {
        warn(format!("worker: stopped during the import of {name}: import it again"));
        return Ok(true);
    }
    let imported = imported?;
    warn(format!(
        "worker: imported {} new, {} updated, {} unchanged; {refused} rows refused, {flagged} read without their number; {} duplicates",
        imported.new, imported.updated, imported.unchanged, imported.duplicates
    ));
    if imported.unreadable > 0 {
        warn(format!("worker: {} cases of the file are damaged in the store", imported.unreadable));
    }
    Ok(refused == 0)
}

/// Refuses an export that would replace an input file.
pub(super) fn spare_inputs(cli: &Args, database: Option<&Path>) -> Result<(), Box<dyn Error>> {
    if let Some(export) = &cli.export
        && let Some(input) = [database, cli.import.as_deref()]
            .into_iter()
            .flatten()
            .find(|input| is_same(input, export))
    {
        return Err(format!("--export would replace {}", input.display()).into());
    }
    Ok(())
}

/// Whether both paths lead to the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    real(one) == real(other)
}

/// Exports the decisions. The audit trail records the export first (MSCA-AUD-05).
pub(super) async fn take_out(
    file: &Path,
    store: &dyn CaseStore,
    audit: &dyn AuditLog,
    actor: &Actor,
) -> Result<(), Box<dyn Error>> {
    let exported = Entry::new(EventKind::CasesExported, SystemClock.now(), actor);
    audit.append(vec![exported.with_detail("what", "decisions")]).await?;
    export(file, store).await
}

/// Writes the decisions to a partial file, and moves it to its path when it is complete.
async fn export(place: &Path, store: &dyn CaseStore) -> Result<(), Box<dyn Error>> {
    let file = PrivateFile::begin(place)?;
    let mut rows = DecisionWriter::new(BufWriter::new(file.file()))?;
    let mut after = None;
    loop {
        let page = store.page(after.as_ref(), 500).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for case in &page {
            rows.write(case)?;
        }
    }
    rows.finish()?;
    Ok(file.finish()?)
}
