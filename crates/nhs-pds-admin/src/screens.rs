use crate::accounts::Accounts;
use crate::app::App;
use crate::assets::{self, Assets};
use crate::batch_work::BatchWork;
use crate::error::PageError;
use crate::identity::Identity;
use crate::limit::Limit;
use crate::pages;
use crate::pages::audit::check::TrailCheck;
use crate::pages::quality::Counted;
use crate::protect::{LONGEST_FORM, protect};
use crate::routes::{Route, Routes};
use crate::uploads::Uploads;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::get;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::process::Worker;
use nhs_pds::process::batch::Batches;
use nhs_pds::process::store::Store;
use nhs_pds::process::tenants::Tenants;
use nhs_pds::tenant::TenantName;
use nhs_pds::trace::Tracer;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tower_http::compression::CompressionLayer;

/// The screens of one store, as a router for a vendor's application.
///
/// Build one for each organisation: everything that a user sees belongs to `store`.
#[must_use]
pub struct Screens {
    store: Arc<dyn Store>,
    identity: Arc<dyn Identity>,
    accounts: Option<Accounts>,
    organisation: OdsCode,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    base: String,
    service_name: String,
    theme: Option<String>,
    search: Option<Arc<dyn Tracer>>,
    new_case_link: Option<String>,
    refresh: Option<Worker>,
    tenant: Option<(Arc<dyn Tenants>, TenantName)>,
    batches: Option<Batches>,
    is_behind_tls: bool,
}

impl fmt::Debug for Screens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Screens({})", self.organisation)
    }
}

impl Screens {
    /// The screens of `store`, which belongs to `organisation`, for the users of `identity`.
    pub fn new(store: Arc<dyn Store>, organisation: OdsCode, identity: Arc<dyn Identity>) -> Self {
        Self {
            store,
            identity,
            accounts: None,
            organisation,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            base: String::new(),
            service_name: "NHS Numbers".to_owned(),
            theme: None,
            search: None,
            new_case_link: None,
            refresh: None,
            tenant: None,
            batches: None,
            is_behind_tls: true,
        }
    }

    /// The screens of `store`, for users who sign in here with `accounts`.
    pub fn with_accounts(store: Arc<dyn Store>, organisation: OdsCode, accounts: Accounts) -> Self {
        let identity = Arc::new(accounts.clone());
        Self { accounts: Some(accounts), ..Self::new(store, organisation, identity) }
    }

    /// Mounts the screens at a path, such as `/nhs`. [`router`](Self::router) then has the whole path: `merge` it
    /// into the router of the application.
    pub fn mounted_at(mut self, path: &str) -> Self {
        let path = path.trim_matches('/');
        self.base = if path.is_empty() { String::new() } else { format!("/{path}") };
        self
    }

