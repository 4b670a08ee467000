//! Decides about a case whose answers are in, and commits the decision.

use crate::audit::Entry;
use crate::case::{Case, Change, Planned, readable};
use crate::process::decision::apply::apply;
use crate::process::decision::decide::Decision;
use crate::process::decision::eligibility::{Eligibility, eligibility, faults};
use crate::process::decision::plan::{ask, further};
use crate::process::decision::result::TraceResult;
use crate::process::decision::row::NumberEffect;
use crate::process::error::Error;
use crate::process::run::engine::{Engine, LEFT};
use crate::process::run::report::CaseReport;
use crate::process::run::turn::Turn;
use crate::process::store::commit::{Commit, Committed};
use std::time::Duration;

/// How often a decision is committed while the store fails, and while other programs change the cases.
const FAILURES: u32 = 4;
const REFUSALS: u32 = 12;

/// How long a commit is put off after the store failed; each further time twice as long.
const PAUSE: Duration = Duration::from_millis(50);

/// What the attempts to settle a case have in common.
struct Attempted<'a> {
    turn: &'a Turn,
    first: bool,
    /// What is not yet on record.
    recorded: &'a mut Vec<Entry>,
    /// The case as the last commit saves it, whose result is not known because the store failed.
    unsure: Option<(Case, CaseReport)>,
}

/// The result of an attempt.
enum Tried {
    Done(Box<CaseReport>),
    /// Another program was faster: decide again.
    Refused,
    /// The case is not the one that was asked about any more.
    Other,
}

