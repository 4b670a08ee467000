//! Integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(all(feature = "simulator", feature = "smsp"))]
mod absent;
#[cfg(all(feature = "simulator", feature = "sqlite"))]
mod audit;
#[cfg(feature = "sqlite")]
mod audit_tampering;
#[cfg(all(feature = "simulator", feature = "sqlite"))]
mod case_store;
#[cfg(feature = "csv")]
mod caseload;
#[cfg(all(feature = "http", feature = "simulator", feature = "smsp"))]
mod causes;
mod changed_person;
#[cfg(feature = "barcode")]
mod correspondence;
mod decisions;
#[cfg(all(feature = "csv", feature = "fhir", feature = "simulator", feature = "smsp"))]
mod decoders;
mod documents;
#[cfg(feature = "fhir")]
mod fhir;
mod gate;
#[cfg(all(
    feature = "csv",
    feature = "http",
    feature = "simulator",
    feature = "smsp",
    feature = "sqlite"
))]
mod get_nhs_number;
#[cfg(feature = "http")]
mod http;
#[cfg(all(feature = "simulator", feature = "sqlite"))]
mod kill;
mod layer;
#[cfg(all(feature = "http", feature = "simulator", feature = "smsp"))]
mod lost_connections;
mod matching;
#[cfg(all(feature = "fhir", feature = "smsp"))]
mod move_guide;
#[cfg(all(feature = "http", feature = "simulator", feature = "smsp"))]
mod opentest;
#[cfg(all(feature = "simulator", feature = "smsp"))]
mod pace;
mod privacy;
mod private_file;
mod process;
#[cfg(all(feature = "http", feature = "simulator", feature = "smsp"))]
mod refusals;
mod reliability;
mod retry;
mod review;
#[cfg(feature = "simulator")]
mod sample_data;
#[cfg(all(feature = "csv", feature = "fhir", feature = "simulator", feature = "smsp"))]
mod seeds;
mod service;
#[cfg(all(feature = "simulator", feature = "smsp"))]
mod services;
#[cfg(feature = "simulator")]
mod simulator;
#[cfg(feature = "smsp")]
mod smsp;
#[cfg(all(feature = "csv", feature = "simulator", feature = "smsp"))]
mod soak;
#[cfg(feature = "sqlite")]
mod store_file;
#[cfg(all(feature = "csv", feature = "simulator"))]
mod sweep_order;
mod telemetry;
#[cfg(all(feature = "http", feature = "simulator", feature = "smsp"))]
mod tracer;
mod worker;
