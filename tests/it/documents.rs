//! `docs/conformance.md` names tests that exist, and `tests/README.md` lists the files of this folder.

use crate::reliability::present;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Everything in backquotes, with `{a, b}` written out.
fn spans(page: &str) -> BTreeSet<String> {
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

#[test]
fn the_requirements_name_tests_that_exist() {
    let spans = spans(&page("docs/conformance.md"));
    let named: Vec<&String> =
        spans.iter().filter(|span| span.starts_with("it::") || span.contains("::tests")).collect();
    assert!(named.len() > 100, "only {} are named", named.len());
    let present = present();
    let exists = |name: &&&String| {
        let inside = format!("{name}::");
        present.iter().any(|test| test == **name || test.starts_with(&inside))
    };
    let missing: Vec<_> = named.iter().filter(|name| !exists(name)).collect();
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
