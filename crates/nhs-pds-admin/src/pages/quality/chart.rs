//! Plots, as shapes with sizes. The template writes them as SVG; each plot is also a table.

use crate::view;
use chrono::{DateTime, Utc};

/// The width of a plot.
#[cfg(test)]
const WIDTH: u64 = 640;

/// Where bars begin, and how long the longest is.
const LEFT: u64 = 250;
const LONGEST: u64 = 280;

/// The height of a bar with its gap.
const STEP: u64 = 30;

/// One bar.
pub(crate) struct Bar {
    pub(crate) label: String,
    /// The value as it is shown.
    pub(crate) value: String,
    /// The place from the top.
    pub(crate) y: u64,
    /// The baseline of the texts.
    pub(crate) text_y: u64,
    pub(crate) width: u64,
    /// Where the value is written.
    pub(crate) value_x: u64,
    /// Where the details are, if there is such a page.
    pub(crate) href: Option<String>,
}

/// A bar chart.
pub(crate) struct Bars {
    /// The id of its parts in the page.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the chart says, in a sentence.
    pub(crate) summary: String,
    /// What the bars count.
    pub(crate) unit: &'static str,
    pub(crate) height: u64,
    pub(crate) bars: Vec<Bar>,
}

/// One value of a bar chart: the label, the count, and the page with the details.
pub(super) struct Value {
    pub(super) label: String,
    pub(super) count: u64,
    pub(super) href: Option<String>,
}

impl Value {
    pub(super) fn new(label: impl Into<String>, count: u64) -> Self {
        Self { label: label.into(), count, href: None }
    }
}

impl Bars {
    /// Counts, the longest bar for the largest.
    pub(super) fn of_counts(
        id: &'static str,
        title: &'static str,
        unit: &'static str,
        summary: String,
        values: Vec<Value>,
    ) -> Self {
        let most = values.iter().map(|value| value.count).max().unwrap_or_default();
        let shown = |value: &Value| view::count(value.count);
        Self::build((id, title, unit, summary), values, most, shown)
    }

    /// Shares of `of`, in per cent; the longest bar is all.
    pub(super) fn of_shares(
        id: &'static str,
        title: &'static str,
        unit: &'static str,
        summary: String,
        (values, of): (Vec<Value>, u64),
    ) -> Self {
        let shown =
            |value: &Value| format!("{} ({})", percent(value.count, of), view::count(value.count));
        Self::build((id, title, unit, summary), values, of, shown)
    }

    fn build(
        (id, title, unit, summary): (&'static str, &'static str, &'static str, String),
        values: Vec<Value>,
        most: u64,
        shown: impl Fn(&Value) -> String,
    ) -> Self {
        let bar = |(place, value): (u64, Value)| {
            let width = scaled(value.count, most, LONGEST);
            let y = place * STEP + 6;
            Bar {
                value: shown(&value),
                label: value.label,
                y,
                text_y: y + 15,
                width,
                value_x: LEFT + width + 8,
                href: value.href,
            }
        };
        let bars: Vec<Bar> = (0..).zip(values).map(bar).collect();
        Self { id, title, summary, unit, height: bars.len() as u64 * STEP + 12, bars }
    }
}

/// The height of a line chart, and its area for lines.
const HEIGHT: u64 = 220;
const TOP: u64 = 16;
const BOTTOM: u64 = 180;
const BEGIN: u64 = 70;
const END: u64 = 620;

/// One point of a line.
pub(crate) struct Point {
    pub(crate) x: u64,
    pub(crate) y: u64,
}

/// A line over time. One line in each chart, so no colour tells lines apart.
pub(crate) struct Trend {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) summary: String,
    pub(crate) height: u64,
    /// The points as an attribute.
    pub(crate) path: String,
    pub(crate) points: Vec<Point>,
    /// The labels of the axis: the place and the text.
    pub(crate) ticks: Vec<(u64, String)>,
    pub(crate) first: String,
    pub(crate) last: String,
}

/// The most points that are marked.
const MARKED: usize = 60;

