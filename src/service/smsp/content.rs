//! What the headers of a response say about its body. Pure functions.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Whether the headers permit the body to be plain XML: with an XML media type (RFC 7303) or none, and
/// without compression, which the request does not accept.
pub(in crate::service::smsp) fn is_plain_xml(headers: &HeaderMap) -> bool {
    let all = |name, permits: fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(permits))
    };
    all(CONTENT_TYPE, is_xml) && all(CONTENT_ENCODING, is_identity)
}

fn is_xml(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.split_once('/') {
        Some(("text" | "application", "xml")) => true,
        Some((_, subtype)) => subtype.ends_with("+xml"),
        None => false,
    }
}

fn is_identity(content_encoding: &str) -> bool {
    content_encoding.trim().eq_ignore_ascii_case("identity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(lines: &[(HeaderName, &'static [u8])]) -> HeaderMap {
        let line = |(name, value): &(HeaderName, &'static [u8])| {
            (name.clone(), HeaderValue::from_bytes(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn every_xml_media_type_and_none_is_accepted() {
        assert!(is_plain_xml(&HeaderMap::new()));
        for value in [
            &b"text/xml"[..],
            b"text/xml; charset=utf-8",
            b"TEXT/XML;charset=\"utf-8\"",
            b" application/xml ",
            b"application/soap+xml; action=\"urn:x\"",
        ] {
            assert!(is_plain_xml(&headers(&[(CONTENT_TYPE, value)])), "{value:?}");
        }
        let identity = headers(&[(CONTENT_TYPE, b"text/xml"), (CONTENT_ENCODING, b"Identity")]);
        assert!(is_plain_xml(&identity));
    }

    #[test]
    fn other_media_types_and_encodings_are_rejected() {
        for value in [
            &b""[..],
            b"xml",
            b"text/html",
            b"text/html; charset=text/xml",
            b"text/plain",
            b"text/xmlish",
            b"application/json",
            b"application/xml-dtd",
            b"application/octet-stream",
            b"multipart/related; type=\"text/xml\"",
            b"text/\xffxml",
        ] {
            assert!(!is_plain_xml(&headers(&[(CONTENT_TYPE, value)])), "{value:?}");
        }
        let two = headers(&[(CONTENT_TYPE, b"text/xml"), (CONTENT_TYPE, b"text/html")]);
        assert!(!is_plain_xml(&two));
        for value in [&b"gzip"[..], b"deflate", b"br", b"zstd", b"identity, gzip", b"\xff"] {
            let packed = headers(&[(CONTENT_TYPE, b"text/xml"), (CONTENT_ENCODING, value)]);
            assert!(!is_plain_xml(&packed), "{value:?}");
        }
    }
}
