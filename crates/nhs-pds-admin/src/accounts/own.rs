//! What users do with their own account: the first sign-in, the password, the second factor, the sessions.

use crate::accounts::account::{Account, Factor, Password};
use crate::accounts::error::AccountError;
use crate::accounts::keep::Said;
use crate::accounts::sign_in::{Credentials, accepted};
use crate::accounts::{Accounts, Text, code, password, random, text, user_id};
use nhs_pds::audit::EventKind;

/// What an authenticator app needs.
pub(crate) struct SetUp {
    /// The address, for a code that a camera reads.
    pub(crate) address: Text,
    /// The seed in groups, for people who type it.
    pub(crate) key: Text,
}

impl Accounts {
    fn set_up(&self, id: &str, seed: &[u8]) -> SetUp {
        let address = text(code::address(seed, id, &self.service));
        SetUp { address, key: text(code::in_groups(seed)) }
    }

    /// The account that a start code opens. A wrong one is on record.
    async fn started(&self, typed: &Credentials, start: &Text) -> Result<Account, AccountError> {
        let now = self.keeper.clock.now();
        let account = match user_id(&typed.user) {
            Ok(id) => self.keeper.read(&id).await?.map(|(account, _)| account),
            Err(_) => None,
        };
        let is_open = |account: &Account| {
            let code = account.start.as_ref();
            account.barred(now).is_none() && code.is_some_and(|code| code.is_right(start, now))
        };
        if let Some(account) = account.filter(is_open) {
            return Ok(account);
        }
        let failed = nhs_pds::audit::Entry::new(EventKind::SignInFailed, now, &self.program());
        let failed =
            failed.with_detail("change", "start_code").with_detail("device", typed.device.as_str());
        self.keeper.store.audit().append(vec![failed]).await?;
        Err(AccountError::Credentials)
    }

    /// Shows what an authenticator app needs, to a user with a start code.
    pub(crate) async fn begin_set_up(
        &self,
        typed: &Credentials,
        start: &Text,
    ) -> Result<SetUp, AccountError> {
        let account = self.started(typed, start).await?;
        let seed = account.start.map(|start| start.seed()).unwrap_or_default();
        Ok(self.set_up(&account.id, &seed))
    }

    /// Sets the first password and the second factor, and begins a session. `typed.code` is of the new factor.
    pub(crate) async fn finish_set_up(
        &self,
        typed: &Credentials,
        start: &Text,
    ) -> Result<Text, AccountError> {
        let account = self.started(typed, start).await?;
        password::check(&typed.password, &[&account.id, &account.name, &self.service])?;
        let hash = self.hash(&typed.password).await?;
        let secret = random::session()?;
        self.keeper
            .change(&account.id, |account| {
                let now = self.keeper.clock.now();
                let open = account.start.as_ref().filter(|open| open.is_right(start, now));
                let seed = open.ok_or(AccountError::Credentials)?.seed();
                let used =
                    code::accept(&seed, &typed.code, 0, now).ok_or(AccountError::Credentials)?;
                account.factor = Some(Factor::new(&seed, used));
                account.password = Some(Password { hash: hash.clone(), since: now });
                account.start = None;
                let by =
                    self.person(account, None, &typed.device).ok_or(AccountError::Broken)?.actor();
                let cookie = self.begin(account, &secret, &typed.device);
                Ok((cookie, by, Said::new(EventKind::SignedIn, "set_up")))
            })
            .await
    }

    /// Changes the password of a user who types the old one and a code. Other sessions end, if `end_others`.
    pub(crate) async fn change_password(
        &self,
        typed: &Credentials,
        new: &Text,
        session: &str,
        end_others: bool,
    ) -> Result<(), AccountError> {
        let (account, _) = self.keeper.read(&typed.user).await?.ok_or(AccountError::Unknown)?;
        let is_right = self.hashed(&typed.password, account.password.as_ref()).await?;
        password::check(new, &[&account.id, &account.name, &self.service])?;
        if new == &typed.password {
            return Err(password::WeakPassword::Unchanged.into());
        }
        let hash = self.hash(new).await?;
        self.confirmed(typed, is_right, &account, |account, now| {
            account.password = Some(Password { hash: hash.clone(), since: now });
            account.sessions.retain(|each| !end_others || each.id == session);
            Said::new(EventKind::PasswordChanged, "password")
        })
        .await
    }

    /// A new seed for a second factor, which the user confirms with [`change_factor`](Self::change_factor).
    pub(crate) fn new_factor(&self, id: &str) -> Result<(Vec<u8>, SetUp), AccountError> {
        let seed = random::bytes::<{ code::SEED }>()?;
        Ok((seed.to_vec(), self.set_up(id, &seed)))
    }

    /// What an authenticator app needs for a seed that was shown before.
    pub(crate) fn shown_factor(&self, id: &str, seed: &[u8]) -> SetUp {
        self.set_up(id, seed)
    }

    /// Replaces the second factor of a user who types the password, a code of the old factor, and one of the new.
    pub(crate) async fn change_factor(
        &self,
        typed: &Credentials,
        seed: &[u8],
        first: &Text,
        session: &str,
        end_others: bool,
    ) -> Result<(), AccountError> {
        let (account, _) = self.keeper.read(&typed.user).await?.ok_or(AccountError::Unknown)?;
        let is_right = self.hashed(&typed.password, account.password.as_ref()).await?;
        let now = self.keeper.clock.now();
        let used = code::accept(seed, first, 0, now).filter(|_| seed.len() == code::SEED);
        let used = used.ok_or(AccountError::Credentials)?;
        self.confirmed(typed, is_right, &account, |account, _| {
            account.factor = Some(Factor::new(seed, used));
            account.sessions.retain(|each| !end_others || each.id == session);
            Said::new(EventKind::AccountChanged, "factor")
        })
        .await
    }

    /// Does `change`, if the password was right and the code is. Otherwise the failure is on record.
    async fn confirmed(
        &self,
        typed: &Credentials,
        is_right: bool,
        read: &Account,
        change: impl Fn(&mut Account, chrono::DateTime<chrono::Utc>) -> Said + Sync,
    ) -> Result<(), AccountError> {
        let before = read.password.as_ref().map(|password| &password.hash);
        let done = self
            .keeper
            .change(&typed.user, |account| {
                let now = self.keeper.clock.now();
                let by =
                    self.person(account, None, &typed.device).ok_or(AccountError::Broken)?.actor();
                let step = accepted(account, typed, now);
                let is_same = account.password.as_ref().map(|password| &password.hash) == before;
                if let (Some(step), Some(factor)) = (step, &mut account.factor) {
                    factor.used = step;
                }
                if !is_right || !is_same || step.is_none() {
                    account.fail(now);
                    return Ok((false, by, Said::new(EventKind::SignInFailed, "confirmation")));
                }
                let said = change(account, now);
                Ok((true, by, said))
            })
            .await?;
        if done { Ok(()) } else { Err(AccountError::Credentials) }
    }

    /// Ends sessions of the own account: one of them, or all but `session`.
    pub(crate) async fn end_own(
        &self,
        id: &str,
        session: &str,
        which: Option<&str>,
        device: &str,
    ) -> Result<(), AccountError> {
        self.keeper
            .change(id, |account| {
                let by = self.person(account, None, device).ok_or(AccountError::Broken)?.actor();
                let ends = |each: &str| which.map_or(each != session, |which| each == which);
                account.sessions.retain(|each| !ends(&each.id));
                Ok(((), by, Said::new(EventKind::AccountChanged, "own_sessions_ended")))
            })
            .await
    }
}
