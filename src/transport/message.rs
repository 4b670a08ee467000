use crate::secret::RawBody;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::fmt;
use url::Url;

/// What is sent.
///
/// Not `http::Request`, whose `Debug` prints the URL, the headers and the body: a URL may name a
/// person, a header may carry a token, and the body does carry particulars.
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: RawBody,
}

impl Request {
    /// A `POST` of `body` to `url`.
    #[must_use]
    pub fn post(url: Url, body: RawBody) -> Self {
        Self { method: Method::POST, url, headers: HeaderMap::new(), body }
    }

    /// The same request with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The address. Its path and query may name a person.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
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

/// What came back.
#[derive(Clone)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: RawBody,
}

impl Response {
    /// A response of `status` with `body` and no headers.
    #[must_use]
    pub fn new(status: StatusCode, body: RawBody) -> Self {
        Self { status, headers: HeaderMap::new(), body }
    }

    /// The same response with these headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The status, whatever it is.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }
}

/// Counts the headers: their names too are whatever the other side wrote.
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

    #[test]
    fn debug_tells_nothing_personal() {
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
