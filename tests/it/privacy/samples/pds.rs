//! `Pds`, built from files, with the person in its arguments.

use super::{found, us};
use crate::privacy::person::{FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use nhs_pds::trace::ScriptedTracer;
use nhs_pds::{BlockingPds, Pds};
use std::sync::Arc;

pub(super) fn show(shown: &mut Shown) {
    let pds = Pds::new(Arc::new(ScriptedTracer::new([Ok(found(NUMBER))])), us());
    shown.value(&pds);
    shown.value(&BlockingPds::new(pds).unwrap());
    let smsp = Pds::smsp(FAMILY, us());
    shown.value(&smsp);
    shown.error(&smsp.build().unwrap_err());
    let fhir = Pds::fhir(nhs_pds::fhir::Environment::Production, us()).with_application(
        FAMILY,
        FAMILY,
        format!("/no/such/{FAMILY}.pem"),
    );
    shown.value(&fhir.clone().with_addresses(FAMILY, Some(FAMILY)));
    shown.error(&fhir.clone().with_addresses(FAMILY, None).build().unwrap_err());
    shown.value(&fhir);
    shown.error(&fhir.build().unwrap_err());
}
