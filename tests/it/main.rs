//! Integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(feature = "smsp")]
mod absent;
mod allowance;
#[cfg(all(feature = "conformance", feature = "sqlite"))]
mod audit;
#[cfg(feature = "sqlite")]
mod audit_sinks;
mod audit_storage;
mod audit_tampering;
#[cfg(feature = "batch")]
mod batch;
#[cfg(all(feature = "batch", feature = "csv", feature = "smsp"))]
mod by_batch;
#[cfg(all(feature = "conformance", feature = "sqlite"))]
mod case_store;
#[cfg(feature = "csv")]
mod caseload;
#[cfg(all(feature = "http", feature = "smsp"))]
mod causes;
mod changed_person;
mod clinical_safety;
mod control;
#[cfg(feature = "barcode")]
mod correspondence;
mod decisions;
#[cfg(all(feature = "batch", feature = "csv", feature = "fhir", feature = "smsp"))]
mod decoders;
mod documents;
#[cfg(feature = "fhir")]
mod fhir;
mod fleet;
mod gateway;
#[cfg(all(feature = "csv", feature = "http", feature = "smsp", feature = "sqlite"))]
mod get_nhs_number;
#[cfg(feature = "http")]
mod http;
mod judge;
#[cfg(feature = "sqlite")]
mod kill;
#[cfg(all(feature = "http", feature = "smsp"))]
mod lost_connections;
mod matching;
#[cfg(all(feature = "fhir", feature = "smsp"))]
mod move_guide;
#[cfg(all(feature = "http", feature = "smsp"))]
mod opentest;
mod pass;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
mod postgres_server;
mod privacy;
mod process;
#[cfg(feature = "smsp")]
mod rate_limit;
#[cfg(all(feature = "http", feature = "smsp"))]
mod refusals;
mod reliability;
mod retry;
mod review;
#[cfg(feature = "sqlite")]
mod review_candidates;
mod sample_data;
#[cfg(all(feature = "batch", feature = "csv", feature = "fhir", feature = "smsp"))]
mod seeds;
#[cfg(all(feature = "postgres", unix))]
mod shared_rate;
mod simulator;
#[cfg(feature = "smsp")]
mod smsp;
#[cfg(feature = "sqlite")]
mod store_file;
mod strategy;
mod support;
#[cfg(feature = "csv")]
mod sweep_order;
mod telemetry;
mod tenants;
#[cfg(all(feature = "conformance", feature = "http", feature = "smsp"))]
mod tracer;
#[cfg(all(feature = "conformance", feature = "sqlite"))]
mod transfer;
mod unit_of_work;
mod worker;
