//! Prepares a PostgreSQL database, and checks that programs can use it.

use crate::console::{Failed, say};
use crate::database::{Address, OfAll, config, connect_to_all, explained};
use clap::Subcommand;
use nhs_pds::postgres::{self, ErrorKind};
use nhs_pds::process::tenants::{PostgresTenants, TenantState, Tenants};
use nhs_pds::tenant::TenantName;
use std::error::Error;

/// Prepares a PostgreSQL database for nhs-pds, and checks it
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 the database is ready, 2 it is not")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the tables, or brings them up to date, and lets a role use them
    ///
    /// Connect as the role that is to own the tables. Programs connect as the other role, of --role. Run the command
    /// again after each update of nhs-pds.
    Prepare {
        #[command(flatten)]
        database: OfAll,
        /// The role that programs connect as. It exists, is no superuser, and does not own the tables.
        #[arg(long)]
        role: String,
    },
    /// Checks that the database answers, that its tables fit this program, and what the role may see
    ///
    /// Connect as the role that programs connect as.
    Check {
        #[command(flatten)]
        database: OfAll,
    },
}

pub(crate) async fn run(args: Args) -> Result<bool, Failed> {
    match args.command {
        Command::Prepare { database, role } => prepare(database.address()?, &role).await?,
        Command::Check { database } => check(database.address()?).await?,
    }
    Ok(true)
}

async fn prepare(address: &Address, role: &str) -> Result<(), Failed> {
    let prepared = postgres::Database::prepare(&config(address)?, role).await;
    prepared.map_err(|error| format!("{address}: {}", unprepared(&error, role)))?;
    say(&format!(
        "{address}: the tables are ready in the schema nhs_pds, and the role {role} may use them\n"
    ))?;
    Ok(())
}

/// Why a database could not be prepared, and what to do.
fn unprepared(error: &postgres::Error, role: &str) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match error.kind() {
        _ if cause.ends_with("42501") => {
            "this role may not make or change the tables: connect as their owner; for a new \
             database, let the owner make a schema with `GRANT CREATE ON DATABASE ... TO ...`"
                .to_owned()
        }
        ErrorKind::Configuration if cause == "there is no such role" => format!(
            "there is no role {role}: make it as a superuser with `CREATE ROLE {} LOGIN PASSWORD '...'`, and try again",
            quoted(role)
        ),
        ErrorKind::Role => format!(
            "the role {role} could see the rows of all tenants: choose one that is no superuser, has no BYPASSRLS, and \
             is not the owner of the tables or a member of its role"
        ),
        ErrorKind::Schema => {
            "a newer version of nhs-pds has prepared the database: update this program".to_owned()
        }
        _ => explained(error),
    }
}

/// The name of a role as SQL needs it.
fn quoted(role: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if role.starts_with(|c: char| c.is_ascii_lowercase()) && role.chars().all(is_plain) {
        return role.to_owned();
    }
    format!("\"{}\"", role.replace('"', "\"\""))
}

async fn check(address: &Address) -> Result<(), Failed> {
    let database = connect_to_all(address).await?;
    let listing = PostgresTenants::new(database).list().await?;
    let paused = listing.tenants.iter().filter(|tenant| tenant.state == TenantState::Paused);
    let (all, paused) = (listing.tenants.len(), paused.count());
    say(&format!(
        "{address}: it answers, its tables fit this program, and the role sees the rows of one tenant at a time\n\
         {all} tenants, {paused} of them paused\n"
    ))?;
    if listing.unreadable.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = listing.unreadable.iter().map(TenantName::as_str).collect();
    Err(format!("{address}: the rows of these tenants cannot be read: {}", names.join(", ")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_quoted_where_sql_needs_it() {
        for (role, expected) in
            [("nhs_pds_app", "nhs_pds_app"), ("My App", "\"My App\""), ("a\"b", "\"a\"\"b\"")]
        {
            assert_eq!(quoted(role), expected);
        }
    }
}
