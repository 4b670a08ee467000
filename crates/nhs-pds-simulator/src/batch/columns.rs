//! The columns of requests and responses.

/// The values of an MPT request, in their order.
pub(super) const MPT_REQUEST: [&str; 23] = [
    "UNIQUE REFERENCE",
    "NHS_NO",
    "FAMILY_NAME",
    "GIVEN_NAME",
    "OTHER_GIVEN_NAME",
    "GENDER",
    "DATE_OF_BIRTH",
    "POSTCODE",
    "DATE_OF_DEATH",
    "ADDRESS_LINE1",
    "ADDRESS_LINE2",
    "ADDRESS_LINE3",
    "ADDRESS_LINE4",
    "ADDRESS_LINE5",
    "ADDRESS_DATE",
    "GP_PRACTICE_CODE",
    "NHAIS_POSTING_ID",
    "AS_AT_DATE",
    "LOCAL_PATIENT_ID",
    "INTERNAL_ID",
    "TELEPHONE_NUMBER",
    "MOBILE_NUMBER",
    "EMAIL_ADDRESS",
];

/// The columns of a PDS MESH response, in their usual order.
pub(super) const RESPONSE: [&str; 29] = [
    "UNIQUE REFERENCE",
    "REQ_NHS_NUMBER",
    "FAMILY_NAME",
    "GIVEN_NAME",
    "OTHER_GIVEN_NAME",
    "GENDER",
    "DATE_OF_BIRTH",
    "DATE_OF_DEATH",
    "ADDRESS_LINE1",
    "ADDRESS_LINE2",
    "ADDRESS_LINE3",
    "ADDRESS_LINE4",
    "ADDRESS_LINE5",
    "POSTCODE",
    "GP_PRACTICE_CODE",
    GP_REGISTRATION,
    "NHAIS_POSTING_ID",
    "AS_AT_DATE",
    "LOCAL_PATIENT_ID",
    "INTERNAL_ID",
    "TELEPHONE_NUMBER",
    "MOBILE_NUMBER",
    "EMAIL_ADDRESS",
    "SENSITIVITY_FLAG",
    "MPS_ID",
    "ERROR/SUCCESS_CODE",
    "MATCHED_NHS_NO",
    "MATCHED_ALGORITHM_INDICATOR",
    "MATCHED_CONFIDENCE_PERCENTAGE",
];

/// The column that MPT responses lack.
pub(super) const GP_REGISTRATION: &str = "GP_REGISTRATION_DATE";

/// The scores of the algorithmic trace, in the order of MPT responses.
pub(super) const SCORES: [&str; 5] = [
    "ALGORITHMIC_TRACE_FAMILY_NAME_SCORE_PERC",
    "ALGORITHMIC_TRACE_GIVEN_NAME_SCORE_PERC",
    "ALGORITHMIC_TRACE_DOB_SCORE_PERC",
    "ALGORITHMIC_TRACE_GENDER_SCORE_PERC",
    "ALGORITHMIC_TRACE_POSTCODE_SCORE_PERC",
];

/// Columns of newer responses. Where they are is not published.
pub(super) const NEWER: [&str; 5] = [
    "DEATH_NOTIFICATION_STATUS",
    "PREFERRED_CONTACT_METHOD",
    "NOMINATED_PHARMACY",
    "DISPENSING_DOCTOR",
    "MEDICAL_APPLIANCE_SUPPLIER",
];

/// The other spelling of a column, or the usual one.
pub(super) fn other_spelling(column: &'static str) -> &'static str {
    match column {
        "UNIQUE REFERENCE" => "UNIQUE_REFERENCE",
        "SENSITIVITY_FLAG" => "SENSITIVTY_FLAG",
        "ERROR/SUCCESS_CODE" => "ERROR_SUCCESS_CODE",
        "REQ_NHS_NUMBER" => "REQ_NHS_NO",
        usual => usual,
    }
}
