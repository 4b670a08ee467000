//! The figures of a count as lists and plots.

use crate::app::App;
use crate::pages::quality::chart::{Bars, Trend, Value, day, per_mille, percent, shown_per_mille};
use crate::view;
use crate::words;
use nhs_pds::case::ReviewReason;
use nhs_pds::report::Figures;
use std::collections::BTreeMap;

/// The share of cases in scope with a traced number that CP-IS requires, in thousandths.
const REQUIRED: u64 = 950;

/// How many counts the table of trends shows. The file has all.
const ROWS: usize = 30;

/// A figure with its name.
pub(super) struct Figure {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
}

/// One count, in the table of trends.
pub(super) struct TrendRow {
    pub(super) at: String,
    pub(super) cases: String,
    pub(super) rate: String,
    pub(super) without: String,
    pub(super) open: String,
}

/// The figures that matter most.
pub(super) fn headline(figures: &Figures) -> Vec<Figure> {
    let (of, matched) = in_scope(figures);
    let rate = per_mille(matched, of);
    let is_enough = match rate {
        Some(rate) if rate >= REQUIRED => "Meets the 95 % that CP-IS requires.",
        Some(_) => "Below the 95 % that CP-IS requires.",
        None => "No case must be traced.",
    };
    let oldest = figures.oldest_item.map_or("None is open.".to_owned(), |at| {
        format!("The oldest has been open for {}.", view::length(figures.at - at))
    });
    let groups = figures.count("duplicates_by_number:groups")
        + figures.count("duplicates_by_particulars:groups");
    let mut all = vec![
        Figure {
            label: "Active cases",
            value: view::count(figures.count("cases:in_use")),
            note: format!(
                "{} in all, deleted and merged ones too.",
                view::count(figures.count("cases:all"))
            ),
        },
        Figure {
            label: "Match rate",
            value: rate.map_or("none".to_owned(), shown_per_mille),
            note: format!(
                "{} of {} that must be traced have a traced NHS Number. {is_enough}",
                view::count(matched),
                view::counted(of, "case", "cases"),
            ),
        },
        Figure {
            label: "Open items on the worklist",
            value: view::count(figures.count("review:open")),
            note: oldest,
        },
        Figure {
            label: "Groups of possible duplicates",
            value: view::count(groups),
            note:
                "Cases with the same NHS Number, or with the same name, date of birth and gender."
                    .to_owned(),
        },
    ];
    let unreadable = figures.count("cases:unreadable");
    if unreadable > 0 {
        let note = "Problem: no other figure counts them. Have the database checked.".to_owned();
        all.push(Figure {
            label: "Cases that cannot be read",
            value: view::count(unreadable),
            note,
        });
    }
    all
}

/// How many cases must be traced, and how many of them have a traced number.
fn in_scope(figures: &Figures) -> (u64, u64) {
    (figures.count("match_rate:in_scope:cases"), figures.count("match_rate:in_scope:matched"))
}

/// The plots of a count.
pub(super) fn plots(app: &App, figures: &Figures) -> Vec<Bars> {
    let cases = figures.count("cases:in_use");
    let mut plots = vec![numbers(figures, cases), completeness(figures, cases), faults(figures)];
    let of_reasons = reasons(app, figures);
    let open = figures.count("review:open");
    let items = view::counted(open, "item is open", "items are open");
    plots.push(Bars::of_counts(
        "reasons",
        "Open items by reason",
        "Items",
        format!("{items}. Each reason leads to its items on the worklist."),
        of_reasons,
    ));
    plots.push(ages(figures));
    plots
}

fn numbers(figures: &Figures, cases: u64) -> Bars {
    let traced = figures.count("numbers:traced:usable");
    let with = figures.count("numbers:with");
    let without = figures.count("numbers:without");
    Bars::of_shares(
        "numbers",
        "NHS Numbers",
        "Cases",
        format!(
            "{} of the active cases have a traced NHS Number that can be used.",
            percent(traced, cases)
        ),
        (
            vec![
                Value::new("Traced, and can be used", traced),
                Value::new("Not traced, or in doubt", with.saturating_sub(traced)),
                Value::new("No NHS Number", without),
            ],
            cases,
        ),
    )
}

fn completeness(figures: &Figures, cases: u64) -> Bars {
    let values = [
        ("Surname", "surname"),
        ("Forename", "forename"),
        ("Full date of birth", "date_of_birth:full"),
        ("Gender", "gender"),
        ("Address", "address"),
        ("Valid postcode", "postcode:valid"),
    ];
    let values =
        values.map(|(label, key)| Value::new(label, figures.count(&format!("completeness:{key}"))));
    let least = values.iter().min_by_key(|value| value.count);
    let least = least.map_or(String::new(), |value| {
        format!(
            "Recorded least often: {}, in {} of the active cases.",
            value.label.to_lowercase(),
            percent(value.count, cases)
        )
    });
    Bars::of_shares("completeness", "Recorded fields", "Cases", least, (values.into(), cases))
}

