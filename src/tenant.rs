//! The name of a tenant: one organisation, with cases that no other tenant sees. Labels of metrics.

use crate::text::ValueError;
use serde::{Deserialize, Serialize};
use std::fmt;
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
/// let labels = Labels::default().with_service("fhir").with_tenant("leeds".parse()?);
/// assert_eq!(labels.service(), Some("fhir"));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    service: Option<&'static str>,
    tenant: Option<TenantName>,
}

impl Labels {
    /// Sets the service, such as `smsp` or `fhir`. A word of the program, so that no data can become a label.
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

#[cfg(test)]
mod tests {
    use super::*;

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
