//! Measures how many NHS Numbers a method finds, and how many are those of another person.

pub(crate) mod baseline;
pub(crate) mod ours;
pub(crate) mod population;
pub(crate) mod verdict;
