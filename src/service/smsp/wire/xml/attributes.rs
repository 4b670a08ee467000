//! The attributes of one element.

use super::character::{allowed, is_name};
use crate::service::smsp::error::DecodeErrorKind;
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute;
use quick_xml::name::{Namespace, NamespaceResolver, QName, ResolveResult};
use std::borrow::Cow;
use std::ops::Range;

/// The positions of the attributes in the element that was opened last. The struct is reused from
/// element to element, for its memory.
#[derive(Default)]
pub(super) struct Attributes(Vec<Place>);

/// The positions of a name and a value in `BytesStart::attributes_raw`.
struct Place {
    name: Range<usize>,
    value: Range<usize>,
}

impl Attributes {
    /// Reads the attributes of `start`. Each must be well-formed, occur once, and have a bound prefix.
    /// Notes their positions and the namespaces that they declare. Each is read once, because half of
    /// the work of decoding is here.
    pub(super) fn read(
        &mut self,
        start: &BytesStart<'_>,
        namespaces: &mut NamespaceResolver,
    ) -> Result<(), DecodeErrorKind> {
        self.0.clear();
        let raw = start.attributes_raw();
        if raw.as_bytes().contains(&b'<') {
            return Err(DecodeErrorKind::NotXml);
        }
        let references = raw.as_bytes().contains(&b'&');
        let mut prefixed = false;
        for attribute in start.attributes().with_checks(false) {
            let Ok(attribute) = attribute else { return Err(DecodeErrorKind::NotXml) };
            let name = attribute.key.as_ref();
            if !is_name(name) {
                return Err(DecodeErrorKind::NotXml);
            }
            if references {
                normalized(&attribute.value)?;
            }
            if let Some(prefix) = attribute.key.as_namespace_binding() {
                let uri = normalized(&attribute.value)?;
                if namespaces.add(prefix, Namespace(&uri)).is_err() {
                    return Err(DecodeErrorKind::Prefix);
                }
            } else {
                prefixed |= holds(name, b":");
            }
            let (name, value) = (place_in(raw, name), place_in(raw, &attribute.value));
            // There is white space between a value's quotation mark and the next name.
            if self.0.last().is_some_and(|before| name.start < before.value.end + 2) {
                return Err(DecodeErrorKind::NotXml);
            }
            self.0.push(Place { name, value });
        }
        if self.one_comes_twice(start) {
            return Err(DecodeErrorKind::NotXml);
        }
        let unbound = |place: &Place| {
            let name = QName(raw.get(place.name.clone()).unwrap_or_default());
            name.as_namespace_binding().is_none()
                && matches!(namespaces.resolve_attribute(name).0, ResolveResult::Unknown(_))
        };
        if prefixed && self.0.iter().any(unbound) {
            return Err(DecodeErrorKind::Prefix);
        }
        Ok(())
    }

    /// Whether two attributes have one name.
    fn one_comes_twice(&self, start: &BytesStart<'_>) -> bool {
        // To compare each pair is fastest for the number of attributes that messages have. quick-xml's
        // own check does not grow with the square of their number.
        if self.0.len() > 16 {
            return start.attributes().any(|attribute| attribute.is_err());
        }
        let raw = start.attributes_raw();
        let name = |place: &Place| raw.get(place.name.clone());
        let mut rest = self.0.as_slice();
        while let [first, others @ ..] = rest {
            if others.iter().any(|other| name(other) == name(first)) {
                return true;
            }
            rest = others;
        }
        false
    }

    /// The value of the attribute `name`, as received. `start` is the element that was read.
    pub(super) fn value<'e>(&self, start: &'e BytesStart<'_>, name: &str) -> Option<&'e str> {
        let raw = start.attributes_raw();
        let is_named = |place: &&Place| raw.get(place.name.clone()) == Some(name);
        self.0.iter().find(is_named).and_then(|place| raw.get(place.value.clone()))
    }
}

/// An attribute's value with its references resolved and its white space replaced by spaces (XML 1.0
/// section 3.3.3).
pub(super) fn normalized(value: &str) -> Result<Cow<'_, str>, DecodeErrorKind> {
    if !holds(value, b"&\t\n\r") {
        return Ok(Cow::Borrowed(value));
    }
    let attribute = Attribute { key: QName(""), value: Cow::Borrowed(value) };
    let value =
        attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| DecodeErrorKind::Entity)?;
    if value.chars().all(allowed) {
        Ok(Cow::Owned(value.into_owned()))
    } else {
        Err(DecodeErrorKind::Character)
    }
}

/// Whether one of `any` is in `text`, which is short.
fn holds(text: &str, any: &[u8]) -> bool {
    text.bytes().any(|byte| any.contains(&byte))
}

/// The position of `part` in `whole`, of which it is a slice.
fn place_in(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    start..start.wrapping_add(part.len())
}
