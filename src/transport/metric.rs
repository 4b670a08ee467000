//! Names of what is measured at and just above the transport; `resilience::telemetry` describes them.

pub(crate) const CERTIFICATE_EXPIRY: &str = "nhs_pds_client_certificate_expiry_timestamp_seconds";
pub(crate) const CLOCK_SKEW: &str = "nhs_pds_clock_skew_seconds";
pub(crate) const TOKEN_REQUESTS: &str = "nhs_pds_token_requests_total";
