use crate::audit::Actor;
use crate::case::{Case, CaseId, ReviewReason, ReviewState};
use crate::demographics::redacted_debug;
use crate::process::error::{Error, ErrorKind};
use crate::process::review::context::{Changed, Context};
use crate::process::review::queue::{ReviewQueue, unit_of};

/// How many cases are read, and saved, at a time.
const PAGE: usize = 100;

/// How often a case is decided when other programs change it.
const ATTEMPTS: usize = 4;

/// Selects the cases to release: those that wait because the service rejected their questions.
///
/// ```
/// use nhs_pds::process::review::Release;
///
/// let all = Release::default();
/// let by_a_gateway = Release::default().with_code("Client/1000");
/// assert!(all != by_a_gateway);
/// ```
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Release {
    /// Why the cases wait.
    pub reason: ReleaseReason,
    /// The code with which the service rejected the last question, such as `Client/1000`; `-` means
    /// none.
    pub code: Option<String>,
}

redacted_debug!(Release);

impl Release {
    /// Selects cases that wait for `reason`.
    #[must_use]
    pub const fn of(reason: ReleaseReason) -> Self {
        Self { reason, code: None }
    }

    /// Limits the selection to one code; `-` selects rejections without a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// Why a case waits although its data may be correct.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ReleaseReason {
    /// The service rejected the question.
    #[default]
    Rejected,
    /// The service's responses could not be understood, too often in a row.
    Defect,
}

impl ReleaseReason {
    /// Returns a stable word, the same as the review item's: `rejected` or `defect`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.item().as_str()
    }

    const fn item(self) -> ReviewReason {
        match self {
            Self::Rejected => ReviewReason::Rejected,
            Self::Defect => ReviewReason::Defect,
        }
    }

    /// Returns the result of the last trace, as it is stored.
    const fn result(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Defect => "unreadable",
        }
    }
}

