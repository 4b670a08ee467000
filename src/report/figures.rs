use crate::case::{CaseStore, Error, ErrorKind, Setting};
use crate::demographics::london_day;
use crate::report::Report;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The setting of a store with the figures of its last report.
const LAST: &str = "report:last";

/// The setting of a store with the figures of its reports over time.
const HISTORY: &str = "report:history";

/// How many reports the history has.
const MOST: usize = 400;

/// How many months of match rates the last report keeps.
const MONTHS: usize = 24;

/// How often a setting is saved again when another program saves it meanwhile.
const ATTEMPTS: usize = 8;

/// The figures that the history keeps.
const KEPT: [&str; 12] = [
    "cases:in_use",
    "cases:unreadable",
    "numbers:with",
    "numbers:traced:usable",
    "match_rate:in_scope:cases",
    "match_rate:in_scope:matched",
    "duplicates_by_number:groups",
    "duplicates_by_particulars:groups",
    "review:open",
    "review_ages:days_31_to_90",
    "review_ages:over_90_days",
    "completeness:contradicted",
];

/// The figures of a report, without ids of cases and without texts of the local system: what a store keeps of it, for
/// screens that must not read all cases, and for trends.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Figures {
    /// The time of the report.
    pub at: DateTime<Utc>,
    /// Each count, by `section:key` of [`Report::csv`], such as `cases:in_use`.
    pub counts: BTreeMap<String, u64>,
    /// When the oldest open review item was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_item: Option<DateTime<Utc>>,
}

impl Figures {
    /// Returns a count; zero if the report has none of this name.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    /// Returns the counts of a section, by the rest of their names.
    pub fn section<'a>(&'a self, section: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        self.counts.iter().filter_map(move |(name, count)| {
            Some((name.strip_prefix(section)?.strip_prefix(':')?, *count))
        })
    }

    /// The figures that the history keeps.
    fn for_history(&self) -> Self {
        let kept =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), *self.counts.get(*name)?)));
        Self { at: self.at, counts: kept.collect(), oldest_item: None }
    }
}

impl Report {
    /// Returns the figures of the report. They contain no id of a case, and no record type, which is a text of the
    /// local system.
    ///
    /// ```
    /// use nhs_pds::clock::{Clock, SystemClock};
    /// use nhs_pds::report::Report;
    ///
    /// let report = Report::builder(SystemClock.now()).finish();
    /// assert_eq!(report.figures().count("cases:in_use"), 0);
    /// ```
    #[must_use]
    pub fn figures(&self) -> Figures {
        let months = self.matches.by_month.len().saturating_sub(MONTHS);
        let first = self.matches.by_month.keys().nth(months).cloned().unwrap_or_default();
        let is_kept = |section: &str, key: &str| match section {
            "record_types" => false,
            "duplicates_by_number" | "duplicates_by_particulars" => key == "groups",
            "match_rate" => key.starts_with("in_scope:") || key >= first.as_str(),
            _ => true,
        };
        let counts = self.counts().filter(|(section, key, _)| is_kept(section, key));
        Figures {
            at: self.at,
            counts: counts
                .map(|(section, key, count)| (format!("{section}:{key}"), count))
                .collect(),
            oldest_item: self.review.oldest,
        }
    }
}

/// Keeps the figures of a report in the settings of `store`: the last one, and the history of at most 400. When the
/// history is full, a day keeps its last report only; then the oldest report goes.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::clock::{Clock, SystemClock};
/// use nhs_pds::report::{history, keep, last, report};
///
/// let store = MemoryStore::new();
/// let report = report(&store, SystemClock.now()).await?;
/// keep(&store, &report.figures()).await?;
/// assert_eq!(last(&store).await?, Some(report.figures()));
/// assert_eq!(history(&store).await?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of [`CaseStore::setting`] and [`CaseStore::save_setting`].
pub async fn keep(store: &dyn CaseStore, figures: &Figures) -> Result<(), Error> {
    change(store, LAST, |before: Option<Figures>| {
        before.filter(|before| before.at > figures.at).unwrap_or_else(|| figures.clone())
    })
    .await?;
    change(store, HISTORY, |before: Option<Vec<Figures>>| {
        let mut all = before.unwrap_or_default();
        let place = all.partition_point(|known| known.at <= figures.at);
        all.insert(place, figures.for_history());
        thin(&mut all);
        all
    })
    .await
}

/// Returns the figures of the last report that was kept. Reads no case.
///
/// # Errors
///
/// Those of [`CaseStore::setting`].
pub async fn last(store: &dyn CaseStore) -> Result<Option<Figures>, Error> {
    read(store.setting(LAST).await?.as_ref())
}

