//! `transport::http` against servers on this machine: mock servers, raw sockets and real TLS.

mod authority;
mod config;
mod exchange;
mod handshake;
mod limits;
mod openssl;
mod proxy;
pub(crate) mod raw;
mod renewal;
mod server;
mod tls;

use crate::http::authority::Authority;
use http::header::{CONTENT_TYPE, HeaderValue};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Request, Response};
use std::error::Error as StdError;
use std::fmt::Write;
use std::sync::LazyLock;

/// A path and query that name a person. The number is in the range kept for testing.
const PATH: &str = "/Patient/9434765919?family=SMITH";
const BODY: &str = "<family>SMITH</family>";

/// The trusted authority of the tests. The platform may have no roots.
static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("Test authority"));

fn trusting() -> HttpConfig {
    HttpConfig::new().with_root_certificates_pem(AUTHORITY.pem())
}

fn transport() -> HttpTransport {
    HttpTransport::new(&trusting()).unwrap()
}

/// A request for [`PATH`] at `origin`, such as `http://127.0.0.1:80`.
fn request(origin: impl std::fmt::Display) -> Request {
    Request::post(format!("{origin}{PATH}").parse().unwrap(), BODY.into())
        .with_header(CONTENT_TYPE, HeaderValue::from_static("text/xml"))
}

/// Checks that the exchange failed as `kind`, and that the error does not name the person.
#[track_caller]
fn assert_failed(result: Result<Response, Error>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    let shown = all_it_says(&error);
    for private in ["Patient", "9434765919", "family", "SMITH"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
    error
}

/// `Debug` and `Display` of an error and of all its sources.
fn all_it_says(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source()).fold(
        String::new(),
        |mut shown, error| {
            writeln!(shown, "{error} {error:?}").unwrap();
            shown
        },
    )
}
