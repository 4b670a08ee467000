//! `docs/clinical-safety.md`: ids, holders, evidence, reasons and settings exist, no score is set, and the list of
//! the rows that act is the decision table's.

use crate::documents::{missing_tests, page, spans, tests_among};
use crate::reliability::sources;
use chrono::TimeDelta;
use nhs_pds::case::{NumberStatus, ReviewReason};
use nhs_pds::process::{
    DeathEffect, NumberEffect, Policy, Requirement, ReviewEffect, Row, Schedule, TraceResult,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

const DOCUMENT: &str = "docs/clinical-safety.md";

/// The parts of a hazard that its author writes.
const WRITTEN: [&str; 4] = ["hazard", "causes", "effect on care", "harm"];

/// The parts of a hazard that only a clinical safety officer fills.
const RATINGS: [&str; 6] = [
    "initial severity",
    "initial likelihood",
    "initial risk",
    "residual severity",
    "residual likelihood",
    "residual risk",
];

#[derive(Default)]
struct Hazard<'a> {
    id: &'a str,
    title: &'a str,
    parts: BTreeMap<&'a str, &'a str>,
    controls: Vec<Control<'a>>,
}

struct Control<'a> {
    id: &'a str,
    kind: &'a str,
    text: &'a str,
    holder: &'a str,
    evidence: &'a str,
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// The text between a heading and the next heading of the same depth.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {title}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The rows of the tables of a section, without their headings.
fn table<'a>(page: &'a str, title: &str) -> Vec<Vec<&'a str>> {
    let rows: Vec<_> = section(page, title).lines().filter_map(cells).collect();
    rows.into_iter().skip(2).collect()
}

fn hazards(page: &str) -> Vec<Hazard<'_>> {
    let mut hazards: Vec<Hazard<'_>> = Vec::new();
    for line in section(page, "Hazard log").lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            let (id, title) = heading.split_once(' ').unwrap();
            hazards.push(Hazard { id, title, ..Hazard::default() });
        }
        let Some(hazard) = hazards.last_mut() else { continue };
        match cells(line).unwrap_or_default().as_slice() {
            [part, text] if *part != "part" && *part != "---" => {
                let earlier = hazard.parts.insert(part, text);
                assert!(earlier.is_none(), "{} has the part {part} twice", hazard.id);
            }
            [id, kind, text, holder, evidence] if id.starts_with('H') => {
                assert!(!text.is_empty(), "{id} does not say what it does");
                hazard.controls.push(Control { id, kind, text, holder, evidence });
            }
            _ => {}
        }
    }
    hazards
}

#[test]
fn hazards_are_numbered_without_a_gap() {
    let page = page(DOCUMENT);
    let hazards = hazards(&page);
    assert!(hazards.len() >= 14, "only {} hazards", hazards.len());
    for (hazard, place) in hazards.iter().zip(1..) {
        assert_eq!(hazard.id, format!("H{place}"));
        for part in WRITTEN {
            assert!(
                hazard.parts.get(part).is_some_and(|text| !text.is_empty()),
                "{part} of H{place}"
            );
        }
        let status = hazard.parts.get("status").copied().unwrap_or_default();
        assert!(["open", "transferred", "closed"].contains(&status), "status of H{place}");
        for (control, number) in hazard.controls.iter().zip(1..) {
            assert_eq!(control.id, format!("H{place}.{number}"));
        }
    }
}

#[test]
fn no_score_is_set() {
    let page = page(DOCUMENT);
    for hazard in hazards(&page) {
        for part in RATINGS {
            assert_eq!(hazard.parts.get(part), Some(&""), "{part} of {}", hazard.id);
        }
    }
}

#[test]
fn every_control_has_a_holder_and_those_of_the_library_a_test() {
    let page = page(DOCUMENT);
    for hazard in hazards(&page) {
        let mut holders = BTreeSet::new();
        for Control { id, kind, holder, evidence, .. } in hazard.controls {
            let kinds = ["design", "test", "training", "business process"];
            assert!(kinds.contains(&kind), "the kind of {id}");
            holders.insert(holder);
            match holder {
                // That they exist is the next test.
                "library" => {
                    let spans = spans(evidence);
                    assert!(!tests_among(&spans).is_empty(), "{id} has no test");
                }
                "vendor" | "deployer" => assert_eq!(evidence, format!("of the {holder}"), "{id}"),
                _ => panic!("{id} has no holder"),
            }
        }
        assert!(holders.contains("library"), "{} has no control of the library", hazard.id);
        assert!(holders.len() > 1, "{} has no control outside the library", hazard.id);
    }
}

#[test]
fn every_named_test_exists() {
    let spans = spans(&page(DOCUMENT));
    let named = tests_among(&spans);
    assert!(named.len() > 80, "only {} are named", named.len());
    assert_eq!(missing_tests(&named), [""; 0]);
    for folder in spans.iter().filter(|span| span.starts_with("tests/")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).exists(), "{folder}");
    }
}

