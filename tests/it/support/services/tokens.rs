//! Tokens of the FHIR API.

use nhs_pds::async_trait;
use nhs_pds::fhir::auth::{
    AccessToken, ApplicationTokens, Jwks, SigningKey, TokenConfig, UserToken, UserTokens,
};
use nhs_pds::secret::Secret;
use nhs_pds::service::Error;
use nhs_pds::trace::User;
use nhs_pds::transport::Transport;
use nhs_pds_simulator::{Application, Simulator};
use std::sync::Arc;

const CLIENT_ID: &str = "4PaxlGMRkqAcGt0gLmC4sQ";

/// The tokens that a system fetches at `endpoint` with its own key, which `simulator` has registered.
pub(super) fn of_application(
    simulator: &Simulator,
    endpoint: &str,
    transport: Arc<dyn Transport>,
) -> ApplicationTokens {
    let pem = Secret::new(std::fs::read("tests/data/fhir/client-a.pem").unwrap());
    let key = SigningKey::from_pem("client-a".parse().unwrap(), &pem).unwrap();
    let jwks = serde_json::to_string(&Jwks::of([&key]).unwrap()).unwrap();
    simulator.add_application(Application::new(CLIENT_ID).with_jwks(&jwks).unwrap());
    let config = TokenConfig::new(endpoint.parse().unwrap(), CLIENT_ID.parse().unwrap());
    ApplicationTokens::new(config, key, transport)
}

/// The token of a sign-in with CIS2: one for every user.
#[derive(Debug)]
pub(super) struct OfStaff(UserToken);

impl OfStaff {
    pub(super) fn of(simulator: &Simulator) -> Self {
        // Without an application, the simulator is open to every client.
        simulator.add_application(Application::new(CLIENT_ID));
        let token = simulator.healthcare_worker_token(&["1234567890"]);
        Self(UserToken::new(token.expose().parse().unwrap()))
    }
}

#[async_trait]
impl UserTokens for OfStaff {
    async fn token(&self, _: &User, _: Option<&AccessToken>) -> Result<UserToken, Error> {
        Ok(self.0.clone())
    }
}
