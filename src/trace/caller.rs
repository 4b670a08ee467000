use crate::demographics::OdsCode;
use crate::text::ValueError;
use std::fmt;

/// The user or system on whose behalf a question is sent: the audit identity of every message
/// (MSCA-AUD-04).
///
/// ```
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// assert_eq!(caller.to_string(), "urn:nhs-uk:identity:ods:RHM:get-nhs-number");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Caller {
    /// A system that works without a user.
    System(LocalIdentity),
    /// A user.
    User(User),
}

/// A user on whose behalf a question is sent.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum User {
    /// A user of the local system, by an identifier that no other user has.
    Local(LocalIdentity),
    /// A user with an NHS smartcard.
    Smartcard(SmartcardIdentity),
}

impl From<User> for Caller {
    fn from(user: User) -> Self {
        Self::User(user)
    }
}

impl fmt::Display for Caller {
    /// Writes the identity for an audit trail: a URN, or `smartcard:<role profile>:<user>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(identity) | Self::User(User::Local(identity)) => {
                f.write_str(&identity.uri())
            }
            Self::User(User::Smartcard(card)) => {
                write!(f, "smartcard:{}:{}", card.role_profile_id, card.user_id)
            }
        }
    }
}

/// A user or system as one organisation knows it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LocalIdentity {
    organisation: OdsCode,
    id: String,
}

impl LocalIdentity {
    /// Creates the identity of the user or system with this `id` in `organisation`.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when `id` is empty or contains a character other than letters,
    /// digits and `-._~@:`. These need no escape in a URN.
    pub fn new(organisation: OdsCode, id: &str) -> Result<Self, ValueError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:".contains(&byte);
        if id.is_empty() || !id.bytes().all(allowed) {
            return Err(LOCAL_ID);
        }
        Ok(Self { organisation, id: id.to_owned() })
    }

    /// Returns the organisation's ODS code.
    #[must_use]
    pub const fn organisation(&self) -> &OdsCode {
        &self.organisation
    }

    /// Returns the identifier within the organisation.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns `urn:nhs-uk:identity:ods:<ODS code>:<id>` (ITK Distribution Envelope, audit
    /// identity).
    #[must_use]
    pub fn uri(&self) -> String {
        format!("urn:nhs-uk:identity:ods:{}:{}", self.organisation, self.id)
    }
}

/// A user as the Spine knows them, from their smartcard session.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SmartcardIdentity {
    role_profile_id: String,
    user_id: String,
    job_role: Option<String>,
}

impl SmartcardIdentity {
    /// Creates the identity of the user `user_id` in the role `role_profile_id`, both issued by the
    /// Spine.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when either is not one to twenty digits.
    pub fn new(role_profile_id: &str, user_id: &str) -> Result<Self, ValueError> {
        let issued =
            |id: &str| (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if !issued(role_profile_id) || !issued(user_id) {
            return Err(SMARTCARD_ID);
        }
        Ok(Self {
            role_profile_id: role_profile_id.to_owned(),
            user_id: user_id.to_owned(),
            job_role: None,
        })
    }

    /// Sets the job role code, such as `S0080:G0450:R5080`.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when the code contains a character other than letters, digits and
    /// `:`.
    pub fn with_job_role(mut self, job_role: &str) -> Result<Self, ValueError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b':';
        if job_role.is_empty() || !job_role.bytes().all(allowed) {
            return Err(JOB_ROLE);
        }
        self.job_role = Some(job_role.to_owned());
        Ok(self)
    }

    /// Returns the role profile: the user in a role at an organisation.
    #[must_use]
    pub fn role_profile_id(&self) -> &str {
        &self.role_profile_id
    }

    /// Returns the user's identifier.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the job role code.
    #[must_use]
    pub fn job_role(&self) -> Option<&str> {
        self.job_role.as_deref()
    }
}

const JOB_ROLE: ValueError =
    ValueError::new("the job role code is not letters, digits and colons only");

const LOCAL_ID: ValueError =
    ValueError::new("the local user or system id is not letters, digits and -._~@: only");

const SMARTCARD_ID: ValueError =
    ValueError::new("the role profile id or user id is not one to twenty digits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_identities_are_rejected() {
        let ods = || "RHM".parse::<OdsCode>().unwrap();
        for id in ["", "a b", "a/b", "ä", "a\n"] {
            assert_eq!(LocalIdentity::new(ods(), id), Err(LOCAL_ID), "{id:?}");
        }
        for id in ["", "1 2", "12a", "123456789012345678901"] {
            assert_eq!(SmartcardIdentity::new(id, "1"), Err(SMARTCARD_ID), "{id:?}");
            assert_eq!(SmartcardIdentity::new("1", id), Err(SMARTCARD_ID), "{id:?}");
        }
        let card = SmartcardIdentity::new("868000003114", "868000003115").unwrap();
        assert_eq!(card.clone().with_job_role("R8000 "), Err(JOB_ROLE));
        assert_eq!(
            Caller::User(User::Smartcard(card)).to_string(),
            "smartcard:868000003114:868000003115"
        );
    }
}
