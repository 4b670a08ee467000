//! The results as aligned Markdown tables.

use super::bounds::wilson;
use super::measure::Method;
use super::population::kind::{Kind, Mix};
use super::tally::{Counts, Tally};

/// A method in a mix, and its counts.
pub(crate) struct Line {
    pub(crate) mix: Mix,
    pub(crate) method: Method,
    pub(crate) tally: Tally,
}

/// Right, wrong, held and none of each method, with 95 % bounds.
pub(crate) fn summary(lines: &[Line]) -> String {
    let head = [
        "mix",
        "method",
        "cases",
        "findable",
        "right",
        "of 100 findable",
        "wrong",
        "wrong in 2,000",
        "held",
        "first is right",
        "none",
        "not asked",
        "calls a case",
    ];
    let rows = lines.iter().map(|line| {
        let Tally { all, .. } = &line.tally;
        vec![
            line.mix.as_str().to_owned(),
            line.method.title(),
            all.cases.to_string(),
            all.findable.to_string(),
            all.right.to_string(),
            bounded(all.right, all.findable, 100.0),
            all.wrong.to_string(),
            bounded(all.wrong, all.cases, 2_000.0),
            all.held.to_string(),
            all.held_first.to_string(),
            all.none.to_string(),
            all.not_asked.to_string(),
            format!("{:.2}", line.tally.calls_a_case()),
        ]
    });
    aligned(&head.map(str::to_owned), &rows.collect::<Vec<_>>())
}

/// A share with its bounds, out of `per`.
fn bounded(count: u64, total: u64, per: f64) -> String {
    let (low, high) = wilson(count, total);
    let share = per * count as f64 / total.max(1) as f64;
    format!("{share:.1} ({:.1}–{:.1})", per * low, per * high)
}

/// For each kind: right, wrong, held and none of each method.
pub(crate) fn by_kind(mix: Mix, lines: &[Line]) -> String {
    let of_mix: Vec<&Line> = lines.iter().filter(|line| line.mix == mix).collect();
    let Some(first) = of_mix.first() else { return String::new() };
    let mut head = vec!["group".to_owned(), "kind".to_owned(), "cases".to_owned()];
    head.extend(of_mix.iter().map(|line| line.method.title()));
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let Some(counts) = first.tally.by_kind.get(kind) else { continue };
        let mut row = vec![
            kind.group().as_str().to_owned(),
            kind.as_str().to_owned(),
            counts.cases.to_string(),
        ];
        row.extend(of_mix.iter().map(|line| {
            let Counts { right, wrong, held, none, not_asked, .. } =
                line.tally.by_kind.get(kind).copied().unwrap_or_default();
            format!("{right}/{wrong}/{held}/{}", none + not_asked)
        }));
        rows.push(row);
    }
    aligned(&head, &rows)
}

/// The numbers that were written unattended, with the bound of the wrong ones, beside the predicted risk.
pub(crate) fn writes(line: &Line) -> String {
    let tally = &line.tally;
    let (written, wrong) = (tally.all.written(), tally.all.wrong);
    let (_, high) = wilson(wrong, written);
    let predicted = if tally.with_risk == 0 {
        String::new()
    } else {
        let mean = tally.expected_wrong / tally.with_risk as f64;
        format!(" Predicted: {:.3} wrong, a risk of {mean:.1e} each.", tally.expected_wrong)
    };
    format!(
        "{}, {}: {written} numbers written unattended, {wrong} wrong; with 95 % confidence, the risk is at most {high:.1e} each.{predicted}",
        line.mix.as_str(),
        line.method.title(),
    )
}

/// What each step of the library's strategy adds and costs: the whole strategy, minus the strategy without the
/// step.
pub(crate) fn ablation(lines: &[Line]) -> String {
    let mut rows = Vec::new();
    for line in lines {
        let Some((service, without)) = line.method.without() else { continue };
        let whole = lines
            .iter()
            .find(|whole| whole.mix == line.mix && whole.method.service() == Some(service));
        let Some(whole) = whole else { continue };
        let (with, less) = (&whole.tally, &line.tally);
        let more =
            |of: fn(&Counts) -> u64| format!("{:+}", of(&with.all) as i64 - of(&less.all) as i64);
        rows.push(vec![
            line.mix.as_str().to_owned(),
            service.as_str().to_owned(),
            without.to_owned(),
            more(|all| all.right),
            more(|all| all.wrong),
            more(|all| all.held_first),
            more(|all| all.held),
            format!("{:+.2}", with.calls_a_case() - less.calls_a_case()),
        ]);
    }
    if rows.is_empty() {
        return String::new();
    }
    let head =
        ["mix", "service", "step", "right", "wrong", "held, right first", "held", "calls a case"];
    aligned(&head.map(str::to_owned), &rows)
}

