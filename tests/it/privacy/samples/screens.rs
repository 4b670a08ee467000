//! The crate `nhs-pds-admin`. A user of the screens may be a patient, too.

use super::us;
use crate::privacy::person::{CASE, FAMILY, GIVEN};
use crate::privacy::walk::Shown;
use async_trait::async_trait;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::MemoryStore;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use nhs_pds_admin::accounts::{AccountError, Accounts, NewAccount};
use nhs_pds_admin::{Identity, IdentityError, Person, Role, Screens};
use std::sync::Arc;

/// A vendor's identity, whose user has the person's name.
#[derive(Debug)]
struct Named;

#[async_trait]
impl Identity for Named {
    async fn identify(&self, _: &http::request::Parts) -> Result<Option<Person>, IdentityError> {
        Ok(Some(user()))
    }
}

fn user() -> Person {
    let organisation = || "RHM".parse().unwrap();
    let id = LocalIdentity::new(organisation(), "j.doe").unwrap();
    let name = format!("{GIVEN} {FAMILY}");
    Person::new(User::Local(id), name, Role::DataQuality, organisation())
        .with_workers(vec![FAMILY.into(), CASE.into()])
        .with_session(FAMILY)
        .on_device(FAMILY)
}

pub(super) async fn show(shown: &mut Shown) {
    let parts = (MemoryStore::new(), MemoryLog::new(), MemoryAlerts::default());
    let store: Arc<dyn Store> =
        Arc::new(Joined::new(Arc::new(parts.0), Arc::new(parts.1), Arc::new(parts.2)));
    let organisation = || "RHM".parse().unwrap();
    shown.value(&user());
    shown.error(&IdentityError);
    let accounts = Accounts::new(Arc::clone(&store), organisation());
    let mut new = NewAccount::new("j.doe", Role::FrontLine, organisation());
    new.name = format!("{GIVEN} {FAMILY}");
    new.workers = vec![FAMILY.into()];
    shown.value(&new);
    let by = Actor::new(&Caller::System(us()), FAMILY);
    let password = Secret::new("correct zebra staple 19 harbour".into());
    accounts.add(&new, &password, &by).await.unwrap();
    shown.value(&accounts.list().await.unwrap()[0]);
    let weak = accounts.add(&new, &Secret::new(FAMILY.into()), &by).await.unwrap_err();
    assert!(matches!(weak, AccountError::Password(_)));
    shown.error(&weak);
    shown.error(&accounts.add(&new, &password, &by).await.unwrap_err());
    shown.error(&AccountError::from(nhs_pds::process::Error::from(super::audit::error())));
    shown.value(&accounts);
    let screens = Screens::new(store, organisation(), Arc::new(Named));
    shown.value(&screens.with_service_name(FAMILY).with_theme(FAMILY).mounted_at(FAMILY));
}
