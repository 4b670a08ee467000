use crate::case::{
    Case, CaseStore, DeletionKind, Error, NumberSource, RecordType, RecordedNumber, ReviewItem,
    is_implausible_birth, is_implausible_death, is_no_forename, is_no_surname, is_no_worker,
};
use crate::demographics::{Gender, Postcode, london_day, redacted_debug};
use crate::report::duplicates::Seen;
use crate::report::{
    CaseCounts, Completeness, Duplicates, MatchCounts, NumberCount, Report, ReviewCount,
    ReviewCounts, SourceKind,
};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;

/// How many cases are read in one page.
const PAGE_SIZE: usize = 500;

/// Reports on all cases of `store`, as of `now`, with the record types of HAV-4 in scope.
///
/// Reads page by page, so a case that is saved during the run may be in the report or not. Memory
/// grows with the data that duplicate detection needs: for each active case its id, twice, with its
/// number and its normalised name.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use nhs_pds::case::{Case, CaseStore, MemoryStore, RecordType};
/// use nhs_pds::clock::{Clock, SystemClock};
/// use nhs_pds::report::report;
///
/// let store = MemoryStore::new();
/// store.insert_all(vec![Case::new("RXX:1".parse()?, RecordType::HomeCare)]).await?;
/// let report = report(&store, SystemClock.now()).await?;
/// assert_eq!(report.record_types["home care"], 1);
/// assert!(report.csv().contains("completeness,surname,0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of [`CaseStore::page`].
pub async fn report(store: &dyn CaseStore, now: DateTime<Utc>) -> Result<Report, Error> {
    let mut builder = Report::builder(now);
    let mut after = None;
    loop {
        let page = store.page(after.as_ref(), PAGE_SIZE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for case in &page {
            builder.add(case);
        }
    }
    builder.add_unreadable(store.unreadable().await?.len() as u64);
    Ok(builder.finish())
}

/// A report under construction.
pub struct ReportBuilder {
    report: Report,
    seen: Seen,
    in_scope: Vec<RecordType>,
}

redacted_debug!(ReportBuilder);

impl ReportBuilder {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        let report = Report {
            at: now,
            cases: CaseCounts::default(),
            record_types: BTreeMap::new(),
            numbers: Vec::new(),
            person_changed: 0,
            completeness: Completeness::default(),
            duplicates: Duplicates::default(),
            review: ReviewCounts::default(),
            matches: MatchCounts::default(),
            undelivered_alerts: BTreeMap::new(),
        };
        Self { report, seen: Seen::default(), in_scope: RecordType::HAV4.into() }
    }

    /// Returns this builder with these record types in scope instead of those of HAV-4, ignoring
    /// upper and lower case. Call it before adding the first case.
    #[must_use]
    pub fn with_record_types(mut self, in_scope: impl IntoIterator<Item = RecordType>) -> Self {
        self.in_scope = in_scope.into_iter().collect();
        self
    }

    /// Counts `case`. A case that is added twice is counted twice.
    pub fn add(&mut self, case: &Case) {
        for alert in &case.undelivered {
            *self.report.undelivered_alerts.entry(alert.kind).or_default() += 1;
        }
        let cases = &mut self.report.cases;
        cases.all += 1;
        match case.deleted.as_ref().map(|deletion| &deletion.how) {
            None => cases.in_use += 1,
            Some(DeletionKind::Logical) => cases.deleted += 1,
            Some(DeletionKind::MergedInto(_)) => cases.merged += 1,
            Some(DeletionKind::Erased) => cases.erased += 1,
        }
        if case.is_live() {
            *self.report.record_types.entry(case.record_type.to_string()).or_default() += 1;
            self.report.completeness.add(case, london_day(self.report.at));
            self.seen.add(case);
            if let Some(recorded) = &case.nhs_number {
                self.add_number(recorded);
            }
            self.report.person_changed += u64::from(case.person_changed());
            for item in case.open_items() {
                self.add_item(item);
            }
            self.add_matches(case);
        }
    }

    /// Counts cases of the store that cannot be read.
    pub const fn add_unreadable(&mut self, count: u64) {
        self.report.cases.unreadable += count;
    }

    /// Returns the report on all added cases.
    #[must_use]
    pub fn finish(self) -> Report {
        let mut report = self.report;
        report.numbers.sort_by_key(|numbers| (numbers.source, numbers.status as u8));
        report.review.open.sort_by_key(|items| (items.reason, items.state));
        report.duplicates = self.seen.finish();
        report
    }

    fn add_number(&mut self, recorded: &RecordedNumber) {
        let source = match recorded.source {
            _ if recorded.source.is_traced() => SourceKind::Traced,
            NumberSource::Traced(_) => SourceKind::ProviderCopy,
            NumberSource::Imported(_) => SourceKind::Elsewhere,
        };
        let status = recorded.status;
        let numbers = &mut self.report.numbers;
        match numbers.iter_mut().find(|known| known.source == source && known.status == status) {
            Some(known) => known.count += 1,
            None => numbers.push(NumberCount { source, status, count: 1 }),
        }
    }

    fn add_item(&mut self, item: &ReviewItem) {
        let (reason, state) = (item.reason, item.state);
        let review = &mut self.report.review;
        match review.open.iter_mut().find(|known| known.reason == reason && known.state == state) {
            Some(known) => known.count += 1,
            None => review.open.push(ReviewCount { reason, state, count: 1 }),
        }
        let ages = &mut review.ages;
        let bucket = match (self.report.at - item.opened_at).num_days() {
            ..1 => &mut ages.under_1_day,
            1..=7 => &mut ages.days_1_to_7,
            8..=30 => &mut ages.days_8_to_30,
            31..=90 => &mut ages.days_31_to_90,
            _ => &mut ages.over_90_days,
        };
        *bucket += 1;
        review.oldest = Some(review.oldest.map_or(item.opened_at, |at| at.min(item.opened_at)));
    }

    fn add_matches(&mut self, case: &Case) {
        let recorded = case.nhs_number.as_ref();
        let is_kind =
            |kind: &RecordType| kind.as_str().eq_ignore_ascii_case(case.record_type.as_str());
        let is_in_scope = self.in_scope.iter().any(is_kind)
            && case.date_of_death.is_none_or(|died| {
                is_implausible_death(died, case.date_of_birth, london_day(self.report.at))
            })
            && case.allocations.iter().any(|row| row.end.is_none() && !is_no_worker(&row.worker));
        let matches = &mut self.report.matches;
        if is_in_scope {
            let is_certain = |recorded: &RecordedNumber| recorded.source.is_traced();
            matches.in_scope.count(case.usable_number().is_some_and(is_certain));
        }
        let asked = case.last_trace.as_ref().map(|trace| month(trace.at));
        let confirmed = recorded.and_then(RecordedNumber::confirmed_at).map(month);
        // A confirmation is also a query, and usually the last one.
        if let Some(month) = asked.filter(|asked| Some(asked) != confirmed.as_ref()) {
            matches.by_month.entry(month).or_default().count(false);
        }
        if let Some(month) = confirmed {
            matches.by_month.entry(month).or_default().count(true);
        }
    }
}

