//! `<?xml version="1.0" encoding="UTF-8"?>`.

use super::character::is_space;
use crate::service::smsp::error::DecodeErrorKind;

/// The encodings that are UTF-8 or a part of it, in lower case.
const UTF_8: [&str; 3] = ["utf-8", "utf8", "us-ascii"];

/// Checks that `declaration`, the text between the marks, declares XML 1.0 in UTF-8, in ASCII or without
/// an encoding, in the order of `XMLDecl`.
pub(super) fn check(declaration: &str) -> Result<(), DecodeErrorKind> {
    let mut rest = declaration.strip_prefix("xml").ok_or(DecodeErrorKind::NotXml)?;
    if part(&mut rest, "version") != Some("1.0") {
        return Err(DecodeErrorKind::NotXml);
    }
    let encoding = part(&mut rest, "encoding");
    let alone = part(&mut rest, "standalone");
    if !alone.is_none_or(|alone| matches!(alone, "yes" | "no")) || !rest.chars().all(is_space) {
        return Err(DecodeErrorKind::NotXml);
    }
    let known = |name: &str| UTF_8.iter().any(|known| name.eq_ignore_ascii_case(known));
    if encoding.is_none_or(known) { Ok(()) } else { Err(DecodeErrorKind::Encoding) }
}

/// The value of the part `name`, if it is next. Removes it from `rest`.
fn part<'a>(rest: &mut &'a str, name: &str) -> Option<&'a str> {
    let after = rest.strip_prefix(is_space)?.trim_start_matches(is_space).strip_prefix(name)?;
    let after = after.trim_start_matches(is_space).strip_prefix('=')?.trim_start_matches(is_space);
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, after) = after.strip_prefix(quote)?.split_once(quote)?;
    *rest = after;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DecodeErrorKind::{Encoding, NotXml};

    #[test]
    fn supported_declarations() {
        for text in [
            "xml version=\"1.0\"",
            "xml version='1.0' ",
            "xml\tversion = \"1.0\"\r\nencoding\n=\n'utf-8' standalone='no' ",
            "xml version=\"1.0\" encoding=\"US-ASCII\"",
            "xml version=\"1.0\" standalone=\"yes\"",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn other_declarations_are_rejected() {
        for (text, kind) in [
            ("xml", NotXml),
            ("xml ", NotXml),
            ("xml version=\"1.1\"", NotXml),
            ("xml version=1.0", NotXml),
            ("xmlversion=\"1.0\"", NotXml),
            ("xml encoding=\"UTF-8\"", NotXml),
            ("xml encoding=\"UTF-8\" version=\"1.0\"", NotXml),
            ("xml version=\"1.0\"encoding=\"UTF-8\"", NotXml),
            ("xml version=\"1.0\" +encoding=\"UTF-8\"", NotXml),
            ("xml version=\"1.0\" encoding=\"UTF-8' ", NotXml),
            ("xml version=\"1.0\" standalone=\"maybe\"", NotXml),
            ("xml version=\"1.0\" version=\"1.0\"", NotXml),
            ("xml version=\"1.0\"\u{a0}", NotXml),
            ("xml version=\"1.0\" encoding=\"UTF-16\"", Encoding),
            ("xml version=\"1.0\" encoding=\"\"", Encoding),
        ] {
            assert_eq!(check(text), Err(kind), "{text}");
        }
    }
}
