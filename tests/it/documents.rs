//! `docs/conformance.md` names tests that exist, `tests/README.md` lists the files of this folder, and
//! `CONTRIBUTING.md` names paths that exist.

use crate::reliability::present;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

pub(crate) fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Everything in backquotes, with `{a, b}` written out.
pub(crate) fn spans(page: &str) -> BTreeSet<String> {
    let spans = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let written_out = spans.flat_map(|span| match span.split_once('{') {
        Some((stem, several)) => several
            .trim_end_matches('}')
            .split(',')
            .map(|one| format!("{stem}{}", one.trim()))
            .collect(),
        None => vec![span.to_owned()],
    });
    written_out.collect()
}

/// Those of `spans` that are names of tests, or of modules of tests.
pub(crate) fn tests_among(spans: &BTreeSet<String>) -> Vec<&str> {
    let names = spans.iter().map(String::as_str);
    let is_test = |span: &&str| {
        span.starts_with("it::")
            || span.starts_with("browser::")
            || span.contains("::it::")
            || span.contains("::tests")
    };
    names.filter(is_test).collect()
}

/// Those of `named` that are neither a test nor a module of tests.
pub(crate) fn missing_tests<'a>(named: &[&'a str]) -> Vec<&'a str> {
    let present = present();
    let exists = |name: &str| {
        let inside = format!("{name}::");
        present.iter().any(|test| test == name || test.starts_with(&inside))
    };
    named.iter().copied().filter(|name| !exists(name)).collect()
}

#[test]
fn the_requirements_name_tests_that_exist() {
    let spans = spans(&page("docs/conformance.md"));
    let named = tests_among(&spans);
    assert!(named.len() > 100, "only {} are named", named.len());
    let missing = missing_tests(&named);
    assert!(missing.is_empty(), "these tests do not exist: {missing:#?}");
}

#[test]
fn the_index_lists_every_file_of_this_folder() {
    let spans = spans(&page("tests/README.md"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = || spans.iter().filter(|span| span.starts_with("tests/"));
    let missing: Vec<_> = paths().filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "these paths do not exist: {missing:#?}");
    for entry in fs::read_dir(root.join("tests/it")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("tests/it/{name}");
        let inside = format!("{path}/");
        let is_listed = paths().any(|listed| *listed == path || listed.starts_with(&inside));
        assert!(is_listed || name == "main.rs", "{path} is not in tests/README.md");
    }
}

/// Paths from the root of the repository, such as `src/trace` and `Cargo.toml`; `./check` is one too.
fn is_path(span: &str) -> bool {
    let endings = [".rs", ".md", ".toml", ".py"];
    !span.contains(char::is_whitespace)
        && (span.contains('/') || endings.iter().any(|ending| span.ends_with(ending)))
}

#[test]
fn contributors_find_every_path() {
    let page = page("CONTRIBUTING.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spans = spans(&page);
    let paths: Vec<&String> = spans.iter().filter(|span| is_path(span)).collect();
    assert!(paths.len() > 40, "only {} are named", paths.len());
    let missing: Vec<_> = paths.iter().filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "these paths do not exist: {missing:#?}");
}

/// `src/resilience/retry/policy.rs` (`pause`): the file contains the word.
#[test]
fn contributors_find_what_is_in_a_file() {
    let page = page("CONTRIBUTING.md");
    let mut found = 0;
    for (before, after) in page.match_indices("` (`").map(|(place, _)| page.split_at(place)) {
        let file = before.rsplit('`').next().unwrap();
        let word = after.split('`').nth(2).unwrap();
        if file.ends_with(".rs") {
            found += 1;
            assert!(self::page(file).contains(word), "{file} does not contain `{word}`");
        }
    }
    assert!(found > 5, "only {found} are named");
}
