use super::asking::{Asker, Inquiry, Word};
use super::population::Known;
use super::{Breach, hold};
use crate::ids::RandomIds;
use crate::trace::caller::{Caller, User};
use crate::trace::error::ErrorKind;
use crate::trace::message_id::MessageId;
use crate::trace::tracer::Tracer;
use std::sync::Arc;

/// A failure of a service, or of the connection to it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Trouble {
    /// The address does not accept connections.
    Unreachable,
    /// The connection is closed before the response.
    Cut,
    /// The connection is closed in the middle of the response.
    CutHalfWay,
    /// No response arrives in time.
    Late,
    /// The service reports that it is too busy, as by HTTP 429.
    Busy,
    /// The service reports that it does not work, as by HTTP 503.
    Broken,
    /// The response is not a message.
    Garbage,
    /// The response is empty, with a status of success.
    Empty,
    /// The service, or its gateway, refuses this system's identity, as by HTTP 403.
    Refused,
    /// The service rejects the data of the question.
    Rejected,
}

impl Trouble {
    /// All failures.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::Cut,
        Self::CutHalfWay,
        Self::Late,
        Self::Busy,
        Self::Broken,
        Self::Garbage,
        Self::Empty,
        Self::Refused,
        Self::Rejected,
    ];

    /// Returns the kind of error that a tracer must report.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Unreachable
            | Self::Cut
            | Self::CutHalfWay
            | Self::Late
            | Self::Busy
            | Self::Broken => ErrorKind::Unavailable,
            Self::Garbage | Self::Empty => ErrorKind::Unreadable,
            Self::Refused => ErrorKind::Configuration,
            Self::Rejected => ErrorKind::Rejected,
        }
    }

    const fn clause(self) -> &'static str {
        match self {
            Self::Unreachable => "an unreachable service is unavailable",
            Self::Cut => "a closed connection is unavailable",
            Self::CutHalfWay => "an incomplete response is unavailable",
            Self::Late => "a response that is too late is unavailable",
            Self::Busy => "a busy service is unavailable",
            Self::Broken => "a broken service is unavailable",
            Self::Garbage => "garbage is unreadable",
            Self::Empty => "an empty response is unreadable",
            Self::Refused => "a refused identity is a configuration error",
            Self::Rejected => "rejected data are a rejection",
        }
    }
}

/// Tests that a tracer reports failures as errors. `tracer_in` returns a tracer whose service stays
/// in the given trouble, or `None` if this service cannot have it. `person` is a person whom the
/// service would find.
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::nhs_number::NhsNumber;
/// use nhs_pds::trace::conformance::{self, Known, Particulars};
/// use nhs_pds::trace::{Caller, LocalIdentity, Outcome, ScriptedTracer, Tracer, User};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let us = LocalIdentity::new("RHM".parse()?, "worker")?;
/// let (caller, user) = (Caller::System(us.clone()), User::Local(us));
/// let person = Known {
///     nhs_number: NhsNumber::constant(9_434_765_919),
///     particulars: Particulars {
///         family: "O'Hern".parse()?,
///         given: "Zoë".parse()?,
///         gender: Gender::Female,
///         date_of_birth: "1984-02-29".parse()?,
///         postcode: None,
///     },
/// };
/// let honest = |trouble: conformance::Trouble| {
///     let answers = std::iter::repeat_n(Err(trouble.kind()), 6);
///     Some(Arc::new(ScriptedTracer::new(answers)) as Arc<dyn Tracer>)
/// };
/// conformance::check_failing(async |trouble| honest(trouble), &caller, &user, &person).await?;
///
/// // To report an outage as "no match" is the mistake that makes people vanish.
/// let answers = || std::iter::repeat_n(Ok(Outcome::None), 6);
/// let wrong = async |_| Some(Arc::new(ScriptedTracer::new(answers())) as Arc<dyn Tracer>);
/// let breach = conformance::check_failing(wrong, &caller, &user, &person).await.unwrap_err();
/// assert_eq!(breach.clause(), "an unreachable service is unavailable");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Breach`], which names the clause that the tracer breaks.
pub async fn check_failing(
    tracer_in: impl AsyncFn(Trouble) -> Option<Arc<dyn Tracer>>,
    caller: &Caller,
    user: &User,
    person: &Known,
) -> Result<(), Breach> {
    for trouble in Trouble::ALL {
        let Some(tracer) = tracer_in(trouble).await else { continue };
        let asker = Asker { tracer, caller: caller.clone(), user: user.clone() };
        for attended in [false, true] {
            for word in Word::ALL {
                fails(&asker, &Inquiry::about(word, attended, person), trouble).await?;
            }
        }
    }
    Ok(())
}

async fn fails(asker: &Asker, inquiry: &Inquiry, trouble: Trouble) -> Result<(), Breach> {
    let id = MessageId::fresh(&RandomIds);
    let checked = match asker.put(inquiry, id).await? {
        Ok(_) => hold(false, trouble.clause()),
        Err(error) if error.kind() != trouble.kind() => {
            Err(Breach { source: Some(error), ..Breach::of(trouble.clause()) })
        }
        Err(error) => match error.exchange() {
            // A retry of a transient failure names its last message.
            Some(exchange) => hold(
                error.is_transient() || exchange.message_id == id.to_string(),
                "the exchange of an error repeats the identifier given",
            ),
            None => Ok(()),
        },
    };
    checked.map_err(|breach| breach.about(inquiry))
}
