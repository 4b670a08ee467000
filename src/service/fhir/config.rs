use crate::demographics::OdsCode;
use http::HeaderValue;
use std::fmt;
use url::Url;

/// The address of the API, and the organisation for which requests are sent.
///
/// ```
/// use nhs_pds::fhir::{Config, Environment};
///
/// let config = Config::of(Environment::Production).with_end_user_organisation("RHM".parse()?);
/// let other = Config::new("http://localhost:9000/personal-demographics/FHIR/R4".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Config {
    /// Ends with a slash, without user, query and fragment.
    base: Url,
    end_user_organisation: Option<OdsCode>,
    accept: HeaderValue,
}

impl Config {
    /// The API at `base`, the address before `/Patient`. A user name, a password and a query in `base`
    /// are dropped.
    #[must_use]
    pub fn new(mut base: Url) -> Self {
        // Fails only for addresses that cannot have a user name.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Self {
            base,
            end_user_organisation: None,
            accept: HeaderValue::from_static("application/fhir+json"),
        }
    }

    /// The API in one of the environments of the NHS.
    #[must_use]
    pub fn of(environment: Environment) -> Self {
        Self::new(environment.base_url())
    }

    /// Sends this organisation in every request, for every caller (`NHSD-End-User-Organisation-ODS`).
    /// Without it, the client sends the organisation of the caller, if the caller has one.
    #[must_use]
    pub fn with_end_user_organisation(mut self, organisation: OdsCode) -> Self {
        self.end_user_organisation = Some(organisation);
        self
    }

    /// Sends this `Accept` header; `application/fhir+json` unless set.
    ///
    /// The API's tests send `version=1.1` together with its newer matching algorithm for fuzzy searches.
    /// The published description does not mention it: agree it with the API's team before use.
    ///
    /// ```
    /// use nhs_pds::fhir::{Config, Environment};
    ///
    /// let config = Config::of(Environment::Integration).with_accept("version=1.1".parse()?);
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    #[must_use]
    pub fn with_accept(mut self, accept: HeaderValue) -> Self {
        self.accept = accept;
        self
    }

    pub(in crate::service::fhir) const fn accept(&self) -> &HeaderValue {
        &self.accept
    }

    pub(in crate::service::fhir) const fn end_user_organisation(&self) -> Option<&OdsCode> {
        self.end_user_organisation.as_ref()
    }

    /// The address of `path`, below the base.
    pub(in crate::service::fhir) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("origin", &self.base.origin().ascii_serialization())
            .field("end_user_organisation", &self.end_user_organisation)
            .finish_non_exhaustive()
    }
}

/// The environments of the API.
///
/// ```
/// use nhs_pds::fhir::Environment;
///
/// assert_eq!(
///     Environment::Integration.token_url().map(|url| url.to_string()).as_deref(),
///     Some("https://int.api.service.nhs.uk/oauth2/token"),
/// );
/// assert_eq!(Environment::Sandbox.token_url(), None);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Environment {
    /// Open to all, without tokens. It has a few people. Its answers do not depend on the request as the
    /// answers of the other environments do.
    Sandbox,
    /// For testing, with tokens. All testers share 20 requests a second.
    Integration,
    /// The live service: five requests a second for an application, unless agreed otherwise.
    Production,
}

impl Environment {
    const fn host(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox.api.service.nhs.uk",
            Self::Integration => "int.api.service.nhs.uk",
            Self::Production => "api.service.nhs.uk",
        }
    }

    /// The address before `/Patient`.
    #[must_use]
    pub fn base_url(self) -> Url {
        self.url("personal-demographics/FHIR/R4/")
    }

    /// The address of the token endpoint; the sandbox has none.
    #[must_use]
    pub fn token_url(self) -> Option<Url> {
        (self != Self::Sandbox).then(|| self.url("oauth2/token"))
    }

    #[expect(clippy::expect_used, reason = "three hosts and two paths, all of which a test reads")]
    fn url(self, path: &str) -> Url {
        format!("https://{}/{path}", self.host()).parse().expect("an address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for environment in [Environment::Sandbox, Environment::Integration, Environment::Production]
        {
            let patient = Config::of(environment).url("Patient/9000000009");
            assert!(
                patient
                    .as_str()
                    .ends_with(".nhs.uk/personal-demographics/FHIR/R4/Patient/9000000009")
            );
            assert_eq!(environment.token_url().is_some(), environment != Environment::Sandbox);
        }
        let config = Config::new("http://alice:hunter2@localhost:1/R4?x=1#y".parse().unwrap());
        assert_eq!(config.url("Patient").as_str(), "http://localhost:1/R4/Patient");
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(
            Config::new("http://localhost:1".parse().unwrap()).url("Patient").path(),
            "/Patient"
        );
    }
}
