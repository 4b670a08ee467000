//! Access to the API: signed assertions, access tokens, and the sources of tokens.
//!
//! *Application-restricted access* is for an unattended system. The system authenticates by an assertion
//! that it signs with a [`SigningKey`], and receives a token for about ten minutes
//! ([`ApplicationTokens`]). The key's public half is registered with the API beforehand, as [`Jwks`].
//!
//! *Healthcare-worker access* is for a user at a screen. The user signs in with NHS Care Identity
//! Service 2, and the program with the sign-in gives their tokens through [`UserTokens`].
//!
//! Source: the API's published signed-JWT pattern (RFC 7523 with RS512 only) and RFC 6749.
//!
//! Not supported: the sign-in, which belongs to the vendor's own session; `_access_token_expiry_ms`,
//! which can only shorten a token.

mod application;
mod assertion;
mod cache;
mod exchange;
mod jwk;
mod jwks;
mod key;
mod key_id;
mod refusal;
mod token;
mod user;

pub use application::{ApplicationTokens, TokenConfig};
pub use assertion::{AssertionLifetime, ClientId, assertion};
pub use jwks::Jwks;
pub use key::{KeyError, KeyErrorKind, SigningKey};
pub use key_id::KeyId;
pub use refusal::{RefusedPart, TokenErrorCode};
pub use token::AccessToken;
pub use user::{SessionRoleId, UserToken, UserTokens};
