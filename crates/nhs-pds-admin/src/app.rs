//! What all pages share.

use crate::accounts::Accounts;
use crate::assets::Assets;
use crate::batch_work::BatchWork;
use crate::error::PageError;
use crate::identity::Identity;
use crate::limit::Limit;
use crate::links::Links;
use crate::pages::audit::check::TrailCheck;
use crate::pages::quality::Counted;
use crate::uploads::Uploads;
use nhs_pds::audit::{Actor, Entry, EventKind};
use nhs_pds::clock::Clock;
use nhs_pds::demographics::OdsCode;
use nhs_pds::ids::Ids;
use nhs_pds::process::review::ReviewQueue;
use nhs_pds::process::store::Store;
use nhs_pds::process::tenants::Tenants;
use nhs_pds::process::{Control, Worker};
use nhs_pds::tenant::TenantName;
use nhs_pds::trace::{Caller, LocalIdentity, Tracer};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What all pages of one store share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) identity: Arc<dyn Identity>,
    /// The sign-in of this crate; none where a vendor has its own.
    pub(crate) accounts: Option<Accounts>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    /// Where the screens are mounted: empty, or a path that begins with `/` and does not end with it.
    pub(crate) base: String,
    /// The name in the header of each page.
    pub(crate) service_name: String,
    /// The organisation whose cases these are.
    pub(crate) organisation: OdsCode,
    /// Searches for users; none where the screens have no service.
    pub(crate) search: Option<Arc<dyn Tracer>>,
    /// Where the vendor's application creates a record; none where there is no such page.
    pub(crate) new_case_link: Option<String>,
    /// Traces a case at once; none where the screens have no service.
    pub(crate) refresh: Option<Worker>,
    /// The tenant in its directory, where there is one.
    pub(crate) tenant: Option<(Arc<dyn Tenants>, TenantName)>,
    /// The last count of the data quality.
    pub(crate) counted: Counted,
    pub(crate) assets: Assets,
    /// Whether browsers reach the screens by TLS, so that they must never use anything else.
    pub(crate) is_behind_tls: bool,
    pub(crate) links: OnceCell<Links>,
    /// How often one user may do what takes long.
    pub(crate) limit: Limit,
    /// The check of the audit trail that runs in this process.
    pub(crate) check: TrailCheck,
    /// Caseloads that are not imported yet.
    pub(crate) uploads: Uploads,
    /// Tracing by file; none where the screens have no folder for files.
    pub(crate) batches: Option<BatchWork>,
}

impl App {
    /// The path of a page, for links and redirects. `path` begins with `/`.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Seals what must not stand in a URL.
    pub(crate) async fn links(&self) -> Result<&Links, PageError> {
        let entry = |kind| Entry::new(kind, self.clock.now(), &self.actor());
        self.links.get_or_try_init(|| Links::load(&*self.store, entry)).await
    }

    /// The sign-in of this crate.
    pub(crate) fn accounts(&self) -> Result<&Accounts, PageError> {
        self.accounts.as_ref().ok_or(PageError::NotFound)
    }

    /// Tracing by file.
    pub(crate) fn batches(&self) -> Result<&BatchWork, PageError> {
        self.batches.as_ref().ok_or(PageError::NotFound)
    }

    /// The review items, at the time of the screens' clock.
    pub(crate) fn queue(&self) -> ReviewQueue {
        ReviewQueue::new(Arc::clone(&self.store)).with_clock(Arc::clone(&self.clock))
    }

    /// The controls of the process.
    pub(crate) fn control(&self) -> Control {
        Control::new(Arc::clone(&self.store)).with_clock(Arc::clone(&self.clock))
    }

    /// The program itself, for what no user does.
    pub(crate) fn actor(&self) -> Actor {
        let name = "nhs-pds-admin";
        let id = LocalIdentity::new(self.organisation.clone(), name);
        let caller = id.map(Caller::System);
        #[expect(clippy::expect_used, reason = "the name is a constant that is a valid id")]
        Actor::new(&caller.expect("a constant"), name)
    }

    /// An audit event of `actor`, now.
    pub(crate) fn event(&self, kind: EventKind, actor: &Actor) -> Entry {
        Entry::new(kind, self.clock.now(), actor)
    }
}
