//! What the stores of this crate share: the SQLite file and its migrations.

#[cfg(feature = "sqlite")]
mod error;
#[cfg(feature = "sqlite")]
mod group;
#[cfg(feature = "sqlite")]
mod led;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
