//! The parts of FHIR's data types (R4, section 2.24) that these resources use.

use super::text::{List, Text};
use crate::demographics::{
    Address, AddressUse, Gender, GpPractice, NameUse, PartialDate, PersonName, Recorded, Telecom,
    TelecomUse, UsablePeriod,
};
use serde::Deserialize;
use std::str::FromStr;

#[derive(Deserialize)]
pub(super) struct Coding<'a> {
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct CodeableConcept<'a> {
    #[serde(borrow, default)]
    pub(super) coding: List<Coding<'a>>,
}

impl CodeableConcept<'_> {
    /// The first code.
    pub(super) fn code(&self) -> Option<&str> {
        self.coding.iter().find_map(|coding| coding.code.as_ref()).map(Text::as_str)
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Period<'a> {
    #[serde(borrow)]
    start: Option<Text<'a>>,
    #[serde(borrow)]
    end: Option<Text<'a>>,
}

impl Period<'_> {
    pub(super) fn read(&self) -> UsablePeriod {
        UsablePeriod { low: date(self.start.as_ref()), high: date(self.end.as_ref()) }
    }
}

#[derive(Deserialize)]
pub(super) struct Identifier<'a> {
    #[serde(borrow)]
    pub(super) system: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) value: Option<Text<'a>>,
    #[serde(borrow)]
    period: Option<Period<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow)]
    pub(super) identifier: Option<Identifier<'a>>,
}

impl Reference<'_> {
    /// The referenced practice, and the period of the registration.
    pub(super) fn practice(&self) -> Option<GpPractice> {
        let identifier = self.identifier.as_ref()?;
        Some(GpPractice {
            ods_code: recorded(identifier.value.as_ref()),
            period: identifier.period.as_ref().map(Period::read),
            ..GpPractice::default()
        })
    }
}

/// An extension, with the values that are read from any extension.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extension<'a> {
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) extension: List<Self>,
    #[serde(borrow)]
    value_codeable_concept: Option<CodeableConcept<'a>>,
    #[serde(borrow)]
    value_coding: Option<Coding<'a>>,
    #[serde(borrow)]
    value_string: Option<Text<'a>>,
    #[serde(borrow)]
    value_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    value_period: Option<Period<'a>>,
    value_boolean: Option<bool>,
    value_positive_int: Option<u32>,
}

/// The extension whose URL ends with `name`. The start of the URL differs between versions of the
/// profiles.
pub(super) fn extension<'l, 'a>(
    list: &'l List<Extension<'a>>,
    name: &str,
) -> Option<&'l Extension<'a>> {
    list.iter().find(|extension| {
        let url = extension.url.as_ref().map_or("", Text::as_str);
        url.rsplit('/').next() == Some(name)
    })
}

impl Extension<'_> {
    fn part(&self, name: &str) -> Option<&Self> {
        extension(&self.extension, name)
    }

    /// The code in the part `name`.
    pub(super) fn code(&self, name: &str) -> Option<&str> {
        let part = self.part(name)?;
        let coding = part.value_coding.as_ref().and_then(|coding| coding.code.as_ref());
        let concept = part.value_codeable_concept.as_ref().and_then(CodeableConcept::code);
        concept.or_else(|| coding.map(Text::as_str))
    }

    /// The text in the part `name`.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.part(name)?.value_string.as_ref().map(Text::as_str)
    }

    /// The boolean in the part `name`.
    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.part(name)?.value_boolean
    }

    /// The date in the part `name`.
    pub(super) fn date(&self, name: &str) -> Recorded<PartialDate> {
        date(self.part(name).and_then(|part| part.value_date_time.as_ref()))
    }

    /// The period in the part `name`.
    pub(super) fn period(&self, name: &str) -> UsablePeriod {
        let part = self.part(name).and_then(|part| part.value_period.as_ref());
        part.map(Period::read).unwrap_or_default()
    }

    /// The extension's own value, a boolean.
    pub(super) const fn own_boolean(&self) -> Option<bool> {
        self.value_boolean
    }

    /// The extension's own value, a number from 1.
    pub(super) const fn own_count(&self) -> Option<u32> {
        self.value_positive_int
    }
}

#[derive(Deserialize)]
pub(super) struct HumanName<'a> {
    #[serde(borrow, rename = "use")]
    usage: Option<Text<'a>>,
    #[serde(borrow)]
    period: Option<Period<'a>>,
    /// `null` is a blank name, which keeps its position.
    #[serde(borrow)]
    given: Option<Vec<Option<Text<'a>>>>,
    #[serde(borrow)]
    family: Option<Text<'a>>,
    #[serde(borrow, default)]
    prefix: List<Text<'a>>,
    #[serde(borrow, default)]
    suffix: List<Text<'a>>,
}

