use crate::case::{Advisory, AdvisoryKind, Case, advisories};
use crate::nhs_number::NhsNumber;
use std::fmt;

/// Whether the NHS Number of `case` may be printed on correspondence (HAV-11).
///
/// The number must have been traced on the Spine itself
/// ([`NumberSource::is_traced`](crate::case::NumberSource::is_traced)), and nothing may contradict
/// it. A letter cannot be withdrawn, and the recipient relies on the number. The [`advisories`] of
/// the case count, and so do the `further` advisories that the local system provides; nothing
/// overrides them. This function is pure. Call it again for each document, with the case as it is
/// stored now.
///
/// # Errors
///
/// A [`Refusal`], which is a normal result: print the letter without a number, and do what the
/// refusal says. If several reasons apply, the most serious is returned.
///
/// ```
/// use nhs_pds::case::{Advisory, AdvisoryKind, Case, NumberSource, RecordType, RecordedNumber};
/// use nhs_pds::correspondence::{Refusal, printable};
///
/// let mut case = Case::new("RXX:00001".parse()?, RecordType::Review);
/// assert_eq!(printable(&case, &[]), Err(Refusal::NoNumber));
///
/// let letter = NumberSource::Imported(Some("GP letter".into()));
/// case.nhs_number = Some(RecordedNumber::new("943 476 5919".parse()?, letter));
/// assert_eq!(printable(&case, &[]), Err(Refusal::Unverified));
///
/// let traced = NumberSource::Imported(Some("SMSP".into()));
/// case.nhs_number = Some(RecordedNumber::new("943 476 5919".parse()?, traced));
/// assert_eq!(printable(&case, &[]).unwrap().to_string(), "943 476 5919");
///
/// let ours = Advisory::new(AdvisoryKind::UnderInvestigation, "The GP knows another number.");
/// assert_eq!(printable(&case, &[ours]), Err(Refusal::UnderInvestigation));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn printable(case: &Case, further: &[Advisory]) -> Result<PrintableNumber, Refusal> {
    let recorded = case.nhs_number.as_ref().ok_or(Refusal::NoNumber)?;
    let own = advisories(case);
    let kinds = || own.iter().chain(further).map(|advisory| advisory.kind);
    let of_case = case.contradicted.then_some(Refusal::Contradicted);
    let of_number = (!recorded.source.is_traced()).then_some(Refusal::Unverified);
    if let Some(refusal) = kinds().filter_map(forbids).chain(of_case).chain(of_number).min() {
        return Err(refusal);
    }
    let deceased = case.death_traced || kinds().any(|kind| kind == AdvisoryKind::Deceased);
    Ok(PrintableNumber { number: recorded.number, deceased })
}

/// The refusal that an advisory alone causes.
const fn forbids(kind: AdvisoryKind) -> Option<Refusal> {
    match kind {
        AdvisoryKind::Invalid => Some(Refusal::Invalid),
        AdvisoryKind::Superseded => Some(Refusal::Superseded),
        AdvisoryKind::Duplicate => Some(Refusal::Duplicate),
        AdvisoryKind::UnderInvestigation => Some(Refusal::UnderInvestigation),
        AdvisoryKind::PersonChanged => Some(Refusal::PersonChanged),
        // For `Replaced` the record has the new number; for `Deceased` a letter to an executor has
        // the number.
        AdvisoryKind::Replaced | AdvisoryKind::Deceased => None,
    }
}

/// An NHS Number that may be printed. Only [`printable`] creates it.
///
/// `Display` writes groups of 3, 3 and 4 (MSCA-PDS-06). The value is valid for the moment of the
/// check, so it has no serde form and must not be stored. Call [`printable`] again for the next
/// document.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PrintableNumber {
    number: NhsNumber,
    deceased: bool,
}

impl PrintableNumber {
    /// The number itself.
    #[must_use]
    pub const fn number(self) -> NhsNumber {
        self.number
    }

