//! Values of the public types, with the person in every place of a value.

mod attended;
mod audit;
#[cfg(feature = "batch")]
mod batch;
#[cfg(feature = "batch")]
mod by_batch;
mod cases;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "fhir")]
pub(super) mod fhir;
#[cfg(feature = "fhir")]
pub(super) mod fhir_answers;
mod gate;
#[cfg(feature = "http")]
pub(super) mod http;
mod intake;
mod judge;
#[cfg(feature = "mesh")]
mod mesh;
mod pds;
mod people;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
pub(super) mod questions;
mod review;
mod screens;
pub(super) mod simulator;
#[cfg(feature = "smsp")]
mod smsp;
mod tenants;
#[cfg(feature = "sqlite")]
mod transfer;
mod transport;
mod worker;

pub(super) use cases::{found, person_case, traced_case};
pub(super) use people::person;

use crate::privacy::walk::Shown;
use chrono::{DateTime, Utc};
use nhs_pds::trace::{Exchange, LocalIdentity};

/// The time of every event.
pub(super) const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

pub(super) fn show(shown: &mut Shown) {
    people::show(shown);
    pds::show(shown);
    questions::show(shown);
    transport::show(shown);
    cases::show(shown);
    judge::show(shown);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        cases::show_stored(shown).await;
        audit::show(shown).await;
        review::show(shown).await;
        intake::show(shown).await;
        gate::show(shown).await;
        worker::show(shown).await;
        attended::show(shown).await;
        tenants::show(shown).await;
        #[cfg(feature = "batch")]
        by_batch::show(shown).await;
        screens::show(shown).await;
        #[cfg(feature = "sqlite")]
        transfer::show(shown).await;
        #[cfg(feature = "fhir")]
        fhir::show(shown).await;
        #[cfg(feature = "fhir")]
        fhir_answers::show(shown).await;
        #[cfg(feature = "smsp")]
        smsp::show(shown).await;
        #[cfg(feature = "mesh")]
        mesh::show(shown).await;
        simulator::show(shown).await;
        #[cfg(all(feature = "postgres", unix))]
        if !postgres::show(shown).await {
            shown.passes_over("postgres");
        }
    });
    #[cfg(feature = "batch")]
    batch::show(shown);
    #[cfg(feature = "csv")]
    csv::show(shown);
    #[cfg(feature = "http")]
    http::show(shown);
}

fn exchange() -> Exchange {
    Exchange::new("SMSP", "getNHSNumber", "5E0B9D1A", NOW).with_code("SMSP-0000")
}

pub(super) fn us() -> LocalIdentity {
    LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap()
}
