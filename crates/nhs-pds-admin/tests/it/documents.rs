//! The tables of `docs/screens.md` are those of the program.

use crate::batches::of_folder;
use crate::security::of_standalone;
use crate::support::{Believing, Site};
use nhs_pds::demographics::OdsCode;
use nhs_pds_admin::{FieldGroup, Right, Role, Route, Screens};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The page of the screens with its generated parts replaced.
fn updated(page: &str, parts: &[(&str, String)]) -> String {
    let mut updated = page.to_owned();
    for (name, text) in parts {
        let (begin, end) =
            (format!("<!-- {name}: generated -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = updated.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        updated = format!("{before}{begin}\n{text}\n{end}{after}");
    }
    updated
}

/// A row of roles: `yes` where the role is one of `roles`.
fn columns(roles: &[Role]) -> String {
    let cell = |role: &Role| if roles.contains(role) { "yes" } else { "" };
    Role::ALL.iter().map(|role| format!(" {} |", cell(role))).collect()
}

fn head(first: &str) -> String {
    let roles: String = Role::ALL.iter().map(|role| format!(" {} |", role.title())).collect();
    format!("| {first} |{roles}\n|---|---|---|---|---|\n")
}

fn rights() -> String {
    let rows = Right::ALL.iter().map(|right| {
        format!("| `{}`: {} |{}\n", right.as_str(), right.in_words(), columns(right.roles()))
    });
    head("function") + &rows.collect::<String>()
}

fn fields() -> String {
    let rows = FieldGroup::ALL
        .iter()
        .map(|group| format!("| {} |{}\n", group.in_words(), columns(group.roles())));
    head("fields") + &rows.collect::<String>()
}

async fn routes() -> String {
    let site = Site::new().await;
    let organisation: OdsCode = "RHM".parse().unwrap();
    let screens =
        || Screens::new(Arc::clone(&site.store), organisation.clone(), Arc::new(Believing));
    let mounted: BTreeSet<Route> = screens().routes().into_iter().collect();
    let by_file = screens().with_batches(of_folder(&site.store, "unused".as_ref()));
    let by_file: BTreeSet<Route> = by_file.routes().into_iter().collect();
    let alone: BTreeSet<Route> =
        of_standalone(Arc::clone(&site.store)).routes().into_iter().collect();
    let all: BTreeSet<Route> = by_file.union(&alone).copied().collect();
    let rows = all.iter().map(|route| {
        let right = route
            .right()
            .map_or("before the sign-in".to_owned(), |right| format!("`{}`", right.as_str()));
        let place = match route {
            _ if mounted.contains(route) => "",
            _ if by_file.contains(route) => "with a folder for batches",
            _ => "with sign-in of its own",
        };
        format!("| {} | `{}` | {right} | {place} |\n", route.method(), route.path())
    });
    let head = "| method | path | right | only |\n|---|---|---|---|\n";
    head.to_owned() + &rows.collect::<String>()
}

#[tokio::test]
async fn the_tables_are_those_of_the_program() {
    let path = root().join("docs/screens.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let parts = [("rights", rights()), ("fields", fields()), ("routes", routes().await)];
    let updated = updated(&page, &parts);
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &updated).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page == updated, "run this test with UPDATE_DOCS=1 and read what has changed");
}

/// Each test that the page names is a function of that name in that file.
#[test]
fn the_page_names_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/screens.md")).unwrap();
    let is_test = |span: &&str| {
        ["accounts::", "security::", "view::"].iter().any(|room| span.starts_with(room))
            && !span.contains('…')
    };
    let spans = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let names: Vec<&str> = spans.filter(is_test).collect();
    assert!(names.len() > 20, "only {} are named", names.len());
    for name in names {
        let (file, test) = name.rsplit_once("::").unwrap();
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let file = file.replace("::", "/");
        let places = [tests.join(format!("{file}.rs")), sources.join(format!("{file}.rs"))];
        let text = places.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let text = text.unwrap_or_else(|| panic!("no file of {name}"));
        assert!(text.contains(&format!("fn {test}(")), "{name} does not exist");
    }
}
