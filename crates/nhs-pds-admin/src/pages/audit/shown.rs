//! An event as pages show it. The auditor sees ids and numbers, and no other data about a patient.

use crate::app::App;
use crate::view;
use nhs_pds::audit::{About, Event, EventKind};

/// What happened, in words.
pub(super) const fn kind_in_words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::MessageSent => "Message sent",
        EventKind::MessageReceived => "Message received",
        EventKind::CaseViewed => "Case viewed",
        EventKind::CasesListed => "List viewed",
        EventKind::CasesExported => "Data of all cases exported",
        EventKind::CaseChanged => "Case changed",
        EventKind::CaseErased => "Case erased for good",
        EventKind::AlertSent => "Alert sent",
        EventKind::ConfigurationChanged => "Configuration changed",
        EventKind::ReferenceDataChanged => "Reference data changed",
        EventKind::ProcessControlled => "Process controlled",
        EventKind::SignedIn => "Signed in",
        EventKind::SignInFailed => "Sign-in failed",
        EventKind::SignedOut => "Signed out",
        EventKind::PasswordChanged => "Password changed",
        EventKind::AuditQueried => "Audit trail queried",
        EventKind::AccessRefused => "Access refused",
        EventKind::AccountChanged => "Account changed",
        EventKind::AuditExported => "Everything about one person exported",
        // The kinds grow with the library.
        _ => "Other event",
    }
}

/// An event, in the texts of a page.
pub(super) struct Shown {
    pub(super) seq: u64,
    pub(super) href: String,
    pub(super) at: String,
    /// The time in UTC, as the trail has it.
    pub(super) at_utc: String,
    pub(super) kind: &'static str,
    pub(super) word: &'static str,
    pub(super) name: String,
    pub(super) user_id: String,
    pub(super) role: Option<String>,
    pub(super) organisation: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) device: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) details: Vec<(String, String)>,
    pub(super) patient: Patient,
}

/// The patient that an event is about.
pub(super) struct Patient {
    /// Whom the event is about, if no case or number says it.
    pub(super) note: Option<&'static str>,
    pub(super) case: Option<String>,
    pub(super) numbers: Vec<String>,
    /// Whether the event contains more, which the export contains.
    pub(super) has_more: bool,
}

impl Shown {
    pub(super) fn of(app: &App, event: &Event) -> Self {
        let actor = &event.actor;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            seq: event.seq,
            href: app.path(&format!("/audit/event/{}", event.seq)),
            at: view::time(event.at),
            at_utc: event.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            kind: kind_in_words(event.kind),
            word: event.kind.as_str(),
            name: actor.name().to_owned(),
            user_id: actor.user_id().to_owned(),
            role: owned(actor.role()),
            organisation: actor.organisation().map(ToString::to_string),
            authority: owned(actor.authority()),
            device: owned(actor.device()),
            message_id: event.message_id.clone(),
            details: event.details.clone(),
            patient: Patient::of(&event.about),
        }
    }

    /// The details in one line: `operation: getNHSNumber, code: SMSP-0000`.
    pub(super) fn details_in_a_line(&self) -> String {
        let details = self.details.iter().map(|(key, value)| format!("{key}: {value}"));
        details.collect::<Vec<_>>().join(", ")
    }
}

impl Patient {
    fn of(about: &About) -> Self {
        let note = |note| Self { note, case: None, numbers: Vec::new(), has_more: false };
        match about {
            About::NoPatient => note(None),
            About::Subject(subject) => Self {
                note: None,
                case: subject.case_id().map(ToString::to_string),
                numbers: subject.numbers().iter().map(ToString::to_string).collect(),
                has_more: subject.case().is_some() || !subject.personal().is_empty(),
            },
            About::Forgotten => note(Some("A person who was erased")),
            _ => note(Some("A person, not shown here")),
        }
    }

    pub(super) const fn is_none(&self) -> bool {
        self.note.is_none() && self.case.is_none() && self.numbers.is_empty()
    }
}
