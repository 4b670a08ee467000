use super::{Matching, Search, SearchPattern};
use crate::demographics::Gender;
use crate::service::fhir::access::{Access, AccessMode};
use url::form_urlencoded;

impl<K: Matching, A: Access> Search<K, A> {
    /// The query of the request, percent-encoded, including `*`.
    pub(in crate::service::fhir) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let name = |name: &K::Name| -> SearchPattern { name.clone().into() };
        if let Some(family) = &self.family {
            query.append_pair("family", name(family).as_str());
        }
        if let Some(given) = &self.given {
            query.append_pair("given", name(given).as_str());
        }
        for given in &self.further_given {
            query.append_pair("given", given.as_str());
        }
        if let Some(gender) = self.gender {
            query.append_pair("gender", gender_code(gender));
        }
        for born in self.born.values() {
            query.append_pair("birthdate", &born);
        }
        for died in self.died.iter().flat_map(|died| died.values()) {
            query.append_pair("death-date", &died);
        }
        if let Some(postcode) = &self.postcode {
            query.append_pair("address-postalcode", &postcode.to_string());
        }
        if let Some(practice) = &self.general_practice {
            query.append_pair("general-practitioner", practice.as_str());
        }
        if let Some(phone) = &self.phone {
            query.append_pair("phone", phone.as_str());
        }
        if let Some(email) = &self.email {
            query.append_pair("email", email.as_str());
        }
        if let Some(flag) = K::FLAG {
            query.append_pair(flag, "true");
        }
        if self.history {
            query.append_pair("_history", "true");
        }
        match (A::MODE, self.max_results) {
            (AccessMode::ApplicationRestricted, _) => {
                query.append_pair("_max-results", "1");
            }
            (AccessMode::HealthcareWorker, Some(most)) => {
                query.append_pair("_max-results", &most.to_string());
            }
            (AccessMode::HealthcareWorker, None) => {}
        }
        // Form encoding does not encode `*`; the API's documents do.
        query.finish().replace('*', "%2A")
    }
}

const fn gender_code(gender: Gender) -> &'static str {
    match gender {
        Gender::Male => "male",
        Gender::Female => "female",
        Gender::NotSpecified => "other",
        Gender::NotKnown => "unknown",
    }
}
