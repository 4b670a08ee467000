use crate::case::{Case, CaseId, CaseStore};
use crate::demographics::{Field, redacted_debug};
use crate::nhs_number::NhsNumber;
use crate::process::error::Error;
use crate::process::intake::effect::{Effect, digest, effect};
use crate::process::intake::plausibility::Plausibility;
use crate::process::intake::row::{
    Contradiction, PreviewedRow, changes, contradiction, number_taken,
};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// How many rows of each section a preview has.
const SHOWN: usize = 200;

/// What importing a caseload would do. Changes nothing.
///
/// A program reads the file twice. First it passes each case to [`expect`](Self::expect), which finds NHS Numbers
/// that occur twice; then to [`add`](Self::add), which compares it with the store. A user reads the result.
/// [`import_approved`](crate::process::import_approved) then imports exactly the rows whose result is still the
/// one that was previewed.
///
/// Keeps 16 bytes for each case, eight for each number, and the first 200 rows of each section.
///
/// ```
/// use nhs_pds::case::{Case, MemoryStore, RecordType};
/// use nhs_pds::process::Preview;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (store, now) = (MemoryStore::new(), "2026-11-30T09:00:00Z".parse()?);
/// let cases = [Case::new("RXX:1".parse()?, RecordType::Review)];
/// let mut preview = Preview::default();
/// cases.iter().for_each(|case| preview.expect(case));
/// for (case, line) in cases.iter().zip(2..) {
///     preview.add(&store, line, case, now).await?;
/// }
/// assert_eq!(preview.new.count, 1);
/// assert!(preview.plausibility().reasons().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Default)]
pub struct Preview {
    /// Cases that are not stored.
    pub new: Section,
    /// Stored cases that the import changes.
    pub changed: Section,
    /// Cases without changes.
    pub unchanged: usize,
    /// Cases that contradict what is recorded. They are imported, and checked afterwards.
    pub to_check: Section,
    /// Cases that contradict the file itself. They are not imported.
    pub excluded: Section,
    /// Stored cases that cannot be read. They are not imported.
    pub unreadable: usize,
    /// Rows of the file that could not be read. The program that reads the file counts them.
    pub refused: usize,
    /// The cases in the last file of the source, if there was one.
    pub before: Option<usize>,
    figures: Plausibility,
    /// The numbers of the file, in ascending order once all are known.
    numbers: Vec<u64>,
    is_sorted: bool,
    /// What the rows do, each as a digest; in ascending order once it is approved.
    pub(super) outcomes: Vec<Outcome>,
}

/// The rows of one kind in a preview.
#[non_exhaustive]
#[derive(Clone, Default)]
pub struct Section {
    /// How many there are.
    pub count: usize,
    /// The first 200.
    pub rows: Vec<PreviewedRow>,
}

/// A digest of a row, of the stored case and of what the import does with both.
pub(super) type Outcome = [u8; 16];

/// What a row does, and what was found about it.
pub(super) struct Considered {
    pub(super) effect: Effect,
    pub(super) row: PreviewedRow,
    pub(super) outcome: Outcome,
}

impl Section {
    pub(super) fn add(&mut self, row: PreviewedRow) {
        self.count += 1;
        if self.rows.len() < SHOWN {
            self.rows.push(row);
        }
    }
}

impl Preview {
    /// Notes the NHS Number of a case of the file. Call it for all cases before [`add`](Self::add).
    pub fn expect(&mut self, case: &Case) {
        let number = case.nhs_number.as_ref().map(|recorded| recorded.number.value());
        self.numbers.extend(number);
        self.is_sorted = false;
    }

    /// Compares a case of the file, which begins on `line`, with the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store cannot be read. A damaged case is counted in
    /// [`unreadable`](Self::unreadable).
    pub async fn add(
        &mut self,
        store: &dyn CaseStore,
        line: u64,
        read: &Case,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if !self.is_sorted {
            self.numbers.sort_unstable();
            self.is_sorted = true;
        }
        let stored = match store.get(&read.id).await {
            Err(error) if error.is_about_a_damaged_case() => {
                self.unreadable += 1;
                return Ok(());
            }
            stored => stored?,
        };
        let is_new = stored.is_none();
        self.measure(stored.as_ref(), read);
        let considered = self.consider(store, stored.as_ref(), (line, read), now, "").await?;
        if matches!(considered.effect, Effect::Unchanged) {
            self.unchanged += 1;
            return Ok(());
        }
        let section = match considered.row.contradiction {
            Some(contradiction) if contradiction.is_imported() => &mut self.to_check,
            Some(_) => &mut self.excluded,
            None if is_new => &mut self.new,
            None => &mut self.changed,
        };
        section.add(considered.row);
        self.outcomes.push(considered.outcome);
        Ok(())
    }

