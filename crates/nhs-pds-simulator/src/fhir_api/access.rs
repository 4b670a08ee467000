//! Controls access: applications, tokens, and the headers with tokens.

use super::application::Application;
use super::codes::issue;
use super::outcome::Issue;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use nhs_pds::ids::Ids;
use std::collections::HashMap;

/// How long an identifier of an assertion must not be used again.
const REPLAY: TimeDelta = TimeDelta::days(30);

/// The mode of the caller, which depends on the token only.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum Mode {
    /// A system: one person for each request, and no changes.
    Application,
    /// A member of staff, with the roles of the token. Where access is open, the member of staff has no
    /// roles.
    HealthcareWorker(Vec<String>),
}

struct Token {
    mode: Mode,
    expires: DateTime<Utc>,
}

/// The known applications and tokens.
#[derive(Default)]
pub(crate) struct Access {
    applications: Vec<Application>,
    tokens: HashMap<String, Token>,
    /// The identifiers of assertions, and the times of their arrival.
    seen: HashMap<(String, String), DateTime<Utc>>,
    /// The number of token requests.
    pub(crate) token_count: u64,
}

impl Access {
    /// Adds an application, or replaces it.
    pub(crate) fn register(&mut self, application: Application) {
        self.applications.retain(|other| other.client_id() != application.client_id());
        self.applications.push(application);
    }

    pub(super) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.client_id() == client_id)
    }

    /// Returns whether this is the client's first assertion with its identifier.
    pub(super) fn is_first(&mut self, client_id: &str, jti: &str, now: DateTime<Utc>) -> bool {
        self.seen.retain(|_, came| now - *came < REPLAY);
        self.seen.insert((client_id.to_owned(), jti.to_owned()), now).is_none()
    }

    /// Returns a new token.
    pub(super) fn issue(
        &mut self,
        mode: Mode,
        life: TimeDelta,
        ids: &dyn Ids,
        now: DateTime<Utc>,
    ) -> String {
        let token = ids.next().simple().to_string();
        self.tokens.insert(token.clone(), Token { mode, expires: now + life });
        token
    }

    pub(crate) fn healthcare_worker(
        &mut self,
        roles: &[&str],
        life: TimeDelta,
        ids: &dyn Ids,
        now: DateTime<Utc>,
    ) -> String {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        self.issue(Mode::HealthcareWorker(roles), life, ids, now)
    }

    pub(crate) fn application_token(
        &mut self,
        life: TimeDelta,
        ids: &dyn Ids,
        now: DateTime<Utc>,
    ) -> String {
        self.issue(Mode::Application, life, ids, now)
    }

    pub(crate) fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// Returns the mode of a request, or why it is refused.
    pub(super) fn mode(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Mode, Issue> {
        let denied = |why: String| issue("ACCESS_DENIED").diagnosed(why).by_proxy();
        let open = self.applications.is_empty();
        let Some(header) = headers.get(AUTHORIZATION) else {
            return if open {
                Ok(Mode::HealthcareWorker(Vec::new()))
            } else {
                Err(denied("Missing Authorization header".into()))
            };
        };
        let header = header.to_str().unwrap_or_default().trim();
        if header.is_empty() {
            return Err(denied("Empty Authorization header".into()));
        }
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        if scheme != "Bearer" {
            return Err(denied(format!("Invalid token type '{scheme}', must be 'Bearer'")));
        }
        let token = token.trim();
        if token.is_empty() {
            return Err(denied("Missing access token".into()));
        }
        match self.tokens.get(token) {
            Some(token) if token.expires <= now => Err(denied("Access Token expired".into())),
            Some(token) => Ok(token.mode.clone()),
            None if open => Ok(Mode::HealthcareWorker(Vec::new())),
            None => Err(denied("Invalid Access Token".into())),
        }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("applications", &self.applications.len())
            .field("tokens", &self.tokens.len())
            .field("token_count", &self.token_count)
            .finish_non_exhaustive()
    }
}