impl Trend {
    /// A line through the values, the oldest first. `show` writes a value. `None` for fewer than two values.
    pub(super) fn of(
        id: &'static str,
        title: &'static str,
        values: &[(DateTime<Utc>, u64)],
        show: impl Fn(u64) -> String,
    ) -> Option<Self> {
        let [first, .., last] = values else { return None };
        let most = values.iter().map(|(_, value)| *value).max().unwrap_or_default().max(1);
        let least = values.iter().map(|(_, value)| *value).min().unwrap_or_default();
        // A line that hardly changes must not look like a jump: the axis begins at zero.
        let span = (last.0 - first.0).num_seconds().max(1);
        let x = |at: DateTime<Utc>| {
            let since = u64::try_from((at - first.0).num_seconds()).unwrap_or_default();
            BEGIN + scaled(since, span.unsigned_abs(), END - BEGIN)
        };
        let y = |value: u64| BOTTOM - scaled(value, most, BOTTOM - TOP);
        let points: Vec<Point> =
            values.iter().map(|(at, value)| Point { x: x(*at), y: y(*value) }).collect();
        let path = points.iter().map(|point| format!("{},{}", point.x, point.y));
        let path = path.collect::<Vec<_>>().join(" ");
        let summary = format!(
            "From {} on {} to {} on {}. Lowest {}, highest {}, in {}.",
            show(first.1),
            day(first.0),
            show(last.1),
            day(last.0),
            show(least),
            show(values.iter().map(|(_, value)| *value).max().unwrap_or_default()),
            view::counted(values.len() as u64, "count", "counts"),
        );
        let ticks = [0, most.div_ceil(2), most].map(|value| (y(value), show(value)));
        let mut ticks = ticks.to_vec();
        ticks.dedup();
        let points = if points.len() > MARKED { Vec::new() } else { points };
        let (first, last) = (day(first.0), day(last.0));
        Some(Self { id, title, summary, height: HEIGHT, path, points, ticks, first, last })
    }
}

/// The day in London.
pub(super) fn day(at: DateTime<Utc>) -> String {
    nhs_pds::demographics::london_time(at).format("%-d %B %Y").to_string()
}

/// `value` of `most`, as a part of `whole`.
fn scaled(value: u64, most: u64, whole: u64) -> u64 {
    let part = u128::from(value.min(most)) * u128::from(whole);
    let part = part.checked_div(u128::from(most)).unwrap_or_default();
    u64::try_from(part).unwrap_or(whole)
}

/// A share in per cent with one decimal, rounded down, so that 94.96 % is not shown as 95 %.
pub(super) fn percent(part: u64, of: u64) -> String {
    per_mille(part, of).map_or("none".to_owned(), shown_per_mille)
}

/// A share in thousandths, rounded down; `None` of nothing.
pub(super) fn per_mille(part: u64, of: u64) -> Option<u64> {
    part.saturating_mul(1000).checked_div(of)
}

/// Thousandths in per cent.
pub(super) fn shown_per_mille(rate: u64) -> String {
    format!("{}.{} %", rate / 10, rate % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn the_longest_bar_is_the_largest_count_and_bars_do_not_leave_the_plot() {
        let values = [0, 5, u64::MAX, 10].map(|count| Value::new("x", count));
        let bars = Bars::of_counts("a", "A", "cases", String::new(), values.into());
        let widths: Vec<u64> = bars.bars.iter().map(|bar| bar.width).collect();
        assert_eq!(widths, [0, 0, LONGEST, 0]);
        assert!(bars.bars.iter().all(|bar| bar.value_x < WIDTH));
        let none = Bars::of_counts("a", "A", "cases", String::new(), vec![Value::new("x", 0)]);
        assert_eq!(none.bars[0].width, 0);
    }

    #[test]
    fn shares_are_rounded_down() {
        assert_eq!(percent(9_496, 10_000), "94.9 %");
        assert_eq!(percent(0, 0), "none");
        let bars = Bars::of_shares("a", "A", "cases", String::new(), (vec![Value::new("x", 1)], 4));
        assert_eq!((bars.bars[0].width, &*bars.bars[0].value), (LONGEST / 4, "25.0 % (1)"));
    }

    #[test]
    fn a_trend_begins_at_zero_and_needs_two_counts() {
        let at = |day| DateTime::UNIX_EPOCH + TimeDelta::days(day);
        assert!(Trend::of("a", "A", &[(at(0), 5)], view::count).is_none());
        let trend = Trend::of("a", "A", &[(at(0), 50), (at(5), 75), (at(10), 100)], view::count);
        let trend = trend.unwrap();
        assert_eq!(trend.path, "70,98 345,57 620,16");
        assert!(trend.summary.starts_with("From 50 on 1 January 1970 to 100 on 11 January 1970."));
        assert_eq!(trend.ticks[0], (BOTTOM, "0".to_owned()));
        let same = Trend::of("a", "A", &[(at(0), 0), (at(0), 0)], view::count).unwrap();
        assert_eq!(same.path, "70,180 70,180");
    }
}
