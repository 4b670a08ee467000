//! What administrators do with accounts.

use crate::accounts::account::{Account, Factor, Password, Session, Start, Temporary};
use crate::accounts::error::AccountError;
use crate::accounts::keep::Said;
use crate::accounts::{Accounts, START, Text, code, password, random, user_id};
use crate::rights::Role;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, EventKind};
use nhs_pds::demographics::OdsCode;
use nhs_pds::secret::Secret;
use std::fmt;

/// How long an account for maintenance may last at most.
const LONGEST_TEMPORARY: TimeDelta = TimeDelta::hours(8);

/// How long a request for a recovery waits for the second administrator.
const RECOVERY: TimeDelta = TimeDelta::days(1);

/// A user to add. `Debug` shows only the role.
#[non_exhaustive]
#[derive(Clone)]
pub struct NewAccount {
    /// The user id: small letters, digits and `-._@`.
    pub id: String,
    /// The name that people know.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The organisation of the role.
    pub organisation: OdsCode,
    /// The names or ids of the user in allocations of cases (HAV-12).
    pub workers: Vec<String>,
}

impl NewAccount {
    /// Creates a user with this user id, who has the same name.
    #[must_use]
    pub fn new(id: impl Into<String>, role: Role, organisation: OdsCode) -> Self {
        let id = id.into();
        Self { name: id.clone(), id, role, organisation, workers: Vec::new() }
    }
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewAccount({})", self.role)
    }
}

/// An administrator who changes an account of another user: the user id, and the actor of the events.
pub(crate) struct Administrator {
    pub(crate) id: String,
    pub(crate) actor: Actor,
}

impl Accounts {
    /// Adds a user with a password, who can sign in at once. Returns the address for the user's authenticator app, as
    /// `otpauth://totp/…`: it contains the seed of the second factor, and is shown once.
    ///
    /// For the first administrator, by a command: other users get a start code from an administrator, and set a password
    /// that only they know.
    ///
    /// # Errors
    ///
    /// [`AccountError`]: a user id that is not allowed or in use, a password that is not accepted, or a store that cannot
    /// be used.
    pub async fn add(
        &self,
        new: &NewAccount,
        password: &Secret<String>,
        by: &Actor,
    ) -> Result<Secret<String>, AccountError> {
        let mut account = self.account(new)?;
        password::check(password, &[&account.id, &account.name, &self.service])?;
        let seed = random::bytes::<{ code::SEED }>()?;
        let since = self.keeper.clock.now();
        account.password = Some(Password { hash: self.hash(password).await?, since });
        account.factor = Some(Factor::new(&seed, 0));
        self.keeper.add(&account, by, &said_new(&account, "added")).await?;
        Ok(Secret::new(code::address(&seed, &account.id, &self.service)))
    }

    /// Adds a user with a start code, which the administrator passes on.
    pub(crate) async fn invite(
        &self,
        new: &NewAccount,
        temporary: Option<(DateTime<Utc>, &str)>,
        by: &Administrator,
    ) -> Result<Text, AccountError> {
        self.must_be_lasting(by).await?;
        let mut account = self.account(new)?;
        let now = self.keeper.clock.now();
        let mut said = said_new(&account, "invited");
        if let Some((until, reason)) = temporary {
            if until <= now || until - now > LONGEST_TEMPORARY {
                return Err(AccountError::TooLong);
            }
            if reason.trim().is_empty() {
                return Err(AccountError::NoReason);
            }
            said = said.with("until", until.to_rfc3339()).with("reason", reason.trim());
            account.temporary = Some(Temporary { until, reason: reason.trim().to_owned() });
        }
        let (start, shown) = self.start_code()?;
        account.start = Some(start);
        self.keeper.add(&account, &by.actor, &said).await?;
        Ok(shown)
    }

    fn account(&self, new: &NewAccount) -> Result<Account, AccountError> {
        let id = user_id(&new.id)?;
        let mut account = Account::new(&id, new.name.trim(), new.role, new.organisation.clone());
        account.workers.clone_from(&new.workers);
        Ok(account)
    }

    fn start_code(&self) -> Result<(Start, Text), AccountError> {
        let shown = random::start_code()?;
        let bare: String = shown.expose().chars().filter(char::is_ascii_alphanumeric).collect();
        let seed = random::bytes::<{ code::SEED }>()?;
        let until = self.keeper.clock.now() + START;
        Ok((Start::new(&Secret::new(bare), until, &seed), shown))
    }

    /// All accounts, in the order in which they were added.
    pub(crate) async fn all(&self) -> Result<Vec<Account>, AccountError> {
        let mut accounts = Vec::new();
        for id in self.keeper.ids().await? {
            accounts.extend(self.keeper.read(&id).await?.map(|(account, _)| account));
        }
        Ok(accounts)
    }

