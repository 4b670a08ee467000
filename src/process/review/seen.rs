use crate::case::{Candidate, Case, ReviewItem};
use crate::demographics::redacted_debug;
use crate::text::ValueError;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// What a user has seen of a case, or of one of its items, before a decision.
///
/// A screen keeps it in its form, and gives it back with the decision:
/// [`ReviewQueue::if_as_seen`](crate::process::review::ReviewQueue::if_as_seen). The text form is opaque. It is made from
/// personal data, so it must not be part of a URL.
///
/// Two views are the same if nothing has changed that the decision depends on. These count: the
/// demographic fields, the number and its status, the dates, what reviewers rejected, whether the
/// case is active; of the item its reason, its state, its people and every step of its history, such
/// as another user's note. These do not count: leases, when the case is traced next, and another
/// response with the same result.
///
/// ```
/// use nhs_pds::case::{Case, RecordType};
/// use nhs_pds::process::review::Seen;
///
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let seen: Seen = Seen::of(&case, None).to_string().parse()?;
/// assert!(seen.is_still(&case));
/// (case.surname, case.version) = (Some("Aindow".into()), 1);
/// assert!(!seen.is_still(&case));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Seen {
    version: u64,
    item: Option<u32>,
    digest: String,
}

impl Seen {
    /// Returns what a user sees of `case` now, and of its item with this number.
    #[must_use]
    pub fn of(case: &Case, item: Option<u32>) -> Self {
        Self { version: case.version, item, digest: digest(case, item) }
    }

    /// Whether nothing has changed in `case` that matters.
    #[must_use]
    pub fn is_still(&self, case: &Case) -> bool {
        self.version == case.version || self.digest == digest(case, self.item)
    }

    /// The version of the case.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }
}

fn digest(case: &Case, item: Option<u32>) -> String {
    let number = case.nhs_number.as_ref();
    let number = number.map(|recorded| (recorded.number, recorded.status.as_str()));
    let facts = (
        (case.identity(), &case.address, &case.postcode, case.date_of_death, case.contradicted),
        (number, &case.rejected_numbers, case.not_on_pds, &case.deleted, &case.absorbed),
        (&case.aliases, &case.former_surnames, &case.former_postcodes),
    );
    let mut view = serde_json::to_vec(&facts).unwrap_or_default();
    for shown in &case.review {
        let part = if item == Some(shown.number) {
            serde_json::to_vec(&view_of(shown))
        } else if item.is_none() {
            serde_json::to_vec(&(shown.number, shown.reason, shown.state))
        } else {
            continue;
        };
        view.extend(part.unwrap_or_default());
    }
    Sha256::digest(&view).iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _: fmt::Result = write!(hex, "{byte:02x}");
        hex
    })
}

/// The item without the exchange of its last response, which changes when the same is returned again.
fn view_of(item: &ReviewItem) -> impl Serialize {
    let mut item = item.clone();
    let evidence = &mut item.evidence;
    evidence.exchange = None;
    let candidates = evidence.candidates.iter().map(|candidate| {
        let Candidate { nhs_number, person, relations, risk, vetoes, restricted, .. } = candidate;
        serde_json::to_value((nhs_number, person, relations, risk, vetoes, restricted)).ok()
    });
    let candidates: Vec<_> = candidates.collect();
    item.evidence.candidates.clear();
    (item, candidates)
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.version, self.item.unwrap_or(0), self.digest)
    }
}

/// The text was not made by a view.
const INVALID: ValueError = ValueError::new("not what a user has seen of a case");

impl FromStr for Seen {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(INVALID);
        let version = part()?.parse().map_err(|_| INVALID)?;
        let item = part()?.parse().map_err(|_| INVALID)?;
        let digest = part()?.to_owned();
        if digest.len() != 32 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(INVALID);
        }
        Ok(Self { version, item: (item > 0).then_some(item), digest })
    }
}

redacted_debug!(Seen);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberStatus, ReviewReason, ReviewStep};
    use crate::process::review::fixtures::{
        NUMBER, OTHER, candidate, now, recorded, with_candidates,
    };
    use chrono::TimeDelta;

    fn open() -> Case {
        let all = [candidate(NUMBER, "JOY", 0.1), candidate(OTHER, "Comfort", 0.11)];
        let mut case = with_candidates("1", ReviewReason::Conflict, &all);
        case.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        case
    }

    /// Whether a view before `change` is still the view after it, in a newer version.
    fn is_still(item: Option<u32>, change: impl FnOnce(&mut Case)) -> bool {
        let mut case = open();
        let seen: Seen = Seen::of(&case, item).to_string().parse().unwrap();
        assert_eq!(seen.version(), case.version);
        case.version += 1;
        change(&mut case);
        seen.is_still(&case)
    }

    #[test]
    fn what_matters_is_a_change() {
        let changes: [fn(&mut Case); 8] = [
            |case| case.surname = Some("Parry".into()),
            |case| case.postcode = Some("LS1 4AP".into()),
            |case| case.nhs_number = None,
            |case| case.nhs_number = Some(recorded(OTHER, NumberStatus::Invalid)),
            |case| case.rejected_numbers.push(NUMBER),
            |case| case.date_of_death = Some("2026-11".parse().unwrap()),
            |case| case.not_on_pds = true,
            |case| case.review[0].state = crate::case::ReviewState::WithGp,
        ];
        for change in changes {
            assert!(!is_still(Some(1), change) && !is_still(None, change));
        }
        let noted = |case: &mut Case| {
            let step = ReviewStep::new(now(), "a.other", "noted").with_note("Do not use.");
            case.review[0].history.push(step);
        };
        assert!(!is_still(Some(1), noted), "another user's note is read first");
        let fewer = |case: &mut Case| case.review[0].evidence.candidates.truncate(1);
        assert!(!is_still(Some(1), fewer));
    }

    #[test]
    fn the_same_again_is_no_change() {
        let changes: [fn(&mut Case); 3] = [
            |_| {},
            |case| case.asking.not_before = Some(now()),
            |case| {
                let evidence = &mut case.review[0].evidence;
                for exchange in evidence.exchange.iter_mut() {
                    exchange.message_id = "M-2".into();
                }
                for candidate in &mut evidence.candidates {
                    candidate.exchange.sent_at += TimeDelta::days(1);
                }
            },
        ];
        for change in changes {
            assert!(is_still(Some(1), change));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "1", "1.1", "1.1.short", "x.1.0123456789abcdef0123456789abcdef"] {
            assert!(text.parse::<Seen>().is_err(), "{text}");
        }
    }
}
