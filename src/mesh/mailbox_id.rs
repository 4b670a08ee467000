use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// The longest identifier that the API takes.
const LONGEST: usize = 100;

const INVALID: ValueError = ValueError::new(
    "the mailbox identifier is not 1 to 100 letters, digits, hyphens and underscores",
);

/// The identifier of a mailbox, such as `X26ABC1`, in upper case.
///
/// ```
/// use nhs_pds::mesh::MailboxId;
///
/// let mailbox: MailboxId = "x26abc1".parse()?;
/// assert_eq!(mailbox.as_str(), "X26ABC1");
/// assert!("X26/ABC1".parse::<MailboxId>().is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MailboxId(String);

impl MailboxId {
    /// Returns the identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MailboxId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_allowed) {
            return Err(INVALID);
        }
        Ok(Self(text.to_ascii_uppercase()))
    }
}

impl fmt::Display for MailboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
