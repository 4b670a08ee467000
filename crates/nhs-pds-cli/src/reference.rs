//! Where a key or a certificate is. The key itself is never an option, and never stored in a database.

use crate::console::{self, Failed};
use clap::builder::{OsStringValueParser, TypedValueParser};
use nhs_pds::secret::Secret;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A file, or an environment variable. `Display` does not show what is in it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Reference {
    File(PathBuf),
    Environment(String),
}

/// The longest text of a reference. A key is longer than most paths.
const LONGEST: usize = 1_000;

/// The text is not a reference: it may be the key itself, so it is not repeated.
const NOT_A_REFERENCE: &str =
    "write the path of a file, file:PATH or env:NAME, and never the key or the certificate itself";

impl Reference {
    /// What the reference leads to.
    pub(crate) fn read(&self) -> Result<Secret<Vec<u8>>, Failed> {
        match self {
            Self::File(path) => Ok(Secret::new(console::read(path)?)),
            Self::Environment(name) => {
                let value = std::env::var(name).unwrap_or_default();
                if value.is_empty() {
                    return Err(format!("{self}: this environment variable is not set").into());
                }
                Ok(Secret::new(value.into_bytes()))
            }
        }
    }

    /// The path, if the reference is to a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Environment(_) => None,
        }
    }

    fn of(text: OsString) -> Result<Self, &'static str> {
        let Some(shown) = text.to_str() else { return Ok(Self::File(text.into())) };
        let is_secret = shown.contains("-----") || shown.contains(char::is_control);
        if is_secret || shown.is_empty() || shown.len() > LONGEST {
            return Err(NOT_A_REFERENCE);
        }
        if let Some(name) = shown.strip_prefix("env:") {
            let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
            let is_name = name.starts_with(is_first)
                && name.chars().all(|c| is_first(c) || c.is_ascii_digit());
            return if is_name {
                Ok(Self::Environment(name.to_owned()))
            } else {
                Err(NOT_A_REFERENCE)
            };
        }
        match shown.strip_prefix("file:") {
            Some("") => Err(NOT_A_REFERENCE),
            Some(path) => Ok(Self::File(path.into())),
            None => Ok(Self::File(text.into())),
        }
    }
}

/// Reads the value of an option.
pub(crate) fn parser() -> impl TypedValueParser<Value = Reference> {
    OsStringValueParser::new().try_map(Reference::of)
}

impl TryFrom<String> for Reference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::of(text.into())
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        match &reference {
            Reference::File(path) => format!("file:{}", path.display()),
            Reference::Environment(_) => reference.to_string(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Environment(name) => write!(f, "env:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_file_or_a_variable() {
        let of = |text: &str| Reference::of(text.into());
        assert_eq!(of("/etc/key.pem"), of("file:/etc/key.pem"));
        assert_eq!(of("/etc/key.pem").unwrap().path(), Some(Path::new("/etc/key.pem")));
        assert_eq!(of("env:LEEDS_KEY"), Ok(Reference::Environment("LEEDS_KEY".to_owned())));
        for text in ["/etc/key.pem", "env:LEEDS_KEY"] {
            let reference = of(text).unwrap();
            assert_eq!(reference.to_string(), text);
            let stored = serde_json::to_string(&reference).unwrap();
            assert_eq!(serde_json::from_str::<Reference>(&stored).unwrap(), reference, "{stored}");
        }
    }

    #[test]
    fn a_secret_in_its_place_is_refused_and_not_repeated() {
        let long = "s3cret".repeat(200);
        for text in [
            "-----BEGIN PRIVATE KEY-----\ns3cret",
            "-----BEGIN PRIVATE KEY-----s3cret",
            "MIIs3cret\nMIIs3cret",
            "env:s3cret=",
            "env:1S3CRET",
            "env:",
            "file:",
            "",
            &long,
        ] {
            let error = Reference::of(text.into()).unwrap_err();
            assert!(error.contains("env:NAME") && !error.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let missing = Reference::Environment("NHS_PDS_NO_SUCH_KEY".to_owned());
        let error = missing.read().unwrap_err().to_string();
        assert_eq!(error, "env:NHS_PDS_NO_SUCH_KEY: this environment variable is not set");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_unicode() {
        use std::os::unix::ffi::OsStringExt;
        let path = OsString::from_vec(vec![b'a', 0xff]);
        assert_eq!(Reference::of(path.clone()), Ok(Reference::File(path.into())));
    }
}
