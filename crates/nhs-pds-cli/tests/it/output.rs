//! `--json`, exit codes, help, completions and the manual.

use crate::command::{nhs_pds, root, run};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

#[test]
fn check_as_json() {
    let lines = "943 476 5919\n9434765918\nx\u{1b}[2J\u{202e}\n";
    let done = run(&["check", "--json"], lines, &BTreeMap::new());
    assert_eq!(done.code, 1);
    assert!(!done.out.contains(['\u{1b}', '\u{202e}']), "{:?}", done.out);
    let checked = done.json_lines();
    let valid = json!({"line": "943 476 5919", "valid": true, "nhs_number": "9434765919"});
    assert_eq!(checked[0], valid);
    assert_eq!(checked[1]["valid"], false);
    assert!(checked[1]["reason"].as_str().unwrap().contains("check digit"));
    assert_eq!(checked[2]["line"], "x\u{1b}[2J\u{202e}");
}

#[test]
fn trace_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results.csv");
    let results = results.to_str().unwrap();
    let done = nhs_pds(&["trace", "examples/data/caseload.csv", "--results", results, "--json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let traced = done.json();
    assert_eq!(done.err, "", "no progress bar without a terminal");
    assert_eq!(traced["cases_read"], 240);
    assert_eq!(traced["results"], results);
    let number = |value: &Value| value.as_u64().unwrap();
    let outcomes = traced["outcomes"].as_object().unwrap();
    assert_eq!(outcomes.values().map(number).sum::<u64>(), number(&traced["eligible"]));
    let ineligible = traced["ineligible"].as_object().unwrap();
    let ineligible = ineligible.values().map(number).sum::<u64>();
    assert_eq!(ineligible + number(&traced["eligible"]), number(&traced["seen"]));
    let rows = fs::read_to_string(results).unwrap();
    assert_eq!(rows.lines().count() as u64, 1 + number(&traced["seen"]));
}

/// A store after a run of the worker.
fn worked(folder: &tempfile::TempDir) -> String {
    let db = folder.path().join("cases.sqlite").to_str().unwrap().to_owned();
    let caseload = "examples/data/caseload.csv";
    let done = nhs_pds(&["worker", "--db", &db, "--import", caseload, "--once"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.starts_with("worker: imported 240 new"), "{}", done.err);
    assert!(!done.err.contains(['\r', '\u{1b}']), "no progress bar without a terminal");
    db
}

#[test]
fn review_audit_and_report_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let db = worked(&folder);

    let listed = nhs_pds(&["review", "--db", &db, "list"]);
    let items = nhs_pds(&["review", "--db", &db, "list", "--json"]).json_lines();
    assert_eq!(items.len(), listed.out.lines().count());
    for (item, line) in items.iter().zip(listed.out.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let shown = [&item["case"], &item["reason"], &item["state"]].map(|v| v.as_str().unwrap());
        assert_eq!(shown, [words[0], words[2], words[3]]);
        assert_eq!(item["item"].to_string(), words[1]);
    }
    let item = items.iter().find(|item| item["reason"] == "unconfirmed").unwrap();
    let (case, number) = (item["case"].as_str().unwrap(), item["item"].to_string());
    let shown = nhs_pds(&["review", "--db", &db, "show", case, &number, "--json"]).json();
    assert_eq!(shown["case"], case);
    assert_eq!(shown["item"]["reason"], "unconfirmed");
    assert_eq!(shown["comparison"].as_array().unwrap().len(), 7);
    assert!(shown["comparison"][0]["weight"].is_string());
    let candidates = shown["candidates"].as_array().unwrap();
    assert!(!candidates.is_empty());
    for candidate in candidates {
        assert!(candidate["risk"].is_f64() && candidate["can_be_accepted"] == true);
        assert_eq!(candidate["fields"].as_array().unwrap().len(), 8);
        assert!(candidate["fields"][0]["agreement"].is_string());
    }

    let verified = nhs_pds(&["audit", "--db", &db, "verify", "--json"]).json();
    let text = nhs_pds(&["audit", "--db", &db, "verify"]).out;
    let head = verified["head"].as_str().unwrap();
    assert_eq!(text, format!("whole: {} events, head {head}\n", verified["events"]));
    assert_eq!((&verified["whole"], &verified["broken_at"]), (&json!(true), &Value::Null));
    let query = ["audit", "--db", &db, "query", "--case", case, "--limit", "3"];
    let lines = nhs_pds(&query).out;
    let events = nhs_pds(&[&query[..], &["--json"]].concat()).json_lines();
    assert_eq!(events.len(), 3);
    for (event, line) in events.iter().zip(lines.lines()) {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(event["seq"].to_string(), fields[0]);
        assert_eq!(event["at"], fields[1]);
        assert_eq!(event["kind"], fields[2]);
        assert_eq!(event["actor"]["user_id"], fields[3]);
        assert_eq!(event["case"], case);
    }

    let report = nhs_pds(&["report", "--db", &db, "--json"]);
    assert_eq!(report.code, 0, "{}", report.err);
    assert!(report.json().is_object());
}

#[test]
fn compare_as_json() {
    let done = nhs_pds(&["compare", "--json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let compared = done.json();
    let comparison = &compared["comparison"];
    assert_eq!(comparison["compared"], true);
    let count = |value: &Value| value.as_array().unwrap().len() as u64;
    let number = |value: &Value| value.as_u64().unwrap();
    let counted = comparison["counts"].as_array().unwrap().iter().map(|row| number(&row["cases"]));
    assert_eq!(counted.sum::<u64>(), number(&comparison["traced"]));
    let differing = count(&comparison["differences"]);
    let apart = differing + number(&comparison["answered_by_neither"]);
    assert_eq!(number(&comparison["agreeing"]) + apart, number(&comparison["traced"]));
    assert!(differing > 0);
    assert!(comparison["differences"][0]["why"].is_string());
}

/// The names of all commands in the help, `audit verify` among them.
fn commands(names: &[&str], found: &mut Vec<String>) {
    let help = nhs_pds(&[names, &["--help"]].concat()).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        // A description that is too long for one line continues in a column further right.
        let Some(name) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else {
            continue;
        };
        let name = name.split(' ').next().unwrap();
        if name != "help" {
            let names = [names, &[name]].concat();
            found.push(names.join(" "));
            commands(&names, found);
        }
    }
}

#[test]
fn the_page_describes_every_command_and_option() {
    let page = fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 30, "{found:?}");
    for command in &found {
        let names: Vec<&str> = command.split(' ').collect();
        assert!(page.contains(&format!("`{command}")), "{command} is not on the page");
        let help = nhs_pds(&[&names[..], &["--help"]].concat());
        assert_eq!(help.code, 0, "{command}");
        for word in help.out.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if option.len() > 2 && option != "--help" && option != "--version" {
                assert!(page.contains(option), "{command} {option} is not on the page");
            }
        }
    }
    let top = found.iter().filter(|command| !command.contains(' '));
    for command in top {
        let help = nhs_pds(&[command, "--help"]).out;
        let codes = help.lines().find(|line| line.starts_with("Exit codes: 0 ")).unwrap();
        assert!(page.contains(&codes["Exit codes: ".len()..]), "{command}: {codes}");
    }
}

