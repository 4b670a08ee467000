//! Applies the answers of a batch: decide, record, save, deliver. [`asking`](super::asking) comes
//! before. Because of this order, a run can be killed at any point.

use crate::case::{Case, CaseId, Change, readable};
use crate::nhs_number::NhsNumber;
use crate::process::commit::{changed, saved, withdraw};
use crate::process::decision::apply::apply;
use crate::process::decision::decide::Decision;
use crate::process::decision::result::TraceResult;
use crate::process::decision::row::NumberEffect;
use crate::process::error::Error;
use crate::process::run::report::CaseReport;
use crate::process::run::turn::Turn;
use crate::process::run::worker::Worker;
use std::collections::BTreeMap;

/// How often a save is tried when other programs change the cases.
const SAVES: usize = 3;

/// The decision about a turn's case.
type Decided<'a> = (&'a Turn, Option<Decision>);

/// The cases to save, by id.
#[derive(Default)]
struct Changes(BTreeMap<CaseId, Planned>);

struct Planned {
    case: Case,
    sole_holder: bool,
    /// Why it is changed, for the audit trail.
    why: Vec<&'static str>,
}

impl Changes {
    fn put(&mut self, case: Case, sole_holder: bool, why: &'static str) {
        // A case that changes twice has both reasons.
        let before = self.0.remove(&case.id);
        let (sole, mut all) =
            before.map_or((false, Vec::new()), |before| (before.sole_holder, before.why));
        all.push(why);
        let planned = Planned { case, sole_holder: sole || sole_holder, why: all };
        self.0.insert(planned.case.id.clone(), planned);
    }
}

impl Worker {
    /// Decides the turns in order, saves all in one step, and delivers the alerts.
    ///
    /// If another program has changed a case, reads and decides everything again. If that fails,
    /// saves each case separately, and skips cases that cannot be saved.
    pub(in crate::process) async fn settle(
        &self,
        turns: &[Turn],
    ) -> Result<Vec<CaseReport>, Error> {
        if let Some(reports) = self.settle_together(turns, 2).await? {
            return Ok(reports);
        }
        let mut reports = Vec::with_capacity(turns.len());
        for turn in turns {
            let alone = std::slice::from_ref(turn);
            match self.settle_together(alone, SAVES).await? {
                Some(settled) => reports.extend(settled),
                None => reports.push(CaseReport::left(&turn.claimed)),
            }
        }
        Ok(reports)
    }

    async fn settle_together(
        &self,
        turns: &[Turn],
        attempts: usize,
    ) -> Result<Option<Vec<CaseReport>>, Error> {
        for attempt in 0..attempts {
            let (decided, changes) = self.decide_all(turns, attempt > 0).await?;
            if self.save(&changes).await? {
                let reports = decided.iter().map(|(turn, decision)| {
                    let is_asked = turn.is_asked();
                    let mut report =
                        CaseReport::decided(&turn.claimed, decision.as_ref(), is_asked);
                    report.cause = turn.cause();
                    report
                });
                let reports = reports.collect();
                let mut saved: Vec<Case> =
                    changes.0.into_values().map(|planned| planned.case).collect();
                saved.iter_mut().for_each(|case| case.version += 1);
                self.deliver(saved).await?;
                return Ok(Some(reports));
            }
        }
        Ok(None)
    }

