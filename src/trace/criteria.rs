use crate::demographics::{Postcode, is_invisible, name_form, redacted_debug};
use std::fmt;
use std::str::FromStr;

/// A literal name, or part of one.
///
/// Stores and sends the name in its [form](name_form): ASCII apostrophes, hyphens and spaces, and
/// no invisible characters. Rejects blank text, the wildcard `*`, and characters that XML 1.0
/// cannot carry.
///
/// ```
/// use nhs_pds::trace::{CriterionError, NameText};
///
/// assert_eq!(" O\u{2019}Brien ".parse::<NameText>()?.as_str(), "O'Brien");
/// assert_eq!("O*".parse::<NameText>(), Err(CriterionError::Wildcard));
/// # Ok::<(), CriterionError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct NameText(String);

impl NameText {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NameText {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, CriterionError> {
        let form = name_form(text);
        let text = sendable(&form)?;
        if text.contains('*') { Err(CriterionError::Wildcard) } else { Ok(Self(text.to_owned())) }
    }
}

/// A name in which `*` matches any characters, after at least two literal ones.
///
/// Stored and sent in its [form](name_form), like [`NameText`].
///
/// Wildcards increase the risk of matching a different person. They are therefore allowed only in
/// questions whose answer a person confirms (MSCA-PDS-07).
///
/// ```
/// use nhs_pds::trace::{CriterionError, NamePattern};
///
/// assert_eq!("Sm*".parse::<NamePattern>()?.as_str(), "Sm*");
/// assert_eq!("S*".parse::<NamePattern>(), Err(CriterionError::WildcardTooEarly));
/// # Ok::<(), CriterionError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Returns the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NamePattern {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, CriterionError> {
        let form = name_form(text);
        let text = sendable(&form)?;
        wildcard_late_enough(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl From<NameText> for NamePattern {
    fn from(NameText(text): NameText) -> Self {
        Self(text)
    }
}

/// A postcode, or the start of one with a wildcard, such as `KT1*`.
///
/// ```
/// use nhs_pds::trace::{CriterionError, PostcodePattern};
///
/// assert_eq!("kt171na".parse::<PostcodePattern>()?.to_string(), "KT17 1NA");
/// assert_eq!("kt1*".parse::<PostcodePattern>()?.to_string(), "KT1*");
/// assert_eq!("KT1".parse::<PostcodePattern>(), Err(CriterionError::Postcode));
/// # Ok::<(), CriterionError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct PostcodePattern(String);

impl FromStr for PostcodePattern {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, CriterionError> {
        let text: String = text
            .chars()
            .filter(|&c| !is_invisible(c))
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .collect();
        let text = sendable(&text)?;
        if !text.contains('*') {
            return text.parse::<Postcode>().map(Self::from).map_err(|_| CriterionError::Postcode);
        }
        // Services ignore the space, so it does not count as one of the two characters.
        wildcard_late_enough(&text.replace(' ', ""))?;
        let shaped = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*' || b == b' ');
        if shaped { Ok(Self(text.to_ascii_uppercase())) } else { Err(CriterionError::Postcode) }
    }
}

impl From<Postcode> for PostcodePattern {
    fn from(postcode: Postcode) -> Self {
        Self(postcode.to_string())
    }
}

impl fmt::Display for PostcodePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person's identifier in the caller's own system. SMSP repeats it in its response.
///
/// `root` is the OID of the identifier's kind, `extension` the identifier itself.
///
/// ```
/// use nhs_pds::trace::LocalIdentifier;
///
/// let id = LocalIdentifier::new("2.16.840.1.113883.2.1.3.2.4.18.24", "RXX:00001")?;
/// assert_eq!(id.extension(), "RXX:00001");
/// assert!(LocalIdentifier::new("RXX", "00001").is_err());
/// # Ok::<(), nhs_pds::trace::CriterionError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq, serde::Serialize)]
pub struct LocalIdentifier {
    root: String,
    extension: String,
}

impl LocalIdentifier {
    /// The OID under which published messages send local patient identifiers.
    pub const LOCAL_PATIENT_ROOT: &str = "2.16.840.1.113883.2.1.3.2.4.18.24";

    /// Creates an identifier of `extension` under `root`.
    ///
    /// # Errors
    ///
    /// [`CriterionError::Oid`] when `root` is not numbers joined by full stops. For the extension,
    /// the errors are [`CriterionError::Blank`], [`CriterionError::TooLong`] and
    /// [`CriterionError::Character`].
    pub fn new(root: &str, extension: &str) -> Result<Self, CriterionError> {
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !root.split('.').all(number) {
            return Err(CriterionError::Oid);
        }
        Ok(Self { root: root.to_owned(), extension: sendable(extension)?.to_owned() })
    }

    /// Returns the OID of the identifier's kind.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Returns the identifier.
    #[must_use]
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// Whether `answered` repeats this identifier. Compares only the extension, because a provider
    /// may repeat it under its own OID.
    #[must_use]
    pub fn is_repeated_by(&self, answered: &Self) -> bool {
        self.extension == answered.extension
    }
}

redacted_debug!(NameText, NamePattern, PostcodePattern, LocalIdentifier);

/// The longest criterion, in characters. PDS stores 35 characters of a name. Ten times that is an
/// error in the data, and would make a provider reject the whole message.
const LONGEST: usize = 350;

/// Trims `text`, and checks that XML 1.0 can carry it.
fn sendable(text: &str) -> Result<&str, CriterionError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(CriterionError::Blank);
    }
    if text.chars().count() > LONGEST {
        return Err(CriterionError::TooLong);
    }
    if text.chars().all(is_sendable) { Ok(text) } else { Err(CriterionError::Character) }
}

