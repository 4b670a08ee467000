//! The fuzz targets: each passes arbitrary bytes to one decoder, and panics when a property is
//! violated that must be true for all bytes.
//!
//! The properties are in `tests/it/decoders`, so that they are compiled and run with all other tests.

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
    batch_dbs,
    batch_mpt,
    batch_pds_mesh,
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
