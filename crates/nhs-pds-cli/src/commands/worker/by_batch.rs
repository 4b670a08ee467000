//! What a worker traces by file.

use crate::commands::batch::folder_of;
use crate::console::Failed;
use crate::database::Database;
use crate::mesh::Mesh;
use clap::Args;
use nhs_pds::mesh::Mailbox;
use nhs_pds::process::batch::{BatchPolicy, Batches};
use nhs_pds::process::{Process, Worker};
use std::path::PathBuf;
use std::sync::Arc;

/// Which cases are traced by file, and through which mailbox.
#[derive(Args)]
pub(super) struct ByBatch {
    /// Send these cases by file through the mailbox of --mesh, with commas between them: `first-load`, `reverification`,
    /// `over=COUNT` (everything, if more than COUNT cases are due), and `at-least=COUNT` (only if at least COUNT of them
    /// are due; default 1000). The worker traces the others singly. For an SQLite file only, and not with --once: for a tenant of
    /// PostgreSQL, run `nhs-pds batch send` and `nhs-pds batch collect` on a schedule.
    #[arg(long, value_name = "WHICH", value_parser = policy, requires = "mesh", conflicts_with = "once")]
    batch: Option<BatchPolicy>,
    /// The folder for the files of batches. [default: the path of the SQLite file with `-batches` after it]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    mesh: Mesh,
}

impl ByBatch {
    /// Whether the options ask for batches.
    pub(super) const fn is_set(&self) -> bool {
        self.batch.is_some()
    }

    /// Reads everything that is needed of files and variables; `None` if no case is traced by file.
    pub(super) fn read(&self, database: &Database) -> Result<Option<Mailed>, Failed> {
        let Some(policy) = self.batch else { return Ok(None) };
        let folder = folder_of(self.folder.as_ref(), database)?;
        Ok(Some(Mailed { folder, service: Arc::new(self.mesh.mailbox()?), policy }))
    }
}

/// Which cases are traced by file, and how.
pub(super) struct Mailed {
    folder: PathBuf,
    service: Arc<Mailbox>,
    policy: BatchPolicy,
}

impl Mailed {
    /// The process, which also traces by file.
    pub(super) fn added_to(self, process: Process, worker: &Worker) -> Process {
        process.with_batches(Batches::beside(worker, self.folder), self.service, self.policy)
    }
}

/// Reads which cases are traced by file.
fn policy(text: &str) -> Result<BatchPolicy, String> {
    const WORDS: &str =
        "write first-load, reverification, over=COUNT and at-least=COUNT, with commas between them";
    let (mut first_load, mut reverification, mut over, mut at_least) = (false, false, None, None);
    for word in text.split(',').map(str::trim) {
        match word.split_once('=') {
            None if word == "first-load" => first_load = true,
            None if word == "reverification" => reverification = true,
            Some(("over", count)) => over = Some(count.parse().map_err(|_| WORDS)?),
            Some(("at-least", count)) => at_least = Some(count.parse().map_err(|_| WORDS)?),
            _ => return Err(WORDS.to_owned()),
        }
    }
    let mut policy = match (first_load, reverification, over) {
        (true, false, _) => BatchPolicy::first_load(),
        (true, true, _) => BatchPolicy::first_load().with_reverification(),
        (false, true, _) => BatchPolicy::reverification(),
        (false, false, Some(count)) => BatchPolicy::more_than(count),
        (false, false, None) => return Err(WORDS.to_owned()),
    };
    if let Some(count) = over {
        policy = policy.with_more_than(count);
    }
    Ok(match at_least {
        Some(count) => policy.with_at_least(count),
        None => policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_from_words() {
        let first = BatchPolicy::first_load();
        for (text, expected) in [
            ("first-load", first),
            ("reverification", BatchPolicy::reverification()),
            ("first-load, reverification", first.with_reverification()),
            ("over=5000", BatchPolicy::more_than(5_000)),
            ("over=50,first-load,at-least=2", first.with_more_than(50).with_at_least(2)),
        ] {
            assert_eq!(policy(text), Ok(expected), "{text}");
        }
        for text in ["", "first", "at-least=5", "over", "over=", "over=x", "first-load,", "over=-1"]
        {
            assert!(policy(text).is_err(), "{text}");
        }
    }
}
