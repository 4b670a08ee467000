//! Reading the HL7 V3 payloads COMT_MT000013GB01, COMT_MT000014GB01 and COMT_MT000016GB01.
//!
//! An element that is there without a value is blank; one that is not there was not returned.

use super::names::{NHS_NUMBER, Namespace};
use super::xml::{Cursor, Element};
use crate::demographics::{
    Address, AddressUse, Demographics, GpPractice, Held, PartialDate, PersonName, Telecom,
    TelecomUse, UsablePeriod,
};
use crate::smsp::{DecodeError, DecodeErrorKind, Operation, Response, ResponseCode};
use crate::trace::LocalIdentifier;
use std::str::FromStr;

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads the payload whose root has just been opened.
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
    let code = code.ok_or_else(|| cursor.error_at(DecodeErrorKind::NoCode, "value"))?;
    response.code = ResponseCode::from(code.as_str());
    Ok(response)
}

/// Visits the children that are HL7's; a stranger's are passed over.
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
            "patientPerson" => patient_person(cursor, &mut person),
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
        let Ok(local) = LocalIdentifier::new(&root, &extension) else {
            return refuse(DecodeErrorKind::Value);
        };
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
fn once<T: FromStr>(cursor: &mut Cursor<'_>, held: &mut Held<T>) -> Result<()> {
    if !held.is_not_returned() {
        return Err(cursor.error(DecodeErrorKind::Repeated));
    }
    *held = Held::read(&cursor.text()?);
    Ok(())
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
    let value = cursor.attribute("value")?.map_or(Held::Blank, |v| Held::read(&v));
    let mut telecom = Telecom { usage, value, usable_period: None };
    each_child(cursor, |cursor, element| {
        if element.name() != "useablePeriod" {
            return Ok(());
        }
        let period: &mut UsablePeriod = telecom.usable_period.get_or_insert_default();
        each_child(cursor, |cursor, element| {
            match element.name() {
                "low" => period.low = date(cursor)?,
                "high" => period.high = date(cursor)?,
                _ => {}
            }
            Ok(())
        })
    })?;
    Ok(telecom)
}

/// HL7's PostalAddressUse, as PDS uses it.
fn address_use(code: &str) -> AddressUse {
    match code {
        "H" => AddressUse::Home,
        "TMP" => AddressUse::Temporary,
        "PST" => AddressUse::Correspondence,
        "WP" => AddressUse::Work,
        other => AddressUse::Other(other.to_owned()),
    }
}

/// HL7's TelecommunicationAddressUse.
fn telecom_use(code: &str) -> TelecomUse {
    match code {
        "H" => TelecomUse::Home,
        "HP" => TelecomUse::PrimaryHome,
        "HV" => TelecomUse::VacationHome,
        "WP" => TelecomUse::Work,
        "MC" => TelecomUse::Mobile,
        "EC" => TelecomUse::EmergencyContact,
        "AS" => TelecomUse::AnsweringService,
        "PG" => TelecomUse::Pager,
        other => TelecomUse::Other(other.to_owned()),
    }
}

/// The `value` of an HL7 `TS`.
fn date(cursor: &Cursor<'_>) -> Result<Held<PartialDate>> {
    let value = cursor.attribute("value")?.unwrap_or_default();
    let text = value.trim();
    Ok(match PartialDate::from_hl7_ts(text) {
        Ok(date) => Held::Known(date),
        Err(_) if text.is_empty() => Held::Blank,
        Err(_) => Held::Unrecognised(text.to_owned()),
    })
}

fn patient_person(cursor: &mut Cursor<'_>, person: &mut Demographics) -> Result<()> {
    each_child(cursor, |cursor, element| {
        match element.name() {
            "administrativeGenderCode" => {
                let code = cursor.attribute("code")?.unwrap_or_default();
                person.gender = Held::read(&code);
            }
            "birthTime" => person.date_of_birth = date(cursor)?,
            "deceasedTime" => person.date_of_death = date(cursor)?,
            "gPPractice" => person.gp_practice = Some(gp_practice(cursor)?),
            _ => {}
        }
        Ok(())
    })
}

fn gp_practice(cursor: &mut Cursor<'_>) -> Result<GpPractice> {
    let mut practice = GpPractice::default();
    each_child(cursor, |cursor, element| {
        match element.name() {
            "addr" => practice.address = Some(address(cursor)?),
            "telecom" => practice.telecom = Some(telecom(cursor)?),
            "locationOrganization" => each_child(cursor, |cursor, element| {
                match element.name() {
                    "id" => {
                        let code = cursor.attribute("extension")?.unwrap_or_default();
                        practice.ods_code = Held::read(&code);
                    }
                    "name" => once(cursor, &mut practice.name)?,
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(practice)
}
