//! Reads the HL7 V3 payloads COMT_MT000013GB01, COMT_MT000014GB01 and COMT_MT000016GB01.
//!
//! An element without a value is blank. A missing element was not returned.

use super::names::{NHS_NUMBER, Namespace, ODS_CODE};
use super::xml::{Cursor, Element};
use crate::demographics::{
    Address, AddressUse, Demographics, GpPractice, PartialDate, PersonName, Recorded, Telecom,
    TelecomUse, UsablePeriod,
};
use crate::service::smsp::code::ResponseCode;
use crate::service::smsp::error::{DecodeError, DecodeErrorKind};
use crate::service::smsp::operation::Operation;
use crate::service::smsp::response::Response;
use crate::trace::LocalIdentifier;
use std::str::FromStr;

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads the payload whose root was opened last.
pub(super) fn response(cursor: &mut Cursor<'_>, root: Element) -> Result<Response> {
    let operation = match root.namespace() {
        Namespace::Hl7 => Operation::from_response_root(root.name()),
        _ => None,
    };
    let operation = operation.ok_or_else(|| cursor.error(DecodeErrorKind::UnknownPayload))?;
    let mut code = None;
    let mut response = Response::new(operation, ResponseCode::Success);
    each_child(cursor, |cursor, element| match element.name() {
        "value" => {
            if code.is_some() {
                return Err(cursor.error(DecodeErrorKind::Repeated));
            }
            let text = cursor.attribute("code")?.unwrap_or_default();
            code = Some(text.trim().to_owned()).filter(|code| !code.is_empty());
            Ok(())
        }
        "component" if operation == Operation::VerifyNhsNumber => component(cursor, &mut response),
        "subject" if operation != Operation::VerifyNhsNumber => subject(cursor, &mut response),
        _ => Ok(()),
    })?;
    let code =
        code.ok_or_else(|| cursor.error_under(DecodeErrorKind::NoCode, root.name(), "value"))?;
    response.code = ResponseCode::from(code.as_str());
    Ok(response)
}

/// Visits the children in HL7's namespace, and skips others.
fn each_child<'a>(
    cursor: &mut Cursor<'a>,
    mut visit: impl FnMut(&mut Cursor<'a>, Element) -> Result<()>,
) -> Result<()> {
    cursor.children(|cursor, element| match element.namespace() {
        Namespace::Hl7 => visit(cursor, element),
        _ => Ok(()),
    })
}

fn component(cursor: &mut Cursor<'_>, response: &mut Response) -> Result<()> {
    each_child(cursor, |cursor, element| {
        if element.name() != "validIdentifier" {
            return Ok(());
        }
        each_child(cursor, |cursor, element| match element.name() {
            "value" => {
                let verified = match cursor.attribute("value")?.as_deref() {
                    Some("true" | "1") => true,
                    Some("false" | "0") => false,
                    _ => return Err(cursor.error_at_attribute(DecodeErrorKind::Value, "value")),
                };
                if response.verified.replace(verified).is_some_and(|before| before != verified) {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                }
                Ok(())
            }
            "subject" => subject(cursor, response),
            _ => Ok(()),
        })
    })
}

fn subject(cursor: &mut Cursor<'_>, response: &mut Response) -> Result<()> {
    each_child(cursor, |cursor, element| {
        if element.name() != "patient" {
            return Ok(());
        }
        let mut person = Demographics::default();
        let mut persons = 0;
        each_child(cursor, |cursor, element| match element.name() {
            "id" => identifier(cursor, response),
            "name" => {
                if person.name.is_some() {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                }
                person.name = Some(name(cursor)?);
                Ok(())
            }
            "addr" => {
                person.addresses.push(address(cursor)?);
                Ok(())
            }
            "telecom" => {
                person.telecoms.push(telecom(cursor)?);
                Ok(())
            }
            "patientPerson" => {
                persons += 1;
                if persons > 1 {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                }
                patient_person(cursor, &mut person)
            }
            _ => Ok(()),
        })?;
        if response.operation.returns_details() && response.person.replace(person).is_some() {
            return Err(cursor.error_at(DecodeErrorKind::Repeated, "patient"));
        }
        Ok(())
    })
}

