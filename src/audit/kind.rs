use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// The kind of an event (MSCA-AUD-02).
///
/// ```
/// use nhs_pds::audit::EventKind;
///
/// assert_eq!("case_viewed".parse(), Ok(EventKind::CaseViewed));
/// assert_eq!(EventKind::SignInFailed.to_string(), "sign_in_failed");
/// assert!("Case viewed".parse::<EventKind>().is_err());
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EventKind {
    /// A message was sent.
    MessageSent,
    /// A message was received.
    MessageReceived,
    /// A user viewed a case.
    CaseViewed,
    /// A user viewed a list of review items.
    CasesListed,
    /// A user exported data of all cases from the store, such as the decisions about them.
    CasesExported,
    /// A case is about to be saved; the event contains the case as it will be.
    CaseChanged,
    /// A case is erased permanently (MSCA-DQ-02).
    CaseErased,
    /// An alert was sent.
    AlertSent,
    /// The configuration changed.
    ConfigurationChanged,
    /// Reference data changed.
    ReferenceDataChanged,
    /// A process was started, stopped, paused or scheduled.
    ProcessControlled,
    /// A user signed in.
    SignedIn,
    /// A user's sign-in failed.
    SignInFailed,
    /// A user signed out.
    SignedOut,
    /// A user's password changed.
    PasswordChanged,
    /// The audit trail was queried (MSCA-AUD-05).
    AuditQueried,
    /// A user was refused a function, a case or a field, because the role has no right to it.
    AccessRefused,
    /// The account of a user was added or changed: role, factor, sessions or state.
    AccountChanged,
    /// Everything about one person was exported from the audit trail (MSCA-ORG-04).
    AuditExported,
    /// A caseload was uploaded, previewed, approved, cancelled or imported by a user.
    CasesImported,
    /// A batch was begun, sent, answered or ended.
    BatchChanged,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::MessageSent,
        Self::MessageReceived,
        Self::CaseViewed,
        Self::CasesListed,
        Self::CasesExported,
        Self::CaseChanged,
        Self::CaseErased,
        Self::AlertSent,
        Self::ConfigurationChanged,
        Self::ReferenceDataChanged,
        Self::ProcessControlled,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::PasswordChanged,
        Self::AuditQueried,
        Self::AccessRefused,
        Self::AccountChanged,
        Self::AuditExported,
        Self::CasesImported,
        Self::BatchChanged,
    ];

    /// A stable word for storage and queries: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageSent => "message_sent",
            Self::MessageReceived => "message_received",
            Self::CaseViewed => "case_viewed",
            Self::CasesListed => "cases_listed",
            Self::CasesExported => "cases_exported",
            Self::CaseChanged => "case_changed",
            Self::CaseErased => "case_erased",
            Self::AlertSent => "alert_sent",
            Self::ConfigurationChanged => "configuration_changed",
            Self::ReferenceDataChanged => "reference_data_changed",
            Self::ProcessControlled => "process_controlled",
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::PasswordChanged => "password_changed",
            Self::AuditQueried => "audit_queried",
            Self::AccessRefused => "access_refused",
            Self::AccountChanged => "account_changed",
            Self::AuditExported => "audit_exported",
            Self::CasesImported => "cases_imported",
            Self::BatchChanged => "batch_changed",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = ValueError;

    fn from_str(word: &str) -> Result<Self, ValueError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(INVALID)
    }
}

/// The text is not a kind of event. Use one of the words of [`EventKind::ALL`].
const INVALID: ValueError = ValueError::new("no kind of event has this name");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(format!("{kind:?}").to_lowercase(), kind.as_str().replace('_', ""));
        }
        assert!("".parse::<EventKind>().is_err());
    }
}
