use crate::demographics::{Postcode, is_invisible, name_form, redacted_debug};
use std::fmt;
use std::str::FromStr;

/// A name, or part of one, that is meant literally.
///
/// Holds, and sends, the name in its [form](name_form): apostrophes, hyphens and spaces of ASCII, and no
/// characters that show nothing. Refused are blank text, the wildcard `*`, and characters that XML 1.0
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
    /// The name.
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

/// A name in which `*` stands for any characters, after at least two that are meant literally.
///
/// Held and sent in its [form](name_form), as [`NameText`] is.
///
/// Wildcards raise the risk of taking one person for another, so they exist only in questions whose
/// answer a person confirms (MSCA-PDS-07).
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
    /// The pattern.
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

/// A postcode, or the beginning of one with a wildcard, such as `KT1*`.
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
        // Services pass over the space in a postcode, so it is none of the two characters.
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

/// A person's identifier in the caller's own system, echoed by SMSP in its answer.
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
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct LocalIdentifier {
    root: String,
    extension: String,
}

impl LocalIdentifier {
    /// The OID under which published messages send local patient identifiers.
    pub const LOCAL_PATIENT_ROOT: &str = "2.16.840.1.113883.2.1.3.2.4.18.24";

    /// An identifier of `extension` under `root`.
    ///
    /// # Errors
    ///
    /// [`CriterionError::Oid`] when `root` is not numbers joined by full stops, and
    /// [`CriterionError::Blank`] or [`CriterionError::Character`] for the extension.
    pub fn new(root: &str, extension: &str) -> Result<Self, CriterionError> {
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !root.split('.').all(number) {
            return Err(CriterionError::Oid);
        }
        Ok(Self { root: root.to_owned(), extension: sendable(extension)?.to_owned() })
    }

    /// The OID of the identifier's kind.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The identifier.
    #[must_use]
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// Whether `answered` repeats this identifier. Roots are not compared: a provider may repeat it
    /// under an OID of its own.
    #[must_use]
    pub fn is_repeated_by(&self, answered: &Self) -> bool {
        self.extension == answered.extension
    }
}

redacted_debug!(NameText, NamePattern, PostcodePattern, LocalIdentifier);

/// The most characters that a criterion may have. PDS keeps 35 of a name; ten times that is a mistake
/// in the data, and would have a provider refuse the whole message.
const LONGEST: usize = 350;

/// `text` without white space around it, when there is something left that XML 1.0 can carry.
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

/// Whether a message can carry `character`: XML 1.0 does, and it is no control character.
pub(crate) fn is_sendable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn wildcard_late_enough(text: &str) -> Result<(), CriterionError> {
    match text.split('*').next() {
        Some(literal) if literal.len() == text.len() || literal.chars().count() >= 2 => Ok(()),
        _ => Err(CriterionError::WildcardTooEarly),
    }
}

/// Why text cannot be asked for. Never carries the text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CriterionError {
    /// Nothing but white space. Complete the data.
    #[error("blank text cannot be searched for")]
    Blank,
    /// A control character, or one that XML cannot carry. Correct the data.
    #[error("holds a character that cannot be sent")]
    Character,
    /// The root of an identifier is not an OID. Correct the configuration.
    #[error("the root of an identifier is numbers joined by full stops")]
    Oid,
    /// Not the shape of a postcode. Correct the data.
    #[error("not the shape of a postcode")]
    Postcode,
    /// More than 350 characters. Correct the data.
    #[error("longer than any name or identifier")]
    TooLong,
    /// A wildcard where nobody confirms the match. Correct the data, or ask attended.
    #[error("a wildcard may stand only in a question that a person attends")]
    Wildcard,
    /// A wildcard before the third character. Type more of the name.
    #[error("a wildcard needs at least two characters before it")]
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
