//! Records everything that the process prints: `tracing` and `log` at trace level, metrics, panics, and
//! text that a test adds.

use crate::privacy::person::{self, leak};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::{iter, panic};
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// The output so far, each text once, with its source; `None` while it is not recorded.
static HEARD: Mutex<Option<BTreeSet<(&'static str, String)>>> = Mutex::new(None);

fn say(who: &'static str, what: impl Into<String>) {
    if let Some(heard) = &mut *HEARD.lock().unwrap_or_else(PoisonError::into_inner) {
        heard.insert((who, what.into()));
    }
}

fn is_listening() -> bool {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// One at a time in the process: it records other threads and other tests as well.
pub(super) struct Ears(());

impl Ears {
    /// Starts recording.
    pub(super) fn open() -> Self {
        let spoken = tracing_subscriber::fmt::layer()
            .with_writer(|| Trace)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .without_time()
            .with_filter(dynamic_filter_fn(|_, _| is_listening()));
        let everything = tracing_subscriber::registry().with(spoken);
        tracing::subscriber::set_global_default(everything).unwrap();
        log::set_logger(&Log).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            say("panic", panicked.to_string());
            before(panicked);
        }));
        *HEARD.lock().unwrap() = Some(BTreeSet::new());
        assert_eq!(LevelFilter::current(), LevelFilter::TRACE);
        Self(())
    }

    /// Adds a text.
    pub(super) fn text(&self, text: impl Into<String>) {
        say("text", text);
    }

    /// Adds the `Debug` of a value.
    pub(super) fn value(&self, value: &impl Debug) {
        say("debug", format!("{value:?}"));
        say("debug", format!("{value:#?}"));
    }

    /// Adds an error and all its sources.
    pub(super) fn error(&self, error: &(dyn Error + 'static)) {
        for cause in iter::successors(Some(error), |&cause| cause.source()) {
            self.value(&cause);
            self.display(&cause);
        }
    }

    /// Adds a result. Returns whether it was no error.
    pub(super) fn result<T: Debug, E: Error + 'static>(&self, result: &Result<T, E>) -> bool {
        match result {
            Ok(value) => self.value(value),
            Err(error) => self.error(error),
        }
        result.is_ok()
    }

    fn display(&self, value: &impl Display) {
        say("display", format!("{value}"));
        say("display", format!("{value:#}"));
    }

    /// The output since the last call.
    fn take(&self) -> BTreeSet<(&'static str, String)> {
        std::mem::take(HEARD.lock().unwrap().as_mut().unwrap())
    }

    /// Fails if any output since the last call names the person. Returns the output as one text.
    #[track_caller]
    pub(super) fn assert_silent(&self, stage: &str) -> String {
        let heard = self.take();
        let line = |(who, what): &(&'static str, String)| format!("{who}: {}", without_keys(what));
        let lines: Vec<String> = heard.iter().map(line).collect();
        let all = lines.join("\n");
        if leak(&all).is_some() {
            for line in &lines {
                person::assert_silent(stage, line);
            }
        }
        all
    }

    /// Prints each value in every recorded way, and fails if it is not found.
    pub(super) fn assert_open(&self) {
        use crate::privacy::person::{BORN, FAMILY, NUMBER, POSTCODE};
        let number = NUMBER.value();
        let ways: [(&str, &dyn Fn()); 13] = [
            ("a text", &|| self.text(FAMILY)),
            ("a value", &|| self.value(&FAMILY)),
            ("an error", &|| self.error(&io::Error::other(FAMILY))),
            ("an event", &|| tracing::trace!(target: "control", family = FAMILY)),
            ("an event's words", &|| tracing::trace!("of {FAMILY}")),
            ("a span", &|| drop(tracing::trace_span!("control", born = BORN).entered())),
            ("a span, later", &|| {
                let span = tracing::trace_span!("control", code = tracing::field::Empty);
                let _entered = span.entered().record("code", POSTCODE);
            }),
            ("another thread", &|| {
                std::thread::spawn(|| tracing::trace!("of {FAMILY}")).join().unwrap();
            }),
            ("a log", &|| log::trace!(target: "control", "of {FAMILY}")),
            ("a label", &|| metrics::counter!("control", "family" => FAMILY).increment(1)),
            ("a measure", &|| metrics::counter!("control").absolute(number)),
            ("a description", &|| metrics::describe_gauge!("control", FAMILY)),
            ("a panic", &|| {
                panic::catch_unwind(|| panic!("of {FAMILY}")).unwrap_err();
            }),
        ];
        for (way, say) in ways {
            self.take();
            say();
            assert!(
                self.take().iter().any(|(_, what)| leak(what).is_some()),
                "{way} is not recorded"
            );
        }
    }
}

/// `text` without its long hexadecimal numbers: the random values and keys that rustls logs, which can contain the
/// digits of a date by chance.
fn without_keys(text: &str) -> String {
    let is_key = |word: &str| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words
        .map(|word| {
            if is_key(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())) {
                " "
            } else {
                word
            }
        })
        .collect()
}

impl Drop for Ears {
    fn drop(&mut self) {
        *HEARD.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

struct Trace;

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        say("tracing", String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        is_listening()
    }

    fn log(&self, record: &log::Record<'_>) {
        say("log", format!("{} {} {}", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// Records names, labels, descriptions and measures.
pub(super) struct Meter;

struct Dial(String);

impl Meter {
    fn dial(key: &Key, metadata: &Metadata<'_>) -> Arc<Dial> {
        say("metrics", format!("{key:?} {metadata:?}"));
        Arc::new(Dial(key.to_string()))
    }

    fn describe(key: &KeyName, unit: Option<Unit>, description: &SharedString) {
        say("metrics", format!("{key:?} {unit:?} {description}"));
    }
}

impl Recorder for Meter {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        Self::describe(&key, unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        Self::describe(&key, unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        Self::describe(&key, unit, &description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        Counter::from_arc(Self::dial(key, metadata))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Self::dial(key, metadata))
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Self::dial(key, metadata))
    }
}

impl Dial {
    fn shows(&self, value: impl Display) {
        say("metrics", format!("{} {value}", self.0));
    }
}

impl CounterFn for Dial {
    fn increment(&self, value: u64) {
        self.shows(value);
    }

    fn absolute(&self, value: u64) {
        self.shows(value);
    }
}

impl GaugeFn for Dial {
    fn increment(&self, value: f64) {
        self.shows(value);
    }

    fn decrement(&self, value: f64) {
        self.shows(value);
    }

    fn set(&self, value: f64) {
        self.shows(value);
    }
}

impl HistogramFn for Dial {
    fn record(&self, value: f64) {
        self.shows(value);
    }
}
