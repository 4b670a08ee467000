//! The probability that the person returned is a different person.

use crate::matching::judge::likelihood::{
    ADULT_TOGETHER, Likelihood, NAMESAKES_NUMBER, PARENTS, POPULATION, RELATIVES_NUMBER, SIBLINGS,
    TWIN, UNRECORDED,
};
use crate::matching::judge::risk::Risk;

/// How the person returned was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reached {
    /// By a search: any of all people could have been returned.
    BySearch,
    /// By a number that came from elsewhere.
    ByNumber,
}

/// The likelihoods of all fields, multiplied; the postcode's apart, where it depends on the age.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) fields: Likelihood,
    /// Whether the address agrees and the person is an adult, who rarely lives with brothers and sisters.
    pub(super) lives_apart: bool,
}

impl Likelihood {
    /// Both relations are seen.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            same: self.same * other.same,
            stranger: self.stranger * other.stranger,
            twin: self.twin * other.twin,
            sibling: self.sibling * other.sibling,
            parent: self.parent * other.parent,
        }
    }
}

impl Weighed {
    /// Bayes' rule over five explanations: the person, a stranger, a twin, a sibling, a parent or child.
    pub(super) fn risk(self, reached: Reached) -> Risk {
        let Likelihood { same, stranger, twin, sibling, parent } = self.fields;
        let together = if self.lives_apart { ADULT_TOGETHER } else { 1.0 };
        let relatives = TWIN * twin * together + SIBLINGS * sibling * together + PARENTS * parent;
        let others = match reached {
            Reached::BySearch => UNRECORDED * (POPULATION * stranger + relatives),
            // A wrong digit leads to one stranger at random; a confusion leads to a namesake or a relative.
            Reached::ByNumber => {
                stranger + NAMESAKES_NUMBER * (POPULATION * stranger) + RELATIVES_NUMBER * relatives
            }
        };
        let own = (1.0 - UNRECORDED) * same;
        Risk::of(if own + others > 0.0 { others / (own + others) } else { 1.0 })
    }
}
