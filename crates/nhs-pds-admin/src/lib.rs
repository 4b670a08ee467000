//! Screens for [`nhs_pds`]: process control, worklist, search, import, data quality, audit and users, as an axum
//! `Router` (HAV-6, HAV-7, HAV-8).

mod app;
mod assets;
mod error;
mod form;
mod identity;
mod layout;
mod links;
mod pages;
mod protect;
mod rights;
mod routes;
mod screens;
mod view;
mod visitor;

pub use identity::{Identity, IdentityError, Person};
pub use rights::{FieldGroup, Right, Role, UnknownRole};
pub use screens::Screens;
