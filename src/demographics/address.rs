use crate::demographics::postcode::Postcode;
use crate::demographics::recorded::Recorded;
use crate::demographics::telecom::UsablePeriod;
use crate::demographics::text::{redacted_debug, serde_text};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// An address of five lines whose positions have meaning.
///
/// Line 1 is the premises' name or flat, 2 number and street, 3 locality, 4 post town, 5 county
/// (NHS Data Dictionary, ADDRESS STRUCTURED). A blank line keeps its position, unless the service
/// drops blank lines. When the service returns fewer than five lines, they fill the array from the
/// start, and only their order has meaning.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct Address {
    /// What the address is used for, when the service says so.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<AddressUse>,
    /// The five lines, blank ones as empty strings; `None` when no line was returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<[String; 5]>,
    /// The postcode.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub postcode: Recorded<Postcode>,
    /// What kind of place it is, in the service's words, such as `Student Accommodation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The period in which the address is valid, from services that return it. It may be over, or
    /// not have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<UsablePeriod>,
    /// The Unique Property Reference Number, 1 to 12 digits, as the service sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uprn: Option<String>,
    /// The key in the Royal Mail's Postcode Address File, as the service sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paf_key: Option<String>,
}

redacted_debug!(Address, AddressUse);

/// What an address is used for.
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AddressUse {
    /// The usual address.
    Home,
    /// A temporary address.
    Temporary,
    /// The address for post.
    Correspondence,
    /// A place of work.
    Work,
    /// Another use, by the code or name that the service gave it.
    Other(String),
}

impl AddressUse {
    /// The name: `home`, `temporary`, `correspondence`, `work`, or the service's own.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Home => "home",
            Self::Temporary => "temporary",
            Self::Correspondence => "correspondence",
            Self::Work => "work",
            Self::Other(text) => text,
        }
    }
}

impl FromStr for AddressUse {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok([Self::Home, Self::Temporary, Self::Correspondence, Self::Work]
            .into_iter()
            .find(|usage| usage.name() == text)
            .unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl fmt::Display for AddressUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

serde_text!(AddressUse);
