//! Shows tenants.

use crate::console::Failed;
use crate::tenants::{Settings, allowance};
use nhs_pds::process::tenants::Tenant;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A tenant as one JSON object. Secrets are references in it.
pub(super) fn object(tenant: &Tenant, settings: Option<&Settings>) -> Result<Value, Failed> {
    let set = settings.map(Settings::set).transpose()?;
    Ok(json!({
        "name": tenant.name,
        "organisation": tenant.organisation.as_str(),
        "state": tenant.state,
        "weight": tenant.weight,
        "schedule": tenant.schedule,
        "allowance": settings.and_then(allowance),
        "settings": set,
        "version": tenant.version,
    }))
}

/// A tenant in one line.
pub(super) fn line(tenant: &Tenant, settings: Option<&Settings>) -> String {
    let service = settings.map_or("its settings cannot be read".to_owned(), service);
    format!(
        "{:<20} {:<6} {:<8} weight {:>3}  {service}\n",
        tenant.name.as_str(),
        tenant.state.as_str(),
        tenant.organisation.as_str(),
        tenant.weight.get(),
    )
}

fn service(settings: &Settings) -> String {
    let service = match settings.service.address() {
        Some(address) => address.to_string(),
        None if settings.service.is_named() => "the simulator".to_owned(),
        None => "no service".to_owned(),
    };
    let limit = allowance(settings).map(|name| format!(", rate limit {name}"));
    format!("{service}{}", limit.unwrap_or_default())
}

/// A tenant with all its settings, one a line.
pub(super) fn page(tenant: &Tenant, settings: Option<&Settings>) -> Result<String, Failed> {
    let mut said = line(tenant, settings);
    for (name, value) in facts(tenant, settings)? {
        writeln!(said, "  {name:<20} {value}")?;
    }
    Ok(said)
}

/// What can be changed of a tenant, by name, as text.
pub(super) fn facts(
    tenant: &Tenant,
    settings: Option<&Settings>,
) -> Result<Vec<(String, String)>, Failed> {
    let set = settings.map_or(Ok(Map::new()), Settings::set)?;
    let own = [
        ("ods-code", tenant.organisation.as_str().to_owned()),
        ("state", tenant.state.as_str().to_owned()),
        ("weight", tenant.weight.to_string()),
        ("schedule", tenant.schedule.to_string()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let set = set.into_iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        (name, text)
    });
    Ok(own.into_iter().chain(set).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_without_a_service_is_not_shown_with_the_simulator() {
        for (stored, shown) in
            [(json!({}), "no service"), (json!({"service": "smsp"}), "the simulator")]
        {
            let Value::Object(map) = stored else { panic!("not an object") };
            assert_eq!(service(&Settings::from_map(map).unwrap()), shown);
        }
    }
}
