//! Walks through a parsed message. Errors name a place, never a value.

use super::names;
use super::refusal::Refusal;
use roxmltree::Node;

pub(super) type Element<'a> = Node<'a, 'a>;

/// The elements below `node`.
pub(super) fn children<'a>(node: Element<'a>) -> impl Iterator<Item = Element<'a>> {
    node.children().filter(Node::is_element)
}

/// Returns the one child with this name.
pub(super) fn only<'a>(
    node: Element<'a>,
    namespace: &str,
    name: &str,
) -> Result<Element<'a>, Refusal> {
    let mut found = children(node).filter(|child| child.has_tag_name((namespace, name)));
    match (found.next(), found.next()) {
        (Some(child), None) => Ok(child),
        (None, _) => Err(Refusal::message(format!("{} is missing", qualified(namespace, name)))),
        _ => Err(Refusal::message(format!("{} is repeated", qualified(namespace, name)))),
    }
}

/// Returns the child with this name, if there is exactly one.
pub(super) fn maybe<'a>(
    node: Element<'a>,
    namespace: &str,
    name: &str,
) -> Result<Option<Element<'a>>, Refusal> {
    if children(node).any(|child| child.has_tag_name((namespace, name))) {
        only(node, namespace, name).map(Some)
    } else {
        Ok(None)
    }
}

/// Returns the text of the one child with this name, which must not be blank.
pub(super) fn only_text(node: Element<'_>, namespace: &str, name: &str) -> Result<String, Refusal> {
    let text = text(only(node, namespace, name)?);
    if text.is_empty() {
        return Err(Refusal::message(format!("{} is blank", qualified(namespace, name))));
    }
    Ok(text)
}

/// Returns all text directly in `node`, trimmed. Comments and CDATA may divide it.
pub(super) fn text(node: Element<'_>) -> String {
    let pieces: String = node.children().filter(Node::is_text).filter_map(|n| n.text()).collect();
    pieces.trim().to_owned()
}

/// Refuses children that are not in `order`, and children in another order. Each is optional.
pub(super) fn in_order(node: Element<'_>, namespace: &str, order: &[&str]) -> Result<(), Refusal> {
    let mut rest = order.iter();
    for child in children(node) {
        let name = child.tag_name();
        let known = name.namespace() == Some(namespace) && order.contains(&name.name());
        let place = qualified(namespace, node.tag_name().name());
        if !known {
            return Err(Refusal::message(format!("{place} has an unknown element")));
        }
        if !rest.any(|next| *next == name.name()) {
            let name = qualified(namespace, name.name());
            return Err(Refusal::message(format!("{name} is out of order in {place}")));
        }
    }
    Ok(())
}

/// Upper case, as the envelope's schema requires: `[A-F0-9]{8}-…`.
pub(super) fn is_upper_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte),
        })
}

/// Returns whether this can be an `xs:ID`: a name without a colon.
pub(super) fn is_name(text: &str) -> bool {
    let starts = |character: char| character.is_alphabetic() || character == '_';
    text.starts_with(starts)
        && text.chars().all(|character| {
            starts(character) || character.is_numeric() || matches!(character, '-' | '.' | '\u{b7}')
        })
}

/// The elements below `node`, without those that may begin any element of HL7 V3.
pub(super) fn own_children<'a>(node: Element<'a>) -> impl Iterator<Item = Element<'a>> {
    let is_infrastructure = |child: &Element<'a>| {
        ["realmCode", "typeId", "templateId"]
            .into_iter()
            .any(|name| child.has_tag_name((names::HL7, name)))
    };
    children(node).skip_while(is_infrastructure)
}

/// Returns whether an element has `xsi:nil` and no content.
pub(super) fn is_nil(node: Element<'_>) -> bool {
    let nil = node.attribute(("http://www.w3.org/2001/XMLSchema-instance", "nil"));
    matches!(nil.map(str::trim), Some("true" | "1")) && children(node).next().is_none()
}

fn qualified(namespace: &str, name: &str) -> String {
    let prefix = match namespace {
        names::SOAP => "soap:",
        names::ADDRESSING => "wsa:",
        names::SECURITY => "wsse:",
        names::UTILITY => "wsu:",
        names::ITK => "itk:",
        _ => "",
    };
    format!("{prefix}{name}")
}

/// Escapes text for an element or an attribute. Characters that XML does not permit become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
