//! A person in front of the browser. Every step waits for the page that it leads to, and every new page is checked.

use crate::accessibility::{self, State};
use crate::chromium::Chromium;
use crate::program::{Account, Serving};
use crate::watch;
use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest that a text of a failure shows of a page.
const SHOWN: usize = 3_000;

/// A key that a person presses.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    Tab,
    BackTab,
    Enter,
    Space,
    Down,
    Up,
    Char(char),
}

/// A person at a browser.
pub struct Person {
    chromium: Chromium,
    site: String,
    keys: usize,
    /// Whether each page is checked for accessibility.
    is_careful: bool,
}

impl Person {
    /// A person at a browser with nothing stored, in front of an empty window.
    pub async fn at(serving: &Serving) -> Self {
        let chromium = Chromium::start().await;
        let person = Self { chromium, site: serving.url.clone(), keys: 0, is_careful: true };
        person.show(State::Wide).await;
        person
    }

    /// A person whose browser runs no script.
    pub async fn without_scripts(serving: &Serving) -> Self {
        let mut person = Self::at(serving).await;
        person.is_careful = false;
        let off = json!({ "value": true });
        let client = &person.chromium.client;
        watch::devtools(client, "Emulation.setScriptExecutionDisabled", off)
            .await
            .expect("scripts are off");
        person
    }

    /// Leaves the check of each page to the test.
    pub fn careless(mut self) -> Self {
        self.is_careful = false;
        self
    }

    /// Goes to a path of the site.
    pub async fn visit(&self, path: &str) {
        let url = format!("{}{path}", self.site);
        self.chromium.client.goto(&url).await.expect("the page loads");
        self.see().await;
    }

    /// Signs in, and sees the page that follows.
    pub async fn sign_in(&self, account: &Account) {
        self.visit("/sign-in").await;
        self.enter("User id", &account.user).await;
        self.enter("Password", &account.password).await;
        self.enter("Code", &account.code(false)).await;
        self.press("Sign in").await;
        self.expect("Sign out").await;
    }

    /// The text of the page, as people see it.
    pub async fn text(&self) -> String {
        let body = self.find("body").await;
        body.text().await.expect("the page has text")
    }

    /// The heading of the page.
    pub async fn heading(&self) -> String {
        self.find("h1").await.text().await.expect("the heading has text")
    }

    /// Where the browser is, without the site.
    pub async fn place(&self) -> String {
        let url = self.chromium.client.current_url().await.expect("an address").to_string();
        url.strip_prefix(&self.site).unwrap_or(&url).to_owned()
    }

    /// The first element that a selector finds. Waits for it.
    pub async fn find(&self, selector: &str) -> Element {
        let wait = self.chromium.client.wait().at_most(PATIENCE);
        match wait.for_element(Locator::Css(selector)).await {
            Ok(found) => found,
            Err(error) => panic!("no {selector}: {error}\n{}", self.shown().await),
        }
    }

    /// All elements that a selector finds now.
    pub async fn find_all(&self, selector: &str) -> Vec<Element> {
        let found = self.chromium.client.find_all(Locator::Css(selector)).await;
        found.expect("the selector is valid")
    }

    /// Whether the page shows a text now.
    pub async fn sees(&self, text: &str) -> bool {
        self.text().await.contains(text)
    }

