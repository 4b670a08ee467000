//! What a handler answers when it cannot show its page.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use nhs_pds::{case, process};
use std::fmt;

/// Why a page cannot be shown. It becomes a page of its own, without details of the cause.
#[derive(Clone, Debug)]
pub(crate) enum PageError {
    /// There is no such page, or no such case.
    NotFound,
    /// No user is signed in.
    NotSignedIn,
    /// The user has no right to it.
    Forbidden,
    /// The request came from another site, or without saying from where.
    CrossSite,
    /// The request is not one that a page of these screens sends.
    Invalid,
    /// Another person has changed the same data meanwhile, several times.
    Conflict,
    /// The database, or the audit trail, cannot be used now.
    Unavailable,
    /// Another program, or another user, works with the files of the batches.
    FilesInUse,
    /// Too many requests.
    TooMany,
    /// The form or the file is too long.
    TooLarge,
    /// The form did not arrive in time.
    TooSlow,
    /// The page exists, but cannot be used in this way.
    WrongMethod,
    /// A function that this installation does not have, such as a search without a service.
    NotAvailable,
    /// A fault of the program or its data.
    Failed,
}

impl PageError {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Unavailable | Self::FilesInUse => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAvailable => StatusCode::NOT_IMPLEMENTED,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The error for a response of this status that has no page, such as that to a form that cannot be read.
    pub(crate) fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::NotFound),
            StatusCode::UNAUTHORIZED => Some(Self::NotSignedIn),
            StatusCode::FORBIDDEN => Some(Self::Forbidden),
            StatusCode::SERVICE_UNAVAILABLE => Some(Self::Unavailable),
            StatusCode::TOO_MANY_REQUESTS => Some(Self::TooMany),
            StatusCode::PAYLOAD_TOO_LARGE => Some(Self::TooLarge),
            StatusCode::REQUEST_TIMEOUT => Some(Self::TooSlow),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::WrongMethod),
            _ if status.is_client_error() => Some(Self::Invalid),
            _ if status.is_server_error() => Some(Self::Failed),
            _ => None,
        }
    }

    /// The heading of the page.
    pub(crate) const fn heading(&self) -> &'static str {
        match self {
            Self::NotFound => "Page not found",
            Self::NotSignedIn => "You are not signed in",
            Self::Forbidden => "You do not have access to this page",
            Self::CrossSite => "The request came from another site",
            Self::Invalid => "The request could not be read",
            Self::Conflict => "Another user changed this at the same time",
            Self::Unavailable => "The service is not available at the moment",
            Self::FilesInUse => "Another program works with the files of the batches",
            Self::TooMany => "Too many requests",
            Self::TooLarge => "The form or file is too large",
            Self::TooSlow => "The form took too long to arrive",
            Self::WrongMethod => "This page cannot be used in this way",
            Self::NotAvailable => "This function is not available here",
            Self::Failed => "There is a problem with the service",
        }
    }

    /// What the user can do.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::NotFound => "Check the address, or start from the home page.",
            Self::NotSignedIn => {
                "Your session may have ended. Nothing was changed. Sign in, then open the page again."
            }
            Self::Forbidden => {
                "Your role has no right to it. The attempt was recorded. If you need access, ask your administrator."
            }
            Self::CrossSite => "Nothing was changed. Open the page here, and send the form again.",
            Self::Invalid => "Nothing was changed. Go back, and send the form again.",
            Self::Conflict => "Nothing was changed. Open the page again, and check what changed.",
            Self::Unavailable => {
                "Nothing was changed. Try again in a minute. If it lasts, tell your administrator."
            }
            Self::FilesInUse => {
                "It writes, sends or receives files, or another user does so on the page of the batches. Nothing was changed. Try again in a minute."
            }
            Self::TooMany => "Wait a minute, then try again.",
            Self::TooLarge => "Nothing was changed. Send less text, or a smaller file.",
            Self::TooSlow => "Nothing was changed. Check your connection, and send the form again.",
            Self::WrongMethod => "Start from the home page.",
            Self::NotAvailable => "Ask your administrator which functions this installation has.",
            Self::Failed => "Nothing was changed. Tell your administrator when it happened.",
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.heading())
    }
}

/// An answer without a body. The middleware makes the page of it, because it knows the user and the base of links.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<process::Error> for PageError {
    fn from(error: process::Error) -> Self {
        tracing::warn!(kind = %error.kind(), "a page could not be shown");
        match error.kind() {
            process::ErrorKind::Conflict | process::ErrorKind::BatchState => Self::Conflict,
            process::ErrorKind::BatchFolderInUse => Self::FilesInUse,
            process::ErrorKind::StoreBroken => Self::Failed,
            _ => Self::Unavailable,
        }
    }
}

impl From<case::Error> for PageError {
    fn from(error: case::Error) -> Self {
        process::Error::from(error).into()
    }
}

impl From<nhs_pds::audit::Error> for PageError {
    fn from(error: nhs_pds::audit::Error) -> Self {
        process::Error::from(error).into()
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        tracing::error!(error = %error, "a page could not be written");
        Self::Failed
    }
}

impl From<crate::accounts::AccountError> for PageError {
    fn from(error: crate::accounts::AccountError) -> Self {
        match error {
            crate::accounts::AccountError::Unknown => Self::NotFound,
            crate::accounts::AccountError::Store(_) => Self::Unavailable,
            crate::accounts::AccountError::Busy => Self::TooMany,
            crate::accounts::AccountError::Broken => Self::Failed,
            _ => Self::Invalid,
        }
    }
}
