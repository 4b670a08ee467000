use super::xml::{self, escaped};
use nhs_pds::smsp::{Body, DecodeErrorKind, Fault, Limits, decode};

/// Responses: reading never panics, names a place without quoting a value, and has the same result under
/// smaller limits or an error. A message that is cut off or extended is an error.
pub(crate) fn soap_response(bytes: &[u8]) {
    let decoded = decode(bytes, Limits::default());
    let small = Limits::default().with_max_depth(9).with_max_bytes(1024);
    match decode(bytes, small) {
        Ok(message) => assert!(decoded.as_ref() == Ok(&message)),
        Err(error) if error.kind() == DecodeErrorKind::TooLarge => {}
        Err(error) if error.kind() == DecodeErrorKind::TooDeep => {}
        Err(error) => assert_eq!(decoded.as_ref().err(), Some(&error)),
    }
    let message = match decoded {
        Ok(message) => message,
        Err(error) => {
            let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-/*@".contains(&byte);
            assert!(error.place().starts_with('/') && error.place().bytes().all(name));
            return;
        }
    };
    if let Body::Response(response) = &message.body {
        let _ = (response.outcome(), response.code.class(), response.code.loggable());
    }
    let all = bytes.trim_ascii_end();
    for cut in [all.len() - 1, all.len() / 2, all.len() * 3 / 4] {
        let (before, after) = all.split_at(cut);
        let after = after.trim_ascii();
        let whole = after.starts_with(b"<!--") || after.starts_with(b"<?");
        assert!(whole || decode(before, Limits::default()).is_err());
    }
    for more in [b"x".as_slice(), b"<x/>", b"&amp;", b"<![CDATA[x]]>", b"<!DOCTYPE x>"] {
        assert!(decode(&[bytes, more].concat(), Limits::default()).is_err());
    }
    for more in [b"\n".as_slice(), b" <!-- x -->", b"<?x y?>"] {
        assert!(decode(&[bytes, more].concat(), Limits::default()).as_ref() == Ok(&message));
    }
}

/// Faults: four texts, separated by zeros, are written and read back.
pub(crate) fn soap_fault(bytes: &[u8]) {
    let mut parts = bytes.splitn(4, |byte| *byte == 0);
    let mut part = || parts.next().map(|part| String::from_utf8_lossy(part).into_owned());
    let code = part().unwrap_or_default();
    let (text, toolkit_code, toolkit_text) = (part(), part(), part());
    let element = |name: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!("<{name}>{}</{name}>", escaped(text))).unwrap_or_default()
    };
    let message = xml::soap(&format!(
        "<s:Fault><faultcode>{}</faultcode>{}<detail><t:ToolkitErrorInfo \
         xmlns:t=\"urn:nhs-itk:ns:201005\">{}{}</t:ToolkitErrorInfo></detail></s:Fault>",
        escaped(&code),
        element("faultstring", &text),
        element("t:ErrorCode", &toolkit_code),
        element("t:ErrorText", &toolkit_text),
    ));
    let texts = [Some(&code), text.as_ref(), toolkit_code.as_ref(), toolkit_text.as_ref()];
    match decode(message.as_bytes(), Limits::default()) {
        Ok(message) => {
            let Body::Fault(fault) = message.body else { panic!("no fault") };
            let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
            assert_eq!(fault.code, code.trim());
            assert_eq!(fault.text, trimmed(text));
            assert_eq!(fault.toolkit_code, trimmed(toolkit_code));
            assert_eq!(fault.toolkit_text, trimmed(toolkit_text));
            speaks_in_codes(&fault);
        }
        Err(error) => match error.kind() {
            DecodeErrorKind::NoCode => assert!(code.trim().is_empty()),
            DecodeErrorKind::Character | DecodeErrorKind::Entity => {
                assert!(!texts.into_iter().flatten().all(|text| text.chars().all(xml::is_char)));
            }
            kind => panic!("{kind}"),
        },
    }
}

/// A fault describes itself by known codes only.
fn speaks_in_codes(fault: &Fault) {
    let (code, toolkit) = match fault.summary().split_once('/') {
        Some((code, toolkit)) => (code.to_owned(), Some(toolkit.to_owned())),
        None => (fault.summary(), None),
    };
    let codes = ["Client", "Server", "MustUnderstand", "VersionMismatch", "?"];
    assert!(codes.contains(&code.as_str()));
    let toolkits = ["1000", "2100", "2200", "3000", "?"];
    assert!(toolkit.is_none_or(|toolkit| toolkits.contains(&toolkit.as_str())));
    assert_eq!(format!("{fault:?}"), format!("Fault({})", fault.summary()));
    let _ = fault.class();
}
