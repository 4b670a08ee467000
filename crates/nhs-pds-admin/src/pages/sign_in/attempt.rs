use crate::accounts::{Source, Text, text, user_id};
use crate::app::App;
use crate::error::PageError;
use chrono::{DateTime, TimeDelta, Utc};
use http::request::Parts;

/// How long a device is known after a sign-in.
const KNOWN: TimeDelta = TimeDelta::days(90);

/// The purpose of the seal of a device's cookie.
const PURPOSE: &str = "device";

/// An attempt to sign in, which counts as failed unless [`succeed`](Self::succeed) is called.
pub(super) struct Attempt<'a> {
    app: &'a App,
    source: Option<Source>,
}

impl<'a> Attempt<'a> {
    /// Begins an attempt, if its source need not wait.
    pub(super) async fn begin(app: &'a App, parts: &Parts, user: &str) -> Result<Self, PageError> {
        let accounts = app.accounts()?;
        let now = app.clock.now();
        let user = user_id(user).ok();
        let cookie = accounts.device_cookie_of(parts);
        let sealed = match cookie {
            Some(cookie) => app.links().await?.open(PURPOSE, cookie),
            None => None,
        };
        let known = user.filter(|user| sealed.is_some_and(|text| is_known(&text, user, now)));
        let source =
            known.map(Source::Device).or_else(|| Source::of_address(&accounts.device(parts)));
        if let Some(source) = &source {
            accounts.attempts().begin(source, now).map_err(|_| PageError::TooMany)?;
        }
        Ok(Self { app, source })
    }

    /// The attempt was right.
    pub(super) fn succeed(&self) {
        if let (Some(source), Ok(accounts)) = (&self.source, self.app.accounts()) {
            accounts.attempts().succeed(source);
        }
    }

    /// The cookie by which the device is known as that of `user`.
    pub(super) async fn device(&self, user: &str) -> Result<Text, PageError> {
        let user = user_id(user)?;
        let at = self.app.clock.now().timestamp();
        Ok(text(self.app.links().await?.seal(PURPOSE, &format!("{at} {user}"))))
    }
}

/// Whether the content of a cookie is of this user, and not too old.
fn is_known(content: &str, user: &str, now: DateTime<Utc>) -> bool {
    let Some((at, of)) = content.split_once(' ') else { return false };
    let at = at.parse().ok().and_then(|at| DateTime::from_timestamp(at, 0));
    of == user && at.is_some_and(|at| now - at < KNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_for_its_user_and_for_some_time() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        assert!(is_known("1000 j.doe", "j.doe", now));
        assert!(is_known("1000 j.doe", "j.doe", now + KNOWN - TimeDelta::seconds(1)));
        assert!(!is_known("1000 j.doe", "j.doe", now + KNOWN));
        for other in ["1000 a.check", "1000", "j.doe", "x j.doe", ""] {
            assert!(!is_known(other, "j.doe", now), "{other}");
        }
    }
}
