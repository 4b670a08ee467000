//! Text from the bytes of a request.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use std::borrow::Cow;

/// An encoding of a request. XML 1.0 requires every reader to support UTF-8 and UTF-16.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// UTF-16 without a byte order, neither in its name nor by a byte order mark.
    Utf16,
    Latin1,
    Ascii,
}

impl Encoding {
    /// Returns the encoding with this IANA name.
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Self::Utf8,
            "utf-16" => Self::Utf16,
            "utf-16le" => Self::Utf16Le,
            "utf-16be" => Self::Utf16Be,
            "iso-8859-1" | "iso_8859-1" | "latin1" | "l1" => Self::Latin1,
            "us-ascii" | "ascii" => Self::Ascii,
            _ => return None,
        })
    }

    fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        let units = |unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
            let text: Option<String> = text.map(Result::ok).collect();
            text.filter(|_| rest.is_empty()).map(Cow::Owned)
        };
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Ascii if !bytes.is_ascii() => None,
            // The first 256 characters of Unicode are those of ISO 8859-1.
            Self::Ascii | Self::Latin1 => {
                Some(Cow::Owned(bytes.iter().copied().map(char::from).collect()))
            }
            Self::Utf16Le => units(u16::from_le_bytes),
            // RFC 2781: without a byte order mark, the first byte is the higher one.
            Self::Utf16Be | Self::Utf16 => units(u16::from_be_bytes),
        }
    }
}

/// Returns the text of a body. The encoding comes from the byte order mark, the XML declaration or the
/// charset of `Content-Type`, in this order; without any of them it is UTF-8. Returns `None` when the
/// encoding is unknown, or when the bytes are not in it.
pub(super) fn decode<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<Cow<'a, str>> {
    let marked = [
        (&b"\xef\xbb\xbf"[..], Encoding::Utf8),
        (b"\xff\xfe", Encoding::Utf16Le),
        (b"\xfe\xff", Encoding::Utf16Be),
    ];
    for (mark, encoding) in marked {
        if let Some(rest) = body.strip_prefix(mark) {
            return encoding.decode(rest);
        }
    }
    // Without a mark, the first `<` shows the width of the declaration's characters.
    let assumed = match body {
        [b'<', 0, ..] => Encoding::Utf16Le,
        [0, b'<', ..] => Encoding::Utf16Be,
        _ => Encoding::Latin1,
    };
    let start = body.get(..256).unwrap_or(body);
    let declared =
        assumed.decode(start).as_deref().and_then(declared).map(|name| Encoding::named(&name));
    let encoding = match declared {
        // A declaration that is readable in 16 bits is in 16 bits, whatever name it contains.
        _ if assumed != Encoding::Latin1 => assumed,
        Some(encoding) => encoding?,
        None => match charset(headers) {
            Some(name) => Encoding::named(&name)?,
            None => Encoding::Utf8,
        },
    };
    let is_wide = matches!(encoding, Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be);
    // A declaration that is readable in 8 bits is not in 16 bits.
    if is_wide && declared.is_some() && assumed == Encoding::Latin1 {
        return None;
    }
    encoding.decode(body)
}

/// Returns the encoding in an XML declaration.
fn declared(start: &str) -> Option<String> {
    let (declaration, _) = start.trim_start().strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    value.split(quote).nth(1).map(str::to_owned)
}

/// Returns the charset of `Content-Type`.
fn charset(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_owned())
    })
}
