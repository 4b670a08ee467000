//! Properties of every decoder, for any bytes.
//!
//! The fuzz targets in `fuzz/` are these functions. The test `seeds` runs them over the seeds, so that they
//! are compiled and run with every other test. Each panics if a property fails.

mod batch;
mod differential;
mod fhir;
mod files;
mod independent;
mod independent_fhir;
mod messages;
mod numbers;
mod values;
mod xml;

pub(crate) use batch::{batch_dbs, batch_mpt, batch_pds_mesh};
pub(crate) use differential::smsp_differential;
pub(crate) use fhir::{fhir_patient, fhir_response, fhir_token};
pub(crate) use files::{caseload_csv, register_csv};
pub(crate) use messages::{soap_fault, soap_response};
pub(crate) use numbers::nhs_number;
pub(crate) use values::{case_json, hl7_ts, partial_date, text_values};
