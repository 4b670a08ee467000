//! Weighs the evidence that a person returned is the person searched for.
//!
//! [`Judge::assess`](assess::Judge::assess) compares each field, and calculates the probability that this is a
//! different person. `docs/matching.md` has the model, its parameters and how each was set.

pub(crate) mod assess;
#[cfg(test)]
mod document;
mod doubt;
mod hypotheses;
mod likelihood;
pub(crate) mod risk;
pub(crate) mod veto;
