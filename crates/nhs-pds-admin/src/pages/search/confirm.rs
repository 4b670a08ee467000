//! From a person who was found to the number of a case: the explicit confirmation (MSCA-PDS-03).

/// What names the sealed person in a form.
pub(super) const PURPOSE: &str = "found";