    /// Whether the person has died, by the case or by an advisory.
    ///
    /// The number may be printed on a letter to an executor. A letter to the person must be
    /// stopped; the calling program must do this, because it knows the recipient.
    #[must_use]
    pub const fn is_deceased(self) -> bool {
        self.deceased
    }
}

/// Groups of 3, 3 and 4.
impl fmt::Display for PrintableNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// Why a number may not be printed; `Display` also says what to do.
///
/// A normal result and not an error: it does not implement `std::error::Error`, so `?` does not
/// report it as a failure of the program. `Ord` puts the most serious first.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// The case has no number recorded. Trace the person.
    NoNumber,
    /// The number is no longer valid (MSCA-DQ-04). Wait for the back office.
    Invalid,
    /// The number was replaced (MSCA-DQ-03). Resolve that first.
    Superseded,
    /// Another case has the same number (MSCA-DQ-01). Find out whether it is the same person.
    Duplicate,
    /// An investigation of whether the number is the person's is open. Wait for the outcome.
    UnderInvestigation,
    /// Name, date of birth or gender have changed since the number was confirmed
    /// ([`Case::person_changed`]). Wait until the number has been verified.
    PersonChanged,
    /// The case's local data contradict themselves about who the person is
    /// ([`Case::contradicted`]). Correct them.
    Contradicted,
    /// The number was not traced on the Spine: it came from another source, or from a provider's
    /// copy. Trace the person.
    Unverified,
}

