//! Reads the payload of a request: the operation and its parameters.

use super::names::{GENDER_CODES, HL7, MESSAGE_CODES, NHS_NUMBERS};
use super::operation::{Need, Operation, Parameter};
use super::xml::{Element, children, is_nil, is_upper_uuid, own_children, text};
use crate::pattern::Pattern;
use nhs_pds::demographics::{Gender, PartialDate, Postcode};
use nhs_pds::nhs_number::NhsNumber;

/// The reason for SMSP-0001: a place and what is wrong there, never a value.
pub(super) type Misfit = String;

/// A query.
pub(super) struct Query {
    pub(super) birth: PartialDate,
    pub(super) gender: Option<Gender>,
    pub(super) local: Option<LocalIdentifier>,
    pub(super) number: Option<Number>,
    pub(super) given: Option<Pattern>,
    pub(super) family: Option<Pattern>,
    pub(super) postcode: Option<Pattern>,
}

/// The content of a field for an NHS Number.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Valid(NhsNumber),
    /// The text is not ten digits with a valid check digit: DEMOG-0042.
    Invalid,
}

/// The caller's local identifier. The response repeats it.
#[derive(Clone)]
pub(super) struct LocalIdentifier {
    pub(super) root: String,
    pub(super) extension: String,
}

/// Reads a payload. Refuses wildcards and partial dates unless `advanced`.
pub(super) fn read(
    payload: Element<'_>,
    operation: Operation,
    advanced: bool,
) -> Result<Query, Misfit> {
    let event = query_event(payload, operation)?;
    let mut found = Vec::new();
    let mut order = operation.parameters().iter();
    for child in own_children(event) {
        let Some((parameter, need)) =
            operation.parameters().iter().find(|(p, _)| is(child, p.name()))
        else {
            return Err("queryEvent has an element that is not a parameter of the service".into());
        };
        if !order.any(|(next, _)| next == parameter) {
            return Err(format!("{} is repeated or out of order", parameter.name()));
        }
        // The schemas permit nil in optional elements.
        if *need == Need::Optional && is_nil(child) {
            continue;
        }
        found.push((*parameter, value(child, *parameter)?));
    }
    let get = |parameter| found.iter().find(|(p, _)| *p == parameter).map(|(_, value)| *value);
    for (parameter, need) in operation.parameters() {
        if *need == Need::Required && get(*parameter).is_none() {
            return Err(format!("{} is missing", parameter.name()));
        }
    }
    let birth = get(Parameter::DateOfBirth).ok_or("Person.DateOfBirth is missing")?;
    let name = get(Parameter::Name);
    let query = Query {
        birth: date_of_birth(birth)?,
        gender: get(Parameter::Gender).map(gender).transpose()?,
        local: get(Parameter::LocalIdentifier).map(local_identifier).transpose()?,
        number: get(Parameter::NhsNumber).map(nhs_number).transpose()?,
        given: name.map(|name| name_part(name, "given")).transpose()?.flatten(),
        family: name.map(|name| name_part(name, "family")).transpose()?.flatten(),
        postcode: get(Parameter::Postcode).map(postcode).transpose()?,
    };
    check_needs(&query)?;
    if advanced { Ok(query) } else { check_simple(query) }
}

/// Rules that the list of parameters does not express: a search needs surname and gender.
fn check_needs(query: &Query) -> Result<(), Misfit> {
    if query.number.is_some() {
        return Ok(());
    }
    if query.family.is_none() {
        return Err("Person.Name/family is missing".into());
    }
    if query.gender.is_none() {
        return Err("Person.Gender is missing".into());
    }
    Ok(())
}

/// A simple trace needs a full date of birth, and permits no wildcard.
fn check_simple(query: Query) -> Result<Query, Misfit> {
    if query.birth.full().is_none() {
        return Err("Person.DateOfBirth is not a full date".into());
    }
    let wild = |pattern: &Option<Pattern>| pattern.as_ref().is_some_and(Pattern::is_wild);
    if wild(&query.family) || wild(&query.given) || wild(&query.postcode) {
        return Err("a simple trace has a wildcard".into());
    }
    Ok(query)
}

