use std::error::Error as StdError;
use std::io;
use tokio_postgres::error::SqlState;

/// PostgreSQL cannot be used, or not now. The message contains no values of rows and no password.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Why, and so what to do about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The address, a certificate or the password cannot be used. Correct the configuration.
    #[error("the address of the database, its certificates or the password cannot be used")]
    Configuration,
    /// A row is not as this version of the crate writes it. Have the database checked.
    #[error("the database is damaged")]
    Corrupt,
    /// The database or the session only reads: a standby, or after a failover. Connect to the primary.
    #[error("the database is read-only: connect to the primary")]
    ReadOnly,
    /// The change is stored, but the previous content may still be in the files of the database: another session
    /// uses it, or no [maintenance](crate::postgres::Config::with_maintenance) is configured. Try again later.
    #[error("the files of the database may still contain deleted data")]
    Residue,
    /// The role could see every tenant's rows: it is a superuser, may bypass row-level security, or owns the tables.
    /// Connect as a role that may do none of this.
    #[error(
        "the role may see the rows of all tenants: connect as a role that is neither superuser nor owner of the tables"
    )]
    Role,
    /// The schema is missing, of another version of this crate, or without its rights and policies. Prepare the
    /// database.
    #[error(
        "the schema of the database is missing, of another version, or without its rights: prepare the database"
    )]
    Schema,
    /// There is no tenant of this name. Add it.
    #[error("there is no such tenant in the database")]
    Tenant,
    /// The server does not answer, refuses the connection, or has no space. Try again later.
    #[error("the database is unavailable: try again later")]
    Unavailable,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) fn configuration(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Configuration).with_source(source)
    }

    pub(super) fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Unavailable).with_source(source)
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn into_source(self) -> Option<Box<dyn StdError + Send + Sync>> {
        self.source
    }
}

/// Whether another transaction was in the way: the whole transaction may succeed when it is tried again at once.
pub(super) fn is_in_the_way(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::UNIQUE_VIOLATION,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

/// The server's message of some errors quotes values, so only the code and the standard text of it are kept.
impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            // Without a code it is the connection, or a value of a type that the column does not have.
            let kind = match error.to_string() {
                text if text.starts_with("error deserializing") => {
                    return Self::new(ErrorKind::Corrupt);
                }
                // No password, or no host.
                text if text.starts_with("invalid configuration") => ErrorKind::Configuration,
                _ if is_about_certificates(&error) => ErrorKind::Configuration,
                _ => ErrorKind::Unavailable,
            };
            return Self::new(kind).with_source(told(&error));
        };
        let kind = match *code {
            SqlState::READ_ONLY_SQL_TRANSACTION => ErrorKind::ReadOnly,
            SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_COLUMN
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::INSUFFICIENT_PRIVILEGE => ErrorKind::Schema,
            SqlState::INVALID_PASSWORD
            | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | SqlState::INVALID_CATALOG_NAME => ErrorKind::Configuration,
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => ErrorKind::Corrupt,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind).with_source(format!("{}PostgreSQL answered {}", meaning(code), code.code()))
    }
}

/// What a code means that an operator meets while programs run, before the code.
fn meaning(code: &SqlState) -> &'static str {
    match *code {
        SqlState::DISK_FULL => "the disk of the server is full: ",
        SqlState::TOO_MANY_CONNECTIONS => "the server has no free connection: ",
        SqlState::LOCK_NOT_AVAILABLE => "another transaction has locked the rows for too long: ",
        SqlState::QUERY_CANCELED => "a statement took too long: ",
        _ => "",
    }
}

/// Whether TLS has refused the server, or the server TLS. A connection that was lost meanwhile is neither.
fn is_about_certificates(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<rustls::Error>()
            || inner.is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The causes of a failed connection, as one text. They name hosts and reasons of the system.
fn told(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            error => Self::unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{Config, Database};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server's request for a password.
    const PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];

    #[tokio::test]
    async fn a_missing_password_is_a_fault_of_the_configuration() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut message = [0; 1024];
            assert_ne!(client.read(&mut message).await.unwrap(), 0);
            client.write_all(&PASSWORD).await.unwrap();
            // Until the client has closed the connection.
            let _closed = client.read(&mut message).await.unwrap_or_default();
        });
        let config: Config = format!("postgres://app@{address}/x").parse().unwrap();
        let error = Database::connect(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "invalid configuration: password missing");
    }
}
