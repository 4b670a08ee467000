use crate::demographics::{OdsCode, redacted_debug};
use crate::trace::Caller;

/// The person or system that did something, with role, authority and device (MSCA-AUD-03).
///
/// ```
/// use nhs_pds::audit::Actor;
/// use nhs_pds::trace::{Caller, LocalIdentity, User};
///
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let actor = Actor::new(&Caller::User(user), "Jo Doe")
///     .with_role("Duty worker", "RHM".parse()?)
///     .on_device("desk 7");
/// assert_eq!(actor.user_id(), "urn:nhs-uk:identity:ods:RHM:j.doe");
/// assert_eq!(actor.authority(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Actor {
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) role: Option<String>,
    pub(super) organisation: Option<OdsCode>,
    pub(super) authority: Option<String>,
    pub(super) device: Option<String>,
}

impl Actor {
    /// The user or system `caller`, with `name` as the name that people know.
    #[must_use]
    pub fn new(caller: &Caller, name: impl Into<String>) -> Self {
        Self {
            user_id: caller.to_string(),
            name: name.into(),
            role: None,
            organisation: None,
            authority: None,
            device: None,
        }
    }

    /// Returns this actor in the role profile of `role` at `organisation`.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>, organisation: OdsCode) -> Self {
        self.role = Some(role.into());
        self.organisation = Some(organisation);
        self
    }

    /// Returns this actor with the user id `id` of the other person who authorised the action.
    #[must_use]
    pub fn authorised_by(mut self, id: impl Into<String>) -> Self {
        self.authority = Some(id.into());
        self
    }

    /// Returns this actor at the originating system or end-user device `device`.
    #[must_use]
    pub fn on_device(mut self, device: impl Into<String>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// The user or system, in the form of [`Caller`]'s `Display`.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role in which the user acted.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The organisation of the role.
    #[must_use]
    pub const fn organisation(&self) -> Option<&OdsCode> {
        self.organisation.as_ref()
    }

    /// The user id of the person who authorised the action, when that was another person.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The originating system or end-user device.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }
}

redacted_debug!(Actor);
