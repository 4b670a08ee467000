//! One user, as the store keeps it.

use crate::accounts::Text;
use crate::rights::Role;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::demographics::OdsCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// How many sessions a user may have at the same time. The oldest ends when one more begins.
const MOST_SESSIONS: usize = 10;

/// After this many failures in [`FAILURES_LAST`] the code is checked before the password.
const FAILURES: u32 = 5;

/// How long failures count.
const FAILURES_LAST: TimeDelta = TimeDelta::minutes(15);

/// A user of the screens, as stored in a setting. `Debug` shows only the role.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Account {
    /// The user id, with which the user signs in.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) organisation: OdsCode,
    /// The names or ids of the user in allocations of cases.
    #[serde(default)]
    pub(crate) workers: Vec<String>,
    #[serde(default)]
    pub(crate) password: Option<Password>,
    #[serde(default)]
    pub(crate) factor: Option<Factor>,
    /// With it the user sets a first password and a second factor.
    #[serde(default)]
    pub(crate) start: Option<Start>,
    #[serde(default)]
    pub(crate) is_disabled: bool,
    /// The end of an account that a supplier has for maintenance, and the reason.
    #[serde(default)]
    pub(crate) temporary: Option<Temporary>,
    /// The user id of the administrator who asked for a recovery, and when.
    #[serde(default)]
    pub(crate) recovery: Option<(String, DateTime<Utc>)>,
    /// Failed attempts in a row: how many, and the last.
    #[serde(default)]
    pub(crate) failures: Option<(u32, DateTime<Utc>)>,
    #[serde(default)]
    pub(crate) sessions: Vec<Session>,
}

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Password {
    /// In the PHC form.
    pub(crate) hash: String,
    pub(crate) since: DateTime<Utc>,
}

/// The second factor.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Factor {
    /// The seed, in base64.
    seed: String,
    /// The last step whose code was used.
    pub(crate) used: u64,
}

impl Factor {
    pub(crate) fn new(seed: &[u8], used: u64) -> Self {
        Self { seed: URL_SAFE_NO_PAD.encode(seed), used }
    }

    pub(crate) fn seed(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(&self.seed).unwrap_or_default()
    }
}

/// A code for the first sign-in, or after a recovery.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Start {
    hash: String,
    pub(crate) until: DateTime<Utc>,
    /// The seed of the factor that is being set up, in base64.
    seed: String,
}

impl Start {
    pub(crate) fn new(code: &Text, until: DateTime<Utc>, seed: &[u8]) -> Self {
        Self { hash: digest(code.expose()), until, seed: URL_SAFE_NO_PAD.encode(seed) }
    }

    pub(crate) fn seed(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(&self.seed).unwrap_or_default()
    }

    /// Whether `code` is this code, which people may type with spaces and in capital letters.
    pub(crate) fn is_right(&self, code: &Text, now: DateTime<Utc>) -> bool {
        let typed: String = code.expose().chars().filter(char::is_ascii_alphanumeric).collect();
        now < self.until && is_equal(&self.hash, &digest(&typed.to_ascii_lowercase()))
    }
}

/// Access for maintenance (HAV-12: suppliers have no routine access).
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Temporary {
    pub(crate) until: DateTime<Utc>,
    pub(crate) reason: String,
}

/// A session, without its secret.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Session {
    /// Names the session on pages and in forms.
    pub(crate) id: String,
    hash: String,
    pub(crate) began: DateTime<Utc>,
    pub(crate) seen: DateTime<Utc>,
    pub(crate) device: String,
}

impl Session {
    pub(crate) fn new(secret: &str, now: DateTime<Utc>, device: &str) -> Self {
        let hash = digest(secret);
        let id = digest(&hash).chars().take(16).collect();
        Self { id, hash, began: now, seen: now, device: device.chars().take(100).collect() }
    }

    /// Whether `secret` is that of the session.
    pub(crate) fn is_of(&self, secret: &str) -> bool {
        is_equal(&self.hash, &digest(secret))
    }
}

/// When a session ends by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    /// Without a request.
    pub(crate) idle: TimeDelta,
    /// In any case.
    pub(crate) absolute: TimeDelta,
}

impl Ends {
    pub(crate) fn has_ended(&self, session: &Session, now: DateTime<Utc>) -> bool {
        // A time in the future means that the clock was set back.
        now - session.seen >= self.idle
            || now - session.began >= self.absolute
            || session.began > now + self.idle
    }
}

/// Why a user cannot sign in, or is signed out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Barred {
    Disabled,
    Expired,
}

