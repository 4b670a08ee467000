//! Every public type, shown with the person in it: no value of the person is printed.
//!
//! The types are read from the source ([`Source`]), so that none is forgotten. Each belongs to one of three
//! groups. Its declaration proves that it has no room for a value of a person. Or it is in [`EXEMPT`], with
//! the reason. Or [`samples`] shows a value of it, filled with the person.

use crate::privacy::person::leak;
use crate::privacy::samples;
use crate::privacy::source::{Declared, Part, Source};
use std::any::type_name;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::iter;

/// Types with room for text that are not filled with the person, because no patient data belongs there.
/// Paths without the name of a crate are of the library.
const EXEMPT: [(&str, &str); 18] = [
    ("audit::json_lines::JsonLines", "the path of a file, which the program chooses"),
    ("audit::sink::FileAnchors", "the path of a file, which the program chooses"),
    ("batch::reference::Reference", "the reference of a row: it contains nothing of the person"),
    ("batch::tracer::Arrival", "ids and codes of a message, and the path of a file"),
    ("batch::tracer::Outgoing", "the id of a batch, and the path of a file"),
    ("case::lease::Lease", "the owner of a lease: the name of a program"),
    ("case::number::Provenance", "an exchange, a strategy's name and the user who confirmed"),
    ("case::number::TraceRecord", "words, codes and ids of an exchange"),
    (
        "demographics::practice::OdsCode",
        "an organisation's; the GP practice of a person is redacted",
    ),
    ("mesh::mailbox_id::MailboxId", "the identifier of a mailbox, not of a person"),
    ("service::fhir::auth::key_id::KeyId", "the name of a key, which the program chooses"),
    ("service::fhir::auth::user::SessionRoleId", "the role of a user, not of a patient"),
    ("nhs_pds_simulator::batch::fault::BatchFault", "the codes that a tester chose"),
    (
        "nhs_pds_simulator::caseload::SampleCase",
        "the id of an invented case, which a failing test names",
    ),
    ("nhs_pds_simulator::fault::Fault", "the codes that a tester chose"),
    ("trace::answer::Exchange", "ids and codes of a message"),
    ("trace::caller::LocalIdentity", "the id of a user or a system, not of a patient"),
    ("trace::caller::SmartcardIdentity", "the ids of a user, not of a patient"),
];

/// Fields that are always empty, by type and field.
const ALWAYS_EMPTY: [(&str, &str); 1] = [("process::run::worker::Worker", "owner")];

#[test]
fn debug_of_every_public_type_is_silent() {
    let full = |path: &str| match path.split_once("::") {
        Some(("nhs_pds_admin" | "nhs_pds_simulator", _)) => path.to_owned(),
        _ => format!("nhs_pds::{path}"),
    };
    let exempt: Vec<String> = EXEMPT.iter().map(|(path, _)| full(path)).collect();
    let source = Source::read(exempt.iter().map(String::as_str));
    let mut shown = Shown::default();
    samples::show(&mut shown);
    let mut faults = shown.faults.clone();
    for path in &exempt {
        if !source.types.iter().any(|declared| declared.path == *path) {
            faults.push(format!("{path} is exempt, and no type"));
        }
    }
    for declared in source.types.iter().filter(|declared| declared.public && declared.built) {
        if source.has_room(declared) {
            faults.extend(shown.lacks(&source, declared));
        }
    }
    assert!(shown.values.len() > 50, "only {} types are shown", shown.values.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The output so far, by type.
#[derive(Default)]
pub(super) struct Shown {
    values: BTreeMap<String, Vec<Value>>,
    faults: Vec<String>,
    /// The file of types that cannot be shown on this machine.
    passed_over: Option<&'static str>,
}

struct Value {
    line: String,
    pretty: String,
    as_error: bool,
}

impl Shown {
    /// Passes over the types in files of this name: what they need is not on this machine.
    pub(super) fn passes_over(&mut self, file: &'static str) {
        self.passed_over = Some(file);
    }

    /// Shows a value.
    pub(super) fn value<T: Debug>(&mut self, value: &T) {
        self.add::<T>(format!("{value:?}"), format!("{value:#?}"), false);
    }

    /// Shows an error: its `Debug`, its text and all its sources.
    pub(super) fn error<T: Error + 'static>(&mut self, error: &T) {
        let first: &(dyn Error + 'static) = error;
        let mut said = String::new();
        for cause in iter::successors(Some(first), |&cause| cause.source()) {
            write!(said, "{cause:?} {cause:#?} {cause} {cause:#} ").unwrap();
        }
        self.add::<T>(format!("{error:?} {said}"), format!("{error:#?}"), true);
    }

    fn add<T>(&mut self, line: String, pretty: String, as_error: bool) {
        let path = type_name::<T>().split('<').next().unwrap().to_owned();
        for text in [&line, &pretty] {
            if let Some(value) = leak(text) {
                self.faults.push(format!("{path} shows {value}: {text}"));
                break;
            }
        }
        self.values.entry(path).or_default().push(Value { line, pretty, as_error });
    }

    /// The fields that are missing before the type counts as shown.
    fn lacks(&self, source: &Source, declared: &Declared) -> Vec<String> {
        let path = &declared.path;
        if self.passed_over.is_some_and(|file| path.split("::").any(|part| part == file)) {
            return Vec::new();
        }
        let Some(values) = self.values.get(path) else {
            return vec![format!(
                "{path} has room for a value of a person, and no sample shows it"
            )];
        };
        let mut lacks = Vec::new();
        if declared.error && !values.iter().any(|value| value.as_error) {
            lacks.push(format!("{path} is an error, and is not shown as one"));
        }
        // A derived `Debug` prints its fields, so one can see which were filled.
        let roomy = declared.parts.iter().filter(|part| source.part_has_room(part));
        for part in roomy.filter(|part| declared.derived && !is_always_empty(path, part)) {
            if !values.iter().any(|value| value.fills(part)) {
                let part = part.variant.as_ref().or(part.field.as_ref());
                lacks
                    .push(format!("{path}: no sample fills {}", part.map_or("it", String::as_str)));
            }
        }
        lacks
    }
}

fn is_always_empty(path: &str, part: &Part) -> bool {
    let field = part.field.as_deref();
    ALWAYS_EMPTY.iter().any(|(of, name)| path.ends_with(of) && field == Some(name))
}

impl Value {
    fn fills(&self, part: &Part) -> bool {
        const EMPTY: [&str; 5] = ["None,", "[],", "{},", "\"\",", "NotReturned,"];
        match (&part.variant, &part.field) {
            (Some(variant), _) => {
                let rest = self.line.strip_prefix(variant.as_str());
                rest.is_some_and(|rest| rest.starts_with(['(', ' ']))
            }
            (None, Some(field)) => {
                let is_it = |line: &&str| {
                    line.strip_prefix("    ").is_some_and(|line| {
                        line.strip_prefix(field.as_str()).is_some_and(|rest| rest.starts_with(": "))
                    })
                };
                let line = self.pretty.lines().find(is_it).unwrap_or_default();
                !line.is_empty() && !EMPTY.iter().any(|empty| line.ends_with(&format!(": {empty}")))
            }
            (None, None) => true,
        }
    }
}
