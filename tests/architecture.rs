//! Checks which module may import which, and how long a file may be.
//!
//! The compiler does not check layers within one crate, so this test does. The table lists the rooms (the top-level
//! modules) from the bottom up. A room may import only what its line names, and a line may name only lines above
//! it. Inside a room, a file imports from the file that defines an item, and no two files import each other.

#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]
#![expect(clippy::unwrap_used, reason = "what cannot be read must fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::{Item, UseTree, Visibility};

/// Each top-level module of `src/` and the modules it may import.
const MODULES: &str = "
    nhs_number:
    clock:
    ids: nhs_number
    secret:
    text:
    tenant: text
    demographics: nhs_number text
    trace: ids secret text nhs_number demographics
    transport: secret tenant
    matching: text nhs_number demographics trace
    batch: text nhs_number demographics trace
    mesh: clock ids secret tenant text transport batch
    service: clock ids secret tenant text nhs_number demographics trace matching transport
    store:
    postgres: secret tenant
    resilience: clock ids tenant trace transport postgres
    case: clock text store postgres nhs_number demographics trace matching
    audit: clock ids secret text store postgres nhs_number demographics trace case
    process: clock ids text tenant nhs_number demographics trace batch resilience store postgres case matching audit
    report: clock text nhs_number demographics trace matching case
    correspondence: text nhs_number demographics case trace
";

/// What the simulator may import of the library: values, and the types of a transport. With a codec of
/// the library it would share the library's mistakes.
const SIMULATOR: [&str; 7] =
    ["clock", "demographics", "ids", "nhs_number", "secret", "text", "transport"];

/// The sources of the crates.
const LIBRARY: &str = "src";
const SIMULATOR_SOURCES: &str = "crates/nhs-pds-simulator/src";
const ADMIN_SOURCES: &str = "crates/nhs-pds-admin/src";

/// Longest file, not counting its inline tests.
const MAX_LINES: usize = 400;

/// The strategies, as data.
const STRATEGIES: &str = "src/process/decision/strategy/table.rs";

#[test]
fn modules_import_only_lower_modules() {
    let mut below: Vec<&str> = Vec::new();
    for (module, imports) in table() {
        for import in imports {
            assert!(below.contains(&import), "`{module}` names `{import}`, which is not above it");
        }
        below.push(module);
    }
}

