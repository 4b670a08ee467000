//! Statements of one transaction.

use crate::postgres::error::{Error, ErrorKind, is_in_the_way};
use crate::postgres::session::{Session, naming};
use bytes::BytesMut;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::Row;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

/// What is done in a transaction.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The values of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A bound value that `Debug` does not show: the driver writes the values of each statement to its debug log.
struct Hidden<'a>(&'a (dyn ToSql + Sync));

impl ToSql for Hidden<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Bound {
        self.0.to_sql_checked(ty, out)
    }

    // The value itself says what it accepts, when it is checked.
    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Bound {
        self.0.to_sql_checked(ty, out)
    }

    fn encode_format(&self, ty: &Type) -> Format {
        self.0.encode_format(ty)
    }
}

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

type Bound = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

fn hidden<'a>(values: Values<'a>) -> Vec<Hidden<'a>> {
    values.iter().map(|value| Hidden(*value)).collect()
}

fn references<'a>(hidden: &'a [Hidden<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    hidden.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// An open transaction. All values are bound; the text of a statement has no content.
pub(crate) struct Tx {
    session: Session,
    /// Whether another transaction was in the way.
    again: AtomicBool,
}

impl Tx {
    pub(super) const fn new(session: Session) -> Self {
        Self { session, again: AtomicBool::new(false) }
    }

    /// The rows of a query.
    pub(crate) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        let object = self.session.object()?;
        let done = async {
            let statement = object.prepare_cached(sql).await?;
            object.query(&statement, &references(&hidden(values))).await
        };
        done.await.map_err(|error| self.failed(error))
    }

    /// The first row of a query, if it has one.
    pub(crate) async fn first(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Changes rows, and returns their number.
    pub(crate) async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, Error> {
        let object = self.session.object()?;
        let done = async {
            let statement = object.prepare_cached(sql).await?;
            object.execute(&statement, &references(&hidden(values))).await
        };
        done.await.map_err(|error| self.failed(error))
    }

    /// Names the tenant of this number from here on.
    pub(crate) async fn name_tenant(&self, tenant: i32) -> Result<(), Error> {
        self.batch(&naming(tenant)).await
    }

    /// Statements without values, one after the other.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        let object = self.session.object()?;
        object.batch_execute(sql).await.map_err(|error| self.failed(error))
    }

    /// Another transaction was in the way: the whole transaction is done again.
    pub(crate) fn again(&self) -> Error {
        self.again.store(true, Ordering::Relaxed);
        Error::new(ErrorKind::Unavailable).with_source("other transactions were in the way")
    }

    pub(super) fn must_repeat(&self) -> bool {
        self.again.load(Ordering::Relaxed)
    }

    pub(super) fn into_session(self) -> Session {
        self.session
    }

    fn failed(&self, error: tokio_postgres::Error) -> Error {
        if is_in_the_way(&error) {
            self.again.store(true, Ordering::Relaxed);
        }
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_cannot_show_a_value() {
        let values: Values<'_> = &[&"Quentinsson", &7_i32];
        assert_eq!(format!("{:?}", hidden(values)), "[.., ..]");
    }
}
