//! Which tenants share a rate limit, and which limit that is.
//!
//! A provider limits the rate of an application. An application is an API key of the PDS FHIR API, or a client of a Spine
//! Mini Service. Tenants with the same key, or the same address, share one limit unless their settings name another.

use super::settings::Settings;
use nhs_pds::process::tenants::Tenant;
use nhs_pds::resilience::RateLimit;
use nhs_pds::tenant::TenantName;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many questions of all tenants of a limit may be open in a program, if neither rate nor settings ask for more.
const IN_FLIGHT: u32 = 8;

/// The limit that the tenants of one name share.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Agreed {
    limit: RateLimit,
    /// The limits of its tenants, where they differ.
    differing: Vec<(TenantName, RateLimit)>,
}

/// The limits of all tenants of a database, as this program knows them.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<BTreeMap<TenantName, (Agreed, u64)>>);

impl Limits {
    /// Takes the settings of all tenants. Returns what to say about limits that differ since now.
    pub(super) fn learn(&self, tenants: &[(Tenant, Settings)]) -> Vec<String> {
        let agreed = agree(tenants);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        for (name, agreed) in agreed {
            let before = known.get(&name);
            if before.is_none_or(|(before, _)| before.differing != agreed.differing) {
                news.extend(disagreement(&name, &agreed));
            }
            let changes = match before {
                Some((before, changes)) => changes + u64::from(before.limit != agreed.limit),
                None => 0,
            };
            known.insert(name, (agreed, changes));
        }
        news
    }

    /// The shared limit of this name, and how often it has changed.
    pub(super) fn get(&self, name: &TenantName) -> Option<(RateLimit, u64)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|(agreed, changes)| (agreed.limit, *changes))
    }
}

/// What to say about the tenants whose limits differ.
pub(crate) fn disagreements(tenants: &[(Tenant, Settings)]) -> Vec<String> {
    agree(tenants).iter().filter_map(|(name, agreed)| disagreement(name, agreed)).collect()
}

/// The smallest limit of each name.
fn agree(tenants: &[(Tenant, Settings)]) -> BTreeMap<TenantName, Agreed> {
    let mut found: BTreeMap<TenantName, Vec<(TenantName, RateLimit)>> = BTreeMap::new();
    for (tenant, settings) in tenants {
        if let Some(name) = allowance(settings) {
            let in_flight = u32::try_from(settings.in_flight().get()).unwrap_or(u32::MAX);
            let limit = settings.limit(settings.service.address().is_none());
            let in_flight = in_flight.max(IN_FLIGHT).max(limit.per_second.get());
            let in_flight = in_flight.try_into().unwrap_or(limit.in_flight);
            let own = (tenant.name.clone(), limit.with_in_flight(in_flight));
            found.entry(name).or_default().push(own);
        }
    }
    let agreed = found.into_iter().filter_map(|(name, all)| Some((name, smallest(all)?)));
    agreed.collect()
}

fn smallest(all: Vec<(TenantName, RateLimit)>) -> Option<Agreed> {
    let limits = || all.iter().map(|(_, limit)| limit);
    let limit = RateLimit::per_second(limits().map(|limit| limit.per_second).min()?)
        .with_burst(limits().map(|limit| limit.burst).min()?)
        .with_in_flight(limits().map(|limit| limit.in_flight).max()?);
    let is_same =
        |other: &RateLimit| (other.per_second, other.burst) == (limit.per_second, limit.burst);
    let differing = if limits().all(is_same) { Vec::new() } else { all };
    Some(Agreed { limit, differing })
}

fn disagreement(name: &TenantName, agreed: &Agreed) -> Option<String> {
    if agreed.differing.is_empty() {
        return None;
    }
    let shown = |limit: &RateLimit| format!("{} a second, burst {}", limit.per_second, limit.burst);
    let own = agreed.differing.iter().map(|(tenant, limit)| format!("{tenant}: {}", shown(limit)));
    let own = own.collect::<Vec<_>>().join("; ");
    Some(format!(
        "the tenants of the rate limit {name} have different limits ({own}): all of them use the smallest, {}",
        shown(&agreed.limit)
    ))
}

/// The name of the limit that a tenant shares; `None` for a simulator of its own.
pub(crate) fn allowance(settings: &Settings) -> Option<TenantName> {
    if settings.allowance.is_some() {
        return settings.allowance.clone();
    }
    let address = settings.service.address()?;
    let host = address.host_str().unwrap_or_default();
    let port = address.port().map(|port| format!("-{port}")).unwrap_or_default();
    let api = settings.service.api();
    let text = match api.client_id() {
        Some(id) => format!("fhir-{id}"),
        None if api.is_named() => format!("fhir-{host}{port}"),
        None => format!("smsp-{host}{port}"),
    };
    let letters = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let letters = letters.take(TenantName::LONGEST).collect::<String>().to_ascii_lowercase();
    letters.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str, settings: &str) -> (Tenant, Settings) {
        let mut tenant = Tenant::new(name.parse().unwrap(), "RHM".parse().unwrap());
        tenant.settings = settings.parse().unwrap();
        let settings = Settings::of(&tenant).unwrap();
        (tenant, settings)
    }

    #[test]
    fn tenants_of_one_application_share_a_limit() {
        let key = r#""key-id":"k","key":"env:K""#;
        for (settings, name) in [
            (r#"{"service":"smsp"}"#.to_owned(), None),
            (r#"{"service":"smsp","allowance":"ours"}"#.to_owned(), Some("ours")),
            (
                r#"{"service":"https://SMSP.example:8443/pds"}"#.to_owned(),
                Some("smsp-smsp-example-8443"),
            ),
            (r#"{"fhir":"sandbox"}"#.to_owned(), Some("fhir-sandbox-api-service-nhs-uk")),
            (format!(r#"{{"fhir":"production","client-id":"Ab_1",{key}}}"#), Some("fhir-ab-1")),
        ] {
            let (_, settings) = tenant("leeds", &settings);
            assert_eq!(allowance(&settings).map(String::from).as_deref(), name);
        }
    }

    #[test]
    fn the_smallest_limit_counts_and_a_change_is_counted() {
        let of = |name: &str, more: &str| {
            tenant(name, &format!(r#"{{"service":"https://smsp.example/"{more}}}"#))
        };
        let limits = Limits::default();
        let name = "smsp-smsp-example".parse().unwrap();
        let same = [of("leeds", ""), of("york", r#","burst":5,"in-flight":20"#)];
        assert_eq!(limits.learn(&same), Vec::<String>::new());
        let (limit, changes) = limits.get(&name).unwrap();
        assert_eq!((limit.per_second.get(), limit.burst.get(), changes), (5, 5, 0));
        assert_eq!(limit.in_flight.get(), 20);
        let other = [of("leeds", r#","per-second":4,"burst":9"#), of("york", r#","in-flight":20"#)];
        let said = limits.learn(&other);
        assert_eq!(
            said,
            [
                "the tenants of the rate limit smsp-smsp-example have different limits (leeds: 4 a second, burst 9; york: \
              5 a second, burst 5): all of them use the smallest, 4 a second, burst 5"
            ]
        );
        assert_eq!(disagreements(&other), said);
        assert_eq!(limits.learn(&other), Vec::<String>::new(), "it is said once");
        let (limit, changes) = limits.get(&name).unwrap();
        assert_eq!((limit.per_second.get(), limit.burst.get(), changes), (4, 5, 1));
    }
}
