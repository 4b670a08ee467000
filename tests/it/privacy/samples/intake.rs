//! The preview of an import, and its result.

use super::cases::full_case;
use super::{NOW, person_case};
use crate::privacy::person::{FAMILY, OTHER_CASE};
use crate::privacy::walk::Shown;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::MemoryStore;
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Contradiction, Implausible, Preview, import_approved};
use nhs_pds::trace::{Caller, LocalIdentity};
use std::sync::Arc;

pub(super) async fn show(shown: &mut Shown) {
    let (cases, log) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let store = Joined::new(Arc::clone(&cases) as _, log, Arc::new(MemoryAlerts::default()));
    let mut other = person_case(OTHER_CASE);
    other.surname = Some(format!("{FAMILY}{FAMILY}"));
    let mut preview = Preview::default();
    for case in [full_case(), other.clone()] {
        preview.expect(&case);
    }
    preview.add(&*cases, 2, &full_case(), NOW).await.unwrap();
    let rows = [&preview.new, &preview.changed, &preview.to_check, &preview.excluded];
    let row = rows.iter().find_map(|section| section.rows.first()).unwrap().clone();
    assert!(!row.changes.is_empty());
    shown.value(&row);
    shown.value(&row.changes[0]);
    rows.iter().for_each(|section| shown.value(*section));
    shown.value(&preview);
    shown.value(&preview.plausibility());
    Contradiction::ALL.iter().for_each(|contradiction| shown.value(contradiction));
    Implausible::ALL.iter().for_each(|reason| shown.value(reason));
    let caller = Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "import").unwrap());
    let actor = Actor::new(&caller, "Import");
    let clock = FixedClock::at(NOW);
    // Not previewed, so it comes back.
    let rows = [Ok((2, other)), Err("row 3")];
    let result = import_approved(&store, &actor, &clock, preview.clone(), rows, |approved| {
        assert_eq!(approved.further_review.count, 1);
    });
    shown.error(&result.await.unwrap_err());
    let none: [Result<_, &str>; 0] = [];
    shown.value(&import_approved(&store, &actor, &clock, preview, none, |_| ()).await.unwrap());
}
