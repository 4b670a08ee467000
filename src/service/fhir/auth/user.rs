use crate::service::error::Error;
use crate::service::fhir::auth::token::AccessToken;
use crate::text::ValueError;
use crate::trace::User;
use async_trait::async_trait;
use std::fmt::{self, Debug};
use std::str::FromStr;

/// A source of access tokens of users at screens (healthcare-worker access).
///
/// The user signs in with NHS Care Identity Service 2 in the vendor's own program. That program keeps
/// the session and exchanges it for access tokens. This trait gives these to the client.
///
/// # Contract
///
/// * The token belongs to this user: requests with it are recorded as theirs.
/// * `refused` is the token that the API has just refused (401). It must not be returned again: fetch a
///   new one, or return [`Error::sign_in`]. If many calls have the same `refused`, only the first needs
///   to fetch.
/// * Without `refused`, the call returns at once if there is a token, and that token is valid for the
///   next half-minute.
/// * The error of another user is never returned for this user. Errors carry no token.
///
/// ```
/// use nhs_pds::async_trait;
/// use nhs_pds::fhir::auth::{AccessToken, UserToken, UserTokens};
/// use nhs_pds::service::Error;
/// use nhs_pds::trace::{LocalIdentity, User};
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// /// What the sign-in left. A session of this program ends with its first token.
/// #[derive(Debug)]
/// struct Sessions(HashMap<User, UserToken>);
///
/// #[async_trait]
/// impl UserTokens for Sessions {
///     async fn token(
///         &self,
///         user: &User,
///         refused: Option<&AccessToken>,
///     ) -> Result<UserToken, Error> {
///         match self.0.get(user) {
///             Some(current) if refused != Some(current.access_token()) => Ok(current.clone()),
///             _ => Err(Error::sign_in()),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let jo = User::Local(LocalIdentity::new("RHM".parse()?, "jo.sampleworth")?);
/// let token = UserToken::new("2YotnFZFEjr1zCsicMWpAA".parse()?)
///     .with_role("555254240100".parse()?);
/// let sessions: Arc<dyn UserTokens> = Arc::new(Sessions(HashMap::from([(jo.clone(), token)])));
///
/// let token = sessions.token(&jo, None).await?;
/// assert_eq!(token.role().map(|role| role.as_str()), Some("555254240100"));
/// let again = sessions.token(&jo, Some(token.access_token())).await;
/// assert_eq!(again.unwrap_err().to_string(), "the user must sign in again");
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait UserTokens: Debug + Send + Sync {
    /// Returns a token of `user` that is valid now and is not `refused`.
    ///
    /// # Errors
    ///
    /// [`Error::sign_in`] when the user must sign in again; [`Error::no_token`] when there is no token
    /// for another reason.
    async fn token(&self, user: &User, refused: Option<&AccessToken>) -> Result<UserToken, Error>;
}

/// A user's access token, and the user's role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserToken {
    access_token: AccessToken,
    role: Option<SessionRoleId>,
}

impl UserToken {
    /// The token of a user who has one role.
    #[must_use]
    pub const fn new(access_token: AccessToken) -> Self {
        Self { access_token, role: None }
    }

    /// The same token, with the one role of several in which the user acts.
    #[must_use]
    pub fn with_role(mut self, role: SessionRoleId) -> Self {
        self.role = Some(role);
        self
    }

    /// The token.
    #[must_use]
    pub const fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The role, if the user chose one.
    #[must_use]
    pub const fn role(&self) -> Option<&SessionRoleId> {
        self.role.as_ref()
    }
}

/// The role of a user (`NHSD-Session-URID`): the identifier of their role profile, one to twenty digits.
/// The API requires it from users who have several roles.
///
/// ```
/// use nhs_pds::fhir::auth::SessionRoleId;
///
/// assert_eq!("555254240100".parse::<SessionRoleId>()?.as_str(), "555254240100");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SessionRoleId(String);

impl SessionRoleId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionRoleId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && (1..=20).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(INVALID)
        }
    }
}

impl fmt::Display for SessionRoleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a role. Correct the output of the sign-in.
const INVALID: ValueError = ValueError::new("a session role id must be one to twenty digits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_roles_are_rejected() {
        for text in ["", " 1", "1a", "٣", "123456789012345678901"] {
            assert_eq!(text.parse::<SessionRoleId>(), Err(INVALID), "{text:?}");
        }
    }
}
