//! Who uses the screens: the vendor's identity, or the sign-in of this crate.

use crate::rights::{FieldGroup, Right, Role};
use async_trait::async_trait;
use nhs_pds::audit::Actor;
use nhs_pds::case::Case;
use nhs_pds::demographics::OdsCode;
use nhs_pds::trace::{Caller, Tracer, User};
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A user of the screens, for one request. `Debug` shows only the role.
#[non_exhaustive]
#[derive(Clone)]
pub struct Person {
    /// The identity for messages to the service and for the audit trail (MSCA-AUD-04).
    pub user: User,
    /// The name that people know.
    pub name: String,
    /// The role, which has the rights.
    pub role: Role,
    /// The organisation of the role (MSCA-IG-03).
    pub organisation: OdsCode,
    /// The names or ids of this user in [`Allocation::worker`](nhs_pds::case::Allocation::worker): the user is
    /// involved with a case that is allocated to one of them (HAV-12).
    pub workers: Vec<String>,
    /// Names the session, so that what belongs to it ends with it. Not the secret of a cookie.
    pub session: Option<String>,
    /// The device at which the user works, for the audit trail.
    pub device: Option<String>,
}

impl Person {
    /// Creates a user in `role` at `organisation`.
    #[must_use]
    pub fn new(user: User, name: impl Into<String>, role: Role, organisation: OdsCode) -> Self {
        let (name, workers) = (name.into(), Vec::new());
        Self { user, name, role, organisation, workers, session: None, device: None }
    }

    /// Returns this user, who has these names or ids in the allocations of cases.
    #[must_use]
    pub fn with_workers(mut self, workers: Vec<String>) -> Self {
        self.workers = workers;
        self
    }

    /// Returns this user in the session of this name.
    #[must_use]
    pub fn with_session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Returns this user at `device`.
    #[must_use]
    pub fn on_device(mut self, device: impl Into<String>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// Whether the user has `right`.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// Whether the user sees the fields of `group`.
    #[must_use]
    pub fn sees(&self, group: FieldGroup) -> bool {
        self.role.sees(group)
    }

    /// The actor of the user's events in the audit trail (MSCA-AUD-03).
    #[must_use]
    pub fn actor(&self) -> Actor {
        let actor = Actor::new(&Caller::User(self.user.clone()), self.name.clone())
            .with_role(self.role.as_str(), self.organisation.clone());
        match &self.device {
            Some(device) => actor.on_device(device),
            None => actor,
        }
    }
}

impl Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.role)
    }
}

/// The identity provider did not answer. No page is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the identity of the user could not be read: try again")]
pub struct IdentityError;

/// Says who sends a request. A vendor's application implements it over its own session.
///
/// # Contract
///
/// * [`identify`](Self::identify) is called for every request, so a change of the role, or a sign-out, takes effect
///   at the next request.
/// * The session must be protected from other sites: the screens reject a POST from another origin.
/// * `Debug` shows nothing of a session.
#[async_trait]
pub trait Identity: Debug + Send + Sync {
    /// The user who sends the request; `None` if no user is signed in.
    ///
    /// # Errors
    ///
    /// [`IdentityError`], when it cannot be known.
    async fn identify(
        &self,
        request: &http::request::Parts,
    ) -> Result<Option<Person>, IdentityError>;

    /// Where to send a visitor who is not signed in: a path or an address. `None` shows a page that says so.
    fn sign_in(&self) -> Option<String> {
        None
    }

    /// Whether `person` is involved with `case` (HAV-12). Asked for roles that see only such cases.
    ///
    /// By default a case is the user's own while it is allocated, without an end date, to one of
    /// [`Person::workers`].
    async fn is_involved(&self, person: &Person, case: &Case) -> bool {
        let current = case.allocations.iter().filter(|allocation| allocation.end.is_none());
        current.into_iter().any(|allocation| person.workers.contains(&allocation.worker))
    }

    /// A tracer that searches with the user's own access, such as the PDS FHIR API with the token of a healthcare
    /// worker. By default there is none, and the screens search with the tracer of
    /// [`Screens::with_search`](crate::Screens::with_search).
    async fn tracer(&self, person: &Person) -> Option<Arc<dyn Tracer>> {
        let _ = person;
        None
    }
}
