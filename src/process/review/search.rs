use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Case, CaseFilter, CaseId};
use crate::process::error::Error;
use crate::process::review::queue::ReviewQueue;

impl ReviewQueue {
    /// Returns at most `limit` cases that meet `filter`, in the order of their ids, starting after `after`.
    /// Fewer than `limit` cases mean that this is the last page.
    ///
    /// First records in the audit trail which conditions `actor` has used, as `cases_listed`, and each
    /// case that is found, as `case_viewed` (MSCA-AUD-05). The values of the conditions are not recorded:
    /// no erasure could find them.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::process::ErrorKind) but `Conflict`; without a record, nothing is shown.
    pub async fn search(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseId>,
        limit: usize,
        actor: &Actor,
    ) -> Result<Vec<Case>, Error> {
        let found = self.store.cases().search(filter, after, limit).await?;
        let now = self.clock.now();
        let listed = Entry::new(EventKind::CasesListed, now, actor)
            .with_detail("search", filter.conditions().join(" "))
            .with_detail("limit", limit.to_string())
            .with_detail("found", found.len().to_string());
        let viewed = found.iter().map(|case| {
            Entry::new(EventKind::CaseViewed, now, actor)
                .with_detail("event", "search")
                .about(Subject::of(case))
        });
        self.store.audit().append([listed].into_iter().chain(viewed).collect()).await?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditLog, Filter, MemoryLog};
    use crate::case::{CaseStore, MemoryStore, ReviewReason};
    use crate::process::alert::MemoryAlerts;
    use crate::process::review::fixtures::case;
    use crate::process::store::joined::Joined;
    use crate::trace::{LocalIdentity, User};
    use std::sync::Arc;

    #[tokio::test]
    async fn each_case_that_is_found_is_on_record() {
        let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
        let three = ["1", "2", "3"].map(|id| {
            let mut case = case(id, ReviewReason::Conflict, None);
            case.version = 0;
            case.surname = Some(if id == "3" { "Jones" } else { "Smith" }.into());
            case
        });
        cases.insert_all(three.to_vec()).await.unwrap();
        let parts = (Arc::clone(&cases), Arc::clone(&audit));
        let store = Joined::new(parts.0, parts.1, Arc::new(MemoryAlerts::default()));
        let queue = ReviewQueue::new(Arc::new(store));
        let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
        let jo = Actor::new(&user.into(), "Jo Doe");
        let filter = CaseFilter::default().with_surname("smi");
        let found = queue.search(&filter, None, 9, &jo).await.unwrap();
        let ids: Vec<_> = found.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
        let events = audit.page(&Filter::new(), 0, 9).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::CasesListed, EventKind::CaseViewed, EventKind::CaseViewed]);
        let detail = |key: &str| {
            let found = events[0].details.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!((detail("search"), detail("found")), (Some("surname"), Some("2")));
        let seen = audit.page(&Filter::new().with_case(found[1].id.clone()), 0, 9).await.unwrap();
        assert_eq!(seen.len(), 1);
    }
}