fn query_event(payload: Element<'_>, operation: Operation) -> Result<Element<'_>, Misfit> {
    if !is(payload, operation.request_root()) {
        return Err("the payload's root is not the service's request".into());
    }
    let fixed = |name, value| payload.attribute(name) == Some(value);
    if !fixed("classCode", "CACT") || !fixed("moodCode", "EVN") {
        return Err("the payload's classCode and moodCode are not CACT and EVN".into());
    }
    let parts: Vec<_> = own_children(payload).collect();
    let [id, code, event] = parts.as_slice() else {
        return Err("the payload does not have id, code and queryEvent".into());
    };
    if !is(*id, "id") || !is(*code, "code") || !is(*event, "queryEvent") {
        return Err("the payload does not have id, code and queryEvent in this order".into());
    }
    if !id.attribute("root").is_some_and(is_upper_uuid) {
        return Err("id/@root is not a UUID in upper case".into());
    }
    if code.attribute("code") != Some(operation.request_profile()) {
        return Err("code/@code is not the service's request".into());
    }
    if code.attribute("codeSystem") != Some(MESSAGE_CODES) {
        return Err("code/@codeSystem is not that of messages".into());
    }
    Ok(*event)
}

/// Reads the `value` of a parameter. The parameter's name follows it again.
fn value(element: Element<'_>, parameter: Parameter) -> Result<Element<'_>, Misfit> {
    let name = parameter.name();
    let parts: Vec<_> = own_children(element).collect();
    match parts.as_slice() {
        [value, semantics] if is(*value, "value") && is(*semantics, "semanticsText") => {
            if text(*semantics) == name {
                Ok(*value)
            } else {
                Err(format!("{name}/semanticsText is not the parameter's name"))
            }
        }
        _ => Err(format!("{name} does not have value and semanticsText")),
    }
}

fn date_of_birth(value: Element<'_>) -> Result<PartialDate, Misfit> {
    let text = value.attribute("value").unwrap_or_default();
    // The time of day in a date of birth is ignored.
    let date = PartialDate::from_hl7_ts(text).ok();
    date.ok_or_else(|| "Person.DateOfBirth/value/@value is not a date YYYYMMDD".into())
}

fn gender(value: Element<'_>) -> Result<Gender, Misfit> {
    if value.attribute("codeSystem") != Some(GENDER_CODES) {
        return Err("Person.Gender/value/@codeSystem is not that of genders".into());
    }
    let code = value.attribute("code");
    let gender = Gender::ALL.into_iter().find(|gender| code == Some(gender.code()));
    gender.ok_or_else(|| "Person.Gender/value/@code is not 1, 2, 9 or 0".into())
}

fn local_identifier(value: Element<'_>) -> Result<LocalIdentifier, Misfit> {
    let part = |name: &'static str| {
        let text = value.attribute(name).unwrap_or_default();
        if text.is_empty() {
            return Err(format!("Person.LocalIdentifier/value/@{name} is missing or blank"));
        }
        Ok(text.to_owned())
    };
    Ok(LocalIdentifier { root: part("root")?, extension: part("extension")? })
}

fn nhs_number(value: Element<'_>) -> Result<Number, Misfit> {
    if value.attribute("root") != Some(NHS_NUMBERS) {
        return Err("Person.NHSNumber/value/@root is not that of NHS Numbers".into());
    }
    let text = value.attribute("extension").unwrap_or_default();
    let bare = text.len() == 10;
    Ok(match text.parse() {
        Ok(number) if bare => Number::Valid(number),
        _ => Number::Invalid,
    })
}

fn name_part(value: Element<'_>, part: &str) -> Result<Option<Pattern>, Misfit> {
    let names: Vec<_> = children(value).collect();
    let shaped = match names.as_slice() {
        [only] => is(*only, "given") || is(*only, "family"),
        [given, family] => is(*given, "given") && is(*family, "family"),
        _ => false,
    };
    if !shaped {
        return Err("Person.Name/value does not have given and family, each at most once".into());
    }
    let Some(name) = names.into_iter().find(|name| is(*name, part)) else { return Ok(None) };
    if part == "given" && text(name).is_empty() {
        return Ok(None);
    }
    let wrong = || format!("Person.Name/value/{part} is blank, or its wildcard comes too early");
    Pattern::new(&text(name)).map(Some).ok_or_else(wrong)
}

/// Postcodes are compared without their space.
fn postcode(value: Element<'_>) -> Result<Pattern, Misfit> {
    let codes: Vec<_> = children(value).collect();
    let [code] = codes.as_slice() else {
        return Err("Person.Postcode/value does not have exactly one postalCode".into());
    };
    if !is(*code, "postalCode") {
        return Err("Person.Postcode/value does not have a postalCode".into());
    }
    let compact = text(*code).replace(' ', "");
    let wild = compact.contains('*')
        && compact.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*');
    if !wild && compact.parse::<Postcode>().is_err() {
        return Err("Person.Postcode/value/postalCode does not have the form of a postcode".into());
    }
    Pattern::new(&compact)
        .ok_or_else(|| "Person.Postcode/value/postalCode has its wildcard too early".into())
}

fn is(element: Element<'_>, name: &str) -> bool {
    element.has_tag_name((HL7, name))
}
