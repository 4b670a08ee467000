//! Tools for developers of nhs-pds: `nhs-pds dev`.

mod resident;
mod rounds;
pub(crate) mod sample_data;
pub(crate) mod soak;
pub(crate) mod throughput;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Tool {
    SampleData(sample_data::Args),
    Throughput(Box<throughput::Args>),
    Soak(soak::Args),
}
