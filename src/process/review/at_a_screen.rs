//! Actions of users at screens, beside those on one item.

use crate::audit::{Actor, case_of_version};
use crate::case::{Case, CaseId, ItemId};
use crate::process::error::Error;
use crate::process::review::attended::Chosen;
use crate::process::review::queue::{Action, ActionOutcome, ReviewQueue};
use crate::process::review::seen::Seen;
use crate::process::review::since::Since;
use crate::trace::{Exchange, Match};

impl ReviewQueue {
    /// Writes the number of the person whom a user has found by an attended search, and has
    /// confirmed to be the person of the case (MSCA-PDS-03).
    ///
    /// The effects are those of [`Resolution::AcceptNumber`](crate::process::review::Resolution::AcceptNumber). The
    /// provenance has the exchange, the user, the relations and the risk, which are calculated from
    /// the case and the person. The case gets a settled item with this evidence, at which the
    /// decision can be undone.
    ///
    /// Refused like the acceptance of a number: if a user rejected the number for this case, another
    /// active case has it, or the person has died and neither PDS nor the case has a usable date.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::process::ErrorKind).
    pub async fn confirm(
        &self,
        case: &CaseId,
        found: &Match,
        exchange: &Exchange,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        self.act(case, Action::Confirm(Chosen { found, exchange }), actor).await
    }

    /// Records that PDS does not know the person of the case (MSCA-PDS-04), after a search by a
    /// user. The effects are those of [`Resolution::NotOnPds`](crate::process::review::Resolution::NotOnPds).
    ///
    /// Settles the open item that no person matches. Without one, the case gets a settled item, at
    /// which the decision can be undone.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::process::ErrorKind).
    pub async fn not_on_pds(&self, case: &CaseId, actor: &Actor) -> Result<ActionOutcome, Error> {
        self.act(case, Action::NotOnPds, actor).await
    }

    /// Dismisses items with one reason, which is recorded at each of them. Returns the result of
    /// each item, in the order of `ids`; a failure at one item does not stop the others.
    ///
    /// Only items that are safe to dismiss unseen: those that put neither a number nor a person in
    /// doubt ([`may_be_dismissed_in_bulk`](crate::case::ReviewReason::may_be_dismissed_in_bulk)). Others are refused
    /// ([`Refusal::NotInBulk`](crate::process::review::Refusal::NotInBulk)), and so is a blank `note` ([`Refusal::Blank`](crate::process::review::Refusal::Blank)).
    pub async fn dismiss_all(
        &self,
        ids: &[ItemId],
        note: &str,
        actor: &Actor,
    ) -> Vec<(ItemId, Result<ActionOutcome, Error>)> {
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            let outcome = self.act(&id.case, Action::Dismiss(id.item, note), actor).await;
            results.push((id.clone(), outcome));
        }
        results
    }

    /// Returns what has changed in `case` since a user has `seen` it. The fields are compared with the
    /// version in the audit trail. Empty when the trail does not have that version.
    ///
    /// The caller must audit that the case was viewed.
    ///
    /// # Errors
    ///
    /// [`AuditUnavailable`](crate::process::ErrorKind::AuditUnavailable) and the other kinds of an audit trail that
    /// cannot be read.
    pub async fn since(&self, case: &Case, seen: &Seen) -> Result<Since, Error> {
        let log = self.store.audit();
        let then = match case_of_version(log, &case.id, seen.version()).await {
            Err(error) if error.kind() == crate::audit::ErrorKind::Elsewhere => None,
            then => then?,
        };
        Ok(then.map(|then| Since::between(&then, case)).unwrap_or_default())
    }
}
