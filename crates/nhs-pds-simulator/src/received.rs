use http::header::HOST;
use http::{HeaderMap, Method};
use nhs_pds::secret::RawBody;
use nhs_pds::transport::Request;
use std::fmt;
use url::Url;

/// A request as the simulator received it.
///
/// ```
/// use nhs_pds_simulator::{Register, Simulator};
/// use nhs_pds::transport::{Request, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::new(Register::default());
/// let url = "https://pds.example/personal-demographics/FHIR/R4/Patient/9000000009".parse()?;
/// simulator.send(Request::get(url)).await?;
/// let last = simulator.received_requests().pop().expect("one request");
/// assert_eq!(last.path(), "/personal-demographics/FHIR/R4/Patient/9000000009");
/// assert!(last.headers().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Received {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: RawBody,
}

impl Received {
    pub(super) const fn new(method: Method, url: Url, headers: HeaderMap, body: RawBody) -> Self {
        Self { method, url, headers, body }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path, as it was sent. It may identify a person.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The query, as it was sent; empty if there is none. It may identify a person.
    #[must_use]
    pub fn query(&self) -> &str {
        self.url.query().unwrap_or_default()
    }

    /// The headers. They may include a token.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &RawBody {
        &self.body
    }

    /// The address without `path`, which is its end.
    pub(super) fn base(&self, path: &str) -> String {
        let address = self.address();
        address.strip_suffix(path).unwrap_or(&address).to_owned()
    }

    /// The address of the request, without its query.
    pub(super) fn address(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }
}

impl From<Request> for Received {
    fn from(request: Request) -> Self {
        Self::new(
            request.method().clone(),
            request.url().clone(),
            request.headers().clone(),
            request.body().clone(),
        )
    }
}

/// The address of the request: the host as the client names it, and `path` with its query.
pub(super) fn called(headers: &HeaderMap, path: &str) -> Option<Url> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    Url::parse(&format!("http://{host}{path}")).ok()
}

/// Shows the number of headers only, because a header may be a token.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
