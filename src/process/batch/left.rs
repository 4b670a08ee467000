//! Counts the due cases that a file does not take, and why.

use crate::case::{Case, CaseId};
use crate::process::batch::batches::{Batches, PAGE};
use crate::process::batch::question::Questions;
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// Why a due case is not in a file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LeftOut {
    /// The case has neither a gender, male or female, nor a number. A file cannot have it.
    NoGender,
    /// A name has more than 40 characters. A file cannot have it.
    LongName,
    /// A file has not settled the case, or a service has begun to answer questions about it: they go on one by one.
    OneByOne,
    /// A file can have the case. The policy has not chosen it, a user waits for it, or it became due since.
    NotChosen,
}

impl LeftOut {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoGender => "no_gender",
            Self::LongName => "long_name",
            Self::OneByOne => "one_by_one",
            Self::NotChosen => "not_chosen",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Batches {
    /// Counts the due cases that are not in a file, by cause: after [`build`](Self::build), those that it has left. A worker
    /// traces them singly; without one, they stay due.
    ///
    /// Leases the cases for that time. Those that another program traces now are not counted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store fails.
    pub async fn left_out(&self) -> Result<BTreeMap<LeftOut, u64>, Error> {
        let engine = self.engine();
        let (mut counts, mut leased) = (BTreeMap::new(), Vec::new());
        let counted = self.count_left_out(&engine, &mut counts, &mut leased).await;
        let released = engine.release(&leased).await;
        counted.and(released).map(|()| counts)
    }

    async fn count_left_out(
        &self,
        engine: &Engine,
        counts: &mut BTreeMap<LeftOut, u64>,
        leased: &mut Vec<CaseId>,
    ) -> Result<(), Error> {
        let mut renewed = engine.now();
        loop {
            let now = engine.now();
            engine.alive.sign();
            if (now - renewed).to_std().is_ok_and(|gone| gone >= engine.settings.lease / 3) {
                engine.renew().await?;
                renewed = now;
            }
            let claim = engine.cases().claim_due(PAGE, &engine.lease()).await?;
            if claim.cases.is_empty() {
                return Ok(());
            }
            for case in claim.cases {
                if let Some(cause) = self.cause(engine, &case) {
                    *counts.entry(cause).or_default() += 1;
                }
                leased.push(case.id);
            }
        }
    }

    /// Why a due case is not in a file; `None` if it must not be traced.
    fn cause(&self, engine: &Engine, case: &Case) -> Option<LeftOut> {
        let plan = engine.plan(case).ok()?;
        let (settings, now) = (&engine.settings, engine.now());
        let questions =
            Questions::of(case, &plan.asked, &settings.policy, &settings.local_root, now)?;
        Some(if questions.row(Uuid::nil().into()).is_none() {
            if questions.lacks_gender() { LeftOut::NoGender } else { LeftOut::LongName }
        } else if self.is_one_by_one(case) || !plan.known.is_empty() {
            LeftOut::OneByOne
        } else {
            LeftOut::NotChosen
        })
    }

    /// Whether the next question about `case` is sent singly: a file has not settled it, because the response has left it
    /// open, or none has come in time. Where no service answers single questions, it goes by file again.
    pub(super) fn is_one_by_one(&self, case: &Case) -> bool {
        let now = self.now();
        let is_lost = case.asking.submitted.as_ref().is_some_and(|row| !row.is_awaited(now));
        self.continues && (case.asking.one_by_one || is_lost)
    }
}
