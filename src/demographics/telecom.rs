use crate::demographics::date::PartialDate;
use crate::demographics::recorded::Recorded;
use crate::demographics::text::{redacted_debug, serde_text};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A telephone number, e-mail address or other way to contact a person.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct Telecom {
    /// What it is used for, when the service says so.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<TelecomUse>,
    /// A URI as the service sent it, such as `tel:01372000000`, `mailto:…` or `fax:…`.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub value: Recorded<String>,
    /// When it may be used; empty when the service gives no period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usable_periods: Vec<UsablePeriod>,
}

/// The period in which a name, an address, a telecom or a registration is valid, both days
/// included.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct UsablePeriod {
    /// The first day.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub low: Recorded<PartialDate>,
    /// The last day.
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub high: Recorded<PartialDate>,
}

redacted_debug!(Telecom, TelecomUse, UsablePeriod);

/// What a telecom is used for.
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TelecomUse {
    /// At home.
    Home,
    /// At the main home.
    PrimaryHome,
    /// At a holiday home.
    VacationHome,
    /// At work.
    Work,
    /// A mobile device.
    Mobile,
    /// In an emergency.
    EmergencyContact,
    /// An answering service.
    AnsweringService,
    /// A pager.
    Pager,
    /// Another use, by the code or name that the service gave it.
    Other(String),
}

impl TelecomUse {
    /// The name in lower case, words joined by `_`, or the service's own.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Home => "home",
            Self::PrimaryHome => "primary_home",
            Self::VacationHome => "vacation_home",
            Self::Work => "work",
            Self::Mobile => "mobile",
            Self::EmergencyContact => "emergency_contact",
            Self::AnsweringService => "answering_service",
            Self::Pager => "pager",
            Self::Other(text) => text,
        }
    }
}

impl FromStr for TelecomUse {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok([
            Self::Home,
            Self::PrimaryHome,
            Self::VacationHome,
            Self::Work,
            Self::Mobile,
            Self::EmergencyContact,
            Self::AnsweringService,
            Self::Pager,
        ]
        .into_iter()
        .find(|usage| usage.name() == text)
        .unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl fmt::Display for TelecomUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

serde_text!(TelecomUse);