#[test]
fn every_hazard_that_is_referred_to_exists() {
    let page = page(DOCUMENT);
    let known: BTreeSet<&str> = hazards(&page).iter().map(|hazard| hazard.id).collect();
    let mut referred = BTreeSet::new();
    for word in page.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let digits = word.strip_prefix('H').unwrap_or_default();
        if digits.starts_with(|digit: char| digit.is_ascii_digit()) {
            assert!(known.contains(word), "there is no hazard {word}");
            referred.insert(word);
        }
    }
    let duties = section(&page, "What a deployment must do under DCB0160");
    for hazard in known {
        let is_named = duties.split([' ', ',', '|']).any(|word| word == hazard);
        let is_deployers = hazards(&page).iter().any(|other| {
            other.id == hazard && other.controls.iter().any(|one| one.holder == "deployer")
        });
        assert!(is_named || !is_deployers, "no duty of a deployment names {hazard}");
    }
    assert!(referred.len() >= 14, "only {} are referred to", referred.len());
}

/// The hazards that a row must not cause, by what it does. Empty for a row that acts on no person.
fn hazards_of(row: Row) -> BTreeSet<u32> {
    let effects = row.effects();
    let mut hazards = BTreeSet::new();
    match effects.number {
        NumberEffect::Keep => {}
        NumberEffect::Write => hazards.extend([1, 4, 5]),
        NumberEffect::Confirm => hazards.extend([1, 3]),
        NumberEffect::Mark(NumberStatus::Superseded | NumberStatus::Invalid) => hazards.extend([7]),
        _ => hazards.extend([3]),
    }
    if effects.date_of_death != DeathEffect::No {
        hazards.insert(9);
    }
    if effects.flag_others {
        hazards.insert(6);
    }
    let is_replaced = effects.review == ReviewEffect::Open(ReviewReason::Replaced);
    if is_replaced || row.requirement() == Requirement::Successor {
        hazards.insert(7);
    }
    if !hazards.is_empty() && effects.result == TraceResult::Stale {
        hazards.insert(3);
    }
    hazards
}

fn rows_that_act() -> String {
    let mut text = String::from(
        "| row | evidence | number | date of death | others flagged | hazards |\n|---|---|---|---|---|---|\n",
    );
    for row in Row::ALL {
        let hazards = hazards_of(*row);
        if hazards.is_empty() {
            continue;
        }
        let effects = row.effects();
        let hazards: Vec<String> = hazards.iter().map(|hazard| format!("H{hazard}")).collect();
        let _ = writeln!(
            text,
            "| `{row}` | {} | {} | {} | {} | {} |",
            row.requirement(),
            effects.number,
            effects.date_of_death,
            if effects.flag_others { "yes" } else { "–" },
            hazards.join(", "),
        );
    }
    text
}

fn overview(hazards: &[Hazard<'_>]) -> String {
    let mut text = String::from(
        "| hazard | controls of the library | of the vendor | of the deployer | tests named |\n|---|---|---|---|---|\n",
    );
    for Hazard { id, title, controls, .. } in hazards {
        let [library, vendor, deployer] = ["library", "vendor", "deployer"]
            .map(|holder| controls.iter().filter(|control| control.holder == holder).count());
        let named: BTreeSet<String> =
            controls.iter().flat_map(|control| spans(control.evidence)).collect();
        let tests = named.len();
        let _ = writeln!(text, "| {id} {title} | {library} | {vendor} | {deployer} | {tests} |");
    }
    text
}

fn transferred(hazards: &[Hazard<'_>]) -> String {
    let mut text =
        String::from("| control | holder | kind | what must be done |\n|---|---|---|---|\n");
    let controls = hazards.iter().flat_map(|hazard| &hazard.controls);
    for Control { id, kind, text: what, holder, .. } in
        controls.filter(|one| one.holder != "library")
    {
        let _ = writeln!(text, "| {id} | {holder} | {kind} | {what} |");
    }
    text
}

/// The page with the text of one generated list replaced.
fn with_list(page: &str, name: &str, list: &str) -> String {
    let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = page.split_once(&start).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{start}{list}{end}{after}")
}

#[test]
fn the_lists_are_those_of_the_decision_table_and_of_the_hazard_log() {
    let page = page(DOCUMENT);
    let hazards = hazards(&page);
    let updated = with_list(&page, "overview", &overview(&hazards));
    let updated = with_list(&updated, "transferred", &transferred(&hazards));
    let updated = with_list(&updated, "rows", &rows_that_act());
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT), &updated).unwrap();
    }
    let written = self::page(DOCUMENT);
    assert!(written == updated, "run this test with UPDATE_DOCS=1 and read what has changed");
}