fn faults(figures: &Figures) -> Bars {
    let values = [
        ("Surname is a placeholder", "completeness:surname:placeholder"),
        ("Forename is a placeholder", "completeness:forename:placeholder"),
        ("Date of birth is incomplete", "completeness:date_of_birth:partial"),
        ("Date of birth is not plausible", "completeness:date_of_birth:implausible"),
        ("Date of death is not plausible", "completeness:date_of_death:implausible"),
        ("Postcode cannot be read", "completeness:postcode:unreadable"),
        ("Postcode is a pseudo-postcode", "completeness:postcode:pseudo"),
        ("Gender is not known", "completeness:gender:not_known"),
        ("Data contradict themselves", "completeness:contradicted"),
        ("Person changed since the trace", "numbers:person_changed"),
    ];
    let values = values.map(|(label, key)| Value::new(label, figures.count(key)));
    let summary = match values.iter().max_by_key(|value| value.count) {
        Some(most) if most.count > 0 => {
            let cases = view::counted(most.count, "case", "cases");
            format!("Most frequent: {}, in {cases}.", most.label.to_lowercase())
        }
        _ => "No fault was found.".to_owned(),
    };
    Bars::of_counts("faults", "Faults in the data", "Cases", summary, values.into())
}

/// Open items by reason, whatever their state, the most first. Each leads to its items.
fn reasons(app: &App, figures: &Figures) -> Vec<Value> {
    let mut counts = BTreeMap::<&str, u64>::new();
    for (key, count) in figures.section("review").filter(|(key, _)| *key != "open") {
        // The state is behind the last colon: a reason may have one of its own.
        let reason = key.rsplit_once(':').map_or(key, |(reason, _)| reason);
        *counts.entry(reason).or_default() += count;
    }
    let mut values: Vec<Value> = counts
        .into_iter()
        .map(|(word, count)| {
            let reason = word.parse::<ReviewReason>();
            let label = reason.map_or("Another reason", words::reason);
            let href = app.path(&format!("/worklist?reason={word}"));
            Value { label: label.to_owned(), count, href: Some(href) }
        })
        .collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.count));
    values
}

fn ages(figures: &Figures) -> Bars {
    let values = [
        ("Less than a day", "under_1_day"),
        ("1 to 7 days", "days_1_to_7"),
        ("8 to 30 days", "days_8_to_30"),
        ("31 to 90 days", "days_31_to_90"),
        ("More than 90 days", "over_90_days"),
    ];
    let values =
        values.map(|(label, key)| Value::new(label, figures.count(&format!("review_ages:{key}"))));
    let old = figures.count("review_ages:over_90_days");
    let summary = format!(
        "{} open for more than 90 days.",
        view::counted(old, "item has been", "items have been")
    );
    Bars::of_counts("ages", "Open items by age", "Items", summary, values.into())
}

/// The lines over time.
pub(super) fn trends(history: &[Figures]) -> Vec<Trend> {
    let over = |value: &dyn Fn(&Figures) -> Option<u64>| -> Vec<_> {
        history.iter().filter_map(|figures| Some((figures.at, value(figures)?))).collect()
    };
    let rate = over(&|figures| {
        let (of, matched) = in_scope(figures);
        per_mille(matched, of)
    });
    let without = over(&|figures| Some(without_number(figures)));
    let open = over(&|figures| Some(figures.count("review:open")));
    [
        Trend::of("trend-rate", "Match rate", &rate, shown_per_mille),
        Trend::of("trend-without", "Active cases without an NHS Number", &without, view::count),
        Trend::of("trend-open", "Open items", &open, view::count),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn without_number(figures: &Figures) -> u64 {
    figures.count("cases:in_use").saturating_sub(figures.count("numbers:with"))
}

/// The latest counts, the newest first.
pub(super) fn rows(history: &[Figures]) -> Vec<TrendRow> {
    let row = |figures: &Figures| {
        let (of, matched) = in_scope(figures);
        TrendRow {
            at: day(figures.at),
            cases: view::count(figures.count("cases:in_use")),
            rate: percent(matched, of),
            without: view::count(without_number(figures)),
            open: view::count(figures.count("review:open")),
        }
    };
    history.iter().rev().take(ROWS).map(row).collect()
}
