//! The user of a request, for handlers.

use crate::app::App;
use crate::error::PageError;
use crate::identity::Person;
use crate::layout::Layout;
use crate::rights::{FieldGroup, Right};
use axum::extract::FromRequestParts;
use http::request::Parts;
use nhs_pds::audit::{Actor, EventKind, Subject};
use nhs_pds::case::{Case, CaseId};
use std::sync::Arc;

/// The user who sends the request, whom the guard of its route has admitted.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) app: Arc<App>,
    pub(crate) person: Person,
    /// How messages to the user of a redirect are named: the word of `?done=`.
    pub(crate) done: Option<String>,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        // A route without a guard has no visitor.
        let person = parts.extensions.get::<Person>().cloned().ok_or(PageError::NotSignedIn)?;
        let query = parts.uri.query().unwrap_or_default();
        let done = query.split('&').find_map(|pair| pair.strip_prefix("done="));
        let is_word =
            |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let done = done.filter(is_word).map(str::to_owned);
        Ok(Self { app: Arc::clone(app), person, done })
    }
}

impl Visitor {
    /// The actor of the user's events.
    pub(crate) fn actor(&self) -> Actor {
        self.person.actor()
    }

    pub(crate) fn may(&self, right: Right) -> bool {
        self.person.may(right)
    }

    pub(crate) fn sees(&self, group: FieldGroup) -> bool {
        self.person.sees(group)
    }

    /// The frame of a page with this heading, in the part of the navigation that begins at `section`.
    pub(crate) fn layout(&self, heading: &str, section: &str) -> Layout {
        Layout::of(&self.app, Some(&self.person), heading, section)
    }

    /// The case of a name in a URL: the one way from a name to a case. Checks that the user may see the case, and
    /// records a refusal.
    pub(crate) async fn case(&self, name: &str) -> Result<Case, PageError> {
        let id = self.case_id(name).await?;
        let case = self.app.store.cases().get(&id).await?.ok_or(PageError::NotFound)?;
        self.admit_to(&case).await?;
        Ok(case)
    }

    /// The same, and records that the user has viewed it. `what` is a fixed word for the page.
    pub(crate) async fn view(&self, name: &str, what: &str) -> Result<Case, PageError> {
        let case = self.case(name).await?;
        let viewed = self.app.event(EventKind::CaseViewed, &self.actor()).with_detail("page", what);
        self.app.store.audit().append(vec![viewed.about(Subject::of(&case))]).await?;
        Ok(case)
    }

    /// The id of a name in a URL. Checks no right: see [`case`](Self::case).
    pub(crate) async fn case_id(&self, name: &str) -> Result<CaseId, PageError> {
        self.app.links().await?.open_case(name).ok_or(PageError::NotFound)
    }

    /// Refuses a case with which the user must be involved and is not.
    pub(crate) async fn admit_to(&self, case: &Case) -> Result<(), PageError> {
        let role = self.person.role;
        if !role.needs_involvement() || self.app.identity.is_involved(&self.person, case).await {
            return Ok(());
        }
        let refused = self.app.event(EventKind::AccessRefused, &self.actor());
        let refused = refused.with_detail("right", "involvement").about(Subject::of(case));
        self.app.store.audit().append(vec![refused]).await?;
        Err(PageError::Forbidden)
    }
}
