use std::fmt;

/// The error of a value that is not of the form, or not in the range, that its type requires.
///
/// `Display` states the requirement and never contains the value. Correct the value where it comes from:
/// the data, the configuration or the program.
///
/// ```
/// use nhs_pds::demographics::Gender;
///
/// let error = "F".parse::<Gender>().expect_err("not a gender");
/// assert_eq!(
///     error.to_string(),
///     "a gender is 1 (male), 2 (female), 9 (not specified) or 0 (not known)",
/// );
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ValueError(&'static str);

impl ValueError {
    /// An error with this requirement, which must not contain a value.
    pub(crate) const fn new(requirement: &'static str) -> Self {
        Self(requirement)
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ValueError {}
