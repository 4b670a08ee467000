//! A second reader of responses, on a DOM, for messages that the first has accepted.
//!
//! Shares no code with the first, and checks nothing: it relies on each element occurring once at most.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use roxmltree::{Document, Node};
use std::io::Read as _;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ADDRESSING: [&str; 2] =
    ["http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing"];
const ITK: &str = "urn:nhs-itk:ns:201005";
const HL7: &str = "urn:hl7-org:v3";
const NHS_NUMBER: &str = "2.16.840.1.113883.2.1.4.1";

/// A SOAP message.
pub(super) struct Message {
    pub(super) message_id: Option<String>,
    pub(super) relates_to: Option<String>,
    pub(super) body: Body,
}

pub(super) enum Body {
    Fault(Fault),
    Response(Box<Response>),
}

#[derive(Default)]
pub(super) struct Fault {
    pub(super) code: String,
    pub(super) text: Option<String>,
    pub(super) toolkit_code: Option<String>,
    pub(super) toolkit_text: Option<String>,
}

/// A response. A text is the element's content, without white space around it.
#[derive(Default)]
pub(super) struct Response {
    /// The service that the envelope names.
    pub(super) service: Option<String>,
    /// The payload's root.
    pub(super) root: String,
    pub(super) code: String,
    pub(super) verified: Option<String>,
    pub(super) nhs_number: Option<String>,
    /// Root and extension of every other identifier.
    pub(super) identifiers: Vec<(String, String)>,
    pub(super) person: Option<Person>,
}

#[derive(Default)]
pub(super) struct Person {
    pub(super) name: Option<Name>,
    pub(super) gender: Option<String>,
    pub(super) birth: Option<String>,
    pub(super) death: Option<String>,
    pub(super) addresses: Vec<Address>,
    pub(super) telecoms: Vec<Telecom>,
    pub(super) practice: Option<Practice>,
}

pub(super) struct Name {
    pub(super) prefix: Option<String>,
    pub(super) given: Vec<String>,
    pub(super) family: Option<String>,
}

pub(super) struct Address {
    pub(super) usage: Option<String>,
    pub(super) lines: Vec<String>,
    pub(super) postcode: Option<String>,
}

pub(super) struct Telecom {
    pub(super) usage: Option<String>,
    pub(super) value: String,
    pub(super) periods: Vec<(Option<String>, Option<String>)>,
}

#[derive(Default)]
pub(super) struct Practice {
    pub(super) code: Option<String>,
    pub(super) name: Option<String>,
    pub(super) address: Option<Address>,
    pub(super) telecom: Option<Telecom>,
}

/// Reads `text`, or returns the error of roxmltree about it or about its packed content.
pub(super) fn read(text: &str) -> Result<Message, roxmltree::Error> {
    let text = line_ends(text);
    let document = Document::parse(&text)?;
    let envelope = document.root_element();
    assert!(envelope.has_tag_name((SOAP, "Envelope")));
    let header = child(envelope, SOAP, "Header");
    let addressed = |name: &str| {
        let of = |namespace| header.and_then(|header| child(header, namespace, name));
        ADDRESSING.into_iter().find_map(of).map(text_of)
    };
    let (message_id, relates_to) = (addressed("MessageID"), addressed("RelatesTo"));
    let body = child(envelope, SOAP, "Body").unwrap();
    let recorded = body.children().find(Node::is_element).unwrap();
    let body = if recorded.has_tag_name((SOAP, "Fault")) {
        Body::Fault(fault(recorded))
    } else {
        assert!(recorded.has_tag_name((ITK, "DistributionEnvelope")));
        Body::Response(Box::new(distributed(recorded)?))
    };
    Ok(Message { message_id, relates_to, body })
}

/// Line ends as in XML 1.0 section 2.11; roxmltree does not change a CR before a reference.
fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn fault(fault: Node<'_, '_>) -> Fault {
    let own = |name: &str| {
        let mut children = fault.children().filter(Node::is_element);
        children.find(|node| {
            let namespace = node.tag_name().namespace();
            node.tag_name().name() == name && matches!(namespace, None | Some("" | SOAP))
        })
    };
    let toolkit = own("detail").and_then(|detail| child(detail, ITK, "ToolkitErrorInfo"));
    let told = |name: &str| toolkit.and_then(|toolkit| child(toolkit, ITK, name)).map(text_of);
    Fault {
        code: own("faultcode").map(text_of).unwrap(),
        text: own("faultstring").map(text_of),
        toolkit_code: told("ErrorCode"),
        toolkit_text: told("ErrorText"),
    }
}

fn distributed(envelope: Node<'_, '_>) -> Result<Response, roxmltree::Error> {
    let header = child(envelope, ITK, "header");
    let manifest = header.and_then(|header| child(header, ITK, "manifest"));
    let items: Vec<_> = manifest
        .map(|manifest| children(manifest, ITK, "manifestitem").collect())
        .unwrap_or_default();
    let payloads = children(envelope, ITK, "payloads");
    let payload = payloads.flat_map(|payloads| children(payloads, ITK, "payload")).next().unwrap();
    let id = |node: Node<'_, '_>| node.attribute("id").unwrap_or_default().to_owned();
    let item = match items.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|item| id(**item) == id(payload)),
    };
    let is = |flag: &str| {
        let flag = item.and_then(|item| item.attribute(flag)).unwrap_or_default();
        matches!(flag.trim(), "true" | "1")
    };
    let mut response = if is("base64") {
        let packed: String = text(payload).chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let mut bytes = GeneralPurpose::new(&STANDARD, config).decode(packed).unwrap();
        if is("compressed") {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut plain).unwrap();
            bytes = plain;
        }
        let inner = line_ends(&String::from_utf8(bytes).unwrap());
        let document = Document::parse(&inner)?;
        response(document.root_element())
    } else {
        response(payload.children().find(Node::is_element).unwrap())
    };
    response.service = header
        .and_then(|header| header.attribute("service"))
        .map(|service| service.trim().to_owned());
    Ok(response)
}

