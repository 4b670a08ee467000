//! Opens what the commands work on: the store, its folder, and the rules of its worker.

use super::args::{Common, Then, folder_of};
use crate::console::{Failed, because, warn};
use crate::database::{Opened, Required, connect_to_all, opened};
use crate::device;
use crate::mesh::Mesh;
use crate::tenants::{ByBatch, Rules, Settings};
use crate::trail::Trail;
use nhs_pds::async_trait;
use nhs_pds::audit::Actor;
use nhs_pds::demographics::OdsCode;
use nhs_pds::mesh::Mailbox;
use nhs_pds::postgres;
use nhs_pds::process::batch::Batches;
use nhs_pds::process::store::Store;
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use nhs_pds::process::{self, Worker};
use nhs_pds::tenant::{Labels, TenantName};
use nhs_pds::trace::{
    self, Answer, Attended, Breadth, Caller, LocalIdentity, MessageId, Question, Tracer, User,
};
use std::path::PathBuf;
use std::sync::Arc;

/// The batches of a store.
pub(super) struct Open {
    pub(super) batches: Batches,
    pub(super) store: Arc<dyn Store>,
    pub(super) folder: PathBuf,
    pub(super) actor: Actor,
    trail: Trail,
    /// The mailbox of the tenant.
    mesh: Mesh,
    labels: Labels,
}

/// What is known of the organisation.
struct Organisation {
    opened: Opened,
    code: OdsCode,
    rules: Rules,
    then: Then,
    own: ByBatch,
    labels: Labels,
}

impl Open {
    pub(super) async fn of(common: &Common) -> Result<Self, Failed> {
        let Organisation { opened, code, rules, then, own, labels } = organisation(common).await?;
        let folder = common.folder.as_ref().or(own.folder.as_ref());
        let folder = folder_of(folder, &common.database.database()?)?;
        let Opened { store, trail, .. } = opened;
        let actor = actor(common, &code)?;
        let us = LocalIdentity::new(code, "nhs-pds")?;
        let settings = process::Settings::new(Caller::System(us))
            .with_actor(actor.clone())
            .with_policy(rules.policy()?)
            .with_scope(rules.scope());
        let mut batches = match then {
            Then::None => Batches::new(Arc::clone(&store), settings, &folder),
            service => {
                let later = Arc::new(Later { is_fhir: service == Then::Fhir });
                Batches::beside(&Worker::new(later, Arc::clone(&store), settings), &folder)
            }
        };
        if common.keep_files {
            batches = batches.with_kept_files();
        }
        Ok(Self { batches, store, folder, actor, trail, mesh: own.mesh, labels })
    }

    /// The mailbox of these options, and of the tenant's settings where an option is not given. Sends nothing.
    pub(super) fn mailbox(&self, given: &Mesh) -> Result<Mailbox, Failed> {
        given.or(&self.mesh).mailbox(self.labels.clone())
    }

    /// Warns of events without an anchor.
    pub(super) fn close(&self) {
        if let Some(warning) = self.trail.warning() {
            warn(format!("batch: {warning}"));
        }
    }
}

async fn organisation(common: &Common) -> Result<Organisation, Failed> {
    let given = Settings::of_rules(common.rules.clone());
    let Some((address, Some(name))) = common.database.tenants() else {
        let opened = common.database.database()?;
        let opened = opened.open_existing(common.anchors.as_deref(), None).await?;
        let code = common.ods_code.clone().map_or_else(|| "RHM".parse(), Ok)?;
        let then = common.then.unwrap_or(Then::None);
        let (own, labels) = (ByBatch::default(), Labels::default());
        return Ok(Organisation { opened, code, rules: given.rules, then, own, labels });
    };
    let place = format!("{address}, tenant {name}");
    let database = connect_to_all(address).await?;
    let tenant = tenant_in(&database, name, &place).await?;
    if common.ods_code.as_ref().is_some_and(|code| *code != tenant.organisation) {
        let own = &tenant.organisation;
        return Err(format!("--ods-code: the organisation of {name} is {own}: leave it out").into());
    }
    let own = Settings::of(&tenant).and_then(|own| own.changed(&given, &[]));
    let own = own.map_err(|error| format!("{place}: {error}"))?;
    let part = database.tenant(name).await;
    let part = part.map_err(|error| format!("{place}: {}", because(&error)))?;
    let anchors = common.anchors.as_deref().or(own.anchors.as_deref());
    let service = if own.service.is_fhir() { Then::Fhir } else { Then::Smsp };
    Ok(Organisation {
        opened: opened(part, anchors),
        code: tenant.organisation,
        rules: own.rules,
        then: common.then.unwrap_or(service),
        labels: own.service.labels(),
        own: own.by_batch,
    })
}

async fn tenant_in(
    database: &postgres::Database,
    name: &TenantName,
    place: &str,
) -> Result<Tenant, Failed> {
    let found = PostgresTenants::new(database.clone()).get(name).await;
    let found = found.map_err(|error| format!("{place}: {}", because(&error)))?;
    Ok(found.ok_or_else(|| format!("{place}: there is no such tenant in the database"))?)
}

/// The folder of the tenant's settings, if the options are for a tenant that has one.
pub(super) async fn own_folder(options: &Required) -> Result<Option<PathBuf>, Failed> {
    let Some((address, Some(name))) = options.tenants() else { return Ok(None) };
    let place = format!("{address}, tenant {name}");
    let tenant = tenant_in(&connect_to_all(address).await?, name, &place).await?;
    let own = Settings::of(&tenant).map_err(|error| format!("{place}: {error}"))?;
    Ok(own.by_batch.folder)
}

/// The user, as the audit trail names it.
fn actor(common: &Common, code: &OdsCode) -> Result<Actor, Failed> {
    let login = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = common.user.clone().or(login).unwrap_or_else(|| "operator".to_owned());
    let identity = LocalIdentity::new(code.clone(), &user);
    let identity = identity.map_err(|error| format!("--as: {error}"))?;
    let name = common.name.clone().unwrap_or(user);
    let actor = Actor::new(&Caller::User(User::Local(identity)), name);
    Ok(actor.with_role(&common.role, code.clone()).on_device(device::name()))
}

/// In place of the worker's service, which is not queried here. Permits the searches of that service.
#[derive(Debug)]
struct Later {
    is_fhir: bool,
}

#[async_trait]
impl Tracer for Later {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, trace::Error> {
        Err(trace::Error::new(trace::ErrorKind::Configuration))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, trace::Error> {
        Err(trace::Error::new(trace::ErrorKind::Configuration))
    }

    fn permits(&self, breadth: Breadth) -> bool {
        self.is_fhir || breadth == Breadth::Exact
    }
}
