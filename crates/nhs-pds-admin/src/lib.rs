//! Screens for [`nhs_pds`]: process control, worklist, search, import, data quality, audit and users (HAV-6, HAV-7,
//! HAV-8), as an axum `Router` for your own application.
//!
//! ```
//! use nhs_pds::audit::MemoryLog;
//! use nhs_pds::case::MemoryStore;
//! use nhs_pds::process::{alert::MemoryAlerts, store::Joined};
//! use nhs_pds::trace::{LocalIdentity, User};
//! use nhs_pds_admin::{Identity, IdentityError, Person, Role, Screens};
//! use std::sync::Arc;
//!
//! /// The session of the application.
//! #[derive(Debug)]
//! struct Sessions;
//!
//! #[nhs_pds::async_trait]
//! impl Identity for Sessions {
//!     async fn identify(&self, request: &http::request::Parts) -> Result<Option<Person>, IdentityError> {
//!         // Read your cookie here, and return who it is. Without a user the screens show nothing.
//!         if !request.headers.contains_key("cookie") {
//!             return Ok(None);
//!         }
//!         let here = "RHM".parse().map_err(|_| IdentityError)?;
//!         let user = LocalIdentity::new(here, "j.doe").map_err(|_| IdentityError)?;
//!         let here = user.organisation().clone();
//!         Ok(Some(Person::new(User::Local(user), "Jo Doe", Role::DataQuality, here)))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (cases, trail) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
//! let store = Arc::new(Joined::new(cases, trail, Arc::new(MemoryAlerts::default())));
//! let screens = Screens::new(store, "RHM".parse()?, Arc::new(Sessions)).mounted_at("/nhs");
//! let application: axum::Router = axum::Router::new().merge(screens.router());
//! # let _ = application;
//! # Ok(())
//! # }
//! ```
//!
//! The pages are written by the server, work without JavaScript, and call no other host. A user sees what the
//! [`Role`] has a [`Right`] to; front-line workers see the cases with which they are involved (HAV-12). Every case that
//! is shown, and every refusal, is on the audit trail before the page is sent.
//!
//! # Where things are
//!
//! | file | what it is for |
//! |---|---|
//! | `screens` | [`Screens`], which builds the router |
//! | `identity` | [`Identity`]: who sends a request, in a vendor's application |
//! | `rights` | the table of roles and rights; nothing else decides |
//! | `routes` | the guard in front of every route |
//! | `visitor` | from an address to a case, if the user may see it |
//! | `links` | opaque addresses: no URL contains a case id |
//! | `protect` | requests from other sites, headers of security, pages for errors |
//! | `uploads` | caseloads that are uploaded and not yet imported, in memory |
//! | `batch_work` | work on batches that takes longer than a request |
//! | `pages` | the pages, a folder each, with the folder of the same name in `templates/` |
//!
//! The page `docs/screens.md` of `nhs-pds` has the roles, the routes and what protects them.

pub mod accounts;
mod app;
mod assets;
mod batch_work;
mod compared;
mod error;
mod facts;
mod form;
mod identity;
mod layout;
mod limit;
mod links;
mod pages;
mod protect;
mod rights;
mod routes;
mod screens;
mod uploads;
mod view;
mod visitor;
mod words;

pub use identity::{Identity, IdentityError, Person};
pub use rights::{FieldGroup, Right, Role, UnknownRole};
pub use routes::Route;
pub use screens::Screens;