impl ReviewQueue {
    /// Releases every active case that waits as selected, after the fault was corrected. The
    /// worker's next pass traces these cases, and their review items are resolved as `released`.
    /// Returns the number of released cases.
    ///
    /// Skips cases that no longer wait, so a second call releases nothing. Records each case with
    /// `actor` before it is changed (MSCA-AUD-03). If it fails part way, released cases stay
    /// released: call it again.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn release(&self, release: &Release, actor: &Actor) -> Result<u64, Error> {
        let mut released = 0;
        let mut after: Option<CaseId> = None;
        loop {
            let page = self.store.cases().page(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(released) };
            after = Some(last.id.clone());
            let at = self.clock.now();
            let context = Context::new(actor.user_id(), at);
            let changes: Vec<Changed> =
                page.iter().filter_map(|case| released_from(case, release, &context)).collect();
            if changes.is_empty() {
                continue;
            }
            let ids: Vec<CaseId> = changes.iter().map(|changed| changed.case.id.clone()).collect();
            if self.store.commit(unit_of(changes, None, actor, at)).await?.is_done() {
                released += ids.len() as u64;
                continue;
            }
            for id in &ids {
                released += u64::from(self.release_one(id, release, actor).await?);
            }
        }
    }

    /// Releases one case, when other programs change it. Returns whether it still waited.
    async fn release_one(
        &self,
        id: &CaseId,
        release: &Release,
        actor: &Actor,
    ) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS {
            let Some(case) = self.store.cases().get(id).await? else { return Ok(false) };
            let at = self.clock.now();
            let context = Context::new(actor.user_id(), at);
            let Some(changed) = released_from(&case, release, &context) else { return Ok(false) };
            if self.store.commit(unit_of(vec![changed], None, actor, at)).await?.is_done() {
                return Ok(true);
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

/// Returns `case` after the release, or `None` if it does not wait as selected. Pure.
fn released_from(case: &Case, release: &Release, context: &Context<'_>) -> Option<Changed> {
    let last = case.last_trace.as_ref()?;
    let waits = case.asking.until_corrected || case.asking.not_before.is_some();
    let code = last.code.as_deref().unwrap_or("-");
    if !case.is_live()
        || !waits
        || last.result != release.reason.result()
        // Nothing was sent: this library rejected the question, and would do so again.
        || last.message_id.is_none()
        || release.code.as_ref().is_some_and(|wanted| wanted != code)
    {
        return None;
    }
    let mut changed = case.clone();
    changed.asking.until_corrected = false;
    changed.asking.not_before = None;
    (changed.asking.unreadable, changed.asking.unanswered) = (0, 0);
    changed.asking.retry_after = None;
    let open = changed.review.iter_mut().filter(|item| item.is_open());
    for item in open.filter(|item| item.reason == release.reason.item()) {
        context.close(item, ReviewState::Resolved, "released");
    }
    Some(Changed::new(changed, "released"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Deletion, DeletionKind, TraceRecord};
    use crate::process::review::fixtures::{case, context, now};
    use crate::trace::Exchange;

    fn waiting(result: &str, code: Option<&str>) -> Case {
        let mut case = case("1", ReviewReason::Rejected, None);
        let exchange = Exchange::new("SMSP", "anOperation", "M-1", now());
        let exchange = code.into_iter().fold(exchange, Exchange::with_code);
        case.last_trace = Some(TraceRecord::new(now(), result, Some(&exchange)));
        (case.asking.until_corrected, case.asking.not_before) = (true, None);
        case
    }

    fn released(case: &Case, release: &Release) -> Option<Case> {
        released_from(case, release, &context()).map(|changed| changed.case)
    }

    #[test]
    fn a_rejected_case_is_traced_again_and_its_item_resolved() {
        for not_before in [None, Some(now())] {
            let mut rejected = waiting("rejected", Some("Client/1000"));
            rejected.asking.until_corrected = not_before.is_none();
            rejected.asking.not_before = not_before;
            let after = released(&rejected, &Release::default()).unwrap();
            assert!(!after.asking.until_corrected && after.asking.not_before.is_none());
            assert_eq!(after.asking.asked, rejected.asking.asked);
            let item = &after.review[0];
            assert_eq!(item.state, ReviewState::Resolved);
            let last = item.history.last().unwrap();
            assert_eq!((last.by.as_str(), last.what.as_str()), ("j.doe", "released"));
            assert!(
                released(&after, &Release::default()).is_none(),
                "a second release changes nothing"
            );
        }
    }

    #[test]
    fn by_code_and_by_reason() {
        let by = |code: &str| Release::default().with_code(code);
        let rejected = waiting("rejected", Some("Client/1000"));
        assert!(released(&rejected, &by("Client/1000")).is_some());
        assert!(released(&rejected, &by("SMSP-0001")).is_none());
        assert!(released(&rejected, &by("-")).is_none());
        assert!(released(&waiting("rejected", None), &by("-")).is_some());
        assert!(released(&rejected, &Release::of(ReleaseReason::Defect)).is_none());
        let mut defect = waiting("unreadable", Some("SMSP-0002"));
        defect.asking.unreadable = 5;
        assert!(released(&defect, &Release::default()).is_none());
        let after = released(&defect, &Release::of(ReleaseReason::Defect)).unwrap();
        assert_eq!(after.asking.unreadable, 0);
        assert!(after.review[0].is_open(), "the item has another reason");
    }

    #[test]
    fn other_cases_are_not_released() {
        for result in ["none", "ambiguous", "differs", "found"] {
            assert!(released(&waiting(result, None), &Release::default()).is_none(), "{result}");
        }
        let mut case = waiting("rejected", None);
        case.last_trace.as_mut().unwrap().message_id = None;
        assert!(released(&case, &Release::default()).is_none(), "nothing was sent");
        case = waiting("rejected", None);
        case.deleted = Some(Deletion::new(now(), "j.doe", DeletionKind::Logical));
        assert!(released(&case, &Release::default()).is_none());
        case = waiting("rejected", None);
        case.last_trace = None;
        assert!(released(&case, &Release::default()).is_none());
    }
}
