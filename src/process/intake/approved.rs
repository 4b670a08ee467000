use crate::audit::Actor;
use crate::case::{Case, CaseId, Change};
use crate::clock::Clock;
use crate::process::error::{Error, ErrorKind};
use crate::process::intake::duplicates::flag_duplicates;
use crate::process::intake::effect::Effect;
use crate::process::intake::import::{CHUNK, Imported};
use crate::process::intake::preview::{Outcome, Preview, Section};
use crate::process::intake::row::Contradiction;
use crate::process::store::commit::Commit;
use crate::process::store::unit::Store;
use std::collections::BTreeSet;
use std::error::Error as StdError;

/// The result of an import that was previewed and approved.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct Approved {
    /// What was imported.
    pub imported: Imported,
    /// Cases whose stored data have changed since the preview, so that the import would do something that
    /// no user has approved. Nothing was imported for them: preview the file again.
    pub further_review: Section,
    /// Cases that contradict the file itself. Nothing was imported for them.
    pub excluded: usize,
}

impl Approved {
    /// The cases that are done, imported or not.
    #[must_use]
    pub const fn done(&self) -> usize {
        let Imported { new, updated, unchanged, unreadable, .. } = self.imported;
        new + updated + unchanged + unreadable + self.further_review.count + self.excluded
    }
}

/// Imports exactly what `preview` has shown, as [`import_from`](crate::process::import_from) does.
///
/// `cases` are those of the previewed file, each with its line. A row is imported only if the stored case is still such
/// that the import does what was previewed. Every other row comes back in [`Approved::further_review`].
/// Rows that contradict the file itself are not imported ([`Contradiction::is_imported`]).
///
/// Each save is over the version that was compared, so a change between comparison and save is found too.
/// `progress` gets the result so far after every 200 cases.
///
/// `actor` is the user who imports. Where another user has approved, it names that user
/// ([`Actor::authorised_by`]).
///
/// # Errors
///
/// Those of [`import_from`](crate::process::import_from). Cases imported before stay imported, and the last
/// call of `progress` has counted them.
///
/// ```
/// use nhs_pds::audit::{Actor, MemoryLog};
/// use nhs_pds::case::{Case, MemoryStore, RecordType};
/// use nhs_pds::clock::SystemClock;
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::process::{Preview, import_approved};
/// use nhs_pds::trace::{Caller, LocalIdentity, User};
/// use std::convert::Infallible;
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
/// let store = Joined::new(cases.clone(), audit, Arc::new(MemoryAlerts::default()));
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let actor = Actor::new(&Caller::User(user), "Jo Doe").authorised_by("m.roe");
/// let case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let mut preview = Preview::default();
/// preview.expect(&case);
/// preview.add(&*cases, 2, &case, "2026-11-30T09:00:00Z".parse()?).await?;
/// let rows = [Ok::<_, Infallible>((2, case))];
/// let result = import_approved(&store, &actor, &SystemClock, preview, rows, |_| ()).await?;
/// assert_eq!((result.imported.new, result.further_review.count), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn import_approved<E>(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
    mut preview: Preview,
    cases: impl IntoIterator<Item = Result<(u64, Case), E>>,
    progress: impl Fn(&Approved),
) -> Result<Approved, Error>
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    preview.outcomes.sort_unstable();
    let mut result = Approved::default();
    let mut cases = cases.into_iter();
    let mut failed = None;
    loop {
        let readable = cases.by_ref().take(CHUNK).map_while(|case| match case {
            Ok(case) => Some(case),
            Err(error) => {
                failed = Some(Error::new(ErrorKind::SourceFailed).with_source(error));
                None
            }
        });
        let mut chunk: Vec<(u64, Case)> = readable.collect();
        let is_last = chunk.len() < CHUNK;
        let mut numbered = Vec::new();
        // Cases that another program changed meanwhile are compared again.
        while !chunk.is_empty() {
            let step = Step { store, actor, clock, preview: &preview };
            chunk = step.import(chunk, &mut result, &mut numbered).await?;
        }
        result.imported.duplicates += flag_duplicates(store, actor, clock, &numbered).await?;
        progress(&result);
        if is_last {
            return failed.map_or(Ok(result), Err);
        }
    }
}

/// What one step of an import needs.
struct Step<'a> {
    store: &'a dyn Store,
    actor: &'a Actor,
    clock: &'a dyn Clock,
    preview: &'a Preview,
}

