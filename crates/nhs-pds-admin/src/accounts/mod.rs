//! The sign-in of this crate: users with a password and a second factor, and their sessions (HAV-12, MSCA-IG-02).
//!
//! Users and sessions are settings of the store. So they are the same for all servers of a store, apart for each
//! tenant, and each change is on the audit trail. A setting holds hashes of passwords, of start codes and of the secrets
//! of sessions; the seed of a second factor can be read by those who can read the database.

mod account;
mod attempts;
mod code;
mod error;
mod identity;
mod keep;
mod manage;
mod operator;
mod own;
mod password;
mod random;
mod sign_in;
#[cfg(test)]
mod tests;

pub use error::AccountError;
pub use manage::NewAccount;
pub use operator::{AccountState, AccountSummary};
pub use password::WeakPassword;

pub(crate) use account::{Account, Temporary};
pub(crate) use attempts::{Attempts, Source};
pub(crate) use manage::Administrator;
pub(crate) use own::SetUp;
pub(crate) use sign_in::{Credentials, SignIn};

use crate::accounts::account::Ends;
use crate::accounts::keep::Keeper;
use crate::identity::Person;
use chrono::TimeDelta;
use nhs_pds::audit::Actor;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::process::store::Store;
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A password, a code or a token.
pub(crate) type Text = Secret<String>;

/// Hides a text.
pub(crate) fn text(text: impl Into<String>) -> Text {
    Secret::new(text.into())
}

/// How many passwords are hashed at the same time. Each needs 19 MB and a processor.
const HASHES: usize = 2;

/// How long a start code can be used.
const START: TimeDelta = TimeDelta::days(7);

/// The users of a store's screens, who sign in with a password and a code of an authenticator app.
///
/// It is the [`Identity`](crate::Identity) of [`Screens::with_accounts`](crate::Screens::with_accounts). There is no
/// account by default: add the first administrator with [`add`](Self::add), as `nhs-pds user add` does.
///
/// * A password has 12 to 128 characters, is not easy to guess, and is changed every 90 days
///   ([`with_password_age`](Self::with_password_age)).
/// * A code works for the 30 seconds of its step and the 30 seconds after, and once.
/// * After five failed attempts for an account, its password is looked at only if the code is right. After ten from an
///   address, this address must wait up to a minute before each attempt, except on a device that has signed in as the
///   user before. So an attacker cannot lock out a user.
/// * A session ends after 15 minutes without a request, and after 12 hours.
///
/// ```
/// use nhs_pds::audit::{Actor, MemoryLog};
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::process::{alert::MemoryAlerts, store::Joined};
/// use nhs_pds::secret::Secret;
/// use nhs_pds::trace::{Caller, LocalIdentity, User};
/// use nhs_pds_admin::accounts::{AccountState, Accounts, NewAccount};
/// use nhs_pds_admin::{Role, Screens};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (cases, trail) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
/// let store = Arc::new(Joined::new(cases, trail, Arc::new(MemoryAlerts::default())));
/// let accounts = Accounts::new(store.clone(), "RHM".parse()?);
///
/// let operator = User::Local(LocalIdentity::new("RHM".parse()?, "o.perator")?);
/// let by = Actor::new(&Caller::User(operator), "O Perator");
/// let first = NewAccount::new("j.doe", Role::Administrator, "RHM".parse()?);
/// let password = Secret::new("correct gannet tripod".to_owned());
/// let address = accounts.add(&first, &password, &by).await?;
/// assert!(address.expose().starts_with("otpauth://totp/"));
/// assert_eq!(accounts.list().await?[0].state, AccountState::Active);
///
/// let screens = Screens::with_accounts(store, "RHM".parse()?, accounts).router();
/// # let _: axum::Router = screens;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Accounts {
    keeper: Keeper,
    organisation: OdsCode,
    service: String,
    base: String,
    ends: Ends,
    password_age: Option<TimeDelta>,
    is_behind_proxy: bool,
    hashing: Arc<Semaphore>,
    attempts: Arc<Attempts>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Accounts({})", self.organisation)
    }
}

impl Accounts {
    /// The accounts in `store`, which belongs to `organisation`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, organisation: OdsCode) -> Self {
        Self {
            keeper: Keeper { store, clock: Arc::new(SystemClock) },
            organisation,
            service: "NHS Numbers".to_owned(),
            base: String::new(),
            ends: Ends { idle: TimeDelta::minutes(15), absolute: TimeDelta::hours(12) },
            password_age: Some(TimeDelta::days(90)),
            is_behind_proxy: false,
            hashing: Arc::new(Semaphore::new(HASHES)),
            attempts: Arc::default(),
        }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.keeper.clock = clock;
        self
    }

    /// After how long a password must be changed: HAV-12 asks for 90 days, the default. `None` follows OWASP ASVS 6.2.10,
    /// which asks for no change without a cause.
    #[must_use]
    pub const fn with_password_age(mut self, age: Option<TimeDelta>) -> Self {
        self.password_age = age;
        self
    }

    /// When a session ends: after `idle` without a request, and after `absolute` in any case. Default: 15 minutes and 12
    /// hours.
    #[must_use]
    pub const fn with_session_ends(mut self, idle: TimeDelta, absolute: TimeDelta) -> Self {
        self.ends = Ends { idle, absolute };
        self
    }

    /// The address of a user's device is the last one in `X-Forwarded-For`. Only behind a proxy that sets it: otherwise
    /// users could write any address into the audit trail.
    #[must_use]
    pub const fn behind_proxy(mut self) -> Self {
        self.is_behind_proxy = true;
        self
    }

    /// Sets where the screens are, and their name. [`Screens::with_accounts`](crate::Screens::with_accounts) does it.
    pub(crate) fn placed(mut self, base: &str, service: &str) -> Self {
        (self.base, self.service) = (base.to_owned(), service.to_owned());
        self
    }

    /// The attempts to sign in at this server.
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The program itself, for attempts of unknown users.
    fn program(&self) -> Actor {
        let name = "nhs-pds-admin";
        #[expect(clippy::expect_used, reason = "the name is a constant that is a valid id")]
        let id = LocalIdentity::new(self.organisation.clone(), name).expect("a constant");
        Actor::new(&Caller::System(id), name)
    }

    /// The person of an account at a device.
    fn person(&self, account: &Account, session: Option<&str>, device: &str) -> Option<Person> {
        let id = LocalIdentity::new(account.organisation.clone(), &account.id).ok()?;
        let person = Person::new(
            User::Local(id),
            account.name.clone(),
            account.role,
            account.organisation.clone(),
        )
        .with_workers(account.workers.clone())
        .on_device(device);
        Some(match session {
            Some(session) => person.with_session(session),
            None => person,
        })
    }
}

/// The user id as it is stored: without white space around it, in small letters.
pub(crate) fn user_id(typed: &str) -> Result<String, AccountError> {
    let id = typed.trim().to_lowercase();
    let allowed =
        |each: char| each.is_ascii_lowercase() || each.is_ascii_digit() || "-._@".contains(each);
    if id.is_empty() || id.len() > 64 || !id.chars().all(allowed) {
        return Err(AccountError::UserId);
    }
    Ok(id)
}
