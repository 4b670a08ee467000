use crate::nhs_number::NhsNumber;
use crate::secret::RawBody;
use http::StatusCode;
use std::fmt;
use std::time::Duration;

/// What goes wrong, when a test wants it to.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A response with this code and without data, such as `SMSP-0004` or one that nobody knows.
    Code(String),
    /// A SOAP fault, with status 500.
    Soap {
        /// `soap:Client`, `soap:Server` and so on.
        faultcode: String,
        /// The toolkit's error code: `1000`, `2100`, `2200` or `3000`.
        toolkit_code: String,
    },
    /// Some other answer, such as a proxy's page.
    Http {
        /// The status.
        status: StatusCode,
        /// The body, which goes out as `text/html`.
        body: RawBody,
    },
    /// The answer comes after this time; what it is, other faults may say.
    Delay(Duration),
    /// The connection is closed before the answer.
    Cut,
    /// The connection is closed half way through the answer's body.
    CutHalfWay,
    /// Status 200, `text/xml`, and bytes that are no XML.
    Garbage,
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
}

/// Which requests a fault befalls.
#[non_exhaustive]
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum When {
    /// The next so many requests.
    Next(usize),
    /// Every request.
    Always,
    /// Every request that names this number, or searches and finds its holder.
    About(NhsNumber),
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next(count) => write!(f, "Next({count})"),
            Self::Always => f.write_str("Always"),
            Self::About(_) => f.write_str("About(redacted)"),
        }
    }
}

/// The faults that a request may meet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(When, Fault)>);

impl Faults {
    pub(super) fn add(&mut self, when: When, fault: Fault) {
        self.0.push((when, fault));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The delay and the fault for a request about `about`. Delays come on top of one other fault,
    /// the oldest; those that wait behind it do not count this request.
    pub(super) fn meet(&mut self, about: &[NhsNumber]) -> (Duration, Option<Fault>) {
        let mut delay = Duration::ZERO;
        let mut met = None;
        for (when, fault) in &mut self.0 {
            let is_delay = matches!(fault, Fault::Delay(_));
            let befalls = match when {
                When::Next(count) => *count > 0,
                When::Always => true,
                When::About(number) => about.contains(number),
            };
            if !befalls || (!is_delay && met.is_some()) {
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
        self.0.retain(|(when, _)| *when != When::Next(0));
        (delay, met)
    }
}