#[test]
fn imports_keep_to_the_table() {
    let table = table();
    let mut faults = Vec::new();
    for file in sources(LIBRARY) {
        let Some(module) = module_of(&file) else { continue };
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{}: `{module}` is not in the table", file.display()));
            continue;
        };
        for (index, line) in shipped(&file).lines().enumerate() {
            let place = format!("{}:{}", file.display(), index + 1);
            let code = line.split("//").next().unwrap_or_default();
            let code =
                if is_root(&file) { code.replace("super::", "crate::") } else { code.into() };
            if code.contains("crate::{") || code.contains("super::super::") {
                faults.push(format!("{place}: write one path from the crate's root per `use`"));
            }
            for import in code.split("crate::").skip(1).map(leading_word) {
                let known = table.iter().any(|(name, _)| *name == import);
                if known && import != module && !allowed.contains(&import) {
                    faults.push(format!("{place}: `{module}` imports `{import}`"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_of_a_room_import_each_other_directly_and_downward() {
    let modules = modules();
    let mut faults = Vec::new();
    let mut imports: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, module) in &modules {
        for path in &module.imports {
            let room = |path: &str| path.split("::").next().map(str::to_owned);
            if room(path) != room(name) || name.is_empty() {
                continue;
            }
            let defined = definition(&modules, path);
            if defined != *path && is_visible(&modules, name, &defined) {
                faults.push(format!("{name}: import {defined}, which defines {path}"));
            }
            if let Some(file) = file_of(&modules, &defined)
                && file != *name
            {
                imports.entry(name).or_default().insert(file);
            }
        }
    }
    assert!(imports.len() > 100, "only {} files import from their room", imports.len());
    // Files that import no other one of what is left are at the bottom; take them away until none is left.
    loop {
        let names: BTreeSet<String> = imports.keys().map(|name| (*name).to_owned()).collect();
        let before = imports.len();
        imports.retain(|_, files| files.iter().any(|file| names.contains(file)));
        if imports.len() == before {
            break;
        }
    }
    faults.extend(
        imports.iter().map(|(name, files)| format!("in or above a circle: {name} -> {files:?}")),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// One file of the library, as far as imports go.
#[derive(Default)]
struct Module {
    /// Paths from the crate's root that it imports, but for what `mod.rs` re-exports.
    imports: Vec<String>,
    /// What it re-exports, and from where.
    reexports: BTreeMap<String, String>,
    /// The modules that it declares for itself and its descendants alone.
    private: BTreeSet<String>,
}

/// The files of the library by module, such as `case::record`.
fn modules() -> BTreeMap<String, Module> {
    sources(LIBRARY).iter().map(|file| (name_of(file), module(file))).collect()
}

fn name_of(file: &Path) -> String {
    let path = file.strip_prefix(LIBRARY).unwrap().with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    let parts = match parts.split_last() {
        Some((&("mod" | "lib"), folder)) => folder,
        _ => &parts[..],
    };
    parts.join("::")
}

fn module(file: &Path) -> Module {
    let name = name_of(file);
    let is_facade = file.ends_with("mod.rs") || file.ends_with("lib.rs");
    let mut module = Module::default();
    for item in syn::parse_file(&shipped(file)).unwrap().items {
        match item {
            Item::Mod(inner)
                if inner.content.is_none() && matches!(inner.vis, Visibility::Inherited) =>
            {
                module.private.insert(inner.ident.to_string());
            }
            Item::Use(import) => {
                let is_reexport = is_facade && !matches!(import.vis, Visibility::Inherited);
                for (path, name_here) in leaves(&import.tree) {
                    if is_reexport {
                        let child = path.strip_prefix("crate::").map(str::to_owned);
                        let path = child.unwrap_or_else(|| join(&name, &path));
                        module.reexports.insert(name_here, path);
                    } else if let Some(path) = path.strip_prefix("crate::") {
                        module.imports.push(path.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    module
}

/// Every path of a `use`, with the name that it has here.
fn leaves(tree: &UseTree) -> Vec<(String, String)> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree)
            .into_iter()
            .map(|(rest, name)| match &*rest {
                "self" => (path.ident.to_string(), path.ident.to_string()),
                _ => (join(&path.ident.to_string(), &rest), name),
            })
            .collect(),
        UseTree::Name(name) => vec![(name.ident.to_string(), name.ident.to_string())],
        UseTree::Rename(name) => vec![(name.ident.to_string(), name.rename.to_string())],
        UseTree::Glob(_) => vec![("*".to_owned(), "*".to_owned())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn join(module: &str, path: &str) -> String {
    if module.is_empty() { path.to_owned() } else { format!("{module}::{path}") }
}

/// `path` without re-exports.
fn definition(modules: &BTreeMap<String, Module>, path: &str) -> String {
    let Some((module, item)) = path.rsplit_once("::") else { return path.to_owned() };
    match modules.get(module).and_then(|module| module.reexports.get(item)) {
        Some(from) => definition(modules, from),
        None => path.to_owned(),
    }
}

/// The module of the file that has `path`.
fn file_of(modules: &BTreeMap<String, Module>, path: &str) -> Option<String> {
    let mut module = path;
    loop {
        if modules.contains_key(module) {
            return Some(module.to_owned());
        }
        module = module.rsplit_once("::")?.0;
    }
}

/// Whether `from` may name `path`: each private module on the way is declared by `from` or by one around it.
fn is_visible(modules: &BTreeMap<String, Module>, from: &str, path: &str) -> bool {
    let parts: Vec<&str> = path.split("::").collect();
    (1..parts.len()).all(|at| {
        let (parent, child) = (parts[..at].join("::"), parts[at]);
        let is_private = modules.get(&parent).is_some_and(|module| module.private.contains(child));
        !is_private || from == parent || from.starts_with(&format!("{parent}::"))
    })
}

#[test]
fn the_simulator_imports_only_values_and_transports() {
    let files = sources(SIMULATOR_SOURCES);
    let mut faults = Vec::new();
    let mut found = 0;
    for file in &files {
        for (index, line) in shipped(file).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for rest in after_name(code, "nhs_pds") {
                found += 1;
                let module = rest.strip_prefix("::").map(leading_word).unwrap_or_default();
                if !SIMULATOR.contains(&module) {
                    faults.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "the simulator must not import this:\n{}", faults.join("\n"));
    assert!(found > 20, "only {found} imports were found in {} files", files.len());
}

#[test]
fn imports_of_the_library_are_found() {
    let line = "use nhs_pds::smsp::Client; nhs_pds_simulator::x(); use nhs_pds::{fhir, ids};";
    let found: Vec<_> = after_name(line, "nhs_pds").map(|rest| rest.get(..6).unwrap()).collect();
    assert_eq!(found, ["::smsp", "::{fhi"]);
    assert_eq!(after_name("use nhs_pds as library;", "nhs_pds").count(), 1);
}

#[test]
fn files_stay_short() {
    let sources = [LIBRARY, SIMULATOR_SOURCES, ADMIN_SOURCES].into_iter().flat_map(sources);
    for file in sources {
        let lines = shipped(&file).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", file.display());
    }
}

/// Queries and their consequences do not depend on which service answers: adding or removing a service
/// changes only its own room. `lib.rs` shows the rooms. A strategy has the name of the service whose searches it
/// uses, and exports have that name: the file of the strategies is the one place outside the rooms.
#[test]
fn only_its_own_room_knows_the_word_fhir() {
    let known = |file: &Path| {
        ["src/service", "src/lib.rs", STRATEGIES].iter().any(|room| file.starts_with(room))
    };
    for file in sources(LIBRARY).into_iter().filter(|file| !known(file)) {
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        let line = text.lines().position(|line| line.contains("fhir"));
        assert_eq!(line, None, "{} knows it", file.display());
    }
}

#[test]
fn lib_rs_holds_no_items() {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    for line in text.lines().map(str::trim) {
        let declares = ["pub fn ", "fn ", "struct ", "pub struct ", "enum ", "pub enum ", "impl "];
        assert!(!declares.iter().any(|word| line.starts_with(word)), "lib.rs declares: {line}");
    }
}

fn table() -> Vec<(&'static str, Vec<&'static str>)> {
    MODULES
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(module, imports)| (module, imports.split_whitespace().collect()))
        .collect()
}

/// A file without its inline test module.
fn shipped(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let tests = [
        "\n#[cfg(test)]\nmod tests",
        "\n#[cfg(test)]\npub(super) mod tests",
        "\n#[cfg(test)]\npub(in crate::process) mod tests",
    ];
    let end = tests.iter().filter_map(|tests| text.find(tests)).min();
    text.get(..end.unwrap_or(text.len())).unwrap_or_default().to_owned()
}

fn leading_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// `src/service/smsp/wire/soap.rs` and `src/service/smsp/mod.rs` both belong to `smsp`; `lib.rs` belongs to
/// no module.
fn module_of(file: &Path) -> Option<String> {
    let first = file.strip_prefix("src").unwrap().iter().next()?.to_str()?;
    let name = first.trim_end_matches(".rs");
    (name != "lib").then(|| name.to_owned())
}

/// Whether `super::` in this file means the crate's root.
fn is_root(file: &Path) -> bool {
    let depth = file.components().count();
    depth == 2 || (depth == 3 && file.ends_with("mod.rs"))
}

/// The text after `name`, where `name` is a whole word of `code`.
fn after_name<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).filter_map(move |(place, _)| {
        let (before, rest) = (code.get(..place)?, code.get(place + name.len()..)?);
        (!before.ends_with(is_word) && !rest.starts_with(is_word)).then_some(rest)
    })
}

fn sources(root: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(root)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
