//! Markup that the XML reader rejects, with the kind of each error, and markup that it accepts, with the
//! value.

use super::{envelope, payload, soap};
use nhs_pds::demographics::PersonName;
use nhs_pds::smsp::{Body, DecodeErrorKind, Limits, Response, decode};
use std::fmt::Write as _;

const DETAILS: &str = include_str!("../../data/smsp/details.xml");
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

fn swapped(from: &str, to: &str) -> String {
    assert!(DETAILS.contains(from), "{from}");
    DETAILS.replacen(from, to, 1)
}

fn kind(bytes: impl AsRef<[u8]>) -> Option<DecodeErrorKind> {
    decode(bytes.as_ref(), Limits::default()).err().map(|error| error.kind())
}

fn response(message: &str) -> Response {
    let message = decode(message.as_bytes(), Limits::default());
    match message.unwrap_or_else(|error| panic!("{error}")).body {
        Body::Response(response) => *response,
        other => panic!("{other:?}"),
    }
}

fn name(message: &str) -> PersonName {
    response(message).person.unwrap().name.unwrap()
}

/// The first given name if `written` is in its place.
fn given(written: &str) -> String {
    name(&swapped("Zoë", written)).given.remove(0)
}

#[test]
fn invalid_markup() {
    let in_given = |markup: &str| swapped("Zoë", markup);
    for markup in [
        "<1a/>",
        "<-a/>",
        "<a:b:c/>",
        "<a=b/>",
        "<a<b/>",
        "<\u{d7}/>",
        "<x y/>",
        "<x y=1/>",
        "<x y=\"1\"z=\"2\"/>",
        "<x y=\"1\"z/>",
        "<x 1y=\"\"/>",
        "<x y;=\"\"/>",
        "<x y=\"<\"/>",
        "<x y=\"\" y=''/>",
        "<x xmlns=\"a\" xmlns=\"b\"/>",
        "<x xmlns:p=\"a\" xmlns:p=\"b\"/>",
        "a]]>b",
        "<!-- -- -->",
        "<?1?>",
        "<??>",
        "<?xml version=\"1.0\"?>",
        "<?XML x?>",
        "</given ><given></given x>",
        "</Given>",
        "</wsa:given>",
        "<!ELEMENT a>",
    ] {
        assert_eq!(kind(in_given(markup)), Some(DecodeErrorKind::NotXml), "{markup}");
    }
    for cut in ["<a\"b/>", "<!--->", "<!-- x", "<![CDATA[ x", "<?x ", "<x y=\"", "<x>"] {
        let message = in_given(cut);
        let found = kind(&message);
        let cut_or_broken = [Some(DecodeErrorKind::Truncated), Some(DecodeErrorKind::NotXml)];
        assert!(cut_or_broken.contains(&found), "{cut}: {found:?}");
    }
}

#[test]
fn invalid_references() {
    for (written, expected) in [
        ("&nbsp;", DecodeErrorKind::Entity),
        ("&eacute;", DecodeErrorKind::Entity),
        ("&;", DecodeErrorKind::Entity),
        ("&#;", DecodeErrorKind::Entity),
        ("&#x;", DecodeErrorKind::Entity),
        ("&#-1;", DecodeErrorKind::Entity),
        ("&#0;", DecodeErrorKind::Entity),
        ("&#xD800;", DecodeErrorKind::Entity),
        ("&#x110000;", DecodeErrorKind::Entity),
        ("&#x1F;", DecodeErrorKind::Character),
        ("&#xFFFF;", DecodeErrorKind::Character),
    ] {
        assert_eq!(kind(swapped("Zoë", written)), Some(expected), "{written} in text");
        // Also in attributes that are not read.
        let attribute = format!("<prefix x=\"{written}\">");
        assert_eq!(kind(swapped("<prefix>", &attribute)), Some(expected), "{written} in a value");
    }
    for written in ["A & B", "A &amp B", "&amp"] {
        assert!(kind(swapped("Zoë", written)).is_some(), "{written} in text");
        let attribute = format!("<prefix x=\"{written}\">");
        assert!(kind(swapped("<prefix>", &attribute)).is_some(), "{written} in a value");
    }
}

