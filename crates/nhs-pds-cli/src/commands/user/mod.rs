//! Users of the screens: adds the first administrator, and helps when no administrator can sign in.
//!
//! The audit trail records each change with the operator of `--as`. The command does not check permissions: a user who
//! can write the database can do everything.

mod args;

use crate::console::{self, Failed, block_on, say, say_json, warn};
use crate::database::Opened;
use crate::device;
use crate::trail::Trail;
pub(crate) use args::Args;
use args::{Add, Command, One, Place};
use nhs_pds::audit::Actor;
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use nhs_pds_admin::accounts::{AccountError, AccountSummary, Accounts, NewAccount};
use serde_json::json;
use std::io::Read;
use std::process::ExitCode;
use tokio::runtime::Builder;

/// More bytes than a password can have.
const LONGEST_LINE: u64 = 4096;

pub(crate) fn main(args: Args) -> ExitCode {
    match block_on(&mut Builder::new_current_thread(), run(args)).and_then(|ran| ran) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<AccountError>() {
            Some(refused) if is_refusal(refused) => {
                warn(format!("user: refused: {refused}"));
                ExitCode::from(1)
            }
            _ => console::end("user", Err(error)),
        },
    }
}

/// Whether the command could run, and the answer is no.
const fn is_refusal(error: &AccountError) -> bool {
    !matches!(error, AccountError::Store(_) | AccountError::Broken | AccountError::UserId)
}

async fn run(args: Args) -> Result<(), Failed> {
    match args.command {
        Command::Add(add) => self::add(add).await,
        Command::List { place, json } => {
            let there = There::existing(&place).await?;
            for user in there.accounts.list().await? {
                if json {
                    say_json(&object(&user).to_string())?;
                } else {
                    say(&line(&user))?;
                }
            }
            Ok(())
        }
        Command::Disable(One { name, place }) => {
            let there = There::existing(&place).await?;
            there.accounts.disable(&name, &actor(&place, None)?).await?;
            there.done("disabled, and all sessions ended")
        }
        Command::Enable(One { name, place }) => {
            let there = There::existing(&place).await?;
            there.accounts.enable(&name, &actor(&place, None)?).await?;
            there.done("enabled")
        }
        Command::EndSessions { name, place, .. } => {
            let there = There::existing(&place).await?;
            there.accounts.sign_out_everywhere(name.as_deref(), &actor(&place, None)?).await?;
            there.done("sessions ended")
        }
        Command::Reset { one: One { name, place }, authorised_by } => {
            let actor = actor(&place, Some(&authorised_by))?;
            let there = There::existing(&place).await?;
            let code = there.accounts.reset(&name, &actor).await?;
            there.done(&format!("start-code {}", code.expose()))
        }
    }
}

async fn add(add: Add) -> Result<(), Failed> {
    let place = &add.one.place;
    let actor = actor(place, None)?;
    let password = password(std::io::stdin().lock())?;
    let mut new = NewAccount::new(add.one.name, add.role, place.ods_code.clone());
    if let Some(name) = add.full_name {
        new.name = name;
    }
    new.workers = add.worker;
    let opened = place.database.database()?.open(place.anchors.as_deref()).await?;
    let there = There::of(opened, place);
    let address = there.accounts.add(&new, &password, &actor).await?;
    there.done(&format!("totp {}", address.expose()))
}

/// One line, without its end. White space in it counts.
fn password(from: impl Read) -> Result<Secret<String>, Failed> {
    let mut line = String::new();
    from.take(LONGEST_LINE).read_to_string(&mut line).map_err(|_| "the password is not UTF-8")?;
    let line = Secret::new(line);
    let line = line.expose();
    let end = line
        .strip_suffix('\n')
        .map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if end.is_empty() || end.contains(['\n', '\r']) {
        return Err("give the password on standard input, as one line".into());
    }
    Ok(Secret::new(end.to_owned()))
}

/// The accounts of an open database.
struct There {
    accounts: Accounts,
    trail: Trail,
}

impl There {
    async fn existing(place: &Place) -> Result<Self, Failed> {
        let database = place.database.database()?;
        Ok(Self::of(database.open_existing(place.anchors.as_deref(), None).await?, place))
    }

    fn of(opened: Opened, place: &Place) -> Self {
        let accounts = Accounts::new(opened.store, place.ods_code.clone());
        Self { accounts, trail: opened.trail }
    }

    /// Prints what was done, and whether the audit trail lacks an anchor.
    fn done(&self, what: &str) -> Result<(), Failed> {
        if let Some(warning) = self.trail.warning() {
            warn(format!("user: {warning}"));
        }
        Ok(say(&format!("{what}\n"))?)
    }
}

/// The operator, for the audit trail.
fn actor(place: &Place, authorised_by: Option<&str>) -> Result<Actor, Failed> {
    let login = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = place.user.clone().or(login).filter(|user| !user.is_empty());
    let user = user.unwrap_or_else(|| "operator".to_owned());
    let caller = |argument: &str, id: &str| {
        LocalIdentity::new(place.ods_code.clone(), id)
            .map(|identity| Caller::User(User::Local(identity)))
            .map_err(|error| format!("{argument}: {error}"))
    };
    let own = caller("--as", &user)?;
    if authorised_by == Some(user.as_str()) {
        return Err("--authorised-by: another person than the operator must authorise it".into());
    }
    let actor = Actor::new(&own, user)
        .with_role("operator", place.ods_code.clone())
        .on_device(device::name());
    Ok(match authorised_by {
        Some(id) => actor.authorised_by(caller("--authorised-by", id)?.to_string()),
        None => actor,
    })
}

fn object(user: &AccountSummary) -> serde_json::Value {
    json!({
        "user": user.id,
        "name": user.name,
        "role": user.role.as_str(),
        "organisation": user.organisation.as_str(),
        "state": user.state.as_str(),
        "until": user.until.map(|until| until.to_rfc3339()),
        "sessions": user.sessions,
    })
}

fn line(user: &AccountSummary) -> String {
    let AccountSummary { id, name, role, organisation, state, sessions, .. } = user;
    let until = user.until.map(|until| format!(" until {}", until.format("%Y-%m-%d %H:%M UTC")));
    let until = until.unwrap_or_default();
    format!("{id}\t{name}\t{role}\t{organisation}\t{state}{until}\t{sessions} open sessions\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_and_not_trimmed() {
        let read = |text: &str| password(text.as_bytes()).map(|read| read.expose().clone());
        for line in [" two words ", " two words \n", " two words \r\n"] {
            assert_eq!(read(line).unwrap(), " two words ");
        }
        for wrong in ["", "\n", "one\ntwo\n", "one\n\n"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        assert!(password(&b"\xff\xfe"[..]).is_err());
    }

    #[test]
    fn faults_of_the_store_are_no_refusals() {
        assert!(is_refusal(&AccountError::Exists) && is_refusal(&AccountError::LastAdministrator));
        assert!(!is_refusal(&AccountError::Broken) && !is_refusal(&AccountError::UserId));
    }
}
