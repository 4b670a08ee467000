//! Why PDS gave no answer, in words for a user, with what to do.

use crate::view;
use nhs_pds::demographics::Field;
use nhs_pds::service;
use nhs_pds::trace::{Error, ErrorKind};

/// What happened, and what the user can do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::pages) struct Failure {
    pub(in crate::pages) what: String,
    pub(in crate::pages) advice: &'static str,
    /// Whether the same search may succeed later without any change.
    pub(in crate::pages) can_retry: bool,
}

/// The failure of a question to PDS. The local records are complete all the same.
pub(in crate::pages) fn failure(error: &Error) -> Failure {
    let signed_out = service::Error::find_in(error)
        .is_some_and(|error| error.kind() == service::ErrorKind::SignIn);
    match error.kind() {
        _ if signed_out => Failure {
            what: "Your access to PDS has ended.".to_owned(),
            advice: "Sign in with your smartcard or care identity again, then search again.",
            can_retry: true,
        },
        ErrorKind::Unavailable => Failure {
            what: match error.suspended_until() {
                Some(until) => format!(
                    "PDS failed several times, so searches are suspended until {}.",
                    view::time(until)
                ),
                None => "PDS did not answer in time, or is not available.".to_owned(),
            },
            advice: "Search again in a minute. The local records below are complete.",
            can_retry: true,
        },
        ErrorKind::Rejected => Failure {
            what: match error.field() {
                Some(field) => format!("PDS rejected the {}.", in_words(field)),
                None => "PDS rejected the search.".to_owned(),
            },
            advice: "Check the criteria, and search again with fewer or other ones.",
            can_retry: false,
        },
        ErrorKind::Configuration => Failure {
            what: "PDS refused this system.".to_owned(),
            advice: "Tell your administrator. A further search fails in the same way until it is corrected.",
            can_retry: false,
        },
        _ => Failure {
            what: "The answer of PDS could not be understood, so nothing of it is shown."
                .to_owned(),
            advice: "Tell your administrator when it happened. Search again later.",
            can_retry: true,
        },
    }
}

/// The name of a field on the form.
const fn in_words(field: Field) -> &'static str {
    match field {
        Field::Family => "surname",
        Field::Given => "given name",
        Field::DateOfBirth => "date of birth",
        Field::Gender => "gender",
        Field::Postcode => "postcode",
        Field::NhsNumber => "NHS Number",
        _ => "search",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_to_do() {
        for (kind, can_retry) in [
            (ErrorKind::Unavailable, true),
            (ErrorKind::Unreadable, true),
            (ErrorKind::Rejected, false),
            (ErrorKind::Configuration, false),
        ] {
            let said = failure(&Error::new(kind));
            assert_eq!(said.can_retry, can_retry, "{kind}");
            assert!(said.what.ends_with('.') && said.advice.ends_with('.'));
        }
        let until = "2026-11-30T09:05:00Z".parse().unwrap();
        let suspended = failure(&Error::new(ErrorKind::Unavailable).with_suspended_until(until));
        assert!(suspended.what.contains("30 November 2026, 9:05am"));
        let field = failure(&Error::new(ErrorKind::Rejected).with_field(Field::Postcode));
        assert_eq!(field.what, "PDS rejected the postcode.");
    }

    #[test]
    fn a_user_whose_access_has_ended_signs_in_again() {
        let ended = Error::from(service::Error::sign_in());
        assert!(failure(&ended).advice.starts_with("Sign in"));
    }
}
