//! The fuzz targets: each throws bytes at one decoder, and panics when something does not hold that
//! has to hold whatever the bytes.
//!
//! What has to hold stands in `tests/it/decoders`, so that it is compiled and run with every other test.

#[path = "../../tests/it/decoders/mod.rs"]
mod decoders;

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("Runs the target `", stringify!($name), "` on `bytes`.")]
        pub fn $name(bytes: &[u8]) {
            decoders::$name(bytes);
        }
    )+};
}

targets! {
    caseload_csv,
    case_json,
    fhir_patient,
    fhir_response,
    fhir_token,
    hl7_ts,
    nhs_number,
    partial_date,
    register_csv,
    smsp_differential,
    soap_fault,
    soap_response,
    text_values,
}
