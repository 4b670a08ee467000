//! `transport`, with any text of client and server in the messages.

use crate::privacy::person::{FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use nhs_pds::transport::{Error, ErrorKind, Request, Response, Scripted, Transport};

fn name() -> HeaderName {
    format!("x-{}", FAMILY.to_lowercase()).parse().unwrap()
}

fn value() -> HeaderValue {
    HeaderValue::from_static(FAMILY)
}

fn request() -> Request {
    let digits = NUMBER.digits();
    let url = format!("https://{FAMILY}:{digits}@host.example/{digits}?family={FAMILY}#{FAMILY}");
    Request::post(url.parse().unwrap(), FAMILY.into()).with_header(name(), value())
}

fn response() -> Response {
    let headers = HeaderMap::from_iter([(name(), value())]);
    Response::new(StatusCode::OK, FAMILY.into()).with_headers(headers)
}

pub(super) fn show(shown: &mut Shown) {
    shown.value(&request());
    shown.value(&response());
    let number = FAMILY.parse::<nhs_pds::NhsNumber>();
    shown.error(&Error::new(ErrorKind::Interrupted).with_source(number.unwrap_err()));
    let scripted = Scripted::new([Ok(response()), Ok(response())]);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(scripted.send(request()).as_mut().poll(&mut context).is_ready());
    shown.value(&scripted);
    // Unused responses are a failure of the test.
    assert!(scripted.send(request()).as_mut().poll(&mut context).is_ready());
    shown.value(&scripted);
}
