//! Reads XML from an untrusted sender.
//!
//! quick-xml is a tokenizer. It does not report that a document is cut off, has two roots or continues
//! after its root, and it accepts control characters. This module refuses all of that, and a DTD, an
//! unknown entity, an unbound prefix, and a document above the limits of size and depth. It identifies
//! elements by namespace and local name. Prefixes, comments, processing instructions, CDATA and white
//! space do not count.

mod attributes;
mod character;
mod declaration;

use super::names::{Namespace, known};
use crate::service::smsp::config::Limits;
use crate::service::smsp::error::{DecodeError, DecodeErrorKind};
use attributes::Attributes;
use character::{allowed, holds_forbidden_character, is_name, is_white, line_ends, predefined};
use quick_xml::Reader;
use quick_xml::errors::SyntaxError;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceResolver, ResolveResult};
use std::borrow::Cow;

/// The namespace of the prefix `xmlns`.
const DECLARATIONS: &str = "http://www.w3.org/2000/xmlns/";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

type Result<T> = std::result::Result<T, DecodeError>;

/// A position in a document, which moves forward only.
pub(super) struct Cursor<'a> {
    reader: Reader<&'a [u8]>,
    namespaces: NamespaceResolver,
    /// The open elements, by known names. A path of these names cannot repeat what the message says
    /// about a person.
    open: Vec<&'static str>,
    limits: Limits,
    /// Whether any part of the document was read.
    begun: bool,
    /// Whether the root was opened.
    rooted: bool,
    /// The element that was opened last, and the positions of its attributes.
    last: BytesStart<'a>,
    attributes: Attributes,
}

/// The element that was opened last.
#[derive(Clone, Copy)]
pub(super) struct Element {
    namespace: Namespace,
    name: &'static str,
}

enum Node<'a> {
    Start(Element),
    Text(Cow<'a, str>),
    End,
}

impl<'a> Cursor<'a> {
    /// A position before the root of `bytes`, which are UTF-8 XML 1.0.
    pub(super) fn new(bytes: &'a [u8], limits: Limits) -> Result<Self> {
        let refuse = |kind| Err(DecodeError::new(kind, &[]));
        if bytes.len() > limits.max_bytes() {
            return refuse(DecodeErrorKind::TooLarge);
        }
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        // quick-xml would skip the second of two.
        if bytes.starts_with(BYTE_ORDER_MARK) {
            return refuse(DecodeErrorKind::NotXml);
        }
        if holds_forbidden_character(bytes) {
            return refuse(DecodeErrorKind::Character);
        }
        // UTF-8 is checked during reading.
        let mut reader = Reader::from_reader(bytes);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        Ok(Self {
            reader,
            namespaces: NamespaceResolver::default(),
            open: Vec::with_capacity(16),
            limits,
            begun: false,
            rooted: false,
            last: BytesStart::new(""),
            attributes: Attributes::default(),
        })
    }

