//! The database of a command: an SQLite file, or PostgreSQL. Every command opens it here.

mod address;
mod file;
mod password;
mod postgres;

use crate::console::Failed;
use crate::port::Probe;
use crate::trail::Trail;
pub(crate) use address::Address;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use nhs_pds::audit::AuditLog;
use nhs_pds::case::{CaseId, CaseStore};
use nhs_pds::process::alert::{PostgresAlerts, SqliteAlerts};
use nhs_pds::process::store::Store;
use nhs_pds::process::store::transfer::Place;
use nhs_pds::tenant::TenantName;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The options of a command that needs a database.
#[derive(Args)]
pub(crate) struct Required {
    /// The database with cases, audit trail and alerts: an SQLite file, or `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "DATABASE", value_parser = parser())]
    db: Db,
    /// PostgreSQL: the tenant, the organisation whose cases these are.
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantName>,
}

/// The options of a command that can do without a database.
#[derive(Args)]
pub(crate) struct Optional {
    /// The database with the cases: an SQLite file, or `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "DATABASE", value_parser = parser())]
    db: Option<Db>,
    /// PostgreSQL: the tenant, the organisation whose cases these are.
    #[arg(long, value_name = "NAME", requires = "db")]
    tenant: Option<TenantName>,
}

impl Required {
    /// The database of one organisation.
    pub(crate) fn database(&self) -> Result<Database, Failed> {
        Database::of(self.db.clone(), self.tenant.clone())
    }
}

impl Optional {
    /// The database of one organisation, if there is one.
    pub(crate) fn database(&self) -> Result<Option<Database>, Failed> {
        self.db.clone().map(|db| Database::of(db, self.tenant.clone())).transpose()
    }
}

/// The value of `--db`.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    File(PathBuf),
    Postgres(Address),
}

/// Reads the value of `--db`. Its error does not contain the value, which may have a password in it.
pub(crate) fn parser() -> impl TypedValueParser<Value = Db> {
    OsStringValueParser::new().try_map(|text: OsString| match text.to_str() {
        Some(text) if Address::is_one(text) => Address::read(text).map(Db::Postgres),
        Some(text) if text.contains("://") => {
            Err("write the path of an SQLite file, or postgres://USER@HOST/DATABASE")
        }
        _ => Ok(Db::File(text.into())),
    })
}

/// Reads an address of PostgreSQL. Its error does not contain the value.
pub(crate) fn address_parser() -> impl TypedValueParser<Value = Address> {
    OsStringValueParser::new().try_map(|text: OsString| {
        Address::read(text.to_str().ok_or("the address of PostgreSQL is not UTF-8")?)
    })
}

/// The database of one organisation. `Display` does not show a password.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    File(PathBuf),
    Postgres { address: Address, tenant: TenantName },
}

/// An open database.
pub(crate) struct Opened {
    /// Everything, for a worker or a reviewer. Each commit is atomic, unless the trail has anchors outside.
    pub(crate) store: Arc<dyn Store>,
    /// The audit trail, with its anchors.
    pub(crate) trail: Trail,
    /// The alerts that were delivered.
    pub(crate) inbox: Inbox,
    /// Asks the database whether it answers.
    pub(crate) probe: Arc<dyn Probe>,
}

/// The alerts that were delivered to the database.
#[derive(Clone, Debug)]
pub(crate) enum Inbox {
    File(SqliteAlerts),
    Postgres(PostgresAlerts),
}

impl Inbox {
    /// Deletes the alerts about a case that was erased.
    pub(crate) async fn forget(&self, case: &CaseId) -> Result<(), Failed> {
        match self {
            Self::File(alerts) => Ok(alerts.forget(case).await?),
            Self::Postgres(alerts) => Ok(alerts.forget(case).await?),
        }
    }
}

impl Database {
    pub(crate) fn of(db: Db, tenant: Option<TenantName>) -> Result<Self, Failed> {
        match (db, tenant) {
            (Db::File(path), None) => Ok(Self::File(path)),
            (Db::File(path), Some(_)) => {
                let path = path.display();
                Err(format!("{path}: a file has the cases of one organisation: leave --tenant out")
                    .into())
            }
            (Db::Postgres(address), Some(tenant)) => Ok(Self::Postgres { address, tenant }),
            (Db::Postgres(address), None) => {
                Err(format!("{address}: give --tenant with the name of the organisation").into())
            }
        }
    }

