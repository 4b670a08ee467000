//! From a request to a user: cookies, sessions, devices.

use crate::accounts::account::Account;
use crate::accounts::{Accounts, Text, text};
use crate::identity::{Identity, IdentityError, Person};
use async_trait::async_trait;
use axum::extract::ConnectInfo;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use http::header::COOKIE;
use http::request::Parts;
use std::net::SocketAddr;

/// How often the time of the last request is stored.
const SEEN: TimeDelta = TimeDelta::minutes(1);

impl Accounts {
    /// The name of the cookie. `__Host-` makes browsers keep it to this host, with TLS, whatever page sets one. Screens
    /// at several paths of one host have different cookies.
    pub(crate) fn cookie_name(&self) -> String {
        let path: String = self
            .base
            .chars()
            .map(|each| if each.is_ascii_alphanumeric() { each } else { '-' })
            .collect();
        format!("__Host-nhs-pds{path}")
    }

    /// The header that gives a browser its session.
    pub(crate) fn cookie(&self, value: &Text) -> String {
        format!(
            "{}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
            self.cookie_name(),
            value.expose()
        )
    }

    /// The header that takes it away.
    pub(crate) fn no_cookie(&self) -> String {
        format!("{}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0", self.cookie_name())
    }

    /// The user id and the secret, in characters that a cookie may have.
    pub(super) fn cookie_value(id: &str, secret: &Text) -> Text {
        text(format!("{}.{}", URL_SAFE_NO_PAD.encode(id), secret.expose()))
    }

    /// The name of the cookie of a device that has signed in before.
    fn device_cookie_name(&self) -> String {
        self.cookie_name().replacen("nhs-pds", "nhs-pds.device", 1)
    }

    /// The header that makes a device known, for 90 days.
    pub(crate) fn device_cookie(&self, value: &Text) -> String {
        let (name, value) = (self.device_cookie_name(), value.expose());
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000")
    }

    /// What the device of a request says that it is.
    pub(crate) fn device_cookie_of<'a>(&self, request: &'a Parts) -> Option<&'a str> {
        cookie_of(request, &self.device_cookie_name())
    }

    /// Whether the request has a session, which may have ended.
    pub(crate) fn had_session(&self, request: &Parts) -> bool {
        cookie_of(request, &self.cookie_name()).is_some()
    }

    /// The user id and the secret of a request's session.
    fn session_of(&self, request: &Parts) -> Option<(String, Text)> {
        let (id, secret) = cookie_of(request, &self.cookie_name())?.split_once('.')?;
        let id = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        Some((id, text(secret)))
    }

    /// Where a request comes from, for the audit trail.
    pub(crate) fn device(&self, request: &Parts) -> String {
        let forwarded = request.headers.get_all("x-forwarded-for").into_iter().next_back();
        let forwarded =
            forwarded.filter(|_| self.is_behind_proxy).and_then(|value| value.to_str().ok());
        if let Some(last) = forwarded.and_then(|value| value.rsplit(',').next()) {
            return last.trim().chars().filter(|each| !each.is_control()).take(100).collect();
        }
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map_or_else(|| "unknown".to_owned(), |ConnectInfo(peer)| peer.ip().to_string())
    }

    /// The account of the request's session, if the session has not ended.
    pub(crate) async fn account_of(
        &self,
        request: &Parts,
    ) -> Result<Option<(Account, String)>, IdentityError> {
        let Some((id, secret)) = self.session_of(request) else { return Ok(None) };
        let read = self.keeper.read(&id).await.map_err(|_| IdentityError)?;
        let Some((mut account, setting)) = read else { return Ok(None) };
        let now = self.keeper.clock.now();
        if account.barred(now).is_some() {
            return Ok(None);
        }
        let ends = self.ends;
        let found = account.sessions.iter_mut().find(|session| session.is_of(secret.expose()));
        let Some(session) = found.filter(|session| !ends.has_ended(session, now)) else {
            return Ok(None);
        };
        let name = session.id.clone();
        if now - session.seen >= SEEN {
            session.seen = now;
            self.keeper.touch(&account, setting).await.map_err(|_| IdentityError)?;
        }
        Ok(Some((account, name)))
    }
}

/// The value of the cookie `name`.
fn cookie_of<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let cookies =
        request.headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs =
        cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[async_trait]
impl Identity for Accounts {
    async fn identify(&self, request: &Parts) -> Result<Option<Person>, IdentityError> {
        let Some((account, session)) = self.account_of(request).await? else { return Ok(None) };
        Ok(self.person(&account, Some(&session), &self.device(request)))
    }

    fn sign_in(&self) -> Option<String> {
        Some(format!("{}/sign-in", self.base))
    }
}
