//! Access to the API: signed assertions, access tokens, and who gives them.
//!
//! *Application-restricted access*, for a system at work with nobody looking on: the system proves who it
//! is by an assertion that it signs with a [`SigningKey`], and is given a token for about ten minutes
//! ([`ApplicationTokens`]). The key's public half is registered with the API beforehand, as [`Jwks`].
//!
//! *Healthcare-worker access*, for somebody at a screen: the person signs in with NHS Care Identity
//! Service 2, and whoever runs the sign-in gives their tokens through [`UserTokens`].
//!
//! Source: the API's published signed-JWT pattern (RFC 7523 with RS512 only) and RFC 6749.
//!
//! Not supported: signing in, which belongs to the vendor's own session; `_access_token_expiry_ms`, which
//! can only shorten a token.

mod application;
mod assertion;
mod cache;
mod exchange;
mod jwks;
mod key;
mod refusal;
mod token;
mod user;

pub use application::{ApplicationTokens, TokenConfig};
pub use assertion::{
    AssertionLifetime, AssertionLifetimeError, ClientId, ClientIdError, assertion,
};
pub use jwks::{Jwk, Jwks};
pub use key::{KeyError, KeyErrorKind, KeyId, KeyIdError, SigningKey};
pub use refusal::{RefusedPart, TokenErrorCode};
pub use token::{AccessToken, AccessTokenError};
pub use user::{SessionRoleId, SessionRoleIdError, UserToken, UserTokens};
