//! What protects every request and every response, whatever the page.

use crate::app::App;
use crate::error::PageError;
use crate::identity::Person;
use crate::layout::{ErrorPage, Layout, page};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::LengthLimitError;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The longest form, in bytes. Uploads have a limit of their own.
pub(crate) const LONGEST_FORM: usize = 64 * 1024;

/// How long a sender may take for a form.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Nothing inline, nothing from another host, in no frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Headers of every response.
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Rejects requests of other sites, and completes the response: headers, and a page for each error.
pub(crate) async fn protect(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = if is_ours(request.method(), request.headers(), request.uri()) {
        match whole(request).await {
            Ok(request) => caught(next.run(request)).await,
            Err(error) => error.into_response(),
        }
    } else {
        PageError::CrossSite.into_response()
    };
    let error = response.extensions().get::<PageError>().cloned();
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let error =
        error.or_else(|| if is_page { None } else { PageError::of_status(response.status()) });
    if let Some(error) = error {
        let person = response.extensions().get::<Person>().cloned();
        response = error_page(&app, person.as_ref(), &error);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.is_behind_tls {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The request with its form read to the end, so that a handler never waits for a slow sender.
async fn whole(request: Request) -> Result<Request, PageError> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_none_or(|kind| !kind.as_bytes().starts_with(b"multipart/"));
    if !is_form {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(LONGEST_WAIT, to_bytes(body, LONGEST_FORM)).await;
    match read {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body))),
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error);
            let is_long =
                cause.and_then(|cause| cause.downcast_ref::<LengthLimitError>()).is_some();
            Err(if is_long { PageError::TooLarge } else { PageError::Invalid })
        }
        Err(_) => Err(PageError::TooSlow),
    }
}

/// The response of a handler; a handler that panics has failed. Nothing of the panic is shown.
async fn caught(response: impl Future<Output = Response>) -> Response {
    let mut response = pin!(response);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            tracing::error!("a page could not be shown: the program failed");
            Poll::Ready(PageError::Failed.into_response())
        })
    })
    .await
}

fn error_page(app: &App, person: Option<&Person>, error: &PageError) -> Response {
    let layout = Layout::of(app, person, error.heading(), "");
    let sign_in = match error {
        PageError::NotSignedIn => app.identity.sign_in(),
        _ => None,
    };
    let shown = page(&ErrorPage { layout, advice: error.advice(), sign_in });
    let body = shown.unwrap_or_else(|_| error.heading().into_response());
    let mut response = (error.status(), body).into_response();
    if matches!(error, PageError::TooMany | PageError::Unavailable | PageError::FilesInUse) {
        let minute = HeaderValue::from_static("60");
        response.headers_mut().insert(header::RETRY_AFTER, minute);
    }
    response
}

/// Whether a request that changes something comes from a page of this site (OWASP ASVS 3.5). Browsers say so in
/// `Sec-Fetch-Site`; older ones only in `Origin`. A request that says nothing is refused.
fn is_ours(method: &Method, headers: &HeaderMap, uri: &Uri) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}