/// Returns the figures of the reports that were kept, the oldest first: those that show trends. Reads no case.
///
/// # Errors
///
/// Those of [`CaseStore::setting`].
pub async fn history(store: &dyn CaseStore) -> Result<Vec<Figures>, Error> {
    Ok(read(store.setting(HISTORY).await?.as_ref())?.unwrap_or_default())
}

/// Shortens a history that is too long.
fn thin(all: &mut Vec<Figures>) {
    while all.len() > MOST {
        let same_day = all.windows(2).position(|pair| match pair {
            [one, next] => london_day(one.at) == london_day(next.at),
            _ => false,
        });
        all.remove(same_day.unwrap_or_default());
    }
}

fn read<T: for<'de> Deserialize<'de>>(setting: Option<&Setting>) -> Result<Option<T>, Error> {
    let value = setting.map(|setting| serde_json::from_str(&setting.value));
    value.transpose().map_err(|_| Error::new(ErrorKind::Corrupt))
}

/// Saves the value that `change` returns, over what another program saves meanwhile.
async fn change<T: for<'de> Deserialize<'de> + Serialize>(
    store: &dyn CaseStore,
    name: &str,
    change: impl Fn(Option<T>) -> T,
) -> Result<(), Error> {
    let mut attempts = 0;
    loop {
        let stored = store.setting(name).await?;
        let value = serde_json::to_string(&change(read(stored.as_ref())?));
        let value = value.map_err(|_| Error::new(ErrorKind::Corrupt))?;
        let version = stored.map_or(0, |setting| setting.version);
        attempts += 1;
        match store.save_setting(name, Setting { value, version }).await {
            Err(error) if error.kind() == ErrorKind::Conflict && attempts < ATTEMPTS => {}
            saved => return saved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, MemoryStore, RecordType};
    use chrono::TimeDelta;

    fn at(day: i64, minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day) + TimeDelta::minutes(minute)
    }

    fn report_at(at: DateTime<Utc>) -> Report {
        let mut builder = Report::builder(at);
        for id in ["RXX:1", "RXX:2"] {
            let kind: RecordType = "Of Zoe O'Brien".parse().unwrap();
            let mut case = Case::new(id.parse().unwrap(), kind);
            case.surname = Some("O'Brien".into());
            case.date_of_birth = Some("1943-05-19".parse().unwrap());
            builder.add(&case);
        }
        builder.finish()
    }

    #[test]
    fn figures_have_counts_and_nothing_of_a_person() {
        let figures = report_at(at(0, 0)).figures();
        assert_eq!(figures.count("cases:in_use"), 2);
        assert_eq!(figures.count("duplicates_by_particulars:groups"), 1);
        assert_eq!(figures.section("cases").find(|(key, _)| *key == "all"), Some(("all", 2)));
        let json = serde_json::to_string(&figures).unwrap();
        assert!(!json.contains("Brien") && !json.contains("RXX"), "{json}");
        for name in KEPT.iter().filter(|name| !name.starts_with("numbers:traced")) {
            assert!(figures.counts.contains_key(*name), "{name} is not a figure");
        }
    }

    #[tokio::test]
    async fn the_last_figures_and_their_history_are_kept() {
        let store = MemoryStore::new();
        assert_eq!((last(&store).await.unwrap(), history(&store).await.unwrap()), (None, vec![]));
        for day in [1, 3, 2] {
            keep(&store, &report_at(at(day, 0)).figures()).await.unwrap();
        }
        assert_eq!(last(&store).await.unwrap().unwrap().at, at(3, 0));
        let days: Vec<_> = history(&store).await.unwrap().iter().map(|known| known.at).collect();
        assert_eq!(days, [at(1, 0), at(2, 0), at(3, 0)]);
    }

    #[test]
    fn a_full_history_keeps_the_last_report_of_each_day_and_then_the_latest_days() {
        let figures = |at| Figures { at, ..report_at(at).figures() };
        let mut all: Vec<_> = (0..400).map(|day| figures(at(day, 0))).collect();
        all.push(figures(at(399, 5)));
        thin(&mut all);
        assert_eq!((all.len(), all[0].at, all[399].at), (400, at(0, 0), at(399, 5)));
        all.push(figures(at(400, 0)));
        thin(&mut all);
        assert_eq!((all.len(), all[0].at, all[399].at), (400, at(1, 0), at(400, 0)));
    }
}