    /// Waits until the page shows a text.
    pub async fn expect(&self, text: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !self.sees(text).await {
            if tokio::time::Instant::now() > until {
                panic!("the page does not show {text:?}\n{}", self.shown().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into the field whose label contains `label`, in place of what is there.
    pub async fn enter(&self, label: &str, text: &str) {
        let field = self.labelled(label).await;
        field.clear().await.expect("the field can be cleared");
        field.send_keys(text).await.expect("the field takes text");
    }

    /// What is in the field whose label contains `label`.
    pub async fn value(&self, label: &str) -> String {
        let field = self.labelled(label).await;
        field.prop("value").await.expect("a field").unwrap_or_default()
    }

    /// Chooses the option whose text begins with `text` in the list whose label contains `label`.
    pub async fn select(&self, label: &str, text: &str) {
        let field = self.labelled(label).await;
        let path = format!(".//option[starts-with(normalize-space(.), {})]", quoted(text));
        let option = field.find(Locator::XPath(&path)).await.expect("the list has the option");
        option.click().await.expect("the option can be chosen");
    }

    /// Chooses the radio button or the check box whose label contains `label`.
    pub async fn choose(&self, label: &str) {
        self.labelled(label).await.click().await.expect("it can be chosen");
    }

    /// Opens what is behind this text, if it is closed.
    pub async fn open(&self, summary: &str) {
        let path = format!("//summary[contains(normalize-space(.), {})]", quoted(summary));
        let summary = self.by_path(&path).await;
        let details = summary.find(Locator::XPath("..")).await.expect("a summary has details");
        if details.attr("open").await.expect("an attribute").is_none() {
            summary.click().await.expect("it can be opened");
        }
    }

    /// Follows the link `again` until the page shows a text.
    pub async fn reach(&self, text: &str, again: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !self.sees(text).await {
            if tokio::time::Instant::now() > until {
                panic!("the page does not reach {text:?}\n{}", self.shown().await);
            }
            self.click(again).await;
        }
    }

    /// The texts of all elements that a selector finds now.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.find_all(selector).await {
            texts.push(element.text().await.expect("the element has text"));
        }
        texts
    }

    /// Names a file to upload.
    pub async fn attach(&self, label: &str, file: &Path) {
        let field = self.labelled(label).await;
        let path = file.to_str().expect("a path in UTF-8");
        field.send_keys(path).await.expect("the field takes a file");
    }

    /// Presses the button whose text contains `text`, and waits for the file that the browser then has in `folder`.
    pub async fn download(&self, text: &str, folder: &Path) -> PathBuf {
        let allowed = json!({ "behavior": "allow", "downloadPath": folder });
        let client = &self.chromium.client;
        watch::devtools(client, "Browser.setDownloadBehavior", allowed).await.expect("a folder");
        let path = format!("//main//button[contains(normalize-space(.), {})]", quoted(text));
        self.by_path(&path).await.click().await.expect("the button can be pressed");
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let entries = std::fs::read_dir(folder).expect("a folder").flatten();
            let mut files = entries.map(|entry| entry.path());
            // A file that is not complete has another ending.
            if let Some(file) = files.find(|path| path.extension().is_some_and(|it| it == "csv")) {
                return file;
            }
            if tokio::time::Instant::now() > until {
                panic!("no file follows\n{}", self.shown().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn labelled(&self, label: &str) -> Element {
        let path = format!("//label[contains(normalize-space(.), {})]", quoted(label));
        let found = self.by_path(&path).await;
        let id = found.attr("for").await.expect("a label").expect("the label names its field");
        self.find(&format!("[id='{id}']")).await
    }

    /// Presses the button whose text contains `text`, and waits for the page that follows.
    pub async fn press(&self, text: &str) {
        let path = format!(
            "//main//button[contains(normalize-space(.), {0})] | //button[contains(normalize-space(.), {0})]",
            quoted(text)
        );
        let button = self.by_path(&path).await;
        self.follow(button).await;
    }

    /// Follows the link whose text contains `text`, and waits for its page.
    pub async fn click(&self, text: &str) {
        let path = format!("//a[contains(normalize-space(.), {})]", quoted(text));
        let link = self.by_path(&path).await;
        self.follow(link).await;
    }

    /// Activates an element, and waits for the page that follows.
    pub async fn follow(&self, element: Element) {
        let before = self.document().await;
        element.click().await.expect("it can be activated");
        self.wait_for_other_than(&before).await;
    }

    async fn by_path(&self, path: &str) -> Element {
        let wait = self.chromium.client.wait().at_most(PATIENCE);
        match wait.for_element(Locator::XPath(path)).await {
            Ok(found) => found,
            Err(error) => panic!("no {path}: {error}\n{}", self.shown().await),
        }
    }

    /// Names the document that is shown. The name of an element differs in each document.
    async fn document(&self) -> String {
        let root = self.chromium.client.find(Locator::Css("html")).await.expect("a document");
        root.element_id().to_string()
    }

    /// Waits until another document is shown, which has its end.
    async fn wait_for_other_than(&self, before: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let root = self.chromium.client.find(Locator::Css("html")).await;
            if root.is_ok_and(|root| root.element_id().to_string() != before) {
                break;
            }
            if tokio::time::Instant::now() > until {
                panic!("no other page follows\n{}", self.shown().await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.see().await;
    }

    /// Waits for the page, and checks it.
    async fn see(&self) {
        self.find("main h1, body > main, main").await;
        if self.is_careful {
            self.check().await;
        }
    }

    /// Fails if anything is wrong with the page, or with what went on behind it.
    pub async fn check(&self) {
        let client = &self.chromium.client;
        let mut faults = accessibility::faults(client).await;
        faults.extend(watch::faults(client, &self.site).await);
        let place = self.place().await;
        assert!(faults.is_empty(), "{place}:\n{}", faults.join("\n"));
        // An id that is drawn may have any digits.
        let is_drawn = |part: &&str| part.len() == 36 && part.matches('-').count() == 4;
        let named: Vec<&str> = place.split('/').filter(|part| !is_drawn(part)).collect();
        for personal in PERSONAL {
            let is_there = named.iter().any(|part| part.contains(personal));
            assert!(!is_there, "{personal} is in an address: {place}");
        }
    }

    /// Shows pages in one state.
    pub async fn show(&self, state: State) {
        accessibility::show(&self.chromium.client, state).await;
    }

    /// Presses a key, where the focus is. It may lead to another page: see [`Person::press_to_page`].
    pub async fn key(&mut self, key: Key) {
        let (held, value) = match key {
            Key::Tab => (None, '\u{e004}'),
            Key::BackTab => (Some('\u{e008}'), '\u{e004}'),
            Key::Enter => (None, '\u{e007}'),
            Key::Space => (None, ' '),
            Key::Down => (None, '\u{e015}'),
            Key::Up => (None, '\u{e013}'),
            Key::Char(value) => (None, value),
        };
        let mut actions = KeyActions::new("keyboard".to_owned());
        if let Some(value) = held {
            actions = actions.then(KeyAction::Down { value });
        }
        actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        if let Some(value) = held {
            actions = actions.then(KeyAction::Up { value });
        }
        self.chromium.client.perform_actions(actions).await.expect("a key is pressed");
        self.keys += 1;
    }

    /// Presses a key that leads to another page, and waits for it.
    pub async fn key_to_page(&mut self, key: Key) {
        let before = self.document().await;
        self.key(key).await;
        self.wait_for_other_than(&before).await;
    }

    /// Types a text where the focus is, key by key.
    pub async fn type_keys(&mut self, text: &str) {
        for value in text.chars() {
            self.key(Key::Char(value)).await;
        }
    }

    /// Presses Tab until the focus is on an element whose accessible text contains `text`.
    pub async fn tab_to(&mut self, text: &str) {
        for _ in 0..200 {
            self.key(Key::Tab).await;
            if self.focused().await.contains(text) {
                return;
            }
        }
        panic!("no Tab reaches {text:?}\n{}", self.shown().await);
    }

    /// What a person hears of the focused element: its label or its text.
    pub async fn focused(&self) -> String {
        let script = "
            const at = document.activeElement;
            if (!at) return '';
            const labels = at.labels ? [...at.labels].map(each => each.textContent).join(' ') : '';
            const label = at.getAttribute('aria-label') || '';
            const text = at.matches('a, button, summary') ? at.textContent : '';
            return [label, labels, text].join(' ').replace(/\\s+/g, ' ').trim();
        ";
        let found = self.chromium.client.execute(script, vec![]).await.expect("a focus");
        found.as_str().unwrap_or_default().to_owned()
    }

    /// The keys that were pressed since the last call.
    pub fn keys_pressed(&mut self) -> usize {
        std::mem::take(&mut self.keys)
    }

    /// Keeps a picture of the page for the documentation, if pictures are asked for.
    pub async fn picture(&self, name: &str) {
        let Ok(directory) = std::env::var("SCREENSHOTS") else { return };
        self.chromium
            .client
            .execute("document.activeElement.blur()", vec![])
            .await
            .expect("a page");
        self.show(State::Wide).await;
        let picture = self.chromium.client.screenshot().await.expect("a picture");
        let path = Path::new(&directory).join(format!("{name}.png"));
        std::fs::create_dir_all(&directory).expect("the directory of the pictures");
        std::fs::write(&path, picture).expect("the picture is written");
    }

    async fn shown(&self) -> String {
        let place = self.place().await;
        let text = match self.chromium.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        let text: String = text.chars().take(SHOWN).collect();
        format!("-- {place}\n{text}")
    }
}

/// What must never be in an address: parts of names, births and numbers that the tests type.
const PERSONAL: [&str; 3] = ["C000", "999", "surname="];

/// A text as XPath writes it.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