    /// The name in the header of each page. Default: `NHS Numbers`.
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = name.into();
        self
    }

    /// A style sheet behind the others, with the colours and fonts of the application.
    pub fn with_theme(mut self, css: impl Into<String>) -> Self {
        self.theme = Some(css.into());
        self
    }

    /// Searches PDS for users with `tracer`, such as [`Gateway::foreground`](nhs_pds::resilience::Gateway::foreground).
    /// Without one, the search shows local cases only, and says so. So it does with a tracer that does not
    /// [serve users](Tracer::serves_users): a search of the PDS FHIR API needs the user's own access, which
    /// [`Identity::tracer`] supplies.
    pub fn with_search(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.search = Some(tracer);
        self
    }

    /// Offers a link to the page of the application that creates a record, where a search has found no person
    /// (MSCA-PDS-04). `address` is a path or an address. No criteria are added to it: they are personal data.
    pub fn with_new_case_link(mut self, address: impl Into<String>) -> Self {
        self.new_case_link = Some(address.into());
        self
    }

    /// Traces a case at once with `worker` (MSCA-PDS-05). Without one, a page says that it is not available.
    pub fn with_refresh(mut self, worker: Worker) -> Self {
        self.refresh = Some(worker);
        self
    }

    /// Names the tenant of the store in a directory. The process page then says when an operator has paused the tenant.
    ///
    /// ```
    /// use nhs_pds::process::tenants::MemoryTenants;
    /// use nhs_pds_admin::Screens;
    /// use std::sync::Arc;
    ///
    /// fn of_leeds(screens: Screens) -> Result<Screens, nhs_pds::text::ValueError> {
    ///     Ok(screens.with_tenant(Arc::new(MemoryTenants::default()), "leeds".parse()?))
    /// }
    /// ```
    pub fn with_tenant(mut self, directory: Arc<dyn Tenants>, name: TenantName) -> Self {
        self.tenant = Some((directory, name));
        self
    }

    /// Traces cases by file with `batches`, which must be of the same store: users write requests, download them, and
    /// import the responses. Without it, there is no such page.
    ///
    /// A request file names the people who are due, and stays in the folder of `batches` until the batch ends. A response
    /// is in memory only.
    ///
    /// ```
    /// use nhs_pds::process::{Worker, batch::Batches};
    /// use nhs_pds_admin::Screens;
    ///
    /// fn by_file(screens: Screens, worker: &Worker) -> Screens {
    ///     screens.with_batches(Batches::beside(worker, "/var/lib/our-system/batches"))
    /// }
    /// ```
    pub fn with_batches(mut self, batches: Batches) -> Self {
        self.batches = Some(batches);
        self
    }

    /// Says that browsers reach the screens without TLS, on this machine. They are then not told to use TLS only.
    pub const fn without_tls(mut self) -> Self {
        self.is_behind_tls = false;
        self
    }

    /// Sets the clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of identifiers.
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// The router. Needs a Tokio runtime when it serves.
    pub fn router(self) -> axum::Router {
        self.build().0
    }

    /// All routes of the screens, with the right that each needs. For a test of your own mounting.
    ///
    /// ```
    /// # use nhs_pds::{audit::MemoryLog, case::MemoryStore, process::{alert::MemoryAlerts, store::Joined}};
    /// # use nhs_pds_admin::{Identity, IdentityError, Person, Screens};
    /// # use std::sync::Arc;
    /// # #[derive(Debug)]
    /// # struct Nobody;
    /// # #[nhs_pds::async_trait]
    /// # impl Identity for Nobody {
    /// #     async fn identify(&self, _: &http::request::Parts) -> Result<Option<Person>, IdentityError> {
    /// #         Ok(None)
    /// #     }
    /// # }
    /// # let (cases, trail) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    /// # let store = Arc::new(Joined::new(cases, trail, Arc::new(MemoryAlerts::default())));
    /// let screens = Screens::new(store, "RHM".parse()?, Arc::new(Nobody));
    /// assert!(screens.routes().iter().any(|route| route.path() == "/audit"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn routes(self) -> Vec<Route> {
        self.build().1
    }

    pub(crate) fn build(self) -> (axum::Router, Vec<Route>) {
        let accounts = self.accounts.map(|each| each.placed(&self.base, &self.service_name));
        let identity = accounts.clone().map(|each| Arc::new(each) as Arc<dyn Identity>);
        let app = Arc::new(App {
            store: self.store,
            identity: identity.unwrap_or(self.identity),
            accounts,
            clock: self.clock,
            ids: self.ids,
            base: self.base,
            service_name: self.service_name,
            organisation: self.organisation,
            search: self.search,
            new_case_link: self.new_case_link,
            refresh: self.refresh,
            tenant: self.tenant,
            counted: Counted::default(),
            assets: Assets::new(self.theme.as_deref()),
            is_behind_tls: self.is_behind_tls,
            links: OnceCell::new(),
            limit: Limit::default(),
            check: TrailCheck::default(),
            uploads: Uploads::default(),
            batches: self.batches.map(BatchWork::new),
        });
        let (pages, table) = pages::all(Routes::new(Arc::clone(&app))).into_parts();
        let inner = pages
            .route("/assets/{name}", get(assets::serve))
            .fallback(|| async { PageError::NotFound })
            .method_not_allowed_fallback(|| async { PageError::WrongMethod })
            .layer(DefaultBodyLimit::max(LONGEST_FORM))
            .layer(from_fn_with_state(Arc::clone(&app), protect))
            .layer(CompressionLayer::new())
            .with_state(Arc::clone(&app));
        if app.base.is_empty() {
            return (inner, table);
        }
        let (home, slash) = (app.path(""), app.path("/"));
        let to = home.clone();
        let outer = axum::Router::new().nest(&home, inner);
        (outer.route(&slash, get(move || async move { Redirect::permanent(&to) })), table)
    }
}
