//! The simulator as a stub for wiremock.

use super::exchange::{Exchange, Timed};
use super::received::{Received, called};
use super::{NOTE, Simulator};
use http::StatusCode;
use nhs_pds::secret::RawBody;
use nhs_pds::transport::Response;
use url::Position;
use wiremock::{Request, Respond, ResponseTemplate};

/// What the simulator says in [`NOTE`] in place of a closed connection.
const NOT_CUT: &str = "wiremock cannot close a connection: use the simulator's own server";

/// Answers a [`wiremock::MockServer`], as the simulator answers over any other transport.
///
/// A static stub of a Spine Mini Service is not possible: each response must name its request, and a client
/// refuses a response that it has already received. `Simulator` reads each request and writes the response
/// to it.
///
/// wiremock cannot close a connection. In place of [`Fault::Cut`](crate::Fault::Cut) and
/// [`Fault::CutHalfWay`](crate::Fault::CutHalfWay) it sends status 502, and says so in [`NOTE`]. To test closed
/// connections, use a [`Server`](crate::Server).
///
/// ```
/// use nhs_pds::smsp::{Client, Config};
/// use nhs_pds::trace::{Caller, LocalIdentity, Outcome, VerifyNumber};
/// use nhs_pds::transport::http::{HttpConfig, HttpTransport};
/// use nhs_pds_simulator::{Fault, Register, Simulator, When};
/// use std::sync::Arc;
/// use wiremock::matchers::path;
/// use wiremock::{Mock, MockServer};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pds = Simulator::new(Register::from_seed(1, 100));
/// let server = MockServer::start().await;
/// Mock::given(path("/smsp/pds")).respond_with(pds.clone()).mount(&server).await;
///
/// // The system under test. Plain HTTP is for tests only.
/// let us = LocalIdentity::new("ZZ999".parse()?, "my-service")?;
/// let config = Config::new(format!("{}/smsp/pds", server.uri()).parse()?, us.clone());
/// let http = HttpTransport::new(&HttpConfig::new().danger_allow_plain_http())?;
/// let client = Client::new(config, Arc::new(http));
///
/// let register = Register::from_seed(1, 100);
/// let person = register.iter().next().ok_or("a person")?;
/// let question: VerifyNumber =
///     VerifyNumber::new(person.nhs_number, person.birth.full().ok_or("a full date")?);
/// let answer = client.verify_nhs_number(&Caller::System(us.clone()), &question).await?;
/// assert!(matches!(answer.outcome, Outcome::Found(_)));
///
/// // A clone is a handle to the same service, so the test can choose faults later.
/// pds.add_fault(When::Next(1), Fault::code("SMSP-0004"));
/// let refused = client.verify_nhs_number(&Caller::System(us), &question).await;
/// assert!(refused.unwrap_err().is_transient());
/// # Ok(())
/// # }
/// ```
impl Respond for Simulator {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let Some(url) = called(&request.headers, &request.url[Position::BeforePath..]) else {
            return ResponseTemplate::new(StatusCode::NOT_FOUND);
        };
        let body = RawBody::from(request.body.clone());
        let request = Received::new(request.method.clone(), url, request.headers.clone(), body);
        let timed = self.answer(&request);
        self.log(&timed);
        let Timed { delay, exchange, .. } = timed;
        match exchange {
            Exchange::Whole(response) => template(&response).set_delay(delay),
            Exchange::Cut | Exchange::HalfWay(_) => ResponseTemplate::new(StatusCode::BAD_GATEWAY)
                .insert_header(NOTE, NOT_CUT)
                .set_delay(delay),
        }
    }
}

fn template(response: &Response) -> ResponseTemplate {
    let headers = response.headers().iter().map(|(name, value)| (name.clone(), value.clone()));
    ResponseTemplate::new(response.status())
        .append_headers(headers)
        .set_body_bytes(response.body().expose().to_vec())
}
