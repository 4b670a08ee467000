use crate::ids::RandomIds;
use crate::matching::{self, Compared};
use crate::nhs_number::NhsNumber;
use crate::trace::{Caller, Error, FindPerson, LocalIdentity, MessageId, Tracer};
use std::sync::Arc;

/// A service of PDS, ready to be asked.
///
/// `Pds::smsp` (features `smsp` and `http`) and `Pds::fhir` (features `fhir` and `http`) build one from an address
/// and credentials. [`Pds::new`] takes any [`Tracer`], such as a client with a transport of your own.
///
/// [`find`](Self::find) and [`verify`](Self::verify) return the result of the comparison with the person asked for.
/// Only [`Finding::Verified`](matching::Finding::Verified) has a number that a program may write unattended.
/// Each call sends one request; a [`Gateway`](crate#layers) and retries go between with [`Pds::tracer`].
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::matching::Finding;
/// use nhs_pds::trace::{FindPerson, LocalIdentity, Outcome, ScriptedTracer};
/// use nhs_pds::Pds;
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
/// // In place of a service: one that knows no person.
/// let pds = Pds::new(Arc::new(ScriptedTracer::new([Ok(Outcome::None)])), us);
/// let person = FindPerson::new("Smith".parse()?, Gender::Female, "1984-02-29".parse()?);
/// assert_eq!(pds.find(pds.system(), &person).await?.finding, Finding::None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pds {
    tracer: Arc<dyn Tracer>,
    system: Caller,
}

impl Pds {
    /// The service behind `tracer`, for the system `us`.
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>, us: LocalIdentity) -> Self {
        Self { tracer, system: Caller::System(us) }
    }

    /// This system as the caller, for work without a user. A screen passes its user instead, for the audit trail
    /// of the service (MSCA-AUD-01).
    #[must_use]
    pub const fn system(&self) -> &Caller {
        &self.system
    }

    /// Finds `person`, and compares the person returned with `person`, as [`matching::find`] does. The message
    /// identifier is drawn at random.
    ///
    /// # Errors
    ///
    /// When there was no response; [`Error::kind`] says what to do. "No match" is a
    /// [`Finding`](matching::Finding).
    pub async fn find(&self, caller: &Caller, person: &FindPerson) -> Result<Compared, Error> {
        matching::find(&*self.tracer, caller, person, MessageId::fresh(&RandomIds)).await
    }

    /// Verifies that `number` is that of `person`, as [`matching::verify`] does. The number must come from
    /// elsewhere, such as a letter.
    ///
    /// # Errors
    ///
    /// As for [`Pds::find`].
    pub async fn verify(
        &self,
        caller: &Caller,
        number: NhsNumber,
        person: &FindPerson,
    ) -> Result<Compared, Error> {
        matching::verify(&*self.tracer, caller, number, person, MessageId::fresh(&RandomIds)).await
    }

    /// The service itself, for a worker, a gateway or other queries.
    #[must_use]
    pub fn tracer(&self) -> Arc<dyn Tracer> {
        Arc::clone(&self.tracer)
    }
}