fn response(root: Node<'_, '_>) -> Response {
    assert_eq!(root.tag_name().namespace(), Some(HL7));
    let name = root.tag_name().name().to_owned();
    let value = child(root, HL7, "value").unwrap();
    let mut response = Response {
        code: attribute(value, "code").unwrap(),
        root: name.clone(),
        ..Response::default()
    };
    let subjects: Vec<_> = if name.starts_with("verify") {
        let valid = children(root, HL7, "component")
            .flat_map(|component| children(component, HL7, "validIdentifier").collect::<Vec<_>>());
        let valid: Vec<_> = valid.collect();
        let said = valid.iter().find_map(|valid| child(*valid, HL7, "value"));
        response.verified = said.and_then(|value| value.attribute("value")).map(str::to_owned);
        valid.iter().flat_map(|valid| children(*valid, HL7, "subject")).collect()
    } else {
        children(root, HL7, "subject").collect()
    };
    let patients = subjects.iter().flat_map(|subject| children(*subject, HL7, "patient"));
    for patient in patients {
        for id in children(patient, HL7, "id") {
            let extension = id.attribute("extension");
            if extension.is_none() && id.attribute("nullFlavor").is_some() {
                continue;
            }
            let (root, extension) =
                (id.attribute("root").unwrap_or_default(), extension.unwrap_or_default());
            if root == NHS_NUMBER {
                response.nhs_number = Some(extension.to_owned());
            } else {
                response.identifiers.push((root.to_owned(), extension.to_owned()));
            }
        }
        if name.starts_with("getPatientDetails") {
            response.person = Some(person(patient));
        }
    }
    response
}

fn person(patient: Node<'_, '_>) -> Person {
    let inner = child(patient, HL7, "patientPerson");
    let within = |name: &str| inner.and_then(|inner| child(inner, HL7, name));
    Person {
        name: child(patient, HL7, "name").map(|name| Name {
            prefix: child(name, HL7, "prefix").map(text_of),
            given: children(name, HL7, "given").map(text_of).collect(),
            family: child(name, HL7, "family").map(text_of),
        }),
        gender: within("administrativeGenderCode")
            .map(|code| attribute(code, "code").unwrap_or_default()),
        birth: within("birthTime").and_then(time),
        death: within("deceasedTime").and_then(time),
        addresses: children(patient, HL7, "addr").map(address).collect(),
        telecoms: children(patient, HL7, "telecom").map(telecom).collect(),
        practice: within("gPPractice").map(practice),
    }
}

fn practice(node: Node<'_, '_>) -> Practice {
    let organisation = child(node, HL7, "locationOrganization");
    let ids: Vec<_> = organisation
        .map(|organisation| children(organisation, HL7, "id").collect())
        .unwrap_or_default();
    let ours = |id: &&Node<'_, '_>| id.attribute("root").unwrap_or_default().ends_with(".4.19.2");
    let id = ids.iter().find(ours).or(ids.first());
    Practice {
        code: id.map(|id| attribute(*id, "extension").unwrap_or_default()),
        name: organisation.and_then(|node| child(node, HL7, "name")).map(text_of),
        address: child(node, HL7, "addr").map(address),
        telecom: child(node, HL7, "telecom").map(telecom),
    }
}

fn address(node: Node<'_, '_>) -> Address {
    Address {
        usage: node.attribute("use").map(str::to_owned),
        lines: children(node, HL7, "streetAddressLine").map(text_of).collect(),
        postcode: child(node, HL7, "postalCode").map(text_of),
    }
}

fn telecom(node: Node<'_, '_>) -> Telecom {
    let period = |period: Node<'_, '_>| {
        (child(period, HL7, "low").and_then(time), child(period, HL7, "high").and_then(time))
    };
    Telecom {
        usage: node.attribute("use").map(str::to_owned),
        value: attribute(node, "value").unwrap_or_default(),
        periods: children(node, HL7, "useablePeriod").map(period).collect(),
    }
}

/// `None` for "not applicable" and "no information".
fn time(node: Node<'_, '_>) -> Option<String> {
    let filled = |name| attribute(node, name).filter(|text| !text.is_empty());
    match filled("value") {
        Some(value) => Some(value),
        None => match filled("nullFlavor") {
            Some(flavour) if ["NA", "NI"].contains(&&*flavour) => None,
            flavour => Some(flavour.unwrap_or_default()),
        },
    }
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(|value| value.trim().to_owned())
}

fn child<'a, 'i>(node: Node<'a, 'i>, namespace: &str, name: &str) -> Option<Node<'a, 'i>> {
    children(node, namespace, name).next()
}

fn children<'a, 'i, 'n>(
    node: Node<'a, 'i>,
    namespace: &'n str,
    name: &'n str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i, 'n> {
    node.children().filter(move |child| child.is_element() && child.has_tag_name((namespace, name)))
}

fn text_of(node: Node<'_, '_>) -> String {
    text(node).trim().to_owned()
}

/// The text directly in the element.
fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}