impl Account {
    pub(crate) fn new(id: &str, name: &str, role: Role, organisation: OdsCode) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            role,
            organisation,
            workers: Vec::new(),
            password: None,
            factor: None,
            start: None,
            is_disabled: false,
            temporary: None,
            recovery: None,
            failures: None,
            sessions: Vec::new(),
        }
    }

    /// Why the account cannot be used at all.
    pub(crate) fn barred(&self, now: DateTime<Utc>) -> Option<Barred> {
        if self.is_disabled {
            return Some(Barred::Disabled);
        }
        self.temporary.as_ref().filter(|temporary| now >= temporary.until).map(|_| Barred::Expired)
    }

    /// Whether failed attempts are so many that a password is looked at only after a right code. An attacker without
    /// the user's device then cannot try passwords, and the user is not locked out (OWASP ASVS 6.3.1).
    pub(crate) fn is_careful(&self, now: DateTime<Utc>) -> bool {
        self.failures.is_some_and(|(count, last)| count >= FAILURES && now - last < FAILURES_LAST)
    }

    /// Notes a failed attempt.
    pub(crate) fn fail(&mut self, now: DateTime<Utc>) {
        let recent = self.failures.filter(|(_, last)| now - *last < FAILURES_LAST);
        self.failures = Some((recent.map_or(0, |(count, _)| count).saturating_add(1), now));
    }

    /// Begins a session. Sessions that have ended are forgotten.
    pub(crate) fn begin(&mut self, session: Session, ends: Ends, now: DateTime<Utc>) {
        self.failures = None;
        self.sessions.retain(|session| !ends.has_ended(session, now));
        self.sessions.push(session);
        let surplus = self.sessions.len().saturating_sub(MOST_SESSIONS);
        self.sessions.drain(..surplus);
    }

    /// Whether the password is older than `age` and must be changed (HAV-12).
    pub(crate) fn must_change(&self, age: Option<TimeDelta>, now: DateTime<Utc>) -> bool {
        let since = self.password.as_ref().map(|password| password.since);
        age.zip(since).is_some_and(|(age, since)| now - since >= age)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.role)
    }
}

/// SHA-256 in base64: for secrets with at least 100 random bits, which need no slow hash.
fn digest(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

fn is_equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::text;

    fn account() -> Account {
        Account::new("j.doe", "Jo Doe", Role::DataQuality, "RHM".parse().unwrap())
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    const ENDS: Ends = Ends { idle: TimeDelta::minutes(15), absolute: TimeDelta::hours(12) };

    #[test]
    fn five_failures_make_an_account_careful_for_a_quarter_of_an_hour() {
        let mut account = account();
        for minute in 0..4 {
            account.fail(at(minute));
        }
        assert!(!account.is_careful(at(4)));
        account.fail(at(4));
        assert!(account.is_careful(at(4)) && account.is_careful(at(18)));
        assert!(!account.is_careful(at(19)));
        account.fail(at(19));
        assert_eq!(account.failures, Some((1, at(19))), "old failures do not count");
    }

    #[test]
    fn a_session_ends_when_idle_and_in_any_case() {
        let mut session = Session::new("secret", at(0), "desk");
        assert!(!ENDS.has_ended(&session, at(14)) && ENDS.has_ended(&session, at(15)));
        session.seen = at(719);
        assert!(!ENDS.has_ended(&session, at(719)) && ENDS.has_ended(&session, at(720)));
        session.began = at(1000);
        assert!(ENDS.has_ended(&session, at(719)), "from a clock that was ahead");
        assert!(session.is_of("secret") && !session.is_of("Secret"));
        assert!(!session.id.is_empty() && session.id != Session::new("other", at(0), "").id);
    }

    #[test]
    fn the_oldest_session_ends_when_there_are_too_many() {
        let mut account = account();
        for minute in 0..12 {
            account.begin(Session::new(&minute.to_string(), at(minute), "desk"), ENDS, at(minute));
        }
        let left: Vec<_> = account.sessions.iter().map(|session| session.began).collect();
        assert_eq!((left.len(), left[0]), (10, at(2)));
        account.begin(Session::new("late", at(100), "desk"), ENDS, at(100));
        assert_eq!(account.sessions.len(), 1, "those that have ended are gone");
    }

    #[test]
    fn a_disabled_or_expired_account_is_barred() {
        let mut account = account();
        assert_eq!(account.barred(at(0)), None);
        account.temporary = Some(Temporary { until: at(60), reason: "index rebuilt".into() });
        assert_eq!((account.barred(at(59)), account.barred(at(60))), (None, Some(Barred::Expired)));
        account.is_disabled = true;
        assert_eq!(account.barred(at(0)), Some(Barred::Disabled));
    }

    #[test]
    fn a_password_is_changed_after_its_age() {
        let mut account = account();
        account.password = Some(Password { hash: String::new(), since: at(0) });
        let age = TimeDelta::minutes(90);
        assert!(!account.must_change(Some(age), at(89)) && account.must_change(Some(age), at(90)));
        assert!(!account.must_change(None, at(10_000)));
    }

    #[test]
    fn a_start_code_is_typed_as_people_type_and_ends() {
        let start = Start::new(&text("abcd2345"), at(60), b"seed");
        assert!(start.is_right(&text(" ABCD 2345 "), at(0)));
        assert!(!start.is_right(&text("abcd2346"), at(0)));
        assert!(!start.is_right(&text("abcd2345"), at(60)));
        assert_eq!(start.seed(), b"seed");
    }

    #[test]
    fn an_account_is_read_as_it_was_written() {
        let mut account = account();
        account.factor = Some(Factor::new(b"12345", 7));
        let text = serde_json::to_string(&account).unwrap();
        let read: Account = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.factor.unwrap().seed(), b"12345");
        assert_eq!(format!("{account:?}"), "Account(data-quality)");
    }
}