#[test]
fn other_encodings() {
    for bytes in [
        b"\x80".as_slice(),
        b"\xc0\x80",
        b"\xc3",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xff",
    ] {
        let (before, after) = DETAILS.split_once("Zoë").unwrap();
        let message = [before.as_bytes(), bytes, after.as_bytes()].concat();
        assert_eq!(kind(message), Some(DecodeErrorKind::Encoding), "{bytes:?} in text");
        let (before, after) = DETAILS.split_once("CASE").unwrap();
        let message = [before.as_bytes(), bytes, after.as_bytes()].concat();
        assert_eq!(kind(message), Some(DecodeErrorKind::Encoding), "{bytes:?} in a value");
    }
    // Their zero bytes identify them.
    let (little, big): (Vec<u8>, Vec<u8>) = (
        "\u{feff}".chars().chain(DETAILS.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect(),
        "\u{feff}".chars().chain(DETAILS.chars()).flat_map(|c| (c as u16).to_be_bytes()).collect(),
    );
    let wide: Vec<u8> = DETAILS.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    for utf in [little, big, [b"\xff\xfe\0\0".as_slice(), &wide].concat(), wide] {
        assert_eq!(kind(utf), Some(DecodeErrorKind::Character));
    }
    for mark in ["\u{feff}\u{feff}".as_bytes(), b"\xfe\xff", b"\xff\xfe", b"+/v8"] {
        let found = kind([mark, DETAILS.as_bytes()].concat());
        let refused = [Some(DecodeErrorKind::Encoding), Some(DecodeErrorKind::NotXml)];
        assert!(refused.contains(&found), "{mark:?}: {found:?}");
    }
    for encoding in ["ISO-8859-1", "windows-1252", "UTF-16", "utf-7", ""] {
        let message = swapped("encoding=\"UTF-8\"", &format!("encoding=\"{encoding}\""));
        assert_eq!(kind(message), Some(DecodeErrorKind::Encoding), "{encoding}");
    }
    assert_eq!(response(&format!("\u{feff}{DETAILS}")), response(DETAILS));
}

#[test]
fn content_outside_the_root() {
    let body = DETAILS.strip_prefix(DECLARATION).unwrap();
    for stray in ["x", "&#10;", "&amp;", "<![CDATA[]]>", "<![CDATA[ ]]>", "\u{a0}", "\u{2003}"] {
        let before = format!("{DECLARATION}{stray}{body}");
        assert_eq!(kind(before), Some(DecodeErrorKind::NotXml), "{stray:?} before");
        let after = format!("{DETAILS}{stray}");
        assert_eq!(kind(after), Some(DecodeErrorKind::TrailingContent), "{stray:?} after");
    }
    for stray in [DECLARATION, "</x>", "</soap:Envelope>"] {
        assert_eq!(kind(format!("{DETAILS}{stray}")), Some(DecodeErrorKind::NotXml), "{stray}");
    }
    for dtd in ["<!DOCTYPE x>", "<!DOCTYPE x SYSTEM 'http://x.example/'>"] {
        assert_eq!(kind(format!("{DECLARATION}{dtd}{body}")), Some(DecodeErrorKind::Dtd));
        assert_eq!(kind(format!("{DETAILS}{dtd}")), Some(DecodeErrorKind::Dtd));
        assert_eq!(kind(swapped("Zoë", dtd)), Some(DecodeErrorKind::Dtd));
    }
    for allowed in [" \t\r\n", "<!-- x -->", "<?x y?>"] {
        assert_eq!(response(&format!("{DECLARATION}{allowed}{body}{allowed}")), response(DETAILS));
    }
}

#[test]
fn misleading_namespaces() {
    let else_where = "xmlns:soap=\"urn:else\"";
    for (message, expected) in [
        (swapped("<soap:Body>", &format!("<soap:Body {else_where}>")), DecodeErrorKind::NoEnvelope),
        (
            swapped(
                "<itk:DistributionEnvelope>",
                "<itk:DistributionEnvelope xmlns:itk=\"urn:nhs-itk:ns:201006\">",
            ),
            DecodeErrorKind::NoEnvelope,
        ),
        (swapped("urn:hl7-org:v3", "urn:hl7-org:v2"), DecodeErrorKind::UnknownPayload),
        (swapped("urn:hl7-org:v3", " urn:hl7-org:v3"), DecodeErrorKind::UnknownPayload),
        (swapped("urn:hl7-org:v3", "URN:HL7-ORG:V3"), DecodeErrorKind::UnknownPayload),
        (swapped("<value code", "<value xmlns=\"\" code"), DecodeErrorKind::NoCode),
        (swapped("<prefix>", "<prefix xmlns:xmlns=\"urn:x\">"), DecodeErrorKind::Prefix),
        (swapped("<prefix>", "<prefix xmlns:xml=\"urn:x\">"), DecodeErrorKind::Prefix),
        (
            swapped("<prefix>", "<prefix xmlns:p=\"http://www.w3.org/2000/xmlns/\">"),
            DecodeErrorKind::Prefix,
        ),
        (swapped("<prefix>", "<xmlns:x/><prefix>"), DecodeErrorKind::Prefix),
        (swapped("<prefix>", "<p:x xmlns:p=\"urn:x\"/><p:y/><prefix>"), DecodeErrorKind::Prefix),
        (swapped("<prefix>", "<prefix p:x=\"\">"), DecodeErrorKind::Prefix),
    ] {
        assert_eq!(kind(&message), Some(expected), "{message}");
    }
    // The same namespace, in any notation and with any prefix.
    for message in [
        swapped("urn:hl7-org:v3", "urn:hl7-org&#58;v&#x33;"),
        DETAILS.replace("soap:", "itk2:").replace("xmlns:soap", "xmlns:itk2"),
        swapped("<family>", "<h:family xmlns:h='urn:hl7-org:v3'>")
            .replace("</family>", "</h:family>"),
    ] {
        assert_eq!(response(&message), response(DETAILS));
    }
    // A known name in another namespace is another element.
    let mut expected = name(DETAILS);
    expected.given.remove(0);
    assert!(name(&swapped("<given>", "<given xmlns='urn:x'>")) == expected);
}

#[test]
fn text_in_pieces() {
    for (written, read) in [
        ("Z<!-- x -->o<?x y?>&#xEB;", "Zoë"),
        ("<![CDATA[Z]]>o<![CDATA[ë]]>", "Zoë"),
        ("<![CDATA[<Z>&amp;]]>", "<Z>&amp;"),
        ("]]&gt;", "]]>"),
        ("Zo<x>NOBODY</x>ë", "Zoë"),
        ("\r\n Zo\rë \n", "Zo\në"),
        ("Zo&#13;\r\në", "Zo\r\në"),
        ("Zo&#xD;&#xA;ë", "Zo\r\në"),
        ("<![CDATA[Zo\r\në]]>", "Zo\në"),
        ("&lt;&gt;&amp;&quot;&apos;", "<>&\"'"),
        ("&#38;amp;", "&amp;"),
        ("&#x1F600;\u{1f600}", "\u{1f600}\u{1f600}"),
        ("e\u{301}", "e\u{301}"),
    ] {
        assert_eq!(given(written), read, "{written:?}");
    }
    let local = |written: &str| {
        let identifier = response(&swapped("RHM:CASE-00017", written)).local_identifier;
        identifier.map(|identifier| identifier.extension().to_owned())
    };
    assert_eq!(local("a\tb\r\nc").as_deref(), Some("a b c"));
    assert_eq!(local("&#x41;&amp;&lt;").as_deref(), Some("A&<"));
    // Not in our messages, which have no line ends.
    assert_eq!(local("a&#10;b"), None);
}

/// Many attributes, declarations or elements take no excessive time, and no counter overflows.
#[test]
fn excessive_attributes_and_declarations() {
    let many = |count: u32, of: fn(u32) -> String| (0..count).map(of).collect::<String>();
    let with = |attributes: &str| swapped("<prefix>", &format!("<prefix {attributes}>"));
    let plain = many(100_000, |number| format!("a{number}='' "));
    assert_eq!(response(&with(&plain)), response(DETAILS));
    assert_eq!(kind(with(&format!("{plain} a99='' "))), Some(DecodeErrorKind::NotXml));
    let declarations = |count| many(count, |number| format!("xmlns:a{number}='urn:x' "));
    assert_eq!(response(&with(&declarations(100))), response(DETAILS));
    // More declarations than quick-xml keeps, so that a lookup stays fast.
    assert_eq!(kind(with(&declarations(200))), Some(DecodeErrorKind::Prefix));
    let mut deep = String::new();
    (0..40).for_each(|level| write!(deep, "<x xmlns:b{level}='u' xmlns:c{level}='u'>").unwrap());
    let nested = swapped("<prefix>", &format!("{deep}{}<prefix>", "</x>".repeat(40)));
    assert_eq!(response(&nested), response(DETAILS));
    let siblings = "<x xmlns:p='u' p:y=''/>".repeat(10_000);
    assert_eq!(response(&swapped("<prefix>", &format!("{siblings}<prefix>"))), response(DETAILS));
    let comments = "<!---->&#32;".repeat(100_000);
    assert_eq!(given(&format!("Zo{comments}")), "Zo");
}

/// An element that may occur once and occurs twice is ambiguous.
#[test]
fn envelopes_and_faults_with_repeated_elements() {
    let repeated = |message: &str| assert_eq!(kind(message), Some(DecodeErrorKind::Repeated));
    let good = payload("getNHSNumberResponse-v1-0", "DEMOG-0001", "");
    let message = soap(&envelope("", &good));
    repeated(&message.replace("<payloads count", "<header/><payloads count"));
    repeated(&message.replace("</payloads>", "</payloads><header/>"));
    repeated(&message.replace("</header>", "<manifest/></header>"));
    repeated(&swapped("</locationOrganization>", "</locationOrganization><locationOrganization/>"));
    let fault = "<S:Fault><faultcode>S:Client</faultcode><faultstring>x</faultstring><detail>\
                 <ToolkitErrorInfo xmlns=\"urn:nhs-itk:ns:201005\"><ErrorCode>1000</ErrorCode>\
                 <ErrorText>x</ErrorText></ToolkitErrorInfo></detail></S:Fault>";
    assert_eq!(kind(soap(fault)), None);
    for (part, again) in [
        ("</faultcode>", "<faultcode>S:Server</faultcode>"),
        ("</faultstring>", "<faultstring/>"),
        ("</detail>", "<detail/>"),
        ("</ErrorCode>", "<ErrorCode>2100</ErrorCode>"),
        ("</ErrorText>", "<ErrorText/>"),
    ] {
        repeated(&soap(&fault.replace(part, &format!("{part}{again}"))));
    }
}
