#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nhs_pds_fuzz::batch_pds_mesh(bytes));
