//! Tests a service against the contract of [`Tracer`].
//!
//! [`check`] traces a [`Population`] that the service knows, with each of the three questions in
//! both modes, and reports the first clause that fails. [`check_failing`] tests a service in
//! [`Trouble`].
//!
//! ```
//! use nhs_pds::demographics::Gender;
//! use nhs_pds::nhs_number::Synthetic;
//! use nhs_pds::trace::conformance::{self, Known, Particulars, Population};
//! use nhs_pds::trace::{Caller, LocalIdentity, Outcome, ScriptedTracer, User};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let mut numbers = Synthetic::from_seed(1);
//! let mut number = || numbers.next().ok_or("there are a million");
//! let particulars = |family: &str, given: &str| -> Result<_, Box<dyn std::error::Error>> {
//!     Ok(Particulars {
//!         family: family.parse()?,
//!         given: given.parse()?,
//!         gender: Gender::Female,
//!         date_of_birth: "1943-05-19".parse()?,
//!         postcode: None,
//!     })
//! };
//! let mut known = |family: &str| -> Result<_, Box<dyn std::error::Error>> {
//!     Ok(Known { nhs_number: number()?, particulars: particulars(family, "Comfort")? })
//! };
//! let population = Population {
//!     ordinary: known("Ordinary")?,
//!     deceased: known("Deceased")?,
//!     restricted: known("Withheld")?,
//!     very_restricted: None,
//!     awkward: Some(known("O'Hern & Zoë")?),
//!     superseded: known("Formerly")?,
//!     replacement: known("Lately")?,
//!     invalidated: known("Struckoff")?,
//!     twins: (particulars("Twinn", "Comfort")?, [number()?, number()?]),
//!     recognisable: None,
//!     absent: Known { nhs_number: number()?, particulars: particulars("Absent", "Nora")? },
//! };
//!
//! // A real test uses a client of a service with these people. This tracer finds no person.
//! let tracer = Arc::new(ScriptedTracer::new([Ok(Outcome::None)]));
//! let us = LocalIdentity::new("RHM".parse()?, "worker")?;
//! let (caller, user) = (Caller::System(us.clone()), User::Local(us));
//! let breach = conformance::check(tracer, &caller, &user, &population).await.unwrap_err();
//! assert_eq!(breach.clause(), "a known person is found");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not tested here: whether the HTTP library or the service itself prints personal data, and how
//! many messages a question takes on the wire.

mod asking;
mod clauses;
mod failing;
mod population;

pub use failing::{Trouble, check_failing};
pub use population::{Known, Particulars, Population, Recognisable};

use crate::trace::caller::{Caller, User};
use crate::trace::error::Error;
use crate::trace::tracer::Tracer;
use asking::{Asker, Inquiry, is_sound};
use std::sync::Arc;

/// Tests a tracer whose service knows the `population`. Sends questions for `caller` and for
/// `user`, and fifty at the same time.
///
/// Needs a Tokio runtime. A runtime with several threads makes the questions overlap.
///
/// # Errors
///
/// [`Breach`], which names the clause that the tracer breaks, or the requirement that the
/// population does not meet.
pub async fn check(
    tracer: Arc<dyn Tracer>,
    caller: &Caller,
    user: &User,
    population: &Population,
) -> Result<(), Breach> {
    is_sound(population)?;
    let asker = Asker { tracer, caller: caller.clone(), user: user.clone() };
    for attended in [false, true] {
        clauses::finds_known_people(&asker, population, attended).await?;
        clauses::ignores_letter_case(&asker, population, attended).await?;
        clauses::finds_no_unknown_person(&asker, population, attended).await?;
        clauses::rejects_similar_people(&asker, population, attended).await?;
        clauses::reports_several_as_ambiguous(&asker, population, attended).await?;
        clauses::follows_a_replaced_number(&asker, population, attended).await?;
        clauses::refuses_an_invalid_number(&asker, population, attended).await?;
        clauses::reports_a_death(&asker, population, attended).await?;
        clauses::withholds_restricted_data(&asker, population, attended).await?;
        clauses::makes_one_exchange_per_call(&asker, population, attended).await?;
        asker.prints_no_personal_data(population)?;
    }
    clauses::finds_by_wildcard(&asker, population).await?;
    // A question for a user that no user attends.
    let for_user = Asker { caller: user.clone().into(), ..asker.clone() };
    clauses::ignores_letter_case(&for_user, population, false).await?;
    clauses::answers_many_at_once(&asker, population).await?;
    asker.prints_no_personal_data(population)
}

/// A clause of the contract that a tracer breaks. Report a defect in the tracer, or to the service.
#[derive(Debug, thiserror::Error)]
#[error("a tracer breaks its contract: {clause}{}", asked.map_or(String::new(), |asked| format!(" ({asked})")))]
pub struct Breach {
    clause: &'static str,
    asked: Option<&'static str>,
    source: Option<Error>,
}

impl Breach {
    const fn of(clause: &'static str) -> Self {
        Self { clause, asked: None, source: None }
    }

    const fn about(mut self, inquiry: &Inquiry) -> Self {
        self.asked = Some(inquiry.as_str());
        self
    }

    /// Returns the clause that failed.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }

    /// Returns the question and its mode, such as `verify, attended`.
    #[must_use]
    pub const fn asked(&self) -> Option<&'static str> {
        self.asked
    }
}

/// A working service must answer the question.
impl From<Error> for Breach {
    fn from(error: Error) -> Self {
        Self { source: Some(error), ..Self::of("questions are answered when nothing is wrong") }
    }
}

fn hold(condition: bool, clause: &'static str) -> Result<(), Breach> {
    if condition { Ok(()) } else { Err(Breach::of(clause)) }
}
