use super::fault_mix::MixAtWork;
use super::{FaultMix, Register};
use http::{HeaderName, HeaderValue, StatusCode};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::secret::RawBody;
use std::fmt;
use std::time::Duration;

/// A fault that a test chooses.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A response with this code and without data, such as `SMSP-0004`, `TOO_MANY_REQUESTS` or an unknown
    /// code. The [crate's documentation](crate) says how the FHIR API sends it.
    Code(String),
    /// A SOAP fault with status 500. The FHIR API sends `UNKNOWN_ERROR` with the same status.
    Soap {
        /// `soap:Client`, `soap:Server` and so on.
        faultcode: String,
        /// The toolkit's error code: `1000`, `2100`, `2200` or `3000`.
        toolkit_code: String,
    },
    /// A response that is not from the service, such as a proxy's page.
    Http {
        /// The status.
        status: StatusCode,
        /// The body, sent as `text/html`.
        body: RawBody,
    },
    /// The response is late by this time. Another fault can change the response itself.
    Delay(Duration),
    /// The connection is closed before the answer.
    Cut,
    /// The connection is closed half way through the answer's body.
    CutHalfWay,
    /// Status 200, the service's content type, and bytes that are neither XML nor JSON.
    Garbage,
    /// Another fault, with one more header in the response. Around a delay, the late response has the
    /// header.
    WithHeader {
        /// The other fault.
        fault: Box<Self>,
        /// The header's name.
        name: HeaderName,
        /// The header's value.
        value: HeaderValue,
    },
}

impl Fault {
    /// A response with `code` and without data.
    #[must_use]
    pub fn code(code: impl Into<String>) -> Self {
        Self::Code(code.into())
    }

    /// A SOAP fault with the toolkit's error code.
    #[must_use]
    pub fn soap(faultcode: impl Into<String>, toolkit_code: impl Into<String>) -> Self {
        Self::Soap { faultcode: faultcode.into(), toolkit_code: toolkit_code.into() }
    }

    /// Returns the fault with one more header in its response.
    ///
    /// ```
    /// use http::header::{HeaderValue, RETRY_AFTER};
    /// use nhs_pds_simulator::Fault;
    ///
    /// let busy = Fault::code("TOO_MANY_REQUESTS")
    ///     .with_header(RETRY_AFTER, HeaderValue::from_static("2"));
    /// assert_eq!(busy.to_string(), "TOO_MANY_REQUESTS");
    /// ```
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self::WithHeader { fault: Box::new(self), name, value }
    }
}

impl fmt::Display for Fault {
    /// Writes a short name for reports: the code, `HTTP 503`, `cut off` and so on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code),
            Self::Soap { toolkit_code, .. } => write!(f, "SOAP fault {toolkit_code}"),
            Self::Http { status, .. } => write!(f, "HTTP {}", status.as_u16()),
            Self::Delay(time) => write!(f, "late by {time:?}"),
            Self::Cut => f.write_str("cut off"),
            Self::CutHalfWay => f.write_str("cut off half way"),
            Self::Garbage => f.write_str("garbage"),
            Self::WithHeader { fault, .. } => fault.fmt(f),
        }
    }
}

/// The requests that a fault affects.
#[non_exhaustive]
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum When {
    /// The given number of next requests.
    Next(usize),
    /// Every request.
    Always,
    /// Every request that names this number, or whose search finds this person.
    About(NhsNumber),
    /// Every request, except those about a person with an [answer](super::Person::answer) of their own.
    NoOwnAnswer,
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next(count) => write!(f, "Next({count})"),
            Self::Always => f.write_str("Always"),
            Self::About(_) => f.write_str("About(redacted)"),
            Self::NoOwnAnswer => f.write_str("NoOwnAnswer"),
        }
    }
}

/// The faults in use.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The faults that were added one by one, oldest first.
    chosen: Vec<(When, Fault)>,
    mix: Option<MixAtWork>,
}

impl Faults {
    pub(super) fn add(&mut self, when: When, fault: Fault) {
        self.chosen.push((when, fault));
    }

    pub(super) fn set_mix(&mut self, mix: Option<FaultMix>) {
        self.mix = mix.map(MixAtWork::new);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn injected(&self) -> Vec<(Fault, u64)> {
        self.mix.as_ref().map(MixAtWork::injected).unwrap_or_default()
    }

    /// Returns the delay and the fault for a request about `about` of `register`; the mix identifies it by
    /// `whom`. Delays are added to one other fault, the oldest. The count of a fault that waits behind
    /// another does not go down.
    pub(super) fn meet(
        &mut self,
        about: &[NhsNumber],
        register: &Register,
        whom: Option<u64>,
    ) -> (Duration, Option<Fault>) {
        let has_own_answer = |number: &NhsNumber| {
            register.get(*number).is_some_and(|person| person.answer.is_some())
        };
        let mut delay = Duration::ZERO;
        let mut met = None;
        for (when, fault) in &mut self.chosen {
            let is_delay = matches!(fault, Fault::Delay(_));
            let applies = match when {
                When::Next(count) => *count > 0,
                When::Always => true,
                When::About(number) => about.contains(number),
                When::NoOwnAnswer => !about.iter().any(has_own_answer),
            };
            if !applies || (!is_delay && met.is_some()) {
                continue;
            }
            if let When::Next(count) = when {
                *count -= 1;
            }
            match fault {
                Fault::Delay(time) => delay = delay.saturating_add(*time),
                other => met = Some(other.clone()),
            }
        }
        self.chosen.retain(|(when, _)| *when != When::Next(0));
        let spared = met.is_some();
        match self.mix.as_mut().zip(whom).and_then(|(mix, whom)| mix.meet(whom, spared)) {
            Some(Fault::Delay(time)) => delay = delay.saturating_add(*time),
            Some(other) => met = Some(other.clone()),
            None => {}
        }
        (delay, met)
    }
}