/// The kinds with their shares.
pub(crate) fn kinds() -> String {
    let sum = |mix| Kind::ALL.iter().map(|kind| kind.weight(mix)).sum::<f64>();
    let (field, stress) = (sum(Mix::Field), sum(Mix::Stress));
    let head = ["group", "kind", "what is difficult", "field, %", "stress, %"].map(str::to_owned);
    let rows: Vec<Vec<String>> = Kind::ALL
        .iter()
        .map(|kind| {
            vec![
                kind.group().as_str().to_owned(),
                format!("`{}`", kind.as_str()),
                kind.means().to_owned(),
                format!("{:.2}", 100.0 * kind.weight(Mix::Field) / field),
                format!("{:.2}", 100.0 * kind.weight(Mix::Stress) / stress),
            ]
        })
        .collect();
    aligned(&head, &rows)
}

/// All counts of all kinds, for programs.
pub(crate) fn csv(lines: &[Line]) -> String {
    let mut text =
        "mix,method,kind,cases,findable,right,wrong,held,held_first,none,not_asked\n".to_owned();
    for line in lines {
        for (kind, counts) in &line.tally.by_kind {
            let Counts { cases, findable, right, wrong, held, held_first, none, not_asked } =
                counts;
            text.push_str(&format!(
                "{},{},{},{cases},{findable},{right},{wrong},{held},{held_first},{none},{not_asked}\n",
                line.mix.as_str(),
                line.method.name(),
                kind.as_str(),
            ));
        }
    }
    text
}

/// A Markdown table whose columns have one width each.
pub(crate) fn aligned(head: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(head.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            let blanks = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(blanks))
        });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(head) + &line(&rule);
    text.extend(rows.iter().map(|row| line(row)));
    text
}

#[cfg(test)]
mod tests {
    use super::super::ours::{ServiceKind, Variant};
    use super::*;

    #[test]
    fn a_step_adds_what_is_lost_without_it() {
        let line = |variant, right, calls| Line {
            mix: Mix::Field,
            method: Method::Ours(ServiceKind::Fhir, variant),
            tally: Tally {
                all: Counts { cases: 10, right, ..Counts::default() },
                calls,
                ..Tally::default()
            },
        };
        let without = Variant { without: "history" };
        let table = ablation(&[line(None, 8, 20), line(Some(without), 5, 14)]);
        assert!(table.contains("| history | +3 "), "{table}");
        assert!(table.contains("| +0.60 "), "{table}");
        assert_eq!(ablation(&[line(None, 8, 20)]), "");
    }

    #[test]
    fn the_bound_of_written_numbers_is_beside_the_predicted_risk() {
        let all = Counts { right: 300_000, ..Counts::default() };
        let mut tally = Tally { all, ..Tally::default() };
        let line = |tally: &Tally| Line {
            mix: Mix::National,
            method: Method::Ours(ServiceKind::Fhir, None),
            tally: tally.clone(),
        };
        let text = writes(&line(&tally));
        assert!(text.ends_with("300000 numbers written unattended, 0 wrong; with 95 % confidence, the risk is at most 1.3e-5 each."), "{text}");
        (tally.expected_wrong, tally.with_risk) = (0.3, 300_000);
        assert!(writes(&line(&tally)).ends_with("Predicted: 0.300 wrong, a risk of 1.0e-6 each."));
    }

    #[test]
    fn columns_are_aligned() {
        let head = ["a", "long"].map(str::to_owned);
        let rows = [vec!["é".to_owned(), "b".to_owned()], vec!["cd".to_owned(), "e".to_owned()]];
        assert_eq!(
            aligned(&head, &rows),
            "| a  | long |\n| -- | ---- |\n| é  | b    |\n| cd | e    |\n"
        );
    }

    #[test]
    fn the_page_has_the_kinds_and_their_shares() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/matching.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(&kinds()), "copy kinds.md of --out to docs/matching.md");
    }

    #[test]
    fn shares_of_all_kinds_sum_to_a_hundred() {
        let sum: f64 = kinds()
            .lines()
            .skip(2)
            .filter_map(|line| line.split('|').nth(4)?.trim().parse::<f64>().ok())
            .sum();
        assert!((sum - 100.0).abs() < 0.5, "{sum}");
    }
}