    /// The path, if the database is a file.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres { .. } => None,
        }
    }

    /// The tenant; `None` for a file, which has the cases of one organisation.
    pub(crate) const fn tenant(&self) -> Option<&TenantName> {
        match self {
            Self::File(_) => None,
            Self::Postgres { tenant, .. } => Some(tenant),
        }
    }

    /// Opens the database for writing. Creates a file that does not exist. Where the trail has `anchors`
    /// outside the database, each append to it has its own.
    pub(crate) async fn open(&self, anchors: Option<&Path>) -> Result<Opened, Failed> {
        match self {
            Self::File(path) => file::open(path, anchors),
            Self::Postgres { address, tenant } => {
                postgres::open(address, tenant, anchors, None).await
            }
        }
    }

    /// As [`open`](Self::open), but never creates a file. `owner` is how the owner of PostgreSQL's tables connects,
    /// to rewrite them after an erasure.
    pub(crate) async fn open_existing(
        &self,
        anchors: Option<&Path>,
        owner: Option<&Address>,
    ) -> Result<Opened, Failed> {
        match self {
            Self::File(path) if owner.is_some() => {
                let path = path.display();
                Err(format!("{path}: --owner is for PostgreSQL: leave it out for a file").into())
            }
            Self::File(path) => file::open_existing(path, anchors),
            Self::Postgres { address, tenant } => {
                postgres::open(address, tenant, anchors, owner).await
            }
        }
    }

    /// The trail, to read it only.
    pub(crate) async fn trail_to_read(&self) -> Result<Arc<dyn AuditLog>, Failed> {
        match self {
            Self::File(path) => file::trail_to_read(path),
            Self::Postgres { address, tenant } => postgres::trail(address, tenant).await,
        }
    }

    /// The trail, to read it and to record that. Never creates a file.
    pub(crate) async fn trail_to_write(&self, anchors: Option<&Path>) -> Result<Trail, Failed> {
        match self {
            Self::File(path) => file::trail_to_write(path, anchors),
            Self::Postgres { address, tenant } => {
                Ok(Trail::new(postgres::trail(address, tenant).await?, anchors))
            }
        }
    }

    /// Everything, as the target of a move. Creates a file that does not exist.
    pub(crate) async fn place(&self) -> Result<Place, Failed> {
        match self {
            Self::File(path) => file::place(path),
            Self::Postgres { address, tenant } => postgres::place(address, tenant).await,
        }
    }

    /// Everything, as the source of a move. Never creates a file.
    pub(crate) async fn existing_place(&self) -> Result<Place, Failed> {
        match self {
            Self::File(path) => file::existing_place(path),
            Self::Postgres { .. } => self.place().await,
        }
    }

    /// The cases alone. Never creates a file.
    pub(crate) async fn cases(&self) -> Result<Arc<dyn CaseStore>, Failed> {
        match self {
            Self::File(path) => file::cases(path),
            Self::Postgres { address, tenant } => Ok(postgres::cases(address, tenant).await?),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres { address, tenant } => write!(f, "{address}, tenant {tenant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{FromArgMatches, Parser};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        required: Required,
    }

    fn read(arguments: &[&str]) -> Result<Database, String> {
        let arguments = [&["x"], arguments].concat();
        let command = Command::try_parse_from(arguments).map_err(|error| error.to_string())?;
        command.required.database().map_err(|error| error.to_string())
    }

    #[test]
    fn a_database_is_a_path_or_an_address_with_a_tenant() {
        let file = read(&["--db", "a/b.sqlite"]).unwrap();
        assert_eq!(
            (file.to_string(), file.file()),
            ("a/b.sqlite".into(), Some(Path::new("a/b.sqlite")))
        );
        let leeds = ["--db", "postgres://w:s3cret@db/b", "--tenant", "leeds"];
        let database = read(&leeds).unwrap();
        assert_eq!(
            (database.to_string(), database.file()),
            ("postgres://w@db/b, tenant leeds".into(), None)
        );
        assert!(!format!("{database:?}").contains("s3cret"));
        for (arguments, says) in [
            (&["--db", "a.sqlite", "--tenant", "leeds"][..], "leave --tenant out"),
            (&["--db", "postgres://w:s3cret@db/b"], "give --tenant"),
            (&["--db", "mysql://w:s3cret@db/b"], "write the path"),
            (&["--db", "postgres://w:s3/cret@db/b", "--tenant", "a"], "%2F for /"),
            (&["--tenant", "leeds"], "--db"),
            (&["--db", "postgres://db/b", "--tenant", "Leeds"], "a lower-case letter"),
        ] {
            let error = read(arguments).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    /// `clap` quotes a wrong value, and `main` removes it.
    #[test]
    fn a_wrong_address_is_an_invalid_value() {
        let arguments = ["x", "--db", "postgres://w:s3/cret@db/b"];
        let error = <Command as clap::CommandFactory>::command()
            .try_get_matches_from(arguments)
            .and_then(|matches| Command::from_arg_matches(&matches))
            .err()
            .unwrap();
        assert!(error.get(clap::error::ContextKind::InvalidValue).is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_unicode() {
        use std::os::unix::ffi::OsStringExt;
        let path = OsString::from_vec(vec![b'a', 0xff]);
        let command = Command::try_parse_from([OsString::from("x"), "--db".into(), path.clone()]);
        let database = command.unwrap().required.database().unwrap();
        assert_eq!(database.file(), Some(Path::new(&path)));
    }
}