impl Step<'_> {
    /// Imports `cases`, and returns those to try again. Adds to `numbered` the imported cases with a number.
    async fn import(
        &self,
        cases: Vec<(u64, Case)>,
        result: &mut Approved,
        numbered: &mut Vec<CaseId>,
    ) -> Result<Vec<(u64, Case)>, Error> {
        let now = self.clock.now();
        let mut step = Approved::default();
        let (mut commit, mut saved) = (Commit::new(self.actor, now), Vec::new());
        // A second entry of a case is compared after the first is stored.
        let mut seen = BTreeSet::new();
        let (cases, twice): (Vec<_>, Vec<_>) =
            cases.into_iter().partition(|(_, case)| seen.insert(case.id.clone()));
        for (line, read) in &cases {
            let stored = match self.store.cases().get(&read.id).await {
                Err(error) if error.is_about_a_damaged_case() => {
                    step.imported.unreadable += 1;
                    continue;
                }
                stored => stored?,
            };
            let user_id = self.actor.user_id();
            let (cases, row) = (self.store.cases(), (*line, read));
            let considered =
                self.preview.consider(cases, stored.as_ref(), row, now, user_id).await?;
            let is_excluded = considered.row.contradiction.is_some_and(|row| !row.is_imported());
            let (count, case) = match considered.effect {
                Effect::Unchanged => {
                    step.imported.unchanged += 1;
                    continue;
                }
                _ if is_excluded => {
                    step.excluded += 1;
                    continue;
                }
                _ if !self.is_approved(&considered.outcome) => {
                    step.further_review.add(considered.row);
                    continue;
                }
                Effect::New(case) => (&mut step.imported.new, case),
                Effect::Updated(case) => (&mut step.imported.updated, case),
            };
            *count += 1;
            saved.extend(case.nhs_number.is_some().then(|| case.id.clone()));
            let contradiction = considered.row.contradiction.map_or("none", Contradiction::as_str);
            let why = [("decision", "imported"), ("contradiction", contradiction)];
            commit = commit.save(Change::new(case), &why);
        }
        if !commit.saves.is_empty() && !self.store.commit(commit).await?.is_done() {
            return Ok(cases.into_iter().chain(twice).collect());
        }
        numbered.append(&mut saved);
        result.add(step);
        Ok(twice)
    }

    fn is_approved(&self, outcome: &Outcome) -> bool {
        self.preview.outcomes.binary_search(outcome).is_ok()
    }
}

