//! The same queries for programs without an async runtime.

use crate::matching::Compared;
use crate::nhs_number::NhsNumber;
use crate::service::pds::Pds;
use crate::trace::{Caller, Error, FindPerson};
use std::io;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// A [`Pds`] whose calls block the thread until the response is there.
///
/// It has a runtime of its own, with one thread. Clones share it. Do not use it inside an async runtime: the calls
/// would panic there; use [`Pds`].
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::matching::Finding;
/// use nhs_pds::trace::{FindPerson, LocalIdentity, Outcome, ScriptedTracer};
/// use nhs_pds::{BlockingPds, Pds};
/// use std::sync::Arc;
///
/// let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
/// let service = Arc::new(ScriptedTracer::new([Ok(Outcome::None)]));
/// let pds = BlockingPds::new(Pds::new(service, us))?;
/// let person = FindPerson::new("Smith".parse()?, Gender::Female, "1984-02-29".parse()?);
/// assert_eq!(pds.find(pds.system(), &person)?.finding, Finding::None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlockingPds {
    pds: Pds,
    runtime: Arc<Runtime>,
}

impl BlockingPds {
    /// Blocking calls to `pds`.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn new(pds: Pds) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { pds, runtime: Arc::new(runtime) })
    }

    /// As [`Pds::system`].
    #[must_use]
    pub const fn system(&self) -> &Caller {
        self.pds.system()
    }

    /// As [`Pds::find`].
    ///
    /// # Errors
    ///
    /// As for [`Pds::find`].
    ///
    /// # Panics
    ///
    /// When called inside an async runtime.
    pub fn find(&self, caller: &Caller, person: &FindPerson) -> Result<Compared, Error> {
        self.runtime.block_on(self.pds.find(caller, person))
    }

    /// As [`Pds::verify`].
    ///
    /// # Errors
    ///
    /// As for [`Pds::find`].
    ///
    /// # Panics
    ///
    /// When called inside an async runtime.
    pub fn verify(
        &self,
        caller: &Caller,
        number: NhsNumber,
        person: &FindPerson,
    ) -> Result<Compared, Error> {
        self.runtime.block_on(self.pds.verify(caller, number, person))
    }
}
