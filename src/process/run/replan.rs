//! Plans all cases again when the rules have changed by which they were planned.

use crate::case::{CaseId, CaseStore, ErrorKind, Planned, Setting};
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The name of the setting.
const PLAN: &str = "plan";

/// The version of the rules of `due` and of all that it calls. Count it up when they change.
const RULES: u32 = 1;

/// How exactly the time of the latest pass is kept, and how far the clocks of two workers may differ. If
/// that time lies further ahead, the clock was set back, and the times that it planned are wrong.
const LATELY: TimeDelta = TimeDelta::minutes(5);

/// How many cases are planned in one step.
const CHUNK: usize = 500;

/// By which rules the cases are planned, and how far that is done.
#[derive(Deserialize, PartialEq, Serialize)]
struct Progress {
    /// A digest of scope, policy and rules.
    rules: String,
    /// The last case that was planned by them, while not all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<CaseId>,
    done: bool,
    /// By which clock they were planned: the start of the latest pass, give or take [`LATELY`].
    #[serde(default)]
    at: DateTime<Utc>,
}

impl Engine {
    /// Plans all cases again, if scope, policy or rules have changed since they were planned, or if the
    /// clock was set back.
    ///
    /// Can be dropped at any point, and goes on from there. Another worker that plans too ends this one.
    pub(in crate::process) async fn replan(self: Arc<Self>) -> Result<(), Error> {
        let cases = self.cases();
        let rules = self.rules();
        let Some((mut setting, mut progress)) = self.begun(cases, rules).await? else {
            return Ok(());
        };
        loop {
            let page = cases.page(progress.after.as_ref(), CHUNK).await?;
            progress.after = page.last().map(|case| case.id.clone()).or(progress.after);
            progress.done = page.is_empty();
            let plan = page.iter().map(|case| {
                let mut due = self.due_in_pass(case);
                if !case.undelivered.is_empty() {
                    due.at = due.at.min(self.began);
                }
                Planned::new(case.id.clone(), case.version, due)
            });
            cases.set_due(plan.collect()).await?;
            self.alive.sign();
            if progress.done {
                progress.after = None;
            }
            if !save(cases, &mut setting, &progress).await? || progress.done {
                return Ok(());
            }
        }
    }

    /// Has all cases planned once more, if another worker has planned them by other rules meanwhile:
    /// what this one committed since is planned by its own.
    pub(in crate::process) async fn check_plan(&self) -> Result<(), Error> {
        let cases = self.cases();
        let Some(mut setting) = cases.setting(PLAN).await? else { return Ok(()) };
        let Ok(progress) = serde_json::from_str::<Progress>(&setting.value) else { return Ok(()) };
        if progress.rules != self.rules() {
            let again = Progress { after: None, done: false, ..progress };
            // If another worker has saved its own, that one plans all cases.
            let _saved = save(cases, &mut setting, &again).await?;
        }
        Ok(())
    }

    /// The progress of planning by `rules`; `None` where it is complete.
    async fn begun(
        &self,
        cases: &dyn CaseStore,
        rules: String,
    ) -> Result<Option<(Setting, Progress)>, Error> {
        let stored = cases.setting(PLAN).await?;
        // A store whose cases were never planned has them due at once.
        let is_new = stored.is_none();
        let mut setting = stored.unwrap_or_else(|| Setting::new(String::new()));
        let known = serde_json::from_str::<Progress>(&setting.value).ok();
        let at = self.began;
        let is_known = |known: &Progress| known.rules == rules && known.at <= at + LATELY;
        if let Some(mut known) = known.filter(is_known) {
            if known.done && known.at + LATELY < at {
                known.at = at;
                // If another worker has saved its own, that one is as late.
                let _saved = save(cases, &mut setting, &known).await?;
            }
            return Ok(Some((setting, known)).filter(|(_, known)| !known.done));
        }
        let progress = Progress { rules, after: None, done: is_new, at };
        let saved = save(cases, &mut setting, &progress).await?;
        Ok(Some((setting, progress)).filter(|(_, progress)| saved && !progress.done))
    }

    fn rules(&self) -> String {
        let settings = &self.settings;
        let text =
            format!("{RULES} {:?} {:?} {}", settings.scope, settings.policy, settings.local_root);
        let hash: [u8; 32] = Sha256::digest(text).into();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Saves the progress. Returns false when another worker has saved its own.
async fn save(
    cases: &dyn CaseStore,
    setting: &mut Setting,
    progress: &Progress,
) -> Result<bool, Error> {
    setting.value = serde_json::to_string(progress).unwrap_or_default();
    match cases.save_setting(PLAN, setting.clone()).await {
        Ok(()) => {
            setting.version += 1;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
        Err(error) => Err(error.into()),
    }
}