fn month(at: DateTime<Utc>) -> String {
    at.format("%Y-%m").to_string()
}

impl Completeness {
    fn add(&mut self, case: &Case, today: NaiveDate) {
        let is_text =
            |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        self.surname += u64::from(is_text(&case.surname));
        self.forename += u64::from(is_text(&case.forename));
        self.address += u64::from(case.address.iter().any(|line| !line.trim().is_empty()));
        self.contradicted += u64::from(case.contradicted);
        let born = case.date_of_birth;
        self.surname_placeholder += u64::from(case.surname.as_deref().is_some_and(is_no_surname));
        self.forename_placeholder +=
            u64::from(case.forename.as_deref().is_some_and(is_no_forename));
        self.date_of_birth_implausible +=
            u64::from(born.is_some_and(|born| is_implausible_birth(born, today)));
        self.date_of_death_implausible += u64::from(
            case.date_of_death.is_some_and(|died| is_implausible_death(died, born, today)),
        );
        match case.date_of_birth.map(|born| born.full().is_some()) {
            Some(true) => self.date_of_birth_full += 1,
            Some(false) => self.date_of_birth_partial += 1,
            None => {}
        }
        match case.gender {
            Some(Gender::NotKnown) => self.gender_not_known += 1,
            Some(_) => self.gender += 1,
            None => {}
        }
        let postcode = case.postcode.as_deref().filter(|text| !text.trim().is_empty());
        match postcode.map(str::parse::<Postcode>) {
            Some(Ok(postcode)) if postcode.is_pseudo() => self.postcode_pseudo += 1,
            Some(Ok(_)) => self.postcode_valid += 1,
            Some(Err(_)) => self.postcode_unreadable += 1,
            None => {}
        }
    }
}
