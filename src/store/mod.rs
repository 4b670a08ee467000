//! What the stores of this crate share: the SQLite file and its migrations.

#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
