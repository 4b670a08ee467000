use crate::case::CaseId;
use crate::report::{MatchRate, Report};
use crate::text::spreadsheet::cell;
use crate::text::terminal::printable;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt::Write;

/// One figure.
struct Row {
    section: &'static str,
    key: String,
    value: String,
}

impl Row {
    fn new(section: &'static str, key: impl Into<String>, value: impl ToString) -> Self {
        Self { section, key: key.into(), value: value.to_string() }
    }
}

impl Report {
    /// The report as CSV (RFC 4180, lines end with `\n`): `section,key,value`, one figure per line,
    /// so that new figures do not break programs that read the existing figures.
    ///
    /// Keys of two parts are joined by `:`, as in `2026-10:matched`. In the two sections of
    /// duplicates the key is the number of the group, from 1, and each line has the id of one of
    /// its cases. Rates are in per cent with one decimal, rounded down; times are RFC 3339 in UTC.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut csv = String::from("section,key,value\n");
        for Row { section, key, value } in self.rows() {
            csv.push_str(&format!("{section},{},{}\n", quoted(&key), quoted(&value)));
        }
        csv
    }

    /// The report for a console: a heading for each section, with its figures in columns below.
    #[must_use]
    pub fn text(&self) -> String {
        let rows = self.rows();
        let width = |text: fn(&Row) -> &str| {
            rows.iter().map(|row| printable(text(row)).chars().count()).max().unwrap_or_default()
        };
        let (keys, values) = (width(|row| &row.key), width(|row| &row.value));
        let mut text = String::new();
        let mut last = "";
        for row in &rows {
            if row.section != last {
                let gap = if last.is_empty() { "" } else { "\n" };
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{gap}{}", row.section.replace('_', " "));
                last = row.section;
            }
            let (key, value) = (printable(&row.key), printable(&row.value));
            let _ = writeln!(text, "  {key:<keys$}  {value:>values$}");
        }
        text
    }

    /// The rows that are counts: section, key and count.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, String, u64)> {
        let rows = self.rows().into_iter();
        rows.filter_map(|row| Some((row.section, row.key, row.value.parse().ok()?)))
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![Row::new("report", "at", rfc3339(self.at))];
        self.case_rows(&mut rows);
        self.number_rows(&mut rows);
        self.completeness_rows(&mut rows);
        group_rows("duplicates_by_number", &self.duplicates.by_number, &mut rows);
        group_rows("duplicates_by_particulars", &self.duplicates.by_particulars, &mut rows);
        self.review_rows(&mut rows);
        rate_rows("in_scope", "cases", self.matches.in_scope, &mut rows);
        for (month, rate) in &self.matches.by_month {
            rate_rows(month, "asked", *rate, &mut rows);
        }
        let all: u64 = self.undelivered_alerts.values().sum();
        rows.push(Row::new("undelivered_alerts", "all", all));
        for (kind, count) in &self.undelivered_alerts {
            rows.push(Row::new("undelivered_alerts", kind.as_str(), count));
        }
        rows
    }

    fn case_rows(&self, rows: &mut Vec<Row>) {
        let cases = &self.cases;
        rows.extend(
            [
                ("all", cases.all),
                ("in_use", cases.in_use),
                ("deleted", cases.deleted),
                ("merged", cases.merged),
                ("erased", cases.erased),
                ("unreadable", cases.unreadable),
            ]
            .map(|(key, count)| Row::new("cases", key, count)),
        );
        let types = self.record_types.iter();
        rows.extend(types.map(|(kind, count)| Row::new("record_types", kind, count)));
    }

    fn number_rows(&self, rows: &mut Vec<Row>) {
        let with = self.with_number();
        rows.push(Row::new("numbers", "with", with));
        rows.push(Row::new("numbers", "without", self.cases.in_use.saturating_sub(with)));
        rows.extend(self.numbers.iter().map(|numbers| {
            let key = format!("{}:{}", numbers.source.as_str(), numbers.status.as_str());
            Row::new("numbers", key, numbers.count)
        }));
        rows.push(Row::new("numbers", "person_changed", self.person_changed));
    }

    fn completeness_rows(&self, rows: &mut Vec<Row>) {
        let complete = &self.completeness;
        rows.extend(
            [
                ("surname", complete.surname),
                ("forename", complete.forename),
                ("date_of_birth:full", complete.date_of_birth_full),
                ("date_of_birth:partial", complete.date_of_birth_partial),
                ("gender", complete.gender),
                ("gender:not_known", complete.gender_not_known),
                ("address", complete.address),
                ("postcode:valid", complete.postcode_valid),
                ("postcode:pseudo", complete.postcode_pseudo),
                ("postcode:unreadable", complete.postcode_unreadable),
                ("contradicted", complete.contradicted),
                ("surname:placeholder", complete.surname_placeholder),
                ("forename:placeholder", complete.forename_placeholder),
                ("date_of_birth:implausible", complete.date_of_birth_implausible),
                ("date_of_death:implausible", complete.date_of_death_implausible),
            ]
            .map(|(key, count)| Row::new("completeness", key, count)),
        );
    }

    fn review_rows(&self, rows: &mut Vec<Row>) {
        let review = &self.review;
        let open: u64 = review.open.iter().map(|items| items.count).sum();
        rows.push(Row::new("review", "open", open));
        rows.extend(review.open.iter().map(|items| {
            Row::new("review", format!("{}:{}", items.reason, items.state), items.count)
        }));
        let ages = &review.ages;
        rows.extend(
            [
                ("under_1_day", ages.under_1_day),
                ("days_1_to_7", ages.days_1_to_7),
                ("days_8_to_30", ages.days_8_to_30),
                ("days_31_to_90", ages.days_31_to_90),
                ("over_90_days", ages.over_90_days),
            ]
            .map(|(key, count)| Row::new("review_ages", key, count)),
        );
        rows.extend(review.oldest.map(|at| Row::new("review_ages", "oldest", rfc3339(at))));
    }
}

fn group_rows(section: &'static str, groups: &[Vec<CaseId>], rows: &mut Vec<Row>) {
    rows.push(Row::new(section, "groups", groups.len()));
    for (number, group) in (1_usize..).zip(groups) {
        rows.extend(group.iter().map(|id| Row::new(section, number.to_string(), id)));
    }
}

fn rate_rows(of: &str, asked: &str, rate: MatchRate, rows: &mut Vec<Row>) {
    let percent = rate.per_mille().map(|rate| format!("{}.{}", rate / 10, rate % 10));
    rows.push(Row::new("match_rate", format!("{of}:{asked}"), rate.of));
    rows.push(Row::new("match_rate", format!("{of}:matched"), rate.matched));
    rows.extend(percent.map(|rate| Row::new("match_rate", format!("{of}:percent"), rate)));
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A cell that no spreadsheet program runs as a formula.
fn quoted(text: &str) -> String {
    let text = cell(text);
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}