#[test]
fn every_row_that_writes_or_confirms_is_listed_with_evidence_and_hazards() {
    let page = page(DOCUMENT);
    let listed: BTreeMap<String, Vec<&str>> = table(&page, "Rows that act")
        .into_iter()
        .map(|cells| (cells[0].trim_matches('`').to_owned(), cells))
        .collect();
    for row in Row::ALL {
        let effects = row.effects();
        let is_of_number = matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
        let is_of_death = effects.date_of_death != DeathEffect::No;
        if is_of_number || is_of_death {
            let cells = listed.get(row.as_str()).unwrap_or_else(|| panic!("{row} is not listed"));
            assert_ne!(cells[1], "–", "{row} acts without evidence");
            assert_eq!(is_of_number, cells[5].contains("H1") || cells[5].contains("H3"), "{row}");
            assert_eq!(is_of_death, cells[5].contains("H9"), "{row}");
        }
    }
}

#[test]
fn every_reason_exists_and_every_reason_of_a_row_is_explained() {
    let page = page(DOCUMENT);
    let mut explained = BTreeSet::new();
    for cells in table(&page, "Review items") {
        assert!(cells.iter().all(|cell| !cell.is_empty()));
        for reason in spans(cells[0]) {
            let parsed: ReviewReason =
                reason.parse().unwrap_or_else(|_| panic!("{reason} is none"));
            assert!(explained.insert(parsed), "{reason} is explained twice");
        }
    }
    for row in Row::ALL {
        if let ReviewEffect::Open(reason) = row.effects().review {
            assert!(explained.contains(&reason), "{row} opens {reason}");
        }
    }
    let differs = explained.iter().filter(|reason| matches!(reason, ReviewReason::Differs(_)));
    assert_eq!(differs.count(), nhs_pds::demographics::Field::ALL.len());
    assert!(explained.contains(&ReviewReason::Unconfirmed));
}

/// Whether `room::Type::item` is public in the source.
fn is_public(setting: &str) -> bool {
    let parts: Vec<&str> = setting.split("::").collect();
    let [room, .., owner, item] = parts.as_slice() else { return false };
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut files);
    files.iter().map(|file| fs::read_to_string(file).unwrap()).any(|text| {
        let has_owner = text.contains(&format!("pub struct {owner}"));
        let forms =
            [format!("pub fn {item}("), format!("pub const fn {item}("), format!("pub {item}: ")];
        has_owner && forms.iter().any(|form| text.contains(form))
    })
}

#[test]
fn every_setting_and_every_option_exists() {
    let page = page(DOCUMENT);
    let commands = self::page("docs/commands.md");
    let settings = table(&page, "Settings that matter to safety");
    assert!(settings.len() > 15, "only {} settings", settings.len());
    for cells in settings {
        let setting = cells[0].trim_matches('`');
        assert!(is_public(setting), "there is no {setting}");
        if cells[1] != "–" {
            let option = cells[1].trim_matches('`');
            let named = |line: &str| {
                let first = line.split('|').nth(1).unwrap_or_default();
                spans(first).iter().any(|span| span.split(' ').next() == Some(option))
            };
            assert!(commands.lines().any(named), "there is no option {option}");
        }
        assert!(cells[4].starts_with('H'), "{setting} has no hazard");
    }
}

fn in_words(time: TimeDelta) -> String {
    let (count, unit) = match time {
        time if time.num_days() > 0 => (time.num_days(), "day"),
        time if time.num_hours() > 0 => (time.num_hours(), "hour"),
        time => (time.num_minutes(), "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[test]
fn defaults_and_limits_are_those_of_the_code() {
    let page = page(DOCUMENT);
    let settings = table(&page, "Settings that matter to safety");
    let policy = Policy::default();
    let days: Vec<String> = policy.waits.iter().map(|wait| wait.num_days().to_string()).collect();
    let in_a_row = |count: u32| format!("{count} in a row");
    for (setting, expected) in [
        ("reverification", policy.reverification.map_or_else(|| "none".to_owned(), in_words)),
        ("waits", format!("{} days", days.join(", "))),
        ("stale_wait", in_words(policy.stale_wait)),
        ("refusal_wait", in_words(policy.refusal_wait)),
        ("retry_wait", in_words(policy.retry_wait)),
        ("longest_retry_wait", in_words(policy.longest_retry_wait)),
        ("unanswered_limit", in_a_row(policy.unanswered_limit)),
        ("unreadable_limit", in_a_row(policy.unreadable_limit)),
    ] {
        let name = format!("`process::Policy::{setting}`");
        let row = settings.iter().find(|cells| cells[0] == name);
        assert_eq!(row.map(|cells| cells[2]), Some(&*expected), "{setting}");
    }
    let minutes = |count: u64| Schedule::every(Duration::from_secs(count * 60));
    assert!(minutes(30).is_ok() && minutes(31).is_err());
    let every = settings.iter().find(|cells| cells[0] == "`process::Schedule::every`");
    assert_eq!(every.map(|cells| cells[3]), Some("at most 30 minutes"));
}
