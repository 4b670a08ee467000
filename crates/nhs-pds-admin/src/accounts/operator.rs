//! What operators do with accounts, by a command.

use crate::accounts::account::{Account, Barred};
use crate::accounts::error::AccountError;
use crate::accounts::manage::Administrator;
use crate::accounts::{Accounts, user_id};
use crate::rights::Role;
use chrono::{DateTime, Utc};
use nhs_pds::audit::Actor;
use nhs_pds::demographics::OdsCode;
use std::fmt;

/// Whether a user can sign in.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AccountState {
    /// The user can sign in.
    Active,
    /// The user has a start code, and no password yet.
    NotSetUp,
    /// An administrator or an operator has disabled the account.
    Disabled,
    /// The access for maintenance has ended.
    Ended,
}

impl AccountState {
    /// A stable word: `active`, `not_set_up`, `disabled` or `ended`.
    ///
    /// ```
    /// assert_eq!(nhs_pds_admin::accounts::AccountState::NotSetUp.as_str(), "not_set_up");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NotSetUp => "not_set_up",
            Self::Disabled => "disabled",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user in the list of [`Accounts::list`]. `Debug` shows only the role and the state.
#[non_exhaustive]
#[derive(Clone)]
pub struct AccountSummary {
    /// The user id.
    pub id: String,
    /// The name that people know.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The organisation of the role.
    pub organisation: OdsCode,
    /// Whether the user can sign in.
    pub state: AccountState,
    /// When the access for maintenance ends; `None` for a lasting account.
    pub until: Option<DateTime<Utc>>,
    /// How many sessions are open.
    pub sessions: usize,
}

impl fmt::Debug for AccountSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountSummary({}, {})", self.role, self.state)
    }
}

impl Accounts {
    /// Whether the user of an account can sign in now.
    pub(crate) fn state(&self, account: &Account) -> AccountState {
        match account.barred(self.keeper.clock.now()) {
            Some(Barred::Disabled) => AccountState::Disabled,
            Some(Barred::Expired) => AccountState::Ended,
            None if account.password.is_none() => AccountState::NotSetUp,
            None => AccountState::Active,
        }
    }

    /// All users, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// [`AccountError::Store`] and [`AccountError::Broken`].
    pub async fn list(&self) -> Result<Vec<AccountSummary>, AccountError> {
        let all = self.all().await?;
        let summary = |account: &Account| AccountSummary {
            id: account.id.clone(),
            name: account.name.clone(),
            role: account.role,
            organisation: account.organisation.clone(),
            state: self.state(account),
            until: account.temporary.as_ref().map(|temporary| temporary.until),
            sessions: self.open_sessions(account).count(),
        };
        Ok(all.iter().map(summary).collect())
    }

    /// Disables an account. Its sessions end at once, and a start code no longer works.
    ///
    /// # Errors
    ///
    /// [`AccountError`]: no such user, the last administrator, or a store that cannot be used.
    pub async fn disable(&self, id: &str, by: &Actor) -> Result<(), AccountError> {
        self.set_disabled(&user_id(id)?, true, &operator(by)).await
    }

    /// Enables an account again.
    ///
    /// # Errors
    ///
    /// [`AccountError`]: no such user, or a store that cannot be used.
    pub async fn enable(&self, id: &str, by: &Actor) -> Result<(), AccountError> {
        self.set_disabled(&user_id(id)?, false, &operator(by)).await
    }

    /// Ends all sessions of the user with this user id; without one, of all users.
    ///
    /// # Errors
    ///
    /// [`AccountError`]: no such user, or a store that cannot be used.
    pub async fn sign_out_everywhere(
        &self,
        id: Option<&str>,
        by: &Actor,
    ) -> Result<(), AccountError> {
        match id {
            Some(id) => self.end_sessions(&user_id(id)?, None, &operator(by)).await,
            None => self.end_all_sessions(&operator(by)).await,
        }
    }
}

/// An operator has no account: the empty user id is no user's.
fn operator(by: &Actor) -> Administrator {
    Administrator { id: String::new(), actor: by.clone() }
}
