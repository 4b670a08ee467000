//! The table.

use crate::rows::Rows;
use nhs_pds::case::Error;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Table(Mutex<Rows>);

impl Table {
    /// Changes a copy of the rows, which replaces them if the change succeeds.
    pub(crate) fn transaction<T>(
        &self,
        run: impl FnOnce(&mut Rows) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = rows.clone();
        let done = run(&mut changed)?;
        *rows = changed;
        Ok(done)
    }
}