/// Whether a message can carry `character`: XML 1.0 allows it, and it is not a control character.
pub(crate) fn is_sendable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn wildcard_late_enough(text: &str) -> Result<(), CriterionError> {
    match text.split('*').next() {
        Some(literal) if literal.len() == text.len() || literal.chars().count() >= 2 => Ok(()),
        _ => Err(CriterionError::WildcardTooEarly),
    }
}

/// Why text cannot be used as a search criterion. Never contains the text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CriterionError {
    /// Only white space. Complete the data.
    #[error("the text is blank: complete it")]
    Blank,
    /// A control character, or a character that XML cannot carry. Correct the data.
    #[error("the text contains a character that cannot be sent: remove it")]
    Character,
    /// The root of an identifier is not an OID. Correct the configuration.
    #[error("the root of the identifier is not an OID (numbers joined by full stops)")]
    Oid,
    /// The text does not have the format of a postcode. Correct the data.
    #[error("the text does not have the format of a postcode")]
    Postcode,
    /// More than 350 characters. Correct the data.
    #[error("the text is longer than 350 characters")]
    TooLong,
    /// A wildcard in a match that no person confirms. Correct the data, or use an attended
    /// question.
    #[error("a wildcard is allowed only in an attended question")]
    Wildcard,
    /// A wildcard with fewer than two characters before it. Enter more of the name.
    #[error("the wildcard has fewer than two characters before it")]
    WildcardTooEarly,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for text in ["O'Brien & Sons <x>", "Zoë", "Ng", "de la Cruz", "李"] {
            assert_eq!(text.parse::<NameText>().unwrap().as_str(), text);
            assert_eq!(text.parse::<NamePattern>().unwrap().as_str(), text);
        }
        for (text, form) in [
            ("O\u{2019}Brien", "O'Brien"),
            ("Smith\u{2010}Jones", "Smith-Jones"),
            ("de\u{A0}la  Cruz\u{200B}", "de la Cruz"),
            ("\u{202E}Zoe\u{308}", "Zoë"),
        ] {
            assert_eq!(text.parse::<NameText>().unwrap().as_str(), form);
            assert_eq!(text.parse::<NamePattern>().unwrap().as_str(), form);
            assert_eq!(LocalIdentifier::new("1.2", text).unwrap().extension(), text.trim());
        }
        assert_eq!("Sm\u{200B}*".parse::<NamePattern>().unwrap().as_str(), "Sm*");
        let invisible = "S\u{200B}*".parse::<NamePattern>();
        assert_eq!(invisible, Err(CriterionError::WildcardTooEarly));
        for (text, error) in [
            ("", CriterionError::Blank),
            ("\u{200B}", CriterionError::Blank),
            (" \t", CriterionError::Blank),
            ("A\u{0}B", CriterionError::Character),
            ("A\nB", CriterionError::Character),
            ("A\u{fffe}", CriterionError::Character),
            (&"x".repeat(351), CriterionError::TooLong),
            ("Sm*", CriterionError::Wildcard),
        ] {
            assert_eq!(text.parse::<NameText>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn patterns() {
        for text in ["Sm*", "Sm*th", "S'*", "Zö*", "Smith"] {
            assert!(text.parse::<NamePattern>().is_ok(), "{text}");
        }
        for text in ["*", "S*", "*mith", "S*m*"] {
            assert_eq!(
                text.parse::<NamePattern>(),
                Err(CriterionError::WildcardTooEarly),
                "{text}"
            );
        }
        assert_eq!("KT*;".parse::<PostcodePattern>(), Err(CriterionError::Postcode));
        for text in ["K*", "K *"] {
            assert_eq!(text.parse::<PostcodePattern>(), Err(CriterionError::WildcardTooEarly));
        }
        for text in ["KT1 7*", "kt1\u{A0}7*\u{200B}", "KT1\t7*"] {
            assert_eq!(text.parse::<PostcodePattern>().unwrap().to_string(), "KT1 7*");
        }
        for text in ["\u{200B}", "\u{A0}"] {
            assert_eq!(text.parse::<PostcodePattern>(), Err(CriterionError::Blank));
        }
    }

    #[test]
    fn roots_are_oids() {
        for root in ["", ".", "1.", "1..2", "1.a", "urn:oid:1.2"] {
            assert_eq!(LocalIdentifier::new(root, "1"), Err(CriterionError::Oid), "{root}");
        }
        assert_eq!(LocalIdentifier::new("1.2", " "), Err(CriterionError::Blank));
    }
}
