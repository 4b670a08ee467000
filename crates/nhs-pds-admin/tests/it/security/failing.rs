//! Failures: no details, and no page without its record (ASVS 16.5.1 to 16.5.3).

use crate::security::crawler::crawl;
use crate::security::headers::check;
use crate::security::world::{World, cases, now, starts};
use crate::support::{Believing, Site};
use async_trait::async_trait;
use http::StatusCode;
use nhs_pds::audit::{
    Anchor, AuditLog, Entry, Error, ErrorKind, Event, Filter, MemoryLog, Verdict,
};
use nhs_pds::case::{CaseId, CaseStore, MemoryStore};
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::store::{Commit, Committed, Joined, Store};
use nhs_pds_admin::{Identity, IdentityError, Person, Role, Screens};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A trail that stops to take records when it is told to.
#[derive(Debug, Default)]
struct Full {
    log: MemoryLog,
    is_full: AtomicBool,
}

#[async_trait]
impl AuditLog for Full {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        if self.is_full.load(Ordering::Relaxed) {
            let cause = "secret detail of /var/lib/database";
            return Err(Error::new(ErrorKind::Unavailable).with_source(cause));
        }
        self.log.append(entries).await
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.log.page(filter, after, limit).await
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.log.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        self.log.verify(anchors).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        self.log.forget(case).await
    }
}

/// ASVS 16.5.3: what cannot be recorded is not shown.
#[tokio::test]
async fn no_page_shows_a_person_while_the_trail_takes_no_records() {
    let (stored, log) = (Arc::new(MemoryStore::new()), Arc::new(Full::default()));
    stored.insert_all(cases()).await.unwrap();
    let alerts = Arc::new(MemoryAlerts::default());
    let store: Arc<dyn Store> = Arc::new(Joined::new(stored, Arc::clone(&log) as _, alerts));
    let build = || {
        Screens::new(Arc::clone(&store), "RHM".parse().unwrap(), Arc::new(Believing))
            .with_clock(Arc::new(FixedClock::at(now())))
    };
    let routes = build().routes();
    let site = Site::over(Arc::clone(&store), Arc::new(MemoryLog::new()), build());
    for role in Role::ALL {
        log.is_full.store(false, Ordering::Relaxed);
        let browser = site.of(role);
        let pages = crawl(&browser, &starts(&routes), || {}).await;
        log.is_full.store(true, Ordering::Relaxed);
        for visit in pages {
            let page = match visit.method {
                "GET" => browser.get(&visit.path).await,
                _ => browser.post(&visit.path, &[("case", "RHM:Qzcase1")]).await,
            };
            assert!(!page.html.contains("Zq"), "{} {} as {role}", visit.method, visit.path);
            assert!(!page.html.contains("secret detail"), "{}", visit.path);
            check(&visit.path, &page);
        }
    }
    let page = site.of(Role::Auditor).post("/audit", &[]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.html.contains("The service is not available at the moment"));
    let refused = site.of(Role::DataQuality).get("/audit").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "a refusal must be on record, too");
}

/// A vendor's identity that does not work.
#[derive(Debug)]
struct Failing {
    panics: bool,
}

#[async_trait]
impl Identity for Failing {
    async fn identify(&self, _: &http::request::Parts) -> Result<Option<Person>, IdentityError> {
        assert!(!self.panics, "secret detail of the vendor");
        Err(IdentityError)
    }
}

#[tokio::test]
async fn a_failing_identity_shows_no_page_and_no_details() {
    for (panics, status) in
        [(false, StatusCode::SERVICE_UNAVAILABLE), (true, StatusCode::INTERNAL_SERVER_ERROR)]
    {
        let world = World::new().await;
        let screens = Screens::new(
            Arc::clone(&world.store),
            "RHM".parse().unwrap(),
            Arc::new(Failing { panics }),
        );
        let site = Site::over(Arc::clone(&world.store), Arc::clone(&world.log), screens);
        for path in ["/audit", "/audit/event/1"] {
            let page = site.of(Role::Auditor).get(path).await;
            assert_eq!(page.status, status);
            assert!(!page.html.contains("secret detail") && !page.html.contains("Zq"));
            assert!(page.html.contains("<h1"));
            check(path, &page);
        }
    }
}

/// A database whose driver fails in the worst way.
#[derive(Debug)]
struct Panicking;

#[async_trait]
impl Store for Panicking {
    fn cases(&self) -> &dyn CaseStore {
        panic!("secret detail of the cases")
    }

    fn audit(&self) -> &dyn AuditLog {
        panic!("secret detail of the trail")
    }

    fn alerts(&self) -> &dyn AlertSink {
        panic!("secret detail of the alerts")
    }

    async fn commit(&self, _: Commit) -> Result<Committed, nhs_pds::process::Error> {
        panic!("secret detail of a commit")
    }
}

/// ASVS 16.5.1, 16.5.4: a handler that panics answers with a page, and the next request is served.
#[tokio::test]
async fn a_panic_becomes_a_page_without_details() {
    let store: Arc<dyn Store> = Arc::new(Panicking);
    let build = || Screens::new(Arc::clone(&store), "RHM".parse().unwrap(), Arc::new(Believing));
    let routes = build().routes();
    let site = Site::over(Arc::clone(&store), Arc::new(MemoryLog::new()), build());
    let page = site.of(Role::Auditor).post("/audit", &[]).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    for route in routes {
        let path = crate::security::matrix::of_pattern(route.path());
        for role in Role::ALL {
            let page = match route.method() {
                "GET" => site.of(role).get(&path).await,
                _ => site.of(role).post(&path, &[]).await,
            };
            assert!(!page.html.contains("secret detail"), "{path}");
            assert!(page.html.contains("<h1") || page.status.is_redirection(), "{path}");
            check(&path, &page);
        }
    }
}
