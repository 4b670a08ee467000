use super::asking::{Asker, Inquiry, Word};
use super::population::Known;
use super::{Breach, hold};
use crate::ids::RandomIds;
use crate::trace::{Caller, ErrorKind, MessageId, Tracer, User};
use std::sync::Arc;

/// What may befall a service, or the way to it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Trouble {
    /// Nobody listens at the address.
    Unreachable,
    /// The connection is cut before the answer.
    Cut,
    /// The connection is cut half way through the answer.
    CutHalfWay,
    /// No answer comes in time.
    Late,
    /// The service has no time, and says so, as by HTTP 429.
    Busy,
    /// The service does not work, and says so, as by HTTP 503.
    Broken,
    /// What comes is no message at all.
    Garbage,
    /// What comes is empty, and is called a success.
    Empty,
    /// The service, or its front door, does not take us for who we are, as by HTTP 403.
    Refused,
    /// The service finds fault with the data of the question.
    Rejected,
}

impl Trouble {
    /// All of them.
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

    /// What the error says is to be done.
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
            Self::Unreachable => "a service that is not there is unavailable",
            Self::Cut => "an exchange that was cut is unavailable",
            Self::CutHalfWay => "an answer that was cut off is unavailable",
            Self::Late => "an answer that does not come in time is unavailable",
            Self::Busy => "a service that has no time is unavailable",
            Self::Broken => "a service that does not work is unavailable",
            Self::Garbage => "garbage is unreadable",
            Self::Empty => "an empty answer is unreadable",
            Self::Refused => "a refused identity is a matter of configuration",
            Self::Rejected => "data that the service refuses are rejected",
        }
    }
}

/// Checks that a tracer tells trouble from an answer. `tracer_in` makes one whose service is in the
/// trouble named, and stays in it; or none, when this service cannot be in it. `person` is somebody whom
/// the service would find.
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
/// // Taking an outage for nobody is the mistake that makes people vanish.
/// let answers = || std::iter::repeat_n(Ok(Outcome::None), 6);
/// let wrong = async |_| Some(Arc::new(ScriptedTracer::new(answers())) as Arc<dyn Tracer>);
/// let breach = conformance::check_failing(wrong, &caller, &user, &person).await.unwrap_err();
/// assert_eq!(breach.clause(), "a service that is not there is unavailable");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Breach`], which says what the tracer does not keep to.
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
            // Whoever asks again what is transient names the last message.
            Some(exchange) => hold(
                error.is_transient() || exchange.message_id == id.to_string(),
                "the exchange of an error repeats the identifier given",
            ),
            None => Ok(()),
        },
    };
    checked.map_err(|breach| breach.about(inquiry))
}
