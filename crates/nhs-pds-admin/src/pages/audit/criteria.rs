//! What an auditor searches for, as typed, and as a filter of the trail.

use crate::form::{Choice, FormErrors};
use crate::pages::audit::day;
use crate::pages::audit::shown::kind_in_words;
use nhs_pds::audit::{EventKind, Filter};
use nhs_pds::demographics::OdsCode;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use serde::Deserialize;

/// The fields of the form, as typed. They travel in the body of a POST only.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Criteria {
    pub(super) user: String,
    pub(super) authority: String,
    pub(super) case: String,
    pub(super) number: String,
    pub(super) message: String,
    pub(super) kind: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) first: String,
    pub(super) last: String,
}

impl Criteria {
    /// The filter, and what is wrong with the fields.
    pub(super) fn filter(&self, organisation: &OdsCode) -> (Filter, FormErrors) {
        let (mut filter, mut errors) = (Filter::new(), FormErrors::default());
        if let Some(user) = typed(&self.user) {
            match user_id(user, organisation) {
                Some(id) => filter = filter.with_user(id),
                None => errors.add("user", "Enter a user id, such as j.doe, or a whole identifier"),
            }
        }
        if let Some(authority) = typed(&self.authority) {
            filter = filter.with_authority(authority);
        }
        if let Some(case) = typed(&self.case) {
            match case.parse() {
                Ok(case) => filter = filter.with_case(case),
                Err(_) => errors.add("case", "Enter a whole case id, as the case's page shows it"),
            }
        }
        if let Some(number) = typed(&self.number) {
            match number.parse() {
                Ok(number) => filter = filter.with_number(number),
                Err(_) => errors.add("number", "Enter an NHS Number of 10 digits"),
            }
        }
        if let Some(message) = typed(&self.message) {
            filter = filter.with_message_id(message);
        }
        if let Some(kind) = typed(&self.kind) {
            match kind.parse() {
                Ok(kind) => filter = filter.with_kind(kind),
                Err(_) => errors.add("kind", "Choose a kind of event from the list"),
            }
        }
        let filter = self.add_times(filter, &mut errors);
        (self.add_sequence(filter, &mut errors), errors)
    }

    fn add_times(&self, mut filter: Filter, errors: &mut FormErrors) -> Filter {
        const EXAMPLE: &str = "Enter a whole date, such as 30/11/2026";
        let from = typed(&self.from).map(day::day);
        let to = typed(&self.to).map(day::day);
        match from.map(|day| day.and_then(day::begin)) {
            None => {}
            Some(Some(from)) => filter = filter.with_from(from),
            Some(None) => errors.add("from", EXAMPLE),
        }
        match to.map(|day| day.and_then(day::end)) {
            None => {}
            Some(Some(to)) => filter = filter.with_to(to),
            Some(None) => errors.add("to", EXAMPLE),
        }
        if let (Some(Some(from)), Some(Some(to))) = (from, to)
            && to < from
        {
            errors.add("to", "The last day must not be before the first day");
        }
        filter
    }

    fn add_sequence(&self, filter: Filter, errors: &mut FormErrors) -> Filter {
        let number = |text: &str| typed(text).map(|text| text.parse::<u64>().ok());
        let (first, last) = (number(&self.first), number(&self.last));
        for (field, value) in [("first", first), ("last", last)] {
            if value == Some(None) {
                errors.add(field, "Enter an event number, such as 1200");
            }
        }
        if first.is_none() && last.is_none() {
            return filter;
        }
        let (first, last) = (first.flatten().unwrap_or(1), last.flatten().unwrap_or(u64::MAX));
        if last < first {
            errors.add("last", "The last event must not be before the first event");
        }
        filter.with_sequence(first..=last)
    }

    /// The names and values of the fields that are filled, for the form of the next page.
    pub(super) fn filled(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("user", &self.user),
            ("authority", &self.authority),
            ("case", &self.case),
            ("number", &self.number),
            ("message", &self.message),
            ("kind", &self.kind),
            ("from", &self.from),
            ("to", &self.to),
            ("first", &self.first),
            ("last", &self.last),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, typed(value)?))).collect()
    }

    /// The kinds of events, for a list.
    pub(super) fn kinds(&self) -> Vec<Choice> {
        let kinds = EventKind::ALL.into_iter().map(|kind| (kind.as_str(), kind_in_words(kind)));
        Choice::list([("", "All kinds")].into_iter().chain(kinds), self.kind.trim())
    }
}

/// What a field contains; `None` if it is blank.
pub(super) fn typed(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// The id of a user in the trail. A short id is that of a user of the screens' organisation.
fn user_id(text: &str, organisation: &OdsCode) -> Option<String> {
    if text.contains(':') {
        return Some(text.to_owned());
    }
    let identity = LocalIdentity::new(organisation.clone(), text).ok()?;
    Some(Caller::User(User::Local(identity)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fill: impl FnOnce(&mut Criteria)) -> (Filter, Vec<&'static str>) {
        let mut criteria = Criteria::default();
        fill(&mut criteria);
        let (filter, errors) = criteria.filter(&"RHM".parse().unwrap());
        (filter, errors.all().iter().map(|error| error.field).collect())
    }

    #[test]
    fn blank_fields_are_no_conditions() {
        let (filter, errors) = of(|criteria| criteria.user = "  ".to_owned());
        assert!(filter == Filter::new());
        assert!(errors.is_empty());
    }

    #[test]
    fn every_field_is_a_condition() {
        let (filter, errors) = of(|criteria| {
            criteria.user = "j.doe".to_owned();
            criteria.authority = "boss".to_owned();
            criteria.case = " RHM:1 ".to_owned();
            criteria.number = "999 000 0018".to_owned();
            criteria.message = "m-1".to_owned();
            criteria.kind = "case_viewed".to_owned();
            criteria.from = "1/7/2026".to_owned();
            criteria.to = "1/7/2026".to_owned();
            criteria.first = "3".to_owned();
            criteria.last = "9".to_owned();
        });
        assert!(errors.is_empty());
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let expected = Filter::new()
            .with_user("urn:nhs-uk:identity:ods:RHM:j.doe")
            .with_authority("boss")
            .with_case("RHM:1".parse().unwrap())
            .with_number("9990000018".parse().unwrap())
            .with_message_id("M-1")
            .with_kind(EventKind::CaseViewed)
            .with_from(at("2026-06-30T23:00:00Z"))
            .with_to(at("2026-07-01T23:00:00Z"))
            .with_sequence(3..=9);
        assert!(filter == expected);
    }

    #[test]
    fn wrong_fields_are_named() {
        for (field, text) in [
            ("number", "123"),
            ("kind", "viewed"),
            ("from", "yesterday"),
            ("to", "31/11/2026"),
            ("first", "-1"),
            ("last", "x"),
        ] {
            let (_, errors) = of(|criteria| {
                let place = match field {
                    "number" => &mut criteria.number,
                    "kind" => &mut criteria.kind,
                    "from" => &mut criteria.from,
                    "to" => &mut criteria.to,
                    "first" => &mut criteria.first,
                    _ => &mut criteria.last,
                };
                *place = text.to_owned();
            });
            assert_eq!(errors, [field]);
        }
        let (_, errors) = of(|criteria| {
            (criteria.from, criteria.to) = ("2/1/2026".to_owned(), "1/1/2026".to_owned());
            (criteria.first, criteria.last) = ("2".to_owned(), "1".to_owned());
        });
        assert_eq!(errors, ["to", "last"]);
    }
}
