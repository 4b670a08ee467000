//! The strategies, as data.

use crate::process::decision::strategy::steps::{Birth, Family, Given, Home, Sex, Step, When};
use crate::trace::{Breadth, Tracer};
use std::borrow::Cow;
use std::fmt;

/// An ordered, versioned list of questions for a service.
///
/// The worker asks them one after the other, until the evidence for one person is enough or no question is
/// left. `docs/matching.md` has the steps, and what each finds and costs.
///
/// ```
/// use nhs_pds::process::Strategy;
/// use nhs_pds::trace::ScriptedTracer;
///
/// // A service that has exact searches only.
/// let service = ScriptedTracer::new([]);
/// assert_eq!(Strategy::for_service(&service).to_string(), "smsp-1");
/// assert!(Strategy::fhir().checked_for(&service).is_err());
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Strategy {
    name: &'static str,
    version: u32,
    steps: Cow<'static, [Step]>,
}

/// A strategy has a step that the service does not permit. Use [`Strategy::for_service`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the strategy has a {breadth} search, which the service does not have")]
pub struct NotPermitted {
    /// The breadth of the search.
    pub breadth: Breadth,
}

impl Strategy {
    /// One question with every criterion of the case. For a service that is paid by the question.
    #[must_use]
    pub const fn exact() -> Self {
        Self { name: "exact", version: 1, steps: Cow::Borrowed(EXACT) }
    }

    /// The questions for a service that has exact searches only, such as the Spine Mini Service.
    #[must_use]
    pub const fn smsp() -> Self {
        Self { name: "smsp", version: 1, steps: Cow::Borrowed(SMSP) }
    }

    /// The questions for the PDS FHIR API.
    #[must_use]
    pub const fn fhir() -> Self {
        Self { name: "fhir", version: 1, steps: Cow::Borrowed(FHIR) }
    }

    /// The strategy for the service behind `tracer`: that for the PDS FHIR API, if the service permits every
    /// step of it.
    #[must_use]
    pub fn for_service(tracer: &dyn Tracer) -> Self {
        Self::fhir().checked_for(tracer).unwrap_or_else(|_| Self::smsp())
    }

    /// Returns the strategy, if the service behind `tracer` permits every step of it.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`], with the first breadth that the service does not have.
    pub fn checked_for(self, tracer: &dyn Tracer) -> Result<Self, NotPermitted> {
        let refused = |step: &Step| !tracer.permits(step.breadth);
        match self.steps.iter().find(|step| refused(step)) {
            Some(step) => Err(NotPermitted { breadth: step.breadth }),
            None => Ok(self),
        }
    }

    /// The same strategy without the step `name`, for measurements.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.steps = self.steps.iter().copied().filter(|step| step.name != name).collect();
        self
    }

    /// The words of the steps, in order.
    pub fn step_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.steps.iter().map(|step| step.name)
    }

    pub(in crate::process) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether the first question sends the gender, so that a case without one cannot be asked about.
    pub(in crate::process) fn needs_gender(&self) -> bool {
        self.steps.first().is_none_or(|step| step.gender == Sex::Own)
    }
}

impl fmt::Display for Strategy {
    /// Writes name and version, as the provenance of a number and exports have them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            // The word of numbers that were found before there were several strategies.
            Self { name: "exact", .. } => f.write_str("exact"),
            Self { name, version, .. } => write!(f, "{name}-{version}"),
        }
    }
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Strategy({self}: {})", self.step_names().collect::<Vec<_>>().join(" "))
    }
}

/// The criteria of the case, as they are.
const ALL: Step = Step {
    name: "exact",
    when: When::Always,
    breadth: Breadth::Exact,
    family: Family::Own,
    given: Given::Own,
    birth: Birth::Own,
    gender: Sex::Own,
    home: Home::Own,
};

/// The step without the postcode.
pub(in crate::process) const NO_POSTCODE: &str = "no_postcode";

const EXACT: &[Step] = &[ALL];

/// The same with each gender in turn, where the case has none: the service requires one.
const EACH: Step = Step { gender: Sex::Each, ..ALL };

const SMSP: &[Step] = &[
    EACH,
    // Another spelling or form of the given name; a middle name; two names in one field.
    Step { name: "no_given", when: When::Unfound, given: Given::None, ..EACH },
    // Moved since, or restricted.
    Step { name: NO_POSTCODE, when: When::Unfound, home: Home::LeftOut, ..EACH },
    Step { name: "respelt", when: When::Unfound, family: Family::Respelt, ..EACH },
    Step { name: "family_part", when: When::Unfound, family: Family::Part, ..EACH },
    Step { name: "former_family", when: When::Unfound, family: Family::Former, ..EACH },
    Step { name: "birth_swapped", when: When::Unfound, birth: Birth::Swapped, ..EACH },
    Step { name: "gender", when: When::Unfound, gender: Sex::Other, ..EACH },
    Step {
        name: "names_swapped",
        when: When::Unfound,
        family: Family::Given,
        given: Given::Family,
        ..EACH
    },
];

/// The criteria of the case with history, and without the gender, as the API advises.
const PLAIN: Step =
    Step { name: "history", breadth: Breadth::History, gender: Sex::LeftOut, ..ALL };

const FHIR: &[Step] = &[
    PLAIN,
    Step {
        name: "fuzzy",
        when: When::Unfound,
        breadth: Breadth::Fuzzy,
        given: Given::First,
        gender: Sex::IfKnown,
        ..PLAIN
    },
    // Restricted people are not found by a search with a postcode.
    Step { name: NO_POSTCODE, when: When::Unfound, home: Home::LeftOut, ..PLAIN },
    Step { name: "birth_around", when: When::Unfound, birth: Birth::Around, ..PLAIN },
    Step {
        name: "wildcard",
        when: When::Unfound,
        breadth: Breadth::Wildcard,
        given: Given::First,
        ..PLAIN
    },
];
