//! Signing in and out.

use crate::accounts::account::{Account, Password, Session};
use crate::accounts::error::AccountError;
use crate::accounts::keep::Said;
use crate::accounts::{Accounts, Text, code, password, random, user_id};
use nhs_pds::audit::{Entry, EventKind};
use std::time::Duration;

/// How long an attempt waits for others whose passwords are hashed.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a visitor has typed.
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Text,
    pub(crate) code: Text,
    /// Where from.
    pub(crate) device: String,
}

/// The result of an attempt. A visitor learns nothing more of a refusal than that it is one.
pub(crate) enum SignIn {
    /// The value of the cookie.
    Done(Text),
    /// The password is right and too old. It must be changed before a session begins.
    MustChange,
    Refused,
}

/// What an attempt has shown, before the account is changed.
#[derive(Clone, Copy)]
struct Shown {
    is_password_right: bool,
}

impl Accounts {
    /// Begins a session, if user, password and code are right.
    pub(crate) async fn sign_in(&self, typed: &Credentials) -> Result<SignIn, AccountError> {
        self.attempt(typed, None).await
    }

    /// The same with a new password, for a user whose password is too old.
    pub(crate) async fn renew(
        &self,
        typed: &Credentials,
        new: &Text,
    ) -> Result<SignIn, AccountError> {
        self.attempt(typed, Some(new)).await
    }

    async fn attempt(
        &self,
        typed: &Credentials,
        new: Option<&Text>,
    ) -> Result<SignIn, AccountError> {
        let account = match user_id(&typed.user) {
            Ok(id) => self.keeper.read(&id).await?.map(|(account, _)| account),
            Err(_) => None,
        };
        let Some(account) = account else {
            // As long as for a user who exists. What was typed may be a password: it is not recorded.
            self.hashed(&typed.password, None).await?;
            let failed =
                Entry::new(EventKind::SignInFailed, self.keeper.clock.now(), &self.program());
            let failed = failed
                .with_detail("account", "unknown")
                .with_detail("device", typed.device.as_str());
            self.keeper.store.audit().append(vec![failed]).await?;
            return Ok(SignIn::Refused);
        };
        let now = self.keeper.clock.now();
        let is_worth_a_hash = !account.is_careful(now) || accepted(&account, typed, now).is_some();
        // Without a hash worth the time, one that no password has: the time does not say which user exists.
        let hash = account.password.as_ref().filter(|_| is_worth_a_hash);
        let shown = Shown { is_password_right: self.hashed(&typed.password, hash).await? };
        let new = match new
            .filter(|_| shown.is_password_right && accepted(&account, typed, now).is_some())
        {
            Some(new) => {
                password::check(new, &[&account.id, &account.name, &self.service])?;
                if new == &typed.password {
                    return Err(password::WeakPassword::Unchanged.into());
                }
                Some(self.hash(new).await?)
            }
            None => None,
        };
        let secret = random::session()?;
        let read = account.password.map(|password| password.hash);
        self.keeper
            .change(&account.id, |account| {
                self.decide(account, typed, shown, read.as_deref(), new.as_deref(), &secret)
            })
            .await
    }

    /// Decides about the account as it is stored now.
    fn decide(
        &self,
        account: &mut Account,
        typed: &Credentials,
        shown: Shown,
        read: Option<&str>,
        new: Option<&str>,
        secret: &Text,
    ) -> Result<(SignIn, nhs_pds::audit::Actor, Said), AccountError> {
        let now = self.keeper.clock.now();
        let by = self.person(account, None, &typed.device).ok_or(AccountError::Broken)?.actor();
        let step = accepted(account, typed, now);
        // The password may have changed since it was compared.
        let is_same = account.password.as_ref().map(|password| password.hash.as_str()) == read;
        let reason = match (step, account.barred(now)) {
            _ if !shown.is_password_right || !is_same => Some("credentials"),
            (None, _) => Some("code"),
            (_, Some(_)) => Some("barred"),
            _ => None,
        };
        // A right code is used up, whatever the password: it must not say twice that it is right.
        if let (Some(step), Some(factor)) = (step, &mut account.factor) {
            factor.used = step;
        }
        if let Some(reason) = reason {
            account.fail(now);
            return Ok((SignIn::Refused, by, Said::new(EventKind::SignInFailed, reason)));
        }
        match new {
            Some(hash) => account.password = Some(Password { hash: hash.to_owned(), since: now }),
            None if account.must_change(self.password_age, now) => {
                return Ok((
                    SignIn::MustChange,
                    by,
                    Said::new(EventKind::SignInFailed, "password_too_old"),
                ));
            }
            None => {}
        }
        let cookie = self.begin(account, secret, &typed.device);
        let kind = if new.is_some() { EventKind::PasswordChanged } else { EventKind::SignedIn };
        Ok((SignIn::Done(cookie), by, Said::new(kind, "signed_in")))
    }

    /// Begins a session, and returns the value of its cookie.
    pub(super) fn begin(&self, account: &mut Account, secret: &Text, device: &str) -> Text {
        let now = self.keeper.clock.now();
        account.begin(Session::new(secret.expose(), now, device), self.ends, now);
        Self::cookie_value(&account.id, secret)
    }

    /// Ends the session `session` of the user `id`.
    pub(crate) async fn sign_out(
        &self,
        id: &str,
        session: &str,
        device: &str,
    ) -> Result<(), AccountError> {
        self.keeper
            .change(id, |account| {
                let by = self.person(account, None, device).ok_or(AccountError::Broken)?.actor();
                account.sessions.retain(|each| each.id != session);
                Ok(((), by, Said::new(EventKind::SignedOut, "signed_out")))
            })
            .await
    }

    /// Whether the password is right. At most a few are hashed at the same time.
    pub(super) async fn hashed(
        &self,
        typed: &Text,
        password: Option<&Password>,
    ) -> Result<bool, AccountError> {
        let (typed, hash) = (typed.clone(), password.map(|password| password.hash.clone()));
        self.hashing(move || password::is_right(&typed, hash.as_deref())).await
    }

    /// The hash of a new password.
    pub(super) async fn hash(&self, new: &Text) -> Result<String, AccountError> {
        let new = new.clone();
        self.hashing(move || password::hash(&new)).await?.ok_or(AccountError::Broken)
    }

    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let permit = tokio::time::timeout(LONGEST_WAIT, self.hashing.acquire());
        let _permit =
            permit.await.map_err(|_| AccountError::Busy)?.map_err(|_| AccountError::Broken)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| AccountError::Broken)
    }
}

/// The step of the code, if it is right and not used.
pub(super) fn accepted(
    account: &Account,
    typed: &Credentials,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<u64> {
    let factor = account.factor.as_ref()?;
    code::accept(&factor.seed(), &typed.code, factor.used, now)
}