impl Engine {
    /// Decides about the case as it is stored, and commits the decision with the entries `recorded`.
    ///
    /// If another program has changed the case, or another case has taken the number meanwhile, reads
    /// and decides again. A case that cannot be saved is left for a later run; its answers are on
    /// record.
    pub(in crate::process) async fn settle(
        &self,
        turn: &Turn,
        mut recorded: Vec<Entry>,
    ) -> Result<CaseReport, Error> {
        let mut attempted = Attempted { turn, first: true, recorded: &mut recorded, unsure: None };
        let (mut failures, mut refusals) = (0, 0);
        while failures < FAILURES && refusals < REFUSALS {
            match self.attempt(&mut attempted).await {
                Ok(Tried::Done(report)) => return Ok(*report),
                Ok(Tried::Refused) => refusals += 1,
                Ok(Tried::Other) => break,
                // The answer would be lost. The store may have failed for a moment only.
                Err(error) if error.is_transient() && failures + 1 < FAILURES => {
                    tokio::time::sleep(PAUSE * (1 << failures)).await;
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
            attempted.first = false;
        }
        self.leave(turn, recorded).await
    }

    /// Decides and commits once.
    async fn attempt(&self, attempted: &mut Attempted<'_>) -> Result<Tried, Error> {
        let turn = attempted.turn;
        let id = turn.id();
        let current = if attempted.first {
            Some(turn.claimed.clone())
        } else {
            readable(self.cases().get(id).await)?
        };
        if let Some((saved, report)) = &attempted.unsure
            && current.as_ref().is_some_and(|case| turn.is_saved(saved, case))
        {
            self.release(std::slice::from_ref(id)).await?;
            return Ok(Tried::Done(Box::new(report.clone())));
        }
        let Some(current) = current.filter(|case| self.is_still_asked(turn, case)) else {
            return Ok(Tried::Other);
        };
        let case = turn.before_last(&current, &self.settings.policy);
        let Some(decision) = self.decision(turn, &case).await? else {
            return Ok(Tried::Other);
        };
        let mut report = CaseReport::decided(&current, &decision);
        report.cause = turn.cause();
        report.faults = faults(&current, self.now());
        let mut commit = self.commit().release(&self.owner, vec![id.clone()]);
        commit.recorded.clone_from(attempted.recorded);
        let commit = self.with_effects(commit, &case, &current, &decision).await?;
        let own = commit.saves.iter().find(|save| save.change.case.id == *id);
        let saved = own.map(|save| {
            let mut case = save.change.case.clone();
            case.version += 1;
            (case, report.clone())
        });
        match self.store.commit(commit).await {
            Ok(Committed::Done) => Ok(Tried::Done(Box::new(report))),
            // The entries are on record even so.
            Ok(Committed::Refused { .. }) => {
                attempted.recorded.clear();
                attempted.unsure = None;
                Ok(Tried::Refused)
            }
            Err(error) => {
                attempted.unsure = saved;
                Err(error)
            }
        }
    }

    /// Decides about `case`, and once more if a case has the number that the decision is about.
    async fn decision(&self, turn: &Turn, case: &Case) -> Result<Option<Decision>, Error> {
        let policy = &self.settings.policy;
        let Some(decision) = turn.decide(case, &[], policy) else { return Ok(None) };
        let holders = match decision.subject {
            Some(number) => self.cases().holders(number).await?,
            None => Vec::new(),
        };
        if holders.is_empty() {
            return Ok(Some(decision));
        }
        Ok(turn.decide(case, &holders, policy))
    }

    /// Records and releases a case that another program keeps changing.
    async fn leave(&self, turn: &Turn, recorded: Vec<Entry>) -> Result<CaseReport, Error> {
        let id = turn.id().clone();
        if let Some(stored) = readable(self.cases().get(&id).await)? {
            let mut due = self.due(&stored);
            // Alerts that the other program has not yet delivered are delivered soon.
            if !stored.undelivered.is_empty() {
                due.at = due.at.min(self.now());
            }
            due.at = due.at.max(self.now() + LEFT);
            self.cases().set_due(vec![Planned::new(id.clone(), stored.version, due)]).await?;
        }
        let mut commit = self.commit().release(&self.owner, vec![id]);
        commit.recorded = recorded;
        self.write(commit).await?;
        let mut report = CaseReport::new(&turn.claimed, Eligibility::default());
        report.result = Some(TraceResult::ConflictOnSave);
        report.cause = turn.cause();
        report.faults = faults(&turn.claimed, self.now());
        Ok(report)
    }

    /// Whether the case would still be traced with the same criteria. Results that another worker
    /// saved after the lease expired count.
    fn is_still_asked(&self, turn: &Turn, case: &Case) -> bool {
        if case.version == turn.claimed.version {
            return true;
        }
        let (now, settings) = (self.now(), &self.settings);
        case.last_trace == turn.claimed.last_trace
            && eligibility(case, &settings.scope, now).is_eligible()
            && turn.is_still_about(case)
            && further(case) == further(&turn.claimed)
            && turn.steps.first().is_none_or(|step| {
                let number = step.plan.asked.nhs_number;
                let again = ask(case, number, &settings.policy, &settings.local_root, now);
                again.is_ok_and(|again| again.asked == step.plan.asked)
            })
    }

    /// Adds the effects of `decision` to `commit`: `case` is as it was before the last answer, and
    /// `current` as it is stored.
    async fn with_effects(
        &self,
        mut commit: Commit,
        case: &Case,
        current: &Case,
        decision: &Decision,
    ) -> Result<Commit, Error> {
        let effects = decision.effects();
        // An earlier step may have changed the case even if the last one does not.
        let changed = apply(case, decision, &self.settings.policy).unwrap_or_else(|| case.clone());
        if changed != *current {
            let due = self.due_later(&changed);
            let written = matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
            let mut change = Change::new(changed).with_due(due);
            change.sole_holder = written;
            let evidence = decision.audited_evidence(&self.settings.policy);
            let mut why =
                vec![("decision", decision.row.audited()), ("result", effects.result.as_str())];
            why.extend(evidence.iter().map(|(key, value)| (*key, value.as_str())));
            commit = commit.save(change, &why);
        }
        let Some(number) = decision.evidence.nhs_number.filter(|_| effects.flag_others) else {
            return Ok(commit);
        };
        for other in &decision.evidence.others {
            let holder = readable(self.cases().get(other).await)?;
            let flagged =
                holder.and_then(|holder| holder.flag_duplicate(&case.id, number, decision.at));
            if let Some(flagged) = flagged {
                let result = flagged.last_trace.as_ref().map_or("", |last| last.result.as_str());
                let result = result.to_owned();
                let due = self.due_beside(&flagged);
                let why = [("decision", "flagged_as_a_duplicate"), ("result", &*result)];
                commit = commit.save(Change::new(flagged).with_due(due), &why);
            }
        }
        Ok(commit)
    }
}

impl Turn {
    /// Whether the stored `case` has the decision of `saved`, even if it has changed since, such as by
    /// the delivery of its alerts.
    fn is_saved(&self, saved: &Case, case: &Case) -> bool {
        let traced = saved.last_trace != self.claimed.last_trace;
        case.version >= saved.version
            && case.last_trace == saved.last_trace
            && (traced || case.asking == saved.asking)
    }

    /// Why the last question was not answered.
    fn cause(&self) -> Option<String> {
        self.steps.last()?.reply.as_ref()?.as_ref().err()?.cause()
    }
}

impl CaseReport {
    /// The report of a decision.
    fn decided(case: &Case, decision: &Decision) -> Self {
        let effects = decision.effects();
        let mut report = Self::new(case, Eligibility::default());
        report.result = Some(effects.result);
        report.row = Some(decision.row);
        report.review = decision.review;
        report.exchange.clone_from(&decision.exchange);
        report.number_written =
            matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
        report
    }
}
