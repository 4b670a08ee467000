//! What a worker traces by file. These are options of the worker, and settings of a tenant.

use super::settings::Settings;
use crate::as_text;
use crate::console::Failed;
use crate::mesh::Mesh;
use clap::Args;
use nhs_pds::process::batch::BatchPolicy;
use nhs_pds::process::tenants::Tenant;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which cases are traced by file, in which folder, and through which mailbox.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct ByBatch {
    /// Send these cases by file through the mailbox of --mesh, with commas between them: `first-load`, `reverification`,
    /// `over=COUNT` (everything, if more than COUNT cases are due), and `at-least=COUNT` (only if at least COUNT of them
    /// are due; default 1000). The worker traces the others singly. With --once, it traces all of them singly.
    #[arg(long, value_name = "WHICH")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    batch: Option<Which>,
    /// The folder for the files of batches, which no other tenant has. [default: the path of the SQLite file with
    /// `-batches` after it; for PostgreSQL, --batch needs it]
    #[arg(long, value_name = "FOLDER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<PathBuf>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) mesh: Mesh,
}

/// The cases of `--batch`.
#[derive(Clone)]
struct Which {
    text: String,
    policy: BatchPolicy,
}

impl ByBatch {
    /// Which cases are traced by file; `None` if none are.
    pub(crate) fn policy(&self) -> Option<BatchPolicy> {
        self.batch.as_ref().map(|which| which.policy)
    }

    /// Refuses what a worker on a file cannot use.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        let is_incomplete = self.mesh.is_incomplete();
        if self.batch.is_some() && !self.mesh.is_set() || is_incomplete {
            let why = if is_incomplete { "a mailbox needs all of" } else { "--batch needs" };
            return Err(format!(
                "{why} --mesh, --mailbox, --recipient, --mesh-password and --mesh-shared-key"
            )
            .into());
        }
        Ok(())
    }

    /// Refuses what a tenant cannot have, whether or not its files can be read here.
    pub(crate) fn check_of_tenant(&self) -> Result<(), Failed> {
        self.check()?;
        if self.batch.is_some() && self.folder.is_none() {
            return Err("--batch: give --folder with a folder for the files of this tenant".into());
        }
        if let Some((address, _)) = self.mesh.place()
            && (!address.username().is_empty() || address.password().is_some())
        {
            return Err("the address of MESH must not contain a user or a password".into());
        }
        Ok(())
    }

    /// The paths of the options, each with the name of its option.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.mesh.files().chain(self.folder.as_deref().map(|folder| ("folder", folder)))
    }

    /// What both have, though each tenant needs its own.
    fn shared_with(&self, other: &Self) -> Option<&'static str> {
        let mailbox = self.mesh.place().filter(|place| other.mesh.place().as_ref() == Some(place));
        let (own, others) = (self.folder.as_deref(), other.folder.as_deref());
        let folder = own.zip(others);
        let folder = folder.filter(|(one, other)| one.starts_with(other) || other.starts_with(one));
        mailbox.map(|_| "mailbox").or(folder.map(|_| "folder"))
    }
}

/// Refuses a mailbox or a folder that another tenant has. What arrives in it may be about the other tenant's people.
pub(crate) fn check_is_alone(
    tenant: &Tenant,
    settings: &Settings,
    all: &[Tenant],
) -> Result<(), Failed> {
    for other in all.iter().filter(|other| other.name != tenant.name) {
        let Ok(others) = Settings::of(other) else { continue };
        if let Some(what) = settings.by_batch.shared_with(&others.by_batch) {
            let name = &other.name;
            return Err(format!(
                "--{what}: {name} has this {what}: each tenant needs a mailbox and a folder of its own"
            )
            .into());
        }
    }
    Ok(())
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads which cases are traced by file.
impl FromStr for Which {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WORDS: &str = "write first-load, reverification, over=COUNT and at-least=COUNT, with commas between them";
        let (mut first_load, mut reverification, mut over, mut at_least) =
            (false, false, None, None);
        for word in text.split(',').map(str::trim) {
            match word.split_once('=') {
                None if word == "first-load" => first_load = true,
                None if word == "reverification" => reverification = true,
                Some(("over", count)) => over = Some(count.parse().map_err(|_| WORDS)?),
                Some(("at-least", count)) => at_least = Some(count.parse().map_err(|_| WORDS)?),
                _ => return Err(WORDS),
            }
        }
        let mut policy = match (first_load, reverification, over) {
            (true, false, _) => BatchPolicy::first_load(),
            (true, true, _) => BatchPolicy::first_load().with_reverification(),
            (false, true, _) => BatchPolicy::reverification(),
            (false, false, Some(count)) => BatchPolicy::more_than(count),
            (false, false, None) => return Err(WORDS),
        };
        if let Some(count) = over {
            policy = policy.with_more_than(count);
        }
        if let Some(count) = at_least {
            policy = policy.with_at_least(count);
        }
        Ok(Self { text: text.to_owned(), policy })
    }
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
            let which: Which = text.parse().unwrap();
            assert_eq!((which.policy, which.to_string().as_str()), (expected, text));
        }
        for text in ["", "first", "at-least=5", "over", "over=", "over=x", "first-load,", "over=-1"]
        {
            assert!(text.parse::<Which>().is_err(), "{text}");
        }
    }

    #[test]
    fn tenants_share_neither_a_mailbox_nor_a_folder() {
        let of = |mailbox: &str, folder: &str| -> ByBatch {
            let value = serde_json::json!({
                "mesh": "https://mesh.example", "mailbox": mailbox, "folder": folder,
            });
            serde_json::from_value(value).unwrap()
        };
        let leeds = of("X26ABC1", "/srv/leeds");
        for (mailbox, folder, shared) in [
            ("X26ABC3", "/srv/york", None),
            ("X26ABC3", "/srv/leeds-2", None),
            ("x26abc1", "/srv/york", Some("mailbox")),
            ("X26ABC3", "/srv/leeds/", Some("folder")),
            ("X26ABC3", "/srv/leeds/in", Some("folder")),
            ("X26ABC3", "/srv", Some("folder")),
        ] {
            assert_eq!(leeds.shared_with(&of(mailbox, folder)), shared, "{mailbox} {folder}");
        }
        let singly = ByBatch::default();
        assert_eq!((singly.shared_with(&singly), leeds.shared_with(&singly)), (None, None));
    }
}
