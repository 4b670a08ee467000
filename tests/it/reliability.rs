//! `docs/reliability.md` names tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything in backquotes in the third column of a table, with `{a, b}` written out.
fn named(page: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, _, tests] = cells.as_slice() else { continue };
        for name in tests.split('`').skip(1).step_by(2) {
            match name.split_once('{') {
                Some((stem, several)) => named.extend(
                    several
                        .trim_end_matches('}')
                        .split(',')
                        .map(|one| format!("{stem}{}", one.trim())),
                ),
                None => drop(named.insert(name.to_owned())),
            }
        }
    }
    named
}

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `it::retry::a_test` of `tests/it/retry.rs`, `pace::rate::tests::a_test` of
/// `src/resilience/rate_limit/rate.rs`, `nhs_pds_simulator::seed::tests::a_test` of the simulator's
/// sources, and their modules.
pub(crate) fn present() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut present = BTreeSet::new();
    let folders = [
        ("src", "", "::tests"),
        ("crates/nhs-pds-simulator/src", "nhs_pds_simulator::", "::tests"),
        ("tests/it", "it::", ""),
        ("crates/nhs-pds-cli/tests/it", "it::", ""),
        ("crates/nhs-pds-admin/tests/it", "nhs_pds_admin::it::", ""),
        ("tests/browser/tests/walk", "browser::", ""),
    ];
    for (folder, prefix, inner) in folders {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        for file in files {
            let relative = file.strip_prefix(root.join(folder)).unwrap().with_extension("");
            let parts: Vec<_> = relative.iter().map(|part| part.to_str().unwrap()).collect();
            let module = parts.join("::");
            let module = format!("{prefix}{}{inner}", module.trim_end_matches("::mod"));
            let text = fs::read_to_string(&file).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    is_test = true;
                } else if let Some((_, name)) = line.split_once("fn ").filter(|_| is_test) {
                    let name = name.split('(').next().unwrap();
                    present.insert(format!("{module}::{name}"));
                    present.insert(module.clone());
                    is_test = false;
                }
            }
        }
    }
    present
}

#[test]
fn the_page_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let (named, present) = (named(&page), present());
    assert!(named.len() > 100, "only {} are named", named.len());
    let missing: Vec<_> = named.difference(&present).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
}
