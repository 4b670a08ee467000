//! A second reader of patients, on a tree of JSON values, for documents that the first has accepted.
//!
//! Shares no code with the first, and checks nothing.

use serde_json::{Map, Value};

pub(super) struct Patient {
    pub(super) id: String,
    pub(super) version: Option<String>,
    pub(super) label: Option<String>,
    pub(super) names: Vec<Name>,
    pub(super) gender: Option<String>,
    pub(super) birth: Option<String>,
    pub(super) addresses: Vec<Address>,
    pub(super) telecoms: Vec<String>,
}

pub(super) struct Name {
    pub(super) usage: Option<String>,
    pub(super) given: Vec<String>,
    pub(super) family: Option<String>,
}

pub(super) struct Address {
    pub(super) usage: Option<String>,
    pub(super) lines: Option<Vec<String>>,
    pub(super) postcode: Option<String>,
}

/// The patient in `bytes`, if they are JSON whose objects have no repeated member.
///
/// `None` for input that only the first reader accepts, in places that it does not read: bytes that are not
/// UTF-8, and numbers beyond an `f64`.
pub(super) fn read(bytes: &[u8]) -> Option<Patient> {
    let tree: Value = serde_json::from_slice(bytes).ok()?;
    let patient = tree.as_object()?;
    let meta = object(patient, "meta");
    let labels = meta.map(|meta| list(meta, "security")).unwrap_or_default();
    Some(Patient {
        id: text(patient, "id")?.trim().to_owned(),
        version: meta.and_then(|meta| {
            let number = || Some(meta.get("versionId")?.as_u64()?.to_string());
            text(meta, "versionId").or_else(number)
        }),
        label: labels.first().map(|label| label["code"].as_str().unwrap_or_default().to_owned()),
        names: objects(patient, "name").into_iter().map(name).collect(),
        gender: text(patient, "gender"),
        birth: text(patient, "birthDate"),
        addresses: objects(patient, "address").into_iter().map(address).collect(),
        telecoms: objects(patient, "telecom")
            .into_iter()
            .map(|telecom| text(telecom, "value").unwrap_or_default())
            .collect(),
    })
}

fn name(name: &Map<String, Value>) -> Name {
    let given = name.get("given").and_then(Value::as_array).into_iter().flatten();
    Name {
        usage: text(name, "use"),
        given: given.map(|given| given.as_str().unwrap_or_default().trim().to_owned()).collect(),
        family: text(name, "family"),
    }
}

fn address(address: &Map<String, Value>) -> Address {
    let line = |line: &Value| line.as_str().unwrap_or_default().trim().to_owned();
    let lines = address.get("line").and_then(Value::as_array);
    Address {
        usage: text(address, "use"),
        lines: lines.map(|lines| lines.iter().map(line).collect()),
        postcode: text(address, "postalCode"),
    }
}

fn text(of: &Map<String, Value>, key: &str) -> Option<String> {
    of.get(key)?.as_str().map(str::to_owned)
}

fn object<'a>(of: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    of.get(key)?.as_object()
}

/// The members of the list that are not null.
fn list<'a>(of: &'a Map<String, Value>, key: &str) -> Vec<&'a Value> {
    let members = of.get(key).and_then(Value::as_array);
    members.into_iter().flatten().filter(|member| !member.is_null()).collect()
}

fn objects<'a>(of: &'a Map<String, Value>, key: &str) -> Vec<&'a Map<String, Value>> {
    list(of, key).into_iter().filter_map(Value::as_object).collect()
}