    /// An error of `kind`, here.
    pub(super) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, &self.open)
    }

    /// An error of `kind`, at `child` of this place.
    pub(super) fn error_at(&self, kind: DecodeErrorKind, child: &'static str) -> DecodeError {
        let mut path = self.open.clone();
        path.push(child);
        DecodeError::new(kind, &path)
    }

    /// An error of `kind`, at `child` of the element `closed`, which was read to its end.
    pub(super) fn error_under(
        &self,
        kind: DecodeErrorKind,
        closed: &'static str,
        child: &'static str,
    ) -> DecodeError {
        let mut path = self.open.clone();
        path.extend([closed, child]);
        DecodeError::new(kind, &path)
    }

    /// An error of `kind`, at the attribute `name` of this place.
    pub(super) fn error_at_attribute(
        &self,
        kind: DecodeErrorKind,
        name: &'static str,
    ) -> DecodeError {
        DecodeError::at_attribute(kind, &self.open, name)
    }

    /// Opens the root.
    pub(super) fn root(&mut self) -> Result<Element> {
        loop {
            match self.next()? {
                Some(Node::Start(element)) => return Ok(element),
                Some(Node::Text(_)) => {}
                _ => return Err(self.error(DecodeErrorKind::NotXml)),
            }
        }
    }

    /// Checks that nothing but white space and comments follows the root.
    pub(super) fn finish(mut self) -> Result<()> {
        while let Some(node) = self.next()? {
            match node {
                Node::Text(_) => {}
                _ => return Err(self.error(DecodeErrorKind::TrailingContent)),
            }
        }
        Ok(())
    }

    /// Visits the child elements of the open element, and closes it. Skips the parts of a child that
    /// `visit` leaves open, and the text between the children.
    pub(super) fn children(
        &mut self,
        mut visit: impl FnMut(&mut Self, Element) -> Result<()>,
    ) -> Result<()> {
        let depth = self.open.len();
        loop {
            match self.inside()? {
                Node::Start(element) => {
                    visit(self, element)?;
                    self.close_to(depth)?;
                }
                Node::Text(_) => {}
                Node::End => return Ok(()),
            }
        }
    }

    /// Returns the text of the open element, and closes it. Skips elements within the text.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>> {
        self.text_with(Self::close_to)
    }

    /// Returns the text of the open element, and closes it. The text must have no elements.
    pub(super) fn text_only(&mut self) -> Result<Cow<'a, str>> {
        self.text_with(|cursor, _| Err(cursor.error(DecodeErrorKind::Packing)))
    }

    fn text_with(
        &mut self,
        element: impl Fn(&mut Self, usize) -> Result<()>,
    ) -> Result<Cow<'a, str>> {
        let depth = self.open.len();
        let mut text = Cow::Borrowed("");
        loop {
            match self.inside()? {
                Node::Text(more) if text.is_empty() => text = more,
                Node::Text(more) => text.to_mut().push_str(&more),
                Node::Start(_) => element(self, depth)?,
                Node::End => return Ok(text),
            }
        }
    }

    /// Skips the rest of the elements that were opened above `depth`.
    fn close_to(&mut self, depth: usize) -> Result<()> {
        while self.open.len() > depth {
            self.inside()?;
        }
        Ok(())
    }

    /// The next node within the open element.
    fn inside(&mut self) -> Result<Node<'a>> {
        self.next()?.ok_or_else(|| self.error(DecodeErrorKind::Truncated))
    }

    fn next(&mut self) -> Result<Option<Node<'a>>> {
        loop {
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.error(malformed(&error))),
            };
            let first = !std::mem::replace(&mut self.begun, true);
            return match event {
                Event::Start(start) => self.start(start).map(Node::Start).map(Some),
                Event::End(_) => {
                    self.open.pop();
                    self.namespaces.pop();
                    Ok(Some(Node::End))
                }
                Event::Text(text) if self.open.is_empty() && !is_white(&text) => {
                    Err(self.outside())
                }
                Event::CData(_) | Event::GeneralRef(_) if self.open.is_empty() => {
                    Err(self.outside())
                }
                Event::Text(text) if text.contains("]]>") => {
                    Err(self.error(DecodeErrorKind::NotXml))
                }
                // A line end from a character reference stays as it is, so this is not done later.
                Event::Text(text) => Ok(Some(Node::Text(line_ends(text.into_inner())))),
                Event::CData(data) => Ok(Some(Node::Text(line_ends(data.into_inner())))),
                Event::GeneralRef(reference) => {
                    let character = self.character(reference)?;
                    Ok(Some(Node::Text(Cow::Owned(character.to_string()))))
                }
                Event::Decl(decl) if first => {
                    declaration::check(&decl).map_err(|kind| self.error(kind))?;
                    continue;
                }
                Event::Decl(_) => Err(self.error(DecodeErrorKind::NotXml)),
                Event::PI(instruction)
                    if !is_name(instruction.target())
                        || instruction.target().eq_ignore_ascii_case("xml") =>
                {
                    Err(self.error(DecodeErrorKind::NotXml))
                }
                Event::DocType(_) => Err(self.error(DecodeErrorKind::Dtd)),
                Event::Eof if self.open.is_empty() => Ok(None),
                Event::Eof => Err(self.error(DecodeErrorKind::Truncated)),
                _ => continue,
            };
        }
    }

    /// The fault of characters before or after the root.
    fn outside(&self) -> DecodeError {
        self.error(if self.rooted {
            DecodeErrorKind::TrailingContent
        } else {
            DecodeErrorKind::NotXml
        })
    }

    /// The character that `reference` means.
    fn character(&self, reference: BytesRef<'_>) -> Result<char> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) if allowed(character) => Ok(character),
            Ok(Some(_)) => Err(self.error(DecodeErrorKind::Character)),
            Ok(None) => predefined(&reference.into_inner())
                .ok_or_else(|| self.error(DecodeErrorKind::Entity)),
            Err(_) => Err(self.error(DecodeErrorKind::Entity)),
        }
    }

    fn start(&mut self, start: BytesStart<'a>) -> Result<Element> {
        let level = u16::try_from(self.open.len() + 1).unwrap_or(u16::MAX);
        if self.open.len() >= self.limits.max_depth() || level == u16::MAX {
            return Err(self.error(DecodeErrorKind::TooDeep));
        }
        let name = known(start.local_name().as_ref());
        self.open.push(name);
        self.rooted = true;
        // Known names are valid, and a prefix is checked where it is declared.
        if name == "*" && !is_name(start.name().as_ref()) {
            return Err(self.error(DecodeErrorKind::NotXml));
        }
        self.namespaces.set_level(level);
        if let Err(kind) = self.attributes.read(&start, &mut self.namespaces) {
            return Err(self.error(kind));
        }
        let namespace = match self.namespaces.resolve_element(start.name()).0 {
            // The prefix `xmlns` is for declarations only.
            ResolveResult::Bound(namespace) if namespace.0 == DECLARATIONS => {
                return Err(self.error(DecodeErrorKind::Prefix));
            }
            ResolveResult::Bound(namespace) => Namespace::from(namespace.0),
            ResolveResult::Unbound => Namespace::None,
            ResolveResult::Unknown(_) => return Err(self.error(DecodeErrorKind::Prefix)),
        };
        self.last = start;
        Ok(Element { namespace, name })
    }

    /// The value of the attribute `name` of the element that was opened last. Read it before anything
    /// within the element.
    pub(super) fn attribute(&self, name: &'static str) -> Result<Option<Cow<'_, str>>> {
        let Some(value) = self.attributes.value(&self.last, name) else { return Ok(None) };
        let normalized =
            attributes::normalized(value).map_err(|kind| self.error_at_attribute(kind, name))?;
        Ok(Some(normalized))
    }
}

impl Element {
    /// Whether this is the element `name` of `namespace`.
    pub(super) fn is(self, namespace: Namespace, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    pub(super) const fn namespace(self) -> Namespace {
        self.namespace
    }

    /// The local name; `*` for a name that no message of these services has.
    pub(super) const fn name(self) -> &'static str {
        self.name
    }
}

const fn malformed(error: &quick_xml::Error) -> DecodeErrorKind {
    match error {
        quick_xml::Error::Encoding(_) => DecodeErrorKind::Encoding,
        quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => DecodeErrorKind::NotXml,
        quick_xml::Error::Syntax(_) => DecodeErrorKind::Truncated,
        _ => DecodeErrorKind::NotXml,
    }
}
