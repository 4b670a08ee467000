//! NHS Numbers: found, verified and kept.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod demographics;
pub mod ids;
pub mod nhs_number;
pub mod secret;
pub(crate) mod seed;
#[cfg(feature = "simulator")]
#[cfg_attr(docsrs, doc(cfg(feature = "simulator")))]
pub mod simulator;
#[cfg(feature = "smsp")]
#[cfg_attr(docsrs, doc(cfg(feature = "smsp")))]
pub mod smsp;
pub mod trace;
pub mod transport;