impl HumanName<'_> {
    pub(super) fn read(&self) -> PersonName {
        PersonName {
            usage: self.usage.as_ref().map(|usage| match usage.as_str() {
                "temp" => NameUse::Temporary,
                other => named(other),
            }),
            prefix: joined(&self.prefix),
            given: self
                .given
                .iter()
                .flatten()
                .map(|given| given.as_ref().map_or("", Text::as_str).trim().to_owned())
                .collect(),
            family: recorded(self.family.as_ref()),
            suffix: joined(&self.suffix),
            period: self.period.as_ref().map(Period::read),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAddress<'a> {
    #[serde(borrow, rename = "use")]
    usage: Option<Text<'a>>,
    #[serde(borrow)]
    period: Option<Period<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    /// `null` is a blank line, which keeps its position.
    #[serde(borrow)]
    line: Option<Vec<Option<Text<'a>>>>,
    #[serde(borrow)]
    postal_code: Option<Text<'a>>,
    #[serde(borrow, default)]
    extension: List<Extension<'a>>,
}

impl WireAddress<'_> {
    pub(super) fn read(&self) -> Address {
        let key = |kind: &str| {
            let key = self.extension.iter().find(|key| key.code("type") == Some(kind))?;
            key.text("value").map(str::to_owned)
        };
        Address {
            usage: self.usage.as_ref().map(|usage| match usage.as_str() {
                "temp" => AddressUse::Temporary,
                "billing" => AddressUse::Correspondence,
                other => named(other),
            }),
            kind: self.text.as_ref().and_then(filled),
            period: self.period.as_ref().map(Period::read),
            lines: self.line.as_deref().map(lines),
            postcode: recorded(self.postal_code.as_ref()),
            uprn: key("UPRN"),
            paf_key: key("PAF"),
        }
    }
}

/// The five lines. Lines after the fifth are joined to the fifth.
fn lines(given: &[Option<Text<'_>>]) -> [String; 5] {
    let mut lines: [String; 5] = Default::default();
    for (place, line) in given.iter().enumerate() {
        let line = line.as_ref().map_or("", Text::as_str).trim();
        let Some(slot) = lines.get_mut(place.min(4)) else { continue };
        if !slot.is_empty() && !line.is_empty() {
            slot.push_str(", ");
        }
        slot.push_str(line);
    }
    lines
}

#[derive(Deserialize)]
pub(super) struct ContactPoint<'a> {
    #[serde(borrow)]
    system: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
    #[serde(borrow, rename = "use")]
    usage: Option<Text<'a>>,
    #[serde(borrow)]
    period: Option<Period<'a>>,
    #[serde(borrow, default)]
    extension: List<Extension<'a>>,
}

impl ContactPoint<'_> {
    pub(super) fn read(&self) -> Telecom {
        let value = match recorded::<String>(self.value.as_ref()) {
            Recorded::Known(value) => Recorded::Known(format!("{}{value}", self.scheme())),
            other => other,
        };
        Telecom {
            usage: self.usage.as_ref().map(|usage| named::<TelecomUse>(usage.as_str())),
            value,
            usable_periods: self.period.iter().map(Period::read).collect(),
        }
    }

    /// The prefix that makes the value a URI. A text telephone has its own scheme, because it cannot be
    /// spoken into.
    fn scheme(&self) -> &'static str {
        match self.system.as_ref().map_or("", Text::as_str) {
            "phone" => "tel:",
            "fax" => "fax:",
            "email" => "mailto:",
            _ if self.extension.iter().any(Extension::is_textphone) => "textphone:",
            _ => "",
        }
    }
}

impl Extension<'_> {
    fn is_textphone(&self) -> bool {
        let code = self.value_coding.as_ref().and_then(|coding| coding.code.as_ref());
        code.is_some_and(|code| code.as_str() == "textphone")
    }
}

/// An empty field is blank. A missing field was not returned.
pub(super) fn recorded<T: FromStr>(text: Option<&Text<'_>>) -> Recorded<T> {
    text.map_or(Recorded::NotReturned, |text| Recorded::read(text.as_str()))
}

pub(super) fn date(text: Option<&Text<'_>>) -> Recorded<PartialDate> {
    let Some(text) = text.map(|text| text.as_str().trim()) else { return Recorded::NotReturned };
    // A date in another form is read by the same rules as a stored one, so that an unreadable date stays
    // unreadable.
    PartialDate::from_iso_8601(text).map_or_else(|_| Recorded::read(text), Recorded::Known)
}

pub(super) fn gender(code: Option<&Text<'_>>) -> Recorded<Gender> {
    match code.map(Text::as_str) {
        Some("male") => Recorded::Known(Gender::Male),
        Some("female") => Recorded::Known(Gender::Female),
        Some("other") => Recorded::Known(Gender::NotSpecified),
        Some("unknown") => Recorded::Known(Gender::NotKnown),
        // The same rule as for dates.
        Some(text) => Recorded::read(text),
        None => Recorded::NotReturned,
    }
}

pub(super) fn filled(text: &Text<'_>) -> Option<String> {
    let text = text.as_str().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn joined(parts: &List<Text<'_>>) -> Recorded<String> {
    if parts.0.is_empty() {
        return Recorded::NotReturned;
    }
    let parts: Vec<&str> = parts.iter().map(|part| part.as_str().trim()).collect();
    Recorded::read(&parts.join(" "))
}

/// The use of this name; every text is a use.
fn named<T: FromStr<Err = std::convert::Infallible>>(text: &str) -> T {
    match text.parse() {
        Ok(usage) => usage,
        Err(never) => match never {},
    }
}
