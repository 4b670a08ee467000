//! What the chosen response code of a person means in a response by file.

/// How a person with a chosen code is answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Own {
    /// As if the person had no chosen code.
    True,
    /// As if the register had no such person.
    NoPerson,
    /// As an invalidated number. A search does not find the person.
    Invalidated,
    /// A search finds several people. A cross-check is as if the person had no chosen code.
    Several,
    /// This code, without data.
    Code(String),
}

/// Reads a code of the Spine Mini Service, of the FHIR API, or of a row.
pub(super) fn own(code: &str) -> Own {
    match code {
        "SMSP-0000" | "SMSP-0003" => Own::True,
        "DEMOG-0001"
        | "DEMOG-0040"
        | "DEMOG-0042"
        | "RESOURCE_NOT_FOUND"
        | "INVALID_RESOURCE_ID" => Own::NoPerson,
        "DEMOG-0017" | "DEMOG-0022" | "INVALIDATED_RESOURCE" => Own::Invalidated,
        "DEMOG-0007" | "TOO_MANY_MATCHES" => Own::Several,
        "SMSP-0001" | "INVALID_VALUE" | "INVALID_SEARCH_DATA" => Own::Code("13".into()),
        row if row.len() == 2 && row.bytes().all(|byte| byte.is_ascii_digit()) => {
            Own::Code(row.to_owned())
        }
        _ => Own::Code("15".into()),
    }
}