impl Approved {
    fn add(&mut self, step: Self) {
        let (sum, part) = (&mut self.imported, step.imported);
        sum.new += part.new;
        sum.updated += part.updated;
        sum.unchanged += part.unchanged;
        sum.unreadable += part.unreadable;
        self.excluded += step.excluded;
        step.further_review.rows.into_iter().for_each(|row| self.further_review.add(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditLog, Filter, MemoryLog};
    use crate::case::{
        CaseStore, MemoryStore, NumberSource, RecordType, RecordedNumber, ReviewReason,
    };
    use crate::clock::FixedClock;
    use crate::nhs_number::NhsNumber;
    use crate::process::alert::MemoryAlerts;
    use crate::process::intake::import::import;
    use crate::process::intake::plausibility::Implausible;
    use crate::process::store::joined::Joined;
    use crate::trace::{Caller, LocalIdentity, User};
    use chrono::{DateTime, Utc};
    use std::convert::Infallible;
    use std::sync::Arc;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
    const NUMBER: NhsNumber = NhsNumber::constant(9_990_001_006);
    const OTHER: NhsNumber = NhsNumber::constant(9_990_001_014);

    struct Office {
        cases: Arc<MemoryStore>,
        audit: Arc<MemoryLog>,
        store: Joined,
    }

    /// An office whose store has these cases, imported from an earlier file.
    async fn office(cases: Vec<Case>) -> Office {
        let (stored, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
        let alerts = Arc::new(MemoryAlerts::default());
        let store = Joined::new(Arc::clone(&stored) as _, Arc::clone(&audit) as _, alerts);
        import(&store, &actor(), &FixedClock::at(NOW), cases).await.unwrap();
        Office { cases: stored, audit, store }
    }

    fn actor() -> Actor {
        let user = LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap();
        Actor::new(&Caller::User(User::Local(user)), "Jo Doe")
    }

    fn case(number: usize, surname: &str) -> Case {
        let mut case = Case::new(format!("RXX:{number:05}").parse().unwrap(), RecordType::Review);
        case.surname = Some(surname.into());
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        case
    }

    fn numbered(case: Case, number: NhsNumber) -> Case {
        let nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        Case { nhs_number, ..case }
    }

    impl Office {
        async fn preview(&self, file: &[Case]) -> Preview {
            let mut preview = Preview::default();
            file.iter().for_each(|case| preview.expect(case));
            for (case, line) in file.iter().zip(2..) {
                preview.add(&*self.cases, line, case, NOW).await.unwrap();
            }
            preview
        }

        async fn import(&self, preview: Preview, file: &[Case]) -> Approved {
            let actor = actor().authorised_by("m.roe");
            let rows = (2..).zip(file.iter().cloned()).map(Ok::<_, Infallible>);
            import_approved(&self.store, &actor, &FixedClock::at(NOW), preview, rows, |_| ())
                .await
                .unwrap()
        }

        async fn stored(&self, number: usize) -> Option<Case> {
            self.cases.get(&case(number, "").id).await.unwrap()
        }
    }

    fn kinds(preview: &Preview) -> [usize; 5] {
        let Preview { new, changed, unchanged, to_check, excluded, .. } = preview;
        [new.count, changed.count, *unchanged, to_check.count, excluded.count]
    }

    #[tokio::test]
    async fn a_preview_says_what_the_import_then_does() {
        let office = office(vec![case(1, "Aindow"), case(2, "Parry")]).await;
        let file = [case(1, "Aindow"), case(2, "Jones"), case(3, "New")];
        let preview = office.preview(&file).await;
        assert_eq!(kinds(&preview), [1, 1, 1, 0, 0]);
        assert_eq!(preview.to_import(), 2);
        let [row] = &preview.changed.rows[..] else { panic!("one row") };
        assert_eq!((row.line, row.case.as_str()), (3, "RXX:00002"));
        let [change] = &row.changes[..] else { panic!("one change") };
        assert_eq!((change.column, &*change.from, &*change.to), ("surname", "Parry", "Jones"));
        assert!(office.stored(3).await.is_none(), "a preview changes nothing");
        let result = office.import(preview, &file).await;
        let Imported { new, updated, unchanged, .. } = result.imported;
        assert_eq!((new, updated, unchanged, result.done()), (1, 1, 1, 3));
        assert_eq!(office.stored(2).await.unwrap().surname.as_deref(), Some("Jones"));
        let on_record = office.audit.page(&Filter::new(), 0, 99).await.unwrap();
        let last = on_record.last().unwrap();
        assert_eq!(last.actor.authority(), Some("m.roe"), "both users are on record");
    }

    #[tokio::test]
    async fn a_case_that_changed_since_the_preview_comes_back() {
        let office = office(vec![case(1, "Aindow"), case(2, "Parry")]).await;
        let file = [case(1, "Aindows"), case(2, "Jones"), case(3, "New")];
        let preview = office.preview(&file).await;
        let mut edited = office.stored(2).await.unwrap();
        edited.surname = Some("Evans".into());
        office.cases.save_all(vec![Change::new(edited)]).await.unwrap();
        office.cases.insert_all(vec![case(3, "Other")]).await.unwrap();
        // What a user has not seen is not a change of the case.
        let mut traced = office.stored(1).await.unwrap();
        traced.not_on_pds = true;
        office.cases.save_all(vec![Change::new(traced)]).await.unwrap();
        let result = office.import(preview, &file).await;
        assert_eq!((result.imported.new, result.imported.updated), (0, 1));
        assert_eq!((result.further_review.count, result.done()), (2, 3));
        let ids: Vec<&str> =
            result.further_review.rows.iter().map(|row| row.case.as_str()).collect();
        assert_eq!(ids, ["RXX:00002", "RXX:00003"]);
        assert_eq!(office.stored(2).await.unwrap().surname.as_deref(), Some("Evans"));
        assert_eq!(office.stored(1).await.unwrap().surname.as_deref(), Some("Aindows"));
        let again = office.preview(&file).await;
        assert_eq!(kinds(&again), [0, 2, 1, 0, 0], "previewed again, they can be approved");
        assert_eq!(office.import(again, &file).await.imported.updated, 2);
    }

    #[tokio::test]
    async fn a_file_that_was_not_previewed_changes_nothing() {
        let office = office(vec![case(1, "Aindow")]).await;
        let preview = office.preview(&[case(1, "Aindows")]).await;
        let result = office.import(preview, &[case(1, "Smith"), case(2, "New")]).await;
        assert_eq!((result.imported, result.further_review.count), (Imported::default(), 2));
    }

    #[tokio::test]
    async fn rows_that_contradict_the_file_are_not_imported() {
        let office = office(vec![case(1, "Aindow")]).await;
        let mut disagreeing = case(4, "Two");
        disagreeing.contradicted = true;
        let twice = |id| numbered(case(id, "Twin"), NUMBER);
        let file = [twice(1), twice(2), numbered(case(3, "Single"), OTHER), disagreeing];
        let preview = office.preview(&file).await;
        assert_eq!(kinds(&preview), [1, 0, 0, 0, 3]);
        let found: Vec<_> =
            preview.excluded.rows.iter().map(|row| row.contradiction.unwrap()).collect();
        let twice = Contradiction::NumberTwice;
        assert_eq!(found, [twice, twice, Contradiction::RowsDisagree]);
        assert_eq!(preview.plausibility().reasons(), [Implausible::Refused]);
        let result = office.import(preview, &file).await;
        assert_eq!((result.imported.new, result.excluded), (1, 3));
        assert!(office.stored(1).await.unwrap().nhs_number.is_none());
        assert!(office.stored(2).await.is_none() && office.stored(4).await.is_none());
    }

    #[tokio::test]
    async fn rows_that_contradict_what_is_recorded_are_imported_and_left_for_review() {
        let mut held = case(1, "Aindow");
        let source = NumberSource::Imported(Some("SMSP".into()));
        held.nhs_number = Some(RecordedNumber::new(NUMBER, source));
        let traced = held.clone();
        let office = office(vec![held]).await;
        let mut other_person = traced.clone();
        (other_person.surname, other_person.date_of_birth) =
            (Some("Jones".into()), Some("1999-01-01".parse().unwrap()));
        let file = [other_person];
        let preview = office.preview(&file).await;
        assert_eq!(preview.to_check.rows[0].contradiction, Some(Contradiction::AnotherPerson));

        let file = [numbered(case(1, "Aindow"), OTHER), numbered(case(2, "Jones"), NUMBER)];
        let preview = office.preview(&file).await;
        assert_eq!(kinds(&preview), [0, 0, 0, 2, 0]);
        let of = |at: usize| preview.to_check.rows[at].contradiction;
        assert_eq!(of(0), Some(Contradiction::NumberTraced));
        assert_eq!(of(1), Some(Contradiction::NumberOfAnother));
        let result = office.import(preview, &file).await;
        assert_eq!(
            (result.imported.new, result.imported.updated, result.imported.duplicates),
            (1, 1, 1)
        );
        let first = office.stored(1).await.unwrap();
        assert_eq!(first.live_number(), Some(NUMBER), "a traced number stays");
        let reasons: Vec<_> = first.open_items().map(|item| item.reason).collect();
        assert_eq!(reasons, [ReviewReason::Conflict, ReviewReason::Duplicate]);
    }

    #[tokio::test]
    async fn the_figures_say_that_the_columns_have_moved() {
        let office = office((0..10).map(|id| case(id, "Aindow")).collect()).await;
        let moved = |id| if id < 3 { case(id, "Jones") } else { case(id, "AINDOW") };
        let file: Vec<Case> = (0..10).map(moved).collect();
        let figures = office.preview(&file).await.plausibility();
        assert_eq!((figures.cases, figures.stored, figures.names), (10, 10, 3));
        assert_eq!(figures.reasons(), [Implausible::Names]);
        assert_eq!(office.preview(&file[1..]).await.plausibility().names, 2);
    }

    #[tokio::test]
    async fn a_source_that_fails_keeps_what_came_before_and_reports_it() {
        let office = office(Vec::new()).await;
        let file: Vec<Case> = (0..450).map(|id| case(id, "Aindow")).collect();
        let preview = office.preview(&file).await;
        assert_eq!((preview.new.count, preview.new.rows.len()), (450, 200));
        let done = std::cell::Cell::new(0);
        let rows = file.into_iter().take(401).map(|case| Ok((0, case))).chain([Err("stopped")]);
        let (clock, actor) = (FixedClock::at(NOW), actor());
        let result = import_approved(&office.store, &actor, &clock, preview, rows, |so_far| {
            done.set(so_far.done());
        });
        assert_eq!(result.await.unwrap_err().kind(), ErrorKind::SourceFailed);
        assert_eq!(done.get(), 401);
        assert!(office.stored(400).await.is_some() && office.stored(401).await.is_none());
    }
}