    /// Decides each current case, in the order of the turns. If two cases match one number, the
    /// first gets it.
    async fn decide_all<'a>(
        &self,
        turns: &'a [Turn],
        read_again: bool,
    ) -> Result<(Vec<Decided<'a>>, Changes), Error> {
        let mut changes = Changes::default();
        let mut decided = Vec::with_capacity(turns.len());
        for turn in turns {
            let current = match changes.0.get(turn.id()) {
                Some(planned) => Some(planned.case.clone()),
                None if read_again => readable(self.store.get(turn.id()).await)?,
                None => Some(turn.claimed.clone()),
            };
            let current = current.filter(|case| self.is_still_asked(turn, case));
            let Some(current) = current else {
                decided.push((turn, None));
                continue;
            };
            let case = turn.before_last(&current, &self.policy);
            let holders = match turn.number() {
                Some(number) => self.holders(number, &changes).await?,
                None => Vec::new(),
            };
            let decision = turn.decide(&case, &holders, &self.policy);
            if let Some(decision) = &decision {
                self.plan_changes(&case, &current, decision, &mut changes).await?;
            }
            decided.push((turn, decision));
        }
        Ok((decided, changes))
    }

    /// Whether the case would still be traced with the same criteria. Results that another worker
    /// saved after the lease expired count.
    fn is_still_asked(&self, turn: &Turn, case: &Case) -> bool {
        case.version == turn.claimed.version
            || (case.last_trace == turn.claimed.last_trace
                && crate::process::decision::eligibility::eligibility(
                    case,
                    &self.scope,
                    self.clock.now(),
                )
                .is_eligible()
                && turn.is_still_about(case)
                && turn.steps.first().is_none_or(|step| {
                    let again = crate::process::decision::plan::ask(
                        case,
                        step.plan.asked.nhs_number,
                        &self.local_root,
                        self.clock.now(),
                    );
                    again.is_ok_and(|again| again == step.plan)
                }))
    }

    /// The active cases that will have `number` after `changes`.
    async fn holders(&self, number: NhsNumber, changes: &Changes) -> Result<Vec<CaseId>, Error> {
        let mut holders = self.store.holders(number).await?;
        holders.retain(|id| !changes.0.contains_key(id));
        let new = changes.0.values().map(|planned| &planned.case);
        holders.extend(
            new.filter(|case| case.live_number() == Some(number)).map(|case| case.id.clone()),
        );
        holders.sort();
        Ok(holders)
    }

    async fn plan_changes(
        &self,
        case: &Case,
        current: &Case,
        decision: &Decision,
        changes: &mut Changes,
    ) -> Result<(), Error> {
        let effects = decision.effects();
        let changed = apply(case, decision, &self.policy);
        // An earlier step may have changed the case even if the last one does not.
        let changed = changed.unwrap_or_else(|| case.clone());
        if changed != *current {
            let written = matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
            changes.put(changed, written, decision.row.audited());
        }
        let Some(number) = decision.evidence.nhs_number.filter(|_| effects.flag_others) else {
            return Ok(());
        };
        for other in &decision.evidence.others {
            let holder = match changes.0.get(other) {
                Some(planned) => Some(planned.case.clone()),
                None => readable(self.store.get(other).await)?,
            };
            let flagged =
                holder.and_then(|holder| holder.flag_duplicate(&case.id, number, decision.at));
            if let Some(flagged) = flagged {
                changes.put(flagged, false, "flagged_as_a_duplicate");
            }
        }
        Ok(())
    }

    /// Records and saves. Returns false when another program has changed a case.
    async fn save(&self, changes: &Changes) -> Result<bool, Error> {
        if changes.0.is_empty() {
            return Ok(true);
        }
        let now = self.clock.now();
        let entries = changes.0.values().map(|planned| {
            let result = planned.case.last_trace.as_ref().map_or("", |last| last.result.as_str());
            let why = planned.why.iter().map(|why| ("decision", *why));
            let why: Vec<_> = why.chain([("result", result)]).collect();
            changed(&self.actor, &planned.case, &why, now)
        });
        self.audit.append(entries.collect()).await?;
        self.renew().await?;
        let all = changes.0.values().map(|planned| {
            let mut change = Change::new(planned.case.clone());
            change.sole_holder = planned.sole_holder;
            change
        });
        let saved = saved(self.store.save_all(all.collect()).await)?;
        if !saved {
            withdraw::<Error>(&*self.store, &*self.audit, &self.actor, changes.0.keys(), now)
                .await?;
        }
        Ok(saved)
    }
}

impl Turn {
    fn is_asked(&self) -> bool {
        self.steps.iter().all(|step| step.reply.is_some())
    }

    /// Why the last question was not answered.
    fn cause(&self) -> Option<String> {
        self.steps.last()?.reply.as_ref()?.as_ref().err()?.cause()
    }
}

impl CaseReport {
    /// The report of a decision, if any.
    fn decided(case: &Case, decision: Option<&Decision>, is_asked: bool) -> Self {
        let mut report =
            Self::new(case, crate::process::decision::eligibility::Eligibility::default());
        let Some(decision) = decision else {
            report.result =
                Some(if is_asked { TraceResult::ConflictOnSave } else { TraceResult::NotAsked });
            return report;
        };
        let effects = decision.effects();
        report.result = Some(effects.result);
        report.row = Some(decision.row);
        report.review = decision.review;
        report.exchange.clone_from(&decision.exchange);
        report.number_written =
            matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
        report
    }

    /// The report of a case that could not be saved.
    fn left(case: &Case) -> Self {
        Self::decided(case, None, true)
    }
}
