//! Accounts in the settings of a store: read, compared and set, and on record.

use crate::accounts::account::Account;
use crate::accounts::error::AccountError;
use nhs_pds::audit::{Actor, Entry, EventKind};
use nhs_pds::case::Setting;
use nhs_pds::clock::Clock;
use nhs_pds::process::store::{Commit, Store};
use std::sync::Arc;

/// The setting with the user ids.
const USERS: &str = "users";

/// How often a change is decided again when other servers change the same account.
const ATTEMPTS: usize = 32;

/// What an event says about a change, beside who did it.
pub(super) struct Said {
    pub(super) kind: EventKind,
    pub(super) details: Vec<(&'static str, String)>,
}

impl Said {
    pub(super) fn new(kind: EventKind, what: &'static str) -> Self {
        Self { kind, details: vec![("change", what.to_owned())] }
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.details.push((key, value.into()));
        self
    }
}

/// Reads and writes accounts.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Keeper {
    /// The user ids, in the order in which they were added.
    pub(super) async fn ids(&self) -> Result<Vec<String>, AccountError> {
        Ok(self.index().await?.0)
    }

    async fn index(&self) -> Result<(Vec<String>, Setting), AccountError> {
        let Some(setting) = self.store.cases().setting(USERS).await? else {
            return Ok((Vec::new(), Setting::new("[]")));
        };
        let ids = serde_json::from_str(&setting.value).map_err(|_| AccountError::Broken)?;
        Ok((ids, setting))
    }

    /// The account, and the setting that it is in.
    pub(super) async fn read(&self, id: &str) -> Result<Option<(Account, Setting)>, AccountError> {
        let Some(setting) = self.store.cases().setting(&name_of(id)).await? else {
            return Ok(None);
        };
        let account = serde_json::from_str(&setting.value).map_err(|_| AccountError::Broken)?;
        Ok(Some((account, setting)))
    }

    /// Adds an account, on record. The list may name an account that was not added, when the program ends in between;
    /// the account may then be added again.
    pub(super) async fn add(
        &self,
        account: &Account,
        by: &Actor,
        said: &Said,
    ) -> Result<(), AccountError> {
        for _ in 0..ATTEMPTS {
            if self.read(&account.id).await?.is_some() {
                return Err(AccountError::Exists);
            }
            let now = self.clock.now();
            let mut commit = Commit::of_a_person(by, now);
            let (mut ids, mut index) = self.index().await?;
            if !ids.contains(&account.id) {
                ids.push(account.id.clone());
                index.value = serde_json::to_string(&ids).map_err(|_| AccountError::Broken)?;
                let listed = Entry::new(EventKind::AccountChanged, now, by);
                commit = commit.set(USERS, index, listed.with_detail("change", "listed"));
            }
            let setting = written(account, Setting::new(""))?;
            let commit =
                commit.set(name_of(&account.id), setting, self.entry(said, by, &account.id));
            if self.store.commit(commit).await?.is_done() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Changes an account as `change` decides, on record. It may be called again with a newer account, when another
    /// server has changed it in between. An error of `change` changes nothing.
    pub(super) async fn change<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Account) -> Result<(T, Actor, Said), AccountError>,
    ) -> Result<T, AccountError> {
        for _ in 0..ATTEMPTS {
            let (mut account, setting) = self.read(id).await?.ok_or(AccountError::Unknown)?;
            let (result, by, said) = change(&mut account)?;
            let now = self.clock.now();
            let entry = self.entry(&said, &by, id);
            let commit =
                Commit::of_a_person(&by, now).set(name_of(id), written(&account, setting)?, entry);
            if self.store.commit(commit).await?.is_done() {
                return Ok(result);
            }
        }
        Err(crowded())
    }

    /// Changes what need not be on record, such as when a session was last used. Another change in between wins.
    pub(super) async fn touch(
        &self,
        account: &Account,
        setting: Setting,
    ) -> Result<(), AccountError> {
        let setting = written(account, setting)?;
        match self.store.cases().save_setting(&name_of(&account.id), setting).await {
            Err(error) if error.kind() == nhs_pds::case::ErrorKind::Conflict => Ok(()),
            saved => Ok(saved?),
        }
    }

    fn entry(&self, said: &Said, by: &Actor, id: &str) -> Entry {
        let entry = Entry::new(said.kind, self.clock.now(), by).with_detail("account", id);
        said.details
            .iter()
            .fold(entry, |entry, (key, value)| entry.with_detail(*key, value.as_str()))
    }
}

/// Other servers have changed the same setting at each attempt.
fn crowded() -> AccountError {
    nhs_pds::case::Error::new(nhs_pds::case::ErrorKind::Unavailable).into()
}

fn name_of(id: &str) -> String {
    format!("user:{id}")
}

fn written(account: &Account, mut setting: Setting) -> Result<Setting, AccountError> {
    setting.value = serde_json::to_string(account).map_err(|_| AccountError::Broken)?;
    Ok(setting)
}
