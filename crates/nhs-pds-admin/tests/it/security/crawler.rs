//! Follows every link and sends every form of the screens, as one user.

use crate::support::{Browser, Page};
use axum::body::Body;
use html5gum::{Token, Tokenizer};
use http::Request;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many pages are read at most; the world is small.
const PAGES: usize = 400;

/// Where a crawl starts.
#[derive(Clone)]
pub(super) enum Start {
    /// A page.
    Get(String),
    /// A form with these fields.
    Post(&'static str, Vec<(&'static str, String)>),
    /// A caseload to import.
    Upload(String),
    /// A response to a batch.
    Answer(String),
}

/// A response that the crawler got, and how.
pub(super) struct Visit {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) page: Page,
}

/// An element of a page: its name and attributes.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
}

impl Element {
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// A form with the values that it has when it is shown.
struct Form {
    action: String,
    is_multipart: bool,
    fields: Vec<(String, String)>,
}

/// The start tags of a page, in order, as a browser's tokenizer reads them.
pub(super) fn elements(html: &str) -> Vec<Element> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut found = Vec::new();
    for token in Tokenizer::new(html) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value)));
        found.push(Element { name: text(&tag.name), attributes: attributes.collect() });
    }
    found
}

/// The forms that are sent by POST.
fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut is_post = false;
    let mut radios = BTreeSet::new();
    let mut select: Option<String> = None;
    for element in elements(html) {
        let name = element.get("name").to_owned();
        match element.name.as_str() {
            "form" => {
                is_post = element.get("method").eq_ignore_ascii_case("post");
                if is_post {
                    forms.push(Form {
                        action: element.get("action").to_owned(),
                        is_multipart: element.get("enctype").starts_with("multipart/"),
                        fields: Vec::new(),
                    });
                }
            }
            "select" => select = Some(name),
            "option" => {
                // The first option, unless another one is selected.
                let Some(name) = &select else { continue };
                let Some(form) = forms.last_mut().filter(|_| is_post) else { continue };
                let is_new = !form.fields.iter().any(|(field, _)| field == name);
                let value = element.get("value").to_owned();
                if is_new {
                    form.fields.push((name.clone(), value));
                } else if element.attributes.contains_key("selected") {
                    form.fields.retain(|(field, _)| field != name);
                    form.fields.push((name.clone(), value));
                }
            }
            "input" | "textarea" | "button" if !name.is_empty() => {
                let Some(form) = forms.last_mut().filter(|_| is_post) else { continue };
                let once = matches!(element.get("type"), "radio" | "submit");
                if element.get("type") == "file" || once && !radios.insert(name.clone()) {
                    continue;
                }
                form.fields.push((name, element.get("value").to_owned()));
            }
            "button" if element.attributes.contains_key("formaction") => {
                let Some(form) = forms.last().filter(|_| is_post) else { continue };
                let (action, fields) = (element.get("formaction").to_owned(), form.fields.clone());
                // The form itself stays the last: more of its fields may follow.
                let other = Form { action, fields, is_multipart: form.is_multipart };
                forms.insert(forms.len() - 1, other);
            }
            _ => {}
        }
    }
    forms
}

/// Reads every page to which links lead from `starts`, and sends each form once. Calls `between` before each form.
pub(super) async fn crawl(
    browser: &Browser<'_>,
    starts: &[Start],
    mut between: impl FnMut(),
) -> Vec<Visit> {
    let (mut queue, mut pending) = (VecDeque::new(), VecDeque::new());
    let (mut seen, mut sent, mut visits) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for start in starts.iter().cloned() {
        match start {
            Start::Get(path) => queue.push_back(path),
            Start::Post(path, fields) => pending.push_back(Form {
                action: path.to_owned(),
                is_multipart: false,
                fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            }),
            Start::Answer(file) => {
                let page = browser.answer(file.as_bytes()).await;
                queue.extend(page.place());
            }
            Start::Upload(file) => {
                let page = browser.upload("case system", file.as_bytes()).await;
                queue.extend(page.place());
            }
        }
    }
    while visits.len() < PAGES {
        let visit = if let Some(path) = queue.pop_front() {
            if !seen.insert(path.clone()) {
                continue;
            }
            Visit { method: "GET", page: browser.get(&path).await, path }
        } else if let Some(form) = pending.pop_front() {
            between();
            let path = form.action.clone();
            Visit { method: "POST", page: send(browser, form).await, path }
        } else {
            break;
        };
        let html = &visit.page.html;
        for element in elements(html) {
            let link = element.get("href");
            // The fragment is the browser's own.
            let link = link.split('#').next().unwrap();
            if element.name == "a" && link.starts_with('/') {
                queue.push_back(link.to_owned());
            }
        }
        queue.extend(visit.page.place());
        for form in forms(html) {
            let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
            if !form.action.ends_with("/sign-out")
                && sent.insert(format!("{} {names:?}", form.action))
            {
                pending.push_back(form);
            }
        }
        visits.push(visit);
    }
    assert!(visits.len() < PAGES, "the pages do not end");
    visits
}

async fn send(browser: &Browser<'_>, form: Form) -> Page {
    if !form.is_multipart {
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        return browser.post(&form.action, &fields).await;
    }
    let parts = form.fields.iter().map(|(name, value)| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let request = Request::post(&form.action)
        .header("host", "localhost")
        .header("origin", "http://localhost")
        .header("content-type", "multipart/form-data; boundary=b");
    let body = Body::from(parts.collect::<String>() + "--b--\r\n");
    browser.request(request.body(body).unwrap()).await
}
