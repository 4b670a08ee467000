//! Which face a path belongs to.

/// Where the API is.
pub(crate) const BASE: &str = "/personal-demographics/FHIR/R4";
/// Where tokens are.
pub(crate) const TOKEN: &str = "/oauth2/token";

/// Whom a request is for.
pub(crate) enum Face<'a> {
    /// The token endpoint.
    Token,
    /// The FHIR API, with the path after its base.
    Api(&'a str),
    /// Another.
    Other,
}

/// Whom `path` is for. The API may have any base, if `/Patient` follows.
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

/// What the API is asked for.
pub(super) enum Target<'a> {
    Search,
    /// `/Patient/` and nothing.
    NoNumber,
    Patient(&'a str),
    RelatedPerson(&'a str),
    /// An API for another kind of caller.
    Coverage,
    Unknown,
}

/// What `path`, which follows the base, stands for.
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