#[test]
fn wrong_arguments_end_with_2() {
    for arguments in [&["no-such"][..], &["worker"], &["check", "--no-such"], &["review", "--db"]] {
        let done = nhs_pds(arguments);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!done.err.is_empty());
    }
    assert_eq!(nhs_pds(&["--version"]).out, concat!("nhs-pds ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_and_the_manual() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let done = nhs_pds(&["completions", shell]);
        assert_eq!(done.code, 0);
        assert!(done.out.contains("simulator") && done.out.contains("per-second"), "{shell}");
    }
    let page = nhs_pds(&["man"]).out;
    assert!(page.contains(".TH nhs-pds 1") && page.contains("NHS_PDS_"), "{page}");

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(nhs_pds(&["man", "--out", folder.path().to_str().unwrap()]).code, 0);
    let page = fs::read_to_string(folder.path().join("nhs-pds-audit-verify.1")).unwrap();
    assert!(page.contains("anchors"), "{page}");
    assert_eq!(nhs_pds(&["man", "--out", "no/such/folder"]).code, 2);
}

#[test]
fn the_crate_has_the_example_key_of_the_repository() {
    let key = |path: &str| fs::read(root().join(path)).unwrap();
    let ours = key("crates/nhs-pds-cli/data/example-key.pem");
    assert_eq!(ours, key("examples/data/example-key.pem"));
}