/// `patient/id`: the NHS Number by its root, the local identifier by any other.
fn identifier(cursor: &Cursor<'_>, response: &mut Response) -> Result<()> {
    let root = cursor.attribute("root")?.unwrap_or_default();
    let extension = cursor.attribute("extension")?;
    if extension.is_none() && cursor.attribute("nullFlavor")?.is_some() {
        return Ok(());
    }
    let extension = extension.unwrap_or_default();
    let refuse = |kind| Err(cursor.error_at_attribute(kind, "extension"));
    if root == NHS_NUMBER {
        let Ok(number) = extension.parse() else {
            return refuse(DecodeErrorKind::NhsNumber);
        };
        if response.nhs_number.replace(number).is_some_and(|before| before != number) {
            return refuse(DecodeErrorKind::Repeated);
        }
    } else {
        // An identifier that is not valid as a local identifier, or is blank, counts as not returned.
        let Ok(local) = LocalIdentifier::new(&root, &extension) else { return Ok(()) };
        if response.local_identifier.replace(local).is_some() {
            return refuse(DecodeErrorKind::Repeated);
        }
    }
    Ok(())
}

fn name(cursor: &mut Cursor<'_>) -> Result<PersonName> {
    let mut name = PersonName::default();
    each_child(cursor, |cursor, element| {
        match element.name() {
            "prefix" => once(cursor, &mut name.prefix)?,
            "given" => name.given.push(cursor.text()?.trim().to_owned()),
            "family" => once(cursor, &mut name.family)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(name)
}

/// Reads the text of an element that may occur once.
fn once<T: FromStr>(cursor: &mut Cursor<'_>, field: &mut Recorded<T>) -> Result<()> {
    first(cursor, field)?;
    *field = Recorded::read(&cursor.text()?);
    Ok(())
}

/// Refuses the second of an element that may occur once, because it is not clear which one is meant.
fn first<T>(cursor: &Cursor<'_>, field: &Recorded<T>) -> Result<()> {
    if field.is_not_returned() { Ok(()) } else { Err(cursor.error(DecodeErrorKind::Repeated)) }
}

fn address(cursor: &mut Cursor<'_>) -> Result<Address> {
    let usage = cursor.attribute("use")?.map(|code| address_use(&code));
    let mut address = Address { usage, ..Address::default() };
    let mut count = 0;
    each_child(cursor, |cursor, element| {
        match element.name() {
            "postalCode" => once(cursor, &mut address.postcode)?,
            "streetAddressLine" => {
                let lines = address.lines.get_or_insert_default();
                let Some(line) = lines.get_mut(count) else {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                };
                cursor.text()?.trim().clone_into(line);
                count += 1;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(address)
}

fn telecom(cursor: &mut Cursor<'_>) -> Result<Telecom> {
    let usage = cursor.attribute("use")?.map(|code| telecom_use(&code));
    let value = cursor.attribute("value")?.map_or(Recorded::Blank, |v| Recorded::read(&v));
    let mut telecom = Telecom { usage, value, usable_periods: Vec::new() };
    each_child(cursor, |cursor, element| {
        if element.name() != "useablePeriod" {
            return Ok(());
        }
        let mut period = UsablePeriod::default();
        let (mut low, mut high) = (0, 0);
        each_child(cursor, |cursor, element| match element.name() {
            "low" => once_date(cursor, &mut period.low, &mut low),
            "high" => once_date(cursor, &mut period.high, &mut high),
            _ => Ok(()),
        })?;
        telecom.usable_periods.push(period);
        Ok(())
    })?;
    Ok(telecom)
}

/// HL7's PostalAddressUse, as PDS uses it. The value is a set: the first known use counts.
fn address_use(codes: &str) -> AddressUse {
    let known = codes.split_whitespace().find_map(|code| match code {
        "H" => Some(AddressUse::Home),
        "TMP" => Some(AddressUse::Temporary),
        "PST" => Some(AddressUse::Correspondence),
        "WP" => Some(AddressUse::Work),
        _ => None,
    });
    known.unwrap_or_else(|| AddressUse::Other(codes.to_owned()))
}

/// HL7's TelecommunicationAddressUse. The value is a set: the first known use counts.
fn telecom_use(codes: &str) -> TelecomUse {
    let known = codes.split_whitespace().find_map(|code| match code {
        "H" => Some(TelecomUse::Home),
        "HP" => Some(TelecomUse::PrimaryHome),
        "HV" => Some(TelecomUse::VacationHome),
        "WP" => Some(TelecomUse::Work),
        "MC" => Some(TelecomUse::Mobile),
        "EC" => Some(TelecomUse::EmergencyContact),
        "AS" => Some(TelecomUse::AnsweringService),
        "PG" => Some(TelecomUse::Pager),
        _ => None,
    });
    known.unwrap_or_else(|| TelecomUse::Other(codes.to_owned()))
}

/// Reads the `value` of an HL7 `TS` that may occur once.
///
/// A date that is not applicable (`NA`), or without information (`NI`), was not returned: living people
/// have such a date of death. Every other null flavour (`UNK`, `ASKU`) means that there is a date, and
/// that it is not known here. A death without a date is a death.
fn once_date(
    cursor: &Cursor<'_>,
    field: &mut Recorded<PartialDate>,
    count: &mut usize,
) -> Result<()> {
    *count += 1;
    if *count > 1 {
        return Err(cursor.error(DecodeErrorKind::Repeated));
    }
    let value = cursor.attribute("value")?.unwrap_or_default();
    let flavour = cursor.attribute("nullFlavor")?.unwrap_or_default();
    *field = match (value.trim(), flavour.trim()) {
        ("", "") => Recorded::Blank,
        ("", "NA" | "NI") => Recorded::NotReturned,
        ("", flavour) => Recorded::Unrecognised(flavour.to_owned()),
        (text, _) => PartialDate::from_hl7_ts(text)
            .map_or_else(|_| Recorded::Unrecognised(text.to_owned()), Recorded::Known),
    };
    Ok(())
}

fn patient_person(cursor: &mut Cursor<'_>, person: &mut Demographics) -> Result<()> {
    let (mut births, mut deaths) = (0, 0);
    each_child(cursor, |cursor, element| {
        match element.name() {
            "administrativeGenderCode" => {
                first(cursor, &person.gender)?;
                person.gender = Recorded::read(&cursor.attribute("code")?.unwrap_or_default());
            }
            "birthTime" => once_date(cursor, &mut person.date_of_birth, &mut births)?,
            "deceasedTime" => once_date(cursor, &mut person.date_of_death, &mut deaths)?,
            "gPPractice" => {
                if person.gp_practice.is_some() {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                }
                person.gp_practice = Some(gp_practice(cursor)?);
            }
            _ => {}
        }
        Ok(())
    })
}

fn gp_practice(cursor: &mut Cursor<'_>) -> Result<GpPractice> {
    let mut practice = GpPractice::default();
    let mut organisations = 0;
    each_child(cursor, |cursor, element| {
        let repeated = match element.name() {
            "addr" => practice.address.replace(address(cursor)?).is_some(),
            "telecom" => practice.telecom.replace(telecom(cursor)?).is_some(),
            "locationOrganization" => {
                organisations += 1;
                organisation(cursor, &mut practice)?;
                organisations > 1
            }
            _ => false,
        };
        if repeated { Err(cursor.error(DecodeErrorKind::Repeated)) } else { Ok(()) }
    })?;
    Ok(practice)
}

fn organisation(cursor: &mut Cursor<'_>, practice: &mut GpPractice) -> Result<()> {
    let mut by_root = false;
    each_child(cursor, |cursor, element| {
        match element.name() {
            "id" => {
                // The code is the one with its own root. A provider with another root sends one id.
                let is_ods = cursor.attribute("root")?.is_some_and(|root| root.ends_with(ODS_CODE));
                if by_root && is_ods {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                }
                if is_ods || practice.ods_code.is_not_returned() {
                    let code = cursor.attribute("extension")?.unwrap_or_default();
                    practice.ods_code = Recorded::read(&code);
                }
                by_root |= is_ods;
            }
            "name" => once(cursor, &mut practice.name)?,
            _ => {}
        }
        Ok(())
    })
}
