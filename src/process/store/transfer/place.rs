use crate::process::store::transfer::side::Side;
use std::fmt;
use std::sync::Arc;

/// A store of this crate, as the source or the target of a move. Made of a `Sqlite` or a `Postgres`.
#[derive(Clone)]
pub struct Place(Arc<dyn Side>);

impl Place {
    pub(super) fn side(&self) -> &dyn Side {
        &*self.0
    }
}

#[cfg(feature = "sqlite")]
impl From<crate::process::store::sqlite::Sqlite> for Place {
    fn from(store: crate::process::store::sqlite::Sqlite) -> Self {
        Self(Arc::new(store))
    }
}

#[cfg(feature = "postgres")]
impl From<crate::process::store::postgres::Postgres> for Place {
    fn from(store: crate::process::store::postgres::Postgres) -> Self {
        Self(Arc::new(store))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.0.name())
    }
}