impl Refusal {
    /// A stable word for reports and metrics: the variant's name in lower case, joined by `_`.
    ///
    /// ```
    /// # use nhs_pds::correspondence::Refusal;
    /// assert_eq!(Refusal::UnderInvestigation.as_str(), "under_investigation");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoNumber => "no_number",
            Self::Invalid => "invalid",
            Self::Superseded => "superseded",
            Self::Duplicate => "duplicate",
            Self::UnderInvestigation => "under_investigation",
            Self::PersonChanged => "person_changed",
            Self::Contradicted => "contradicted",
            Self::Unverified => "unverified",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "no NHS Number is recorded: trace the person",
            Self::Invalid => {
                "the NHS Number is no longer valid: print without it until the back office has \
                 resolved this"
            }
            Self::Superseded => {
                "the NHS Number has been replaced: resolve this first, then print the new one"
            }
            Self::Duplicate => {
                "another record has the same NHS Number: find out whether it is the same person"
            }
            Self::UnderInvestigation => {
                "whether the NHS Number is this person's is under investigation: print without it \
                 until that is known"
            }
            Self::PersonChanged => {
                "the name, date of birth or gender has changed since the NHS Number was confirmed: \
                 print without it until the number has been verified"
            }
            Self::Contradicted => {
                "the record may be of two people: correct it, then trace the person"
            }
            Self::Unverified => {
                "the NHS Number was not verified by the Personal Demographics Service: trace the \
                 person"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberSource, NumberStatus, Provenance, RecordType, RecordedNumber};
    use crate::trace::{Exchange, Freshness};
    use chrono::DateTime;

    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);

    fn traced(freshness: Freshness) -> NumberSource {
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M1", DateTime::UNIX_EPOCH);
        NumberSource::Traced(Provenance::new(exchange, freshness, "exact"))
    }

    fn case(source: Option<NumberSource>) -> Case {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        case.nhs_number = source.map(|source| RecordedNumber::new(NUMBER, source));
        case
    }

    fn told(kinds: &[AdvisoryKind]) -> Vec<Advisory> {
        kinds.iter().map(|kind| Advisory::new(*kind, "text")).collect()
    }

    #[test]
    fn every_advisory_with_every_state_of_the_number() {
        let imported = |text: &str| NumberSource::Imported(Some(text.to_owned()));
        let live = [Some(traced(Freshness::Live)), Some(imported("SMSP"))];
        let unverified = [
            Some(traced(Freshness::Stale)),
            Some(imported("GP letter")),
            Some(NumberSource::Imported(None)),
        ];
        for (kind, refusal) in [
            (None, None),
            (Some(AdvisoryKind::Invalid), Some(Refusal::Invalid)),
            (Some(AdvisoryKind::Superseded), Some(Refusal::Superseded)),
            (Some(AdvisoryKind::Duplicate), Some(Refusal::Duplicate)),
            (Some(AdvisoryKind::UnderInvestigation), Some(Refusal::UnderInvestigation)),
            (Some(AdvisoryKind::Replaced), None),
            (Some(AdvisoryKind::Deceased), None),
        ] {
            let further = told(kind.as_slice());
            let ask = |source: &Option<NumberSource>| printable(&case(source.clone()), &further);
            assert_eq!(ask(&None), Err(Refusal::NoNumber), "{kind:?}");
            for source in &live {
                let deceased = kind == Some(AdvisoryKind::Deceased);
                let expected =
                    refusal.map_or(Ok(PrintableNumber { number: NUMBER, deceased }), Err);
                assert_eq!(ask(source), expected, "{kind:?} {source:?}");
            }
            for source in &unverified {
                let expected = Err(refusal.unwrap_or(Refusal::Unverified));
                assert_eq!(ask(source), expected, "{kind:?} {source:?}");
            }
        }
    }

    #[test]
    fn the_status_of_the_case_s_number_is_always_considered() {
        let mut case = case(Some(traced(Freshness::Live)));
        for (status, refusal) in [
            (NumberStatus::Usable, None),
            (NumberStatus::Superseded, Some(Refusal::Superseded)),
            (NumberStatus::Invalid, Some(Refusal::Invalid)),
            (NumberStatus::NotVerified, Some(Refusal::UnderInvestigation)),
        ] {
            case.nhs_number.as_mut().unwrap().status = status;
            assert_eq!(printable(&case, &[]).err(), refusal, "{status:?}");
        }
    }

    #[test]
    fn the_most_serious_reason_is_returned() {
        let mut case = case(Some(NumberSource::Imported(None)));
        case.contradicted = true;
        let mut kinds = vec![
            AdvisoryKind::Deceased,
            AdvisoryKind::UnderInvestigation,
            AdvisoryKind::Duplicate,
            AdvisoryKind::Superseded,
            AdvisoryKind::Invalid,
        ];
        for expected in [
            Refusal::Invalid,
            Refusal::Superseded,
            Refusal::Duplicate,
            Refusal::UnderInvestigation,
            Refusal::Contradicted,
        ] {
            assert_eq!(printable(&case, &told(&kinds)), Err(expected));
            kinds.pop();
        }
        case.contradicted = false;
        assert_eq!(printable(&case, &[]), Err(Refusal::Unverified));
    }

    #[test]
    fn a_death_is_reported_from_any_source() {
        let alive = case(Some(traced(Freshness::Live)));
        let mut dated = alive.clone();
        dated.date_of_death = Some("2026-11".parse().unwrap());
        let mut undated = alive.clone();
        undated.death_traced = true;
        assert!(!printable(&alive, &[]).unwrap().is_deceased());
        assert!(printable(&alive, &told(&[AdvisoryKind::Deceased])).unwrap().is_deceased());
        assert!(printable(&dated, &[]).unwrap().is_deceased());
        assert!(printable(&undated, &[]).unwrap().is_deceased());
    }

    #[test]
    fn refusals_say_what_to_do_and_contain_no_number() {
        for refusal in [
            Refusal::NoNumber,
            Refusal::Invalid,
            Refusal::Superseded,
            Refusal::Duplicate,
            Refusal::UnderInvestigation,
            Refusal::Contradicted,
            Refusal::Unverified,
        ] {
            let text = refusal.to_string();
            let (why, what) = text.split_once(": ").unwrap();
            assert!(!why.is_empty() && !what.is_empty());
            assert!(!text.contains(|letter: char| letter.is_ascii_digit()), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_number_that_can_be_issued() {
        let number =
            PrintableNumber { number: NhsNumber::constant(5_990_000_014), deceased: false };
        assert!(!format!("{number:?}").contains("599"));
        assert_eq!(format!("{number:>14}"), "  599 000 0014");
    }
}
