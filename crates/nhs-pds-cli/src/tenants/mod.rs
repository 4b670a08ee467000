//! The tenants of a PostgreSQL database: their settings, their shares of rate limits, and their workers.

mod by_batch;
mod directory;
mod factory;
mod limits;
mod rules;
mod settings;
mod times;

pub(crate) use by_batch::{ByBatch, check_is_alone};
pub(crate) use directory::{View, is_active};
pub(crate) use factory::{Factory, Given, Parts};
pub(crate) use limits::{Limits, allowance, disagreements};
pub(crate) use rules::Rules;
pub(crate) use settings::{RATE_OPTIONS, Settings, is_name};
pub(crate) use times::{Times, duration};
