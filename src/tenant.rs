//! The name and the weight of a tenant: one organisation, with cases that no other tenant sees. Labels of metrics.

use crate::text::ValueError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};
use std::str::FromStr;
use std::sync::Arc;

/// The name of a tenant, such as `leeds`: one organisation with its own cases, trail, identity and keys.
///
/// A lower-case letter, then at most 62 lower-case letters, digits and hyphens. It is not personal data: it is
/// written to logs, metrics and file names. Clones are cheap.
///
/// ```
/// use nhs_pds::tenant::TenantName;
///
/// assert_eq!("leeds-adults".parse::<TenantName>()?.as_str(), "leeds-adults");
/// assert!("Leeds".parse::<TenantName>().is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(Arc<str>);

impl TenantName {
    /// The most characters of a name.
    pub const LONGEST: usize = 63;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut characters = text.chars();
        let begins = characters.next().is_some_and(|first| first.is_ascii_lowercase());
        let may_follow = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if begins && text.len() <= Self::LONGEST && characters.all(may_follow) {
            Ok(Self(text.into()))
        } else {
            Err(INVALID)
        }
    }
}

impl TryFrom<String> for TenantName {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<TenantName> for String {
    fn from(TenantName(name): TenantName) -> Self {
        name.as_ref().to_owned()
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The labels of a client's or a worker's metrics: `service` and `tenant`.
///
/// A label that is not set is left out. Prometheus treats an empty label as an absent one, so a query by `tenant` finds
/// the same series either way.
///
/// ```
/// use nhs_pds::tenant::Labels;
///
/// let labels = Labels::default().with_service("pds").with_tenant("leeds".parse()?);
/// assert_eq!(labels.service(), Some("pds"));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    service: Option<&'static str>,
    tenant: Option<TenantName>,
}

impl Labels {
    /// Sets the service, such as `smsp`. A word of the program, so that no data can become a label.
    #[must_use]
    pub const fn with_service(mut self, service: &'static str) -> Self {
        self.service = Some(service);
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantName) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Returns the service, if it is set.
    #[must_use]
    pub const fn service(&self) -> Option<&'static str> {
        self.service
    }

    /// Returns the tenant, if it is set.
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantName> {
        self.tenant.as_ref()
    }

    /// Returns these labels after `own`, the metric's own.
    #[cfg(feature = "resilience")]
    pub(crate) fn metric(&self, own: &[(&'static str, &'static str)]) -> Vec<metrics::Label> {
        use metrics::{Label, SharedString};

        let own = own.iter().map(|(key, value)| Label::from_static_parts(key, value));
        let service = self.service.map(|service| Label::from_static_parts("service", service));
        let tenant = self.tenant.as_ref().map(|TenantName(name)| {
            Label::new("tenant", SharedString::from_shared(Arc::clone(name)))
        });
        own.chain(service).chain(tenant).collect()
    }
}

/// Not a name. Choose another one.
const INVALID: ValueError = ValueError::new(
    "the name of a tenant is a lower-case letter, then at most 62 lower-case letters, digits and hyphens",
);

/// The share of a tenant in what tenants divide between them: 1 (the default) to 100.
///
/// A tenant of weight 4 sends four questions for each question of a tenant of weight 1, while both have
/// questions that wait.
///
/// ```
/// use nhs_pds::tenant::Weight;
///
/// assert_eq!(Weight::default().get(), 1);
/// assert_eq!("40".parse::<Weight>()?, Weight::new(40)?);
/// assert!(Weight::new(101).is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Weight(NonZeroU8);

impl Weight {
    /// The greatest weight.
    pub const GREATEST: u8 = 100;

    /// Creates a weight.
    ///
    /// # Errors
    ///
    /// [`ValueError`] for zero and for more than 100.
    pub fn new(weight: u8) -> Result<Self, ValueError> {
        let weight = NonZeroU8::new(weight).filter(|weight| weight.get() <= Self::GREATEST);
        weight.map(Self).ok_or(UNWEIGHABLE)
    }

    /// The weight as a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(NonZeroU8::MIN)
    }
}

impl FromStr for Weight {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|_| UNWEIGHABLE).and_then(Self::new)
    }
}

impl TryFrom<u8> for Weight {
    type Error = ValueError;

    fn try_from(weight: u8) -> Result<Self, ValueError> {
        Self::new(weight)
    }
}

impl From<Weight> for u8 {
    fn from(weight: Weight) -> Self {
        weight.get()
    }
}

impl From<Weight> for NonZeroU32 {
    fn from(Weight(weight): Weight) -> Self {
        weight.into()
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Not a weight. Choose another one.
const UNWEIGHABLE: ValueError =
    ValueError::new("the weight of a tenant is a whole number from 1 to 100");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_from_1_to_100() {
        for weight in [1, 100] {
            assert_eq!(Weight::new(weight).unwrap().get(), weight);
            assert_eq!(NonZeroU32::from(Weight::new(weight).unwrap()).get(), u32::from(weight));
            let text = weight.to_string();
            assert_eq!(text.parse::<Weight>().unwrap().to_string(), text);
        }
        for text in ["", "0", "101", "256", "-1", "1.5", "a"] {
            assert_eq!(text.parse::<Weight>(), Err(UNWEIGHABLE), "{text}");
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        let longest = "a".repeat(TenantName::LONGEST);
        for name in ["a", "leeds", "l-2", &longest] {
            assert_eq!(name.parse::<TenantName>().unwrap().to_string(), name);
        }
        for name in
            ["", "2leeds", "-a", "Leeds", "leeds_", "le eds", "l\u{e9}eds", &format!("{longest}a")]
        {
            assert_eq!(name.parse::<TenantName>(), Err(INVALID), "{name}");
        }
    }
}
