use crate::demographics::OdsCode;
use crate::process::schedule::Schedule;
use crate::tenant::{TenantName, Weight};
use crate::text::ValueError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// One organisation, as the directory has it. Contains no personal data and no secrets.
///
/// ```
/// use nhs_pds::process::tenants::{Tenant, TenantState};
///
/// let mut leeds = Tenant::new("leeds".parse()?, "RHM".parse()?);
/// leeds.weight = "10".parse()?;
/// leeds.settings = r#"{"certificate":"file:/etc/nhs-pds/leeds.pem"}"#.parse()?;
/// assert_eq!((leeds.state, leeds.version), (TenantState::Active, 0));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tenant {
    /// The name. It never changes: the cases and the audit trail are under it.
    pub name: TenantName,
    /// The organisation's code, which each question carries (MSCA-AUD-04).
    pub organisation: OdsCode,
    /// Whether the tenant has a process.
    pub state: TenantState,
    /// The share of the tenant in a rate limit.
    pub weight: Weight,
    /// When its process runs, unless users set another schedule
    /// ([`Control::set_schedule`](crate::process::Control::set_schedule)).
    pub schedule: Schedule,
    /// The rest of its configuration, which the program understands.
    pub settings: TenantSettings,
    /// How often the directory has stored the tenant: 0 for a tenant that is not in a directory.
    pub version: u64,
}

impl Tenant {
    /// Creates an active tenant of weight 1 without settings. Its process runs every half hour, and begins
    /// up to a minute earlier.
    #[must_use]
    pub fn new(name: TenantName, organisation: OdsCode) -> Self {
        Self {
            name,
            organisation,
            state: TenantState::Active,
            weight: Weight::default(),
            schedule: Schedule::usual(Duration::from_secs(60)),
            settings: TenantSettings::default(),
            version: 0,
        }
    }
}

/// Whether a tenant has a process.
///
/// An operator of the program pauses a *tenant*: to end a contract, or to change its certificate. Its
/// process ends in each worker, and its store is not read. A user of the tenant pauses the *processes* on
/// its store: see [`Control::pause`](crate::process::Control::pause). They go on, and wait.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// It has a process in each worker.
    #[default]
    Active,
    /// It has none.
    Paused,
}

impl TenantState {
    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

impl FromStr for TenantState {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let word = |state: &Self| state.as_str() == text;
        [Self::Active, Self::Paused].into_iter().find(word).ok_or(NOT_A_STATE)
    }
}

/// The configuration of a tenant: a JSON object, whose keys the program defines.
///
/// It names secrets, such as `file:/etc/nhs-pds/leeds.pem` or `env:LEEDS_KEY`, and does not contain them: a
/// database, its backups and its replicas keep it in plain text. `Debug` shows only its length.
///
/// ```
/// use nhs_pds::process::tenants::TenantSettings;
///
/// let settings: TenantSettings = r#"{"service":"https://pds.test"}"#.parse()?;
/// assert_eq!(settings.as_str(), r#"{"service":"https://pds.test"}"#);
/// assert_eq!(TenantSettings::default().as_str(), "{}");
/// assert!("[1]".parse::<TenantSettings>().is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct TenantSettings(Arc<str>);

impl TenantSettings {
    /// The most bytes of a configuration.
    pub const LONGEST: usize = 64 * 1024;

    /// The JSON text, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self("{}".into())
    }
}

impl FromStr for TenantSettings {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.len() > Self::LONGEST {
            return Err(TOO_LONG);
        }
        let object = serde_json::from_str::<Map<String, Value>>(text);
        object.map_err(|_| NOT_AN_OBJECT)?;
        // A database may not store it.
        if text.contains("\\u0000") { Err(NOT_AN_OBJECT) } else { Ok(Self(text.into())) }
    }
}

impl fmt::Debug for TenantSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantSettings({} bytes)", self.0.len())
    }
}

/// Not a state. Choose another one.
const NOT_A_STATE: ValueError = ValueError::new("the state of a tenant is active or paused");

/// Not a configuration. Correct it.
const NOT_AN_OBJECT: ValueError =
    ValueError::new("the settings of a tenant are a JSON object without null characters");

const TOO_LONG: ValueError = ValueError::new("the settings of a tenant are at most 64 KiB");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_an_object_of_limited_size_and_debug_does_not_show_them() {
        for wrong in ["", "null", "[]", "{", r#"{"a":"\u0000"}"#, "{} {}"] {
            assert_eq!(wrong.parse::<TenantSettings>(), Err(NOT_AN_OBJECT), "{wrong}");
        }
        let longest = format!(r#"{{"a":"{}"}}"#, "x".repeat(TenantSettings::LONGEST - 8));
        let settings = longest.parse::<TenantSettings>().unwrap();
        assert_eq!(format!("{settings:?}"), "TenantSettings(65536 bytes)");
        assert_eq!(format!(" {longest}").parse::<TenantSettings>(), Err(TOO_LONG));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(9_000), "]".repeat(9_000));
        assert_eq!(deep.parse::<TenantSettings>(), Err(NOT_AN_OBJECT));
    }

    #[test]
    fn a_state_is_its_word() {
        for state in [TenantState::Active, TenantState::Paused] {
            assert_eq!(state.as_str().parse::<TenantState>().unwrap(), state);
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!("stopped".parse::<TenantState>(), Err(NOT_A_STATE));
    }
}