    /// The figures of the file.
    #[must_use]
    pub fn plausibility(&self) -> Plausibility {
        let refused = self.refused.saturating_add(self.excluded.count);
        Plausibility { refused, before: self.before, ..self.figures }
    }

    /// The cases that an import would change or add.
    #[must_use]
    pub const fn to_import(&self) -> usize {
        self.new.count + self.changed.count + self.to_check.count
    }

    /// What the row `read` does to its `stored` case.
    pub(super) async fn consider(
        &self,
        store: &dyn CaseStore,
        stored: Option<&Case>,
        (line, read): (u64, &Case),
        now: DateTime<Utc>,
        user_id: &str,
    ) -> Result<Considered, Error> {
        let effect = effect(stored, read, now, user_id);
        let mut row =
            PreviewedRow { line, case: read.id.clone(), changes: Vec::new(), contradiction: None };
        if let Effect::New(case) | Effect::Updated(case) = &effect {
            row.changes = changes(stored, case);
            row.contradiction = self.contradiction(store, stored, read, case).await?;
        }
        let outcome = outcome(stored, read, &row);
        Ok(Considered { effect, row, outcome })
    }

    async fn contradiction(
        &self,
        store: &dyn CaseStore,
        stored: Option<&Case>,
        read: &Case,
        updated: &Case,
    ) -> Result<Option<Contradiction>, Error> {
        if read.contradicted {
            return Ok(Some(Contradiction::RowsDisagree));
        }
        if read.nhs_number.as_ref().is_some_and(|recorded| self.is_twice(recorded.number)) {
            return Ok(Some(Contradiction::NumberTwice));
        }
        if let Some(number) = number_taken(stored, updated) {
            let is_other = |id: &CaseId| *id != read.id;
            if store.holders(number).await?.iter().any(is_other) {
                return Ok(Some(Contradiction::NumberOfAnother));
            }
        }
        Ok(stored.and_then(|stored| contradiction(stored, read, updated)))
    }

    /// Whether two cases of the file have the number.
    fn is_twice(&self, number: NhsNumber) -> bool {
        let number = number.value();
        let at = self.numbers.partition_point(|other| *other < number);
        self.numbers.get(at + 1) == Some(&number)
    }

    fn measure(&mut self, stored: Option<&Case>, read: &Case) {
        let figures = &mut self.figures;
        figures.cases += 1;
        let Some(stored) = stored else { return };
        figures.stored += 1;
        // A reviewer's correction of unchanged data is not a change of the file.
        if stored.read_digest.is_some() && stored.read_digest == digest(read) {
            return;
        }
        let changes = stored.identity().changes(&read.identity());
        let is_name = |field: &Field| matches!(field, Field::Family | Field::Given);
        figures.names += usize::from(changes.iter().any(is_name));
        figures.births += usize::from(changes.contains(&Field::DateOfBirth));
        let numbers = stored.nhs_number.as_ref().zip(read.nhs_number.as_ref());
        figures.numbers += usize::from(numbers.is_some_and(|(a, b)| a.number != b.number));
    }
}

/// The digest of everything that a user approves of a row. A trace that changes none of it does not count as a change.
fn outcome(stored: Option<&Case>, read: &Case, row: &PreviewedRow) -> Outcome {
    let mut sum = Sha256::new();
    let mut add = |part: &str| {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part);
    };
    add(read.id.as_str());
    add(&digest(read).unwrap_or_default());
    add(row.contradiction.map_or("", Contradiction::as_str));
    for change in &row.changes {
        add(change.column);
        add(&change.from);
        add(&change.to);
    }
    let number = stored.and_then(|stored| stored.nhs_number.as_ref());
    add(&number.map(|recorded| recorded.number.to_string()).unwrap_or_default());
    add(match stored {
        None => "new",
        Some(stored) if stored.is_live() => "active",
        Some(_) => "deleted",
    });
    let sum: [u8; 32] = sum.finalize().into();
    sum.first_chunk().copied().unwrap_or_default()
}

redacted_debug!(Preview, Section);
