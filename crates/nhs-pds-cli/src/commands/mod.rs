//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod database;
pub(crate) mod fhir;
pub(crate) mod jwks;
pub(crate) mod letter;
pub(crate) mod man;
pub(crate) mod match_quality;
pub(crate) mod migrate;
pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod serve;
pub(crate) mod simulator;
pub(crate) mod tenant;
pub(crate) mod trace;
pub(crate) mod user;
pub(crate) mod wire;
pub(crate) mod worker;
