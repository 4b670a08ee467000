//! Which questions are asked about a person, and in which order.

pub(in crate::process) mod next;
pub(in crate::process) mod parts;
pub(in crate::process) mod questions;
mod steps;
pub(in crate::process) mod table;
