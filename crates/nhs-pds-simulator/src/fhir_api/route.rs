//! Decides which service a path belongs to.

/// The base path of the API.
pub(crate) const BASE: &str = "/personal-demographics/FHIR/R4";
/// The path of the token endpoint.
pub(crate) const TOKEN: &str = "/oauth2/token";

/// The service of a request.
pub(crate) enum Face<'a> {
    /// The token endpoint.
    Token,
    /// The FHIR API, with the path after its base.
    Api(&'a str),
    /// Another path.
    Other,
}

/// Returns the service of `path`. The API may have any base, if `/Patient` follows.
pub(crate) fn face(path: &str) -> Face<'_> {
    if path.ends_with(TOKEN) {
        return Face::Token;
    }
    if let Some(rest) = path.strip_prefix(BASE) {
        return Face::Api(rest);
    }
    match path.find("/Patient") {
        Some(place) => Face::Api(path.get(place..).unwrap_or_default()),
        None => Face::Other,
    }
}

/// The resource of a request to the API.
pub(super) enum Target<'a> {
    Search,
    /// `/Patient/` with nothing after it.
    NoNumber,
    Patient(&'a str),
    RelatedPerson(&'a str),
    /// An API for another kind of caller.
    Coverage,
    Unknown,
}

/// Reads `path`, which follows the base.
pub(super) fn target(path: &str) -> Target<'_> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["", "Patient"] => Target::Search,
        ["", "Patient", ""] => Target::NoNumber,
        ["", "Patient", id] => Target::Patient(id),
        ["", "Patient", id, "RelatedPerson"] => Target::RelatedPerson(id),
        ["", "Coverage"] => Target::Coverage,
        _ => Target::Unknown,
    }
}
