use crate::secret::RawBody;
use chrono::{DateTime, Utc};
use http::header::{AGE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::fmt;
use std::time::{Duration, SystemTime};
use url::Url;

/// A request to send.
///
/// This is not `http::Request`, whose `Debug` prints the URL, headers and body. A URL may name a
/// person, a header may carry a token, and the body carries personal data.
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: RawBody,
}

impl Request {
    /// Creates a `POST` of `body` to `url`.
    #[must_use]
    pub fn post(url: Url, body: RawBody) -> Self {
        Self { method: Method::POST, url, headers: HeaderMap::new(), body }
    }

    /// Creates a `PUT` of `body` to `url`.
    #[must_use]
    pub fn put(url: Url, body: RawBody) -> Self {
        Self { method: Method::PUT, url, headers: HeaderMap::new(), body }
    }

    /// Creates a `GET` of `url`, without a body.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: RawBody::default() }
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Replaces all headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Returns the method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the address. Its path and query may name a person.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }

    /// Splits the request into method, address, headers and body, for the transport.
    #[cfg(feature = "http")]
    pub(in crate::transport) fn into_parts(self) -> (Method, Url, HeaderMap, RawBody) {
        (self.method, self.url, self.headers, self.body)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("origin", &self.url.origin().ascii_serialization())
            .field("headers", &self.headers.len())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// A response.
#[derive(Clone)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: RawBody,
}

impl Response {
    /// Creates a response with this status and body, without headers.
    #[must_use]
    pub fn new(status: StatusCode, body: RawBody) -> Self {
        Self { status, headers: HeaderMap::new(), body }
    }

    /// Replaces all headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Returns the status, which may be any.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }
}

impl Response {
    /// Returns how long the server asks the client to wait: `Retry-After`, in seconds or as a date
    /// (RFC 9110 section 10.2.3). `None` when the header is absent or has another form.
    ///
    /// A date counts from the response's own `Date`, so a difference between the two clocks does
    /// not matter; without `Date`, from `asked_at`. A date in the past returns zero.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
    /// use nhs_pds::transport::Response;
    /// use std::time::Duration;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
    /// let busy = Response::new(StatusCode::SERVICE_UNAVAILABLE, "".into()).with_headers(headers);
    /// let asked_at = chrono::DateTime::UNIX_EPOCH;
    /// assert_eq!(busy.retry_after(asked_at), Some(Duration::from_secs(120)));
    /// ```
    #[must_use]
    pub fn retry_after(&self, asked_at: DateTime<Utc>) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let from = self.headers.get(DATE).and_then(|value| value.to_str().ok()).and_then(http_date);
        let from = from.unwrap_or_else(|| SystemTime::from(asked_at));
        Some(http_date(text)?.duration_since(from).unwrap_or_default())
    }

    /// Returns when the server made the response, by its own clock: `Date`, in whole seconds (RFC
    /// 9110 section 6.6.1). `None` without the header, and for a copy from a cache (`Age`).
    #[must_use]
    pub fn date(&self) -> Option<DateTime<Utc>> {
        let is_fresh = self.headers.get(AGE).is_none_or(|age| age.as_bytes() == b"0");
        let text = self.headers.get(DATE).filter(|_| is_fresh)?.to_str().ok()?;
        http_date(text).map(DateTime::from)
    }
}

fn http_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

/// Prints the number of headers only: the server also chooses their names.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body", &self.body)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(headers: &[(HeaderName, &'static str)]) -> Option<Duration> {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        let response = Response::new(StatusCode::SERVICE_UNAVAILABLE, RawBody::default())
            .with_headers(headers.collect());
        response.retry_after("1994-11-06T08:49:00Z".parse().unwrap())
    }

    #[test]
    fn retry_after_in_seconds_and_in_every_form_of_date() {
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[(RETRY_AFTER, "0")]), Some(Duration::ZERO));
        assert_eq!(said(&[(RETRY_AFTER, " 90 ")]), Some(Duration::from_secs(90)));
        let longest = said(&[(RETRY_AFTER, "99999999999999999999999")]);
        assert_eq!(longest, Some(Duration::from_secs(u64::MAX)));
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(said(&[(RETRY_AFTER, date)]), Some(Duration::from_secs(37)), "{date}");
        }
        for nonsense in ["", "soon", "-1", "1.5", "10s", "2026-11-25"] {
            assert_eq!(said(&[(RETRY_AFTER, nonsense)]), None, "{nonsense}");
        }
    }

    #[test]
    fn a_date_is_counted_by_the_clock_of_the_server() {
        let date = (RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT");
        let theirs = said(&[date.clone(), (DATE, "Sun, 06 Nov 1994 08:49:30 GMT")]);
        assert_eq!(theirs, Some(Duration::from_secs(7)));
        let passed = said(&[date, (DATE, "Sun, 06 Nov 1994 09:00:00 GMT")]);
        assert_eq!(passed, Some(Duration::ZERO));
    }

    #[test]
    fn debug_contains_no_personal_data() {
        let url =
            Url::parse("https://user:secret@pds.example/Patient/9434765919?family=SMITH").unwrap();
        let request = Request::post(url, "<family>SMITH</family>".into())
            .with_header(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
        let shown = format!("{request:?}");
        for value in ["9434765919", "SMITH", "hunter2", "secret", "user"] {
            assert!(!shown.contains(value), "{shown}");
        }
        assert!(shown.contains("https://pds.example"), "{shown}");
        let response = Response::new(StatusCode::OK, "<family>SMITH</family>".into());
        assert!(!format!("{response:?}").contains("SMITH"));
    }
}
