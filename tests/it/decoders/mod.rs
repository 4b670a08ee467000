//! What has to hold of every decoder, whatever bytes it is given.
//!
//! The fuzz targets in `fuzz/` are these functions, and the test `seeds` runs them over the seeds, so
//! that they are compiled and run with every other test. Each panics when something does not hold.

mod differential;
mod fhir;
mod files;
mod independent;
mod independent_fhir;
mod messages;
mod numbers;
mod values;
mod xml;

pub(crate) use differential::smsp_differential;
pub(crate) use fhir::{fhir_patient, fhir_response, fhir_token};
pub(crate) use files::{caseload_csv, register_csv};
pub(crate) use messages::{soap_fault, soap_response};
pub(crate) use numbers::nhs_number;
pub(crate) use values::{case_json, hl7_ts, partial_date, text_values};
