//! No personal data in a URL, a redirect or a log (ASVS 14.2.1, 16.2.5).

use crate::security::crawler::{crawl, elements};
use crate::security::matrix::of_pattern;
use crate::security::world::{TEXTS, World, cases, long, starts};
use chrono::TimeDelta;
use nhs_pds::clock::Clock;
use nhs_pds_admin::Role;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The names of fields that any form has.
const FIELDS: [&str; 24] = [
    "surname",
    "given_name",
    "given",
    "postcode",
    "birth",
    "born",
    "gender",
    "case",
    "number",
    "user",
    "authority",
    "message",
    "note",
    "reason",
    "from",
    "to",
    "first",
    "last",
    "address",
    "version",
    "anchors",
    "kind",
    "back",
    "before",
];

/// Words of the world and of the forms. Each has five letters or more: an address contains sealed names of random
/// letters, in which a shorter word is found by chance.
const MARKS: [&str; 14] = [
    "Zqscript",
    "Zqimage",
    "Zqbidi",
    "Zqnul",
    "Zqtemplate",
    "Zqlong",
    "Zqother",
    "Zqdue",
    "Zqtyped",
    "Zquser",
    "Qzcase",
    "Qzother",
    "Qzdue",
    "9990000018",
];

/// Whether an address contains a text of the world or of a form, in any spelling.
fn leaks(address: &str) -> bool {
    let decoded: String = url::form_urlencoded::parse(address.as_bytes())
        .flat_map(|(name, value)| [name.into_owned(), value.into_owned()])
        .collect();
    [address, &decoded].iter().any(|text| MARKS.iter().any(|mark| text.contains(mark)))
}

#[test]
fn a_leak_is_seen() {
    assert!(leaks("/case/RHM%3AQzcase1") && leaks("/9990000018"));
    assert!(leaks("/search?surname=%5Aqtyped") && leaks("/search?case=RHM%3AQzdue0"));
    assert!(!leaks("/case/k3Jx"));
    // Every text and every id of the world has one of the words.
    let (long, cases) = (long(), cases());
    assert!(TEXTS.into_iter().chain([&*long]).all(leaks));
    assert!(
        cases.iter().all(|case| leaks(case.id.as_str()) && leaks(case.surname.as_ref().unwrap()))
    );
}

#[tokio::test]
async fn nothing_personal_is_in_an_address_or_a_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let site = world.site();
    let mut visits = Vec::new();
    for role in Role::ALL {
        let clock = Arc::clone(&world.clock);
        let next = || clock.set(clock.now() + TimeDelta::seconds(2));
        let routes = world.screens().routes();
        visits.extend(crawl(&site.of(role), &starts(&routes), next).await);
        // Every form, with a person in every field.
        let fields: Vec<(&str, &str)> = FIELDS.iter().map(|name| (*name, "Zqtyped")).collect();
        let number = [("number", "9990000018"), ("case", "RHM:Qzcase1"), ("user", "Zquser")];
        for route in routes.iter().filter(|route| route.method() == "POST") {
            for fields in [&fields[..], &number[..]] {
                world.clock.set(world.clock.now() + TimeDelta::seconds(2));
                let page = site.of(role).post(&of_pattern(route.path()), fields).await;
                assert!(!leaks(page.location()), "{}", route.path());
            }
        }
    }
    for visit in &visits {
        assert!(!leaks(&visit.path), "a link or form leads to {}", visit.path);
        assert!(!leaks(visit.page.location()), "{} redirects to a person", visit.path);
        for (name, value) in &visit.page.headers {
            assert!(!leaks(value.to_str().unwrap()), "{} {name}", visit.path);
        }
        for element in elements(&visit.page.html) {
            for attribute in ["href", "action", "src", "formaction"] {
                assert!(!leaks(element.get(attribute)), "{}: <{}>", visit.path, element.name);
            }
        }
    }
    tracing::info!("the end");
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("the end"), "the log is heard");
    assert!(!leaks(&text), "{text}");
}