    /// The user id of the administrator who has asked for a recovery that waits for another one.
    pub(crate) fn recovery_by<'a>(&self, account: &'a Account) -> Option<&'a str> {
        let now = self.keeper.clock.now();
        let open = account.recovery.as_ref().filter(|(_, at)| now - *at < RECOVERY);
        open.map(|(by, _)| by.as_str())
    }

    /// The sessions of an account that have not ended.
    pub(crate) fn open_sessions<'a>(
        &self,
        account: &'a Account,
    ) -> impl Iterator<Item = &'a Session> {
        let (ends, now) = (self.ends, self.keeper.clock.now());
        account.sessions.iter().filter(move |session| !ends.has_ended(session, now))
    }

    /// One account.
    pub(crate) async fn account_with(&self, id: &str) -> Result<Option<Account>, AccountError> {
        Ok(self.keeper.read(id).await?.map(|(account, _)| account))
    }

    /// Changes name, role, organisation and allocations of another user.
    pub(crate) async fn change_account(
        &self,
        new: &NewAccount,
        by: &Administrator,
    ) -> Result<(), AccountError> {
        self.must_be_lasting(by).await?;
        self.keep_an_administrator(&new.id, new.role == Role::Administrator).await?;
        self.keeper
            .change(&new.id, |account| {
                if account.id == by.id && account.role != new.role {
                    return Err(AccountError::OwnAccount);
                }
                account.name.clone_from(&new.name);
                account.role = new.role;
                account.organisation = new.organisation.clone();
                account.workers.clone_from(&new.workers);
                Ok(((), by.actor.clone(), said_new(account, "changed")))
            })
            .await
    }

    /// Disables or enables an account. The sessions of a disabled one end at once.
    pub(crate) async fn set_disabled(
        &self,
        id: &str,
        is_disabled: bool,
        by: &Administrator,
    ) -> Result<(), AccountError> {
        self.must_be_lasting(by).await?;
        self.keep_an_administrator(id, !is_disabled).await?;
        self.keeper
            .change(id, |account| {
                if account.id == by.id {
                    return Err(AccountError::OwnAccount);
                }
                account.is_disabled = is_disabled;
                if is_disabled {
                    account.sessions.clear();
                    account.start = None;
                }
                let what = if is_disabled { "disabled" } else { "enabled" };
                Ok(((), by.actor.clone(), Said::new(EventKind::AccountChanged, what)))
            })
            .await
    }

    /// Ends a session of a user, or all.
    pub(crate) async fn end_sessions(
        &self,
        id: &str,
        which: Option<&str>,
        by: &Administrator,
    ) -> Result<(), AccountError> {
        self.keeper
            .change(id, |account| {
                account.sessions.retain(|each| which.is_some_and(|which| each.id != which));
                Ok(((), by.actor.clone(), Said::new(EventKind::AccountChanged, "sessions_ended")))
            })
            .await
    }

    /// Ends all sessions of all users.
    pub(crate) async fn end_all_sessions(&self, by: &Administrator) -> Result<(), AccountError> {
        for id in self.keeper.ids().await? {
            match self.end_sessions(&id, None, by).await {
                Err(AccountError::Unknown) => {}
                ended => ended?,
            }
        }
        Ok(())
    }

    /// Asks for the recovery of an account whose user has lost the password or the second factor.
    pub(crate) async fn ask_recovery(
        &self,
        id: &str,
        by: &Administrator,
    ) -> Result<(), AccountError> {
        self.must_be_lasting(by).await?;
        self.keeper
            .change(id, |account| {
                if account.id == by.id {
                    return Err(AccountError::OwnAccount);
                }
                account.recovery = Some((by.id.clone(), self.keeper.clock.now()));
                Ok((
                    (),
                    by.actor.clone(),
                    Said::new(EventKind::AccountChanged, "recovery_requested"),
                ))
            })
            .await
    }

    /// Approves a recovery that another administrator has asked for. Password, factor and sessions are gone; returns the
    /// start code.
    pub(crate) async fn approve_recovery(
        &self,
        id: &str,
        by: &Administrator,
    ) -> Result<Text, AccountError> {
        self.must_be_lasting(by).await?;
        let (start, shown) = self.start_code()?;
        self.keeper
            .change(id, |account| {
                let now = self.keeper.clock.now();
                let open = account.recovery.take().filter(|(_, at)| now - *at < RECOVERY);
                let (asked_by, _) = open.ok_or(AccountError::NoRequest)?;
                if account.id == by.id {
                    return Err(AccountError::OwnAccount);
                }
                if asked_by == by.id {
                    return Err(AccountError::SamePerson);
                }
                recover(account, start.clone());
                let said = Said::new(EventKind::AccountChanged, "recovered")
                    .with("requested_by", asked_by);
                Ok((shown.clone(), by.actor.clone(), said))
            })
            .await
    }

    /// Gives a user who has lost the password or the second factor a start code, and ends all sessions. For a command of
    /// an operator: administrators need a second administrator.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn reset(&self, id: &str, by: &Actor) -> Result<Secret<String>, AccountError> {
        let (start, shown) = self.start_code()?;
        self.keeper
            .change(&user_id(id)?, |account| {
                recover(account, start.clone());
                Ok((shown.clone(), by.clone(), Said::new(EventKind::AccountChanged, "reset")))
            })
            .await
    }

    /// Rejects an administrator who has access for maintenance: a supplier could otherwise make it last. An operator has no
    /// account.
    async fn must_be_lasting(&self, by: &Administrator) -> Result<(), AccountError> {
        match self.account_with(&by.id).await? {
            Some(account) if account.temporary.is_some() => Err(AccountError::Maintenance),
            _ => Ok(()),
        }
    }

    /// Whether an administrator who can sign in is left, if this account is one (`stays`) or not any more.
    async fn keep_an_administrator(&self, id: &str, stays: bool) -> Result<(), AccountError> {
        let now = self.keeper.clock.now();
        let can = |account: &Account| {
            account.role == Role::Administrator
                && account.barred(now).is_none()
                && account.temporary.is_none()
        };
        let all = self.all().await?;
        let is_one = all.iter().any(|account| account.id == id && can(account));
        if stays || !is_one || all.iter().any(|account| account.id != id && can(account)) {
            return Ok(());
        }
        Err(AccountError::LastAdministrator)
    }
}

fn recover(account: &mut Account, start: Start) {
    (account.password, account.factor) = (None, None);
    (account.recovery, account.failures) = (None, None);
    account.sessions.clear();
    account.start = Some(start);
}

fn said_new(account: &Account, what: &'static str) -> Said {
    let said = Said::new(EventKind::AccountChanged, what).with("role", account.role.as_str());
    said.with("organisation", account.organisation.as_str())
}
