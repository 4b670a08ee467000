use crate::batch::file::code::{FormatError, RecordCode};
use crate::batch::file::response::{Algorithm, MatchedNumber, ResponseRow, Sensitivity};
use crate::batch::finding::Finding;
use crate::demographics::Demographics;
use crate::nhs_number::NhsNumber;
use crate::trace::{Match, Outcome, Restriction};
use RecordCode as Code;
use std::fmt::Write;

/// A rule: rows with one of these codes, numbers and algorithms have this meaning. The first rule that applies counts.
struct Rule {
    codes: &'static [Code],
    numbers: &'static [Number],
    algorithms: &'static [Option<Algorithm>],
    /// Applies only if a number was sent.
    needs_sent: bool,
    meaning: Meaning,
}

/// The number of a row, compared with the number that was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Number {
    /// The number that was sent.
    Same,
    /// A number other than the one that was sent.
    Different,
    /// A number, and none was sent.
    New,
    NoMatch,
    Several,
    Blank,
    Unreadable,
}

/// What a row means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Meaning {
    /// The number that was sent is confirmed.
    Confirmed,
    /// The number that was sent is replaced; if none was sent, the one that the search found.
    Superseded,
    /// The number that was sent is no longer valid.
    Invalidated,
    /// The number that was sent is not confirmed.
    NotVerified,
    /// The search found one person.
    Found,
    /// The search found no person.
    None,
    /// The search found several people.
    Ambiguous,
    Refused,
    NotTraced,
}

const ANY_NUMBER: &[Number] = &[
    Number::Same,
    Number::Different,
    Number::New,
    Number::NoMatch,
    Number::Several,
    Number::Blank,
    Number::Unreadable,
];
const NO_NUMBER: &[Number] = &[Number::NoMatch, Number::Blank];
const NO_SINGLE_NUMBER: &[Number] = &[Number::NoMatch, Number::Several, Number::Blank];

const CROSS_CHECK: &[Option<Algorithm>] = &[None, Some(Algorithm::CrossCheck)];
const SEARCH: &[Option<Algorithm>] =
    &[Some(Algorithm::Simple), Some(Algorithm::Alphanumeric), Some(Algorithm::Algorithmic)];
const NO_CROSS_CHECK: &[Option<Algorithm>] =
    &[None, Some(Algorithm::Simple), Some(Algorithm::Alphanumeric), Some(Algorithm::Algorithmic)];
const NO_SEARCH: &[Option<Algorithm>] = &[None, Some(Algorithm::None), Some(Algorithm::CrossCheck)];
const ANY_MATCH: &[Option<Algorithm>] = &[
    None,
    Some(Algorithm::CrossCheck),
    Some(Algorithm::Simple),
    Some(Algorithm::Alphanumeric),
    Some(Algorithm::Algorithmic),
];
const ANY: &[Option<Algorithm>] = &[
    None,
    Some(Algorithm::None),
    Some(Algorithm::CrossCheck),
    Some(Algorithm::Simple),
    Some(Algorithm::Alphanumeric),
    Some(Algorithm::Algorithmic),
    Some(Algorithm::Other),
];

const fn rule(
    codes: &'static [Code],
    numbers: &'static [Number],
    algorithms: &'static [Option<Algorithm>],
    meaning: Meaning,
) -> Rule {
    let needs_sent = matches!(meaning, Meaning::Invalidated | Meaning::NotVerified);
    Rule { codes, numbers, algorithms, needs_sent, meaning }
}

/// Codes 01 to 14.
const FORMAT: [Code; FormatError::ALL.len()] = {
    let mut codes = [Code::Other; FormatError::ALL.len()];
    let mut at = 0;
    while at < codes.len() {
        #[expect(clippy::indexing_slicing, reason = "both arrays have this length")]
        {
            codes[at] = Code::Format(FormatError::ALL[at]);
        }
        at += 1;
    }
    codes
};

/// Every rule. A row to which none applies contradicts itself, and is not traced.
static RULES: [Rule; 21] = [
    rule(&[Code::Success, Code::Sensitive], &[Number::Same], CROSS_CHECK, Meaning::Confirmed),
    rule(&[Code::Success, Code::Sensitive], &[Number::Same], SEARCH, Meaning::Found),
    rule(&[Code::Success, Code::Sensitive], &[Number::Different], ANY_MATCH, Meaning::Found),
    rule(&[Code::Success, Code::Sensitive], &[Number::New], NO_CROSS_CHECK, Meaning::Found),
    rule(&[Code::Superseded], &[Number::Different], CROSS_CHECK, Meaning::Superseded),
    // The search has led to the replaced record, which may be a namesake's: not the number that was sent.
    rule(&[Code::Superseded], &[Number::Different], SEARCH, Meaning::Found),
    rule(&[Code::Superseded], &[Number::New], NO_CROSS_CHECK, Meaning::Superseded),
    rule(
        &[Code::Invalid],
        &[Number::Same, Number::NoMatch, Number::Blank],
        NO_SEARCH,
        Meaning::Invalidated,
    ),
    rule(&[Code::UnderInvestigation], ANY_NUMBER, ANY, Meaning::NotVerified),
    rule(&[Code::NotEnoughData, Code::CloseMatches], NO_SINGLE_NUMBER, ANY, Meaning::Ambiguous),
    rule(&[Code::NotFound], NO_NUMBER, ANY, Meaning::None),
    rule(&[Code::NotEnoughFields, Code::TooManyFields], NO_NUMBER, ANY, Meaning::Refused),
    rule(&[Code::NoTrace], ANY_NUMBER, ANY, Meaning::NotTraced),
    rule(&FORMAT, ANY_NUMBER, ANY, Meaning::NotTraced),
    rule(
        &[Code::DbsFound],
        &[Number::Same, Number::Different, Number::New],
        ANY_MATCH,
        Meaning::Found,
    ),
    rule(&[Code::DbsConfirmed], &[Number::Same], ANY_MATCH, Meaning::Confirmed),
    rule(
        &[Code::DbsConfirmed, Code::DbsFailedFound, Code::DbsMerged],
        &[Number::Different],
        ANY_MATCH,
        Meaning::Found,
    ),
    rule(&[Code::DbsNotFound, Code::DbsFailedNotFound], NO_NUMBER, ANY, Meaning::None),
    rule(&[Code::DbsSeveral, Code::DbsFailedSeveral], NO_SINGLE_NUMBER, ANY, Meaning::Ambiguous),
    rule(&[Code::Other], ANY_NUMBER, ANY, Meaning::NotTraced),
    rule(&[], ANY_NUMBER, ANY, Meaning::NotTraced),
];

impl Rule {
    fn applies(
        &self,
        code: Code,
        number: Number,
        algorithm: Option<Algorithm>,
        has_sent: bool,
    ) -> bool {
        // No codes: every code.
        (self.codes.is_empty() || self.codes.contains(&code))
            && self.numbers.contains(&number)
            && self.algorithms.contains(&algorithm)
            && (has_sent || !self.needs_sent)
    }
}

impl ResponseRow {
    /// Returns what the row says about the person of its reference, for whom the number `sent` was sent.
    ///
    /// [`table`](crate::batch::file::table) shows the rules. A row that contradicts itself is
    /// [`Finding::NotTraced`]: it is never a match. So is one that repeats another number than the one sent, one that cannot
    /// be read, or none in the column for it, unless the row confirms the number sent.
    ///
    /// ```
    /// use nhs_pds::batch::Finding;
    /// use nhs_pds::batch::file::{Entry, ResponseFile};
    /// use nhs_pds::trace::Outcome;
    ///
    /// let file = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO\n\
    ///     r-1,00,9990000018\n\
    ///     r-2,98,0000000000\n\
    ///     r-3,00,9999999999\n";
    /// let mut findings = Vec::new();
    /// for entry in ResponseFile::open(file.as_bytes())? {
    ///     if let Entry::Row(row) = entry? {
    ///         findings.push(row.finding(None));
    ///     }
    /// }
    /// assert!(matches!(&findings[0], Finding::BySearch(Outcome::Found(found)) if found.nhs_number.is_synthetic()));
    /// assert_eq!(findings[1..], [Finding::BySearch(Outcome::None), Finding::NotTraced]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn finding(&self, sent: Option<NhsNumber>) -> Finding {
        let finding = match self.meaning(sent) {
            Meaning::Confirmed => self.found().map(Finding::ByNumber),
            Meaning::Superseded if sent.is_some() => self.superseded().map(Finding::ByNumber),
            Meaning::Superseded => self.superseded().map(Finding::BySearch),
            Meaning::Invalidated => Some(Finding::ByNumber(Outcome::Invalidated)),
            Meaning::NotVerified => Some(Finding::ByNumber(Outcome::NotVerified)),
            Meaning::Found => self.found().map(Finding::BySearch),
            Meaning::None => Some(Finding::BySearch(Outcome::None)),
            Meaning::Ambiguous => Some(Finding::BySearch(Outcome::Ambiguous(Vec::new()))),
            Meaning::Refused => Some(Finding::Refused),
            Meaning::NotTraced => None,
        };
        finding.unwrap_or(Finding::NotTraced)
    }

    /// The same, but moves the person out of the row instead of copying them: for files of many rows.
    #[must_use]
    pub fn into_finding(mut self, sent: Option<NhsNumber>) -> Finding {
        let person = std::mem::take(&mut self.person);
        let person = Some(person).filter(|person| *person != Demographics::default());
        let mut finding = self.finding(sent);
        match &mut finding {
            Finding::ByNumber(Outcome::Found(found)) | Finding::BySearch(Outcome::Found(found)) => {
                found.person = person;
            }
            Finding::ByNumber(Outcome::Superseded { person: known, .. })
            | Finding::BySearch(Outcome::Superseded { person: known, .. }) => {
                *known = person.map(Box::new);
            }
            _ => {}
        }
        finding
    }

    fn meaning(&self, sent: Option<NhsNumber>) -> Meaning {
        // A blank cell says nothing about a row that confirms the number.
        let is_confirmed = sent.is_some_and(|sent| self.matched == MatchedNumber::Number(sent));
        let is_compared = self.requested.is_some() || self.repeats && !is_confirmed;
        let is_foreign = self.unreadable.requested || is_compared && self.requested != sent;
        let is_invalid =
            self.sensitivity == Some(Sensitivity::Invalid) && self.code != Code::Invalid;
        if is_foreign || is_invalid {
            return Meaning::NotTraced;
        }
        let number = number(self.matched, sent);
        let applies =
            |rule: &&Rule| rule.applies(self.code, number, self.algorithm, sent.is_some());
        RULES.iter().find(applies).map_or(Meaning::NotTraced, |rule| rule.meaning)
    }

    /// The match with the number of the row. Without a number there is none.
    fn found(&self) -> Option<Outcome> {
        let MatchedNumber::Number(number) = self.matched else { return None };
        let mut found = Match::new(number);
        found.person = self.known();
        found.score = self.confidence;
        let is_sensitive =
            self.code == Code::Sensitive || self.sensitivity == Some(Sensitivity::Sensitive);
        if is_sensitive {
            found.restriction = Restriction::Restricted;
        }
        Some(Outcome::Found(Box::new(found)))
    }

    fn superseded(&self) -> Option<Outcome> {
        let MatchedNumber::Number(by) = self.matched else { return None };
        Some(Outcome::Superseded { by: Some(by), person: self.known().map(Box::new) })
    }

    /// The person, unless the row has no field of them.
    fn known(&self) -> Option<Demographics> {
        (self.person != Demographics::default()).then(|| self.person.clone())
    }
}

fn number(matched: MatchedNumber, sent: Option<NhsNumber>) -> Number {
    match (matched, sent) {
        (MatchedNumber::Number(number), Some(sent)) if number == sent => Number::Same,
        (MatchedNumber::Number(_), Some(_)) => Number::Different,
        (MatchedNumber::Number(_), None) => Number::New,
        (MatchedNumber::NoMatch, _) => Number::NoMatch,
        (MatchedNumber::Several, _) => Number::Several,
        (MatchedNumber::Blank, _) => Number::Blank,
        (MatchedNumber::Unreadable, _) => Number::Unreadable,
    }
}

/// Returns the rules of [`ResponseRow::finding`] as a table in Markdown.
///
/// ```
/// let table = nhs_pds::batch::file::table();
/// assert!(table.contains("| 98 (no record matches) | none | any | the search found no person |"));
/// ```
#[must_use]
pub fn table() -> String {
    let mut text =
        "| code | number in the row | algorithm | meaning |\n|---|---|---|---|\n".to_owned();
    for rule in &RULES {
        let codes = match rule.codes {
            [] => "any other row".to_owned(),
            codes if codes == FORMAT => "01 to 14 (faults of form)".to_owned(),
            codes => codes.iter().map(|code| named(*code)).collect::<Vec<_>>().join("; "),
        };
        let sent = if rule.needs_sent { "; a number was sent" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {codes} | {}{sent} | {} | {} |",
            numbers(rule.numbers),
            algorithms(rule.algorithms),
            rule.meaning.text(),
        );
    }
    text
}

fn named(code: Code) -> String {
    if Code::DBS.contains(&code) { format!("DBS {code}") } else { code.to_string() }
}

fn numbers(numbers: &[Number]) -> String {
    match numbers {
        ANY_NUMBER => "any".to_owned(),
        NO_NUMBER => "none".to_owned(),
        NO_SINGLE_NUMBER => "none, or several".to_owned(),
        numbers => numbers.iter().map(|number| number.text()).collect::<Vec<_>>().join(", or "),
    }
}

fn algorithms(algorithms: &[Option<Algorithm>]) -> &'static str {
    match algorithms {
        CROSS_CHECK => "1, or blank",
        SEARCH => "2, 3 or 4",
        NO_CROSS_CHECK => "2, 3, 4, or blank",
        NO_SEARCH => "0, 1, or blank",
        ANY_MATCH => "1, 2, 3, 4, or blank",
        _ => "any",
    }
}

impl Number {
    const fn text(self) -> &'static str {
        match self {
            Self::Same => "the number that was sent",
            Self::Different => "another number than the one that was sent",
            Self::New => "a number, and none was sent",
            Self::NoMatch => "`0000000000`",
            Self::Several => "`9999999999`",
            Self::Blank => "blank",
            Self::Unreadable => "not an NHS Number",
        }
    }
}

impl Meaning {
    const fn text(self) -> &'static str {
        match self {
            Self::Confirmed => "the number that was sent is confirmed",
            Self::Superseded => "the number was replaced by the number in the row",
            Self::Invalidated => "the number that was sent is no longer valid",
            Self::NotVerified => "the number that was sent is not confirmed",
            Self::Found => {
                "the search found the number in the row; a number that was sent is not confirmed"
            }
            Self::None => "the search found no person",
            Self::Ambiguous => "the search found several people",
            Self::Refused => "the data are refused",
            Self::NotTraced => "not traced",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::file::response::{FieldScores, Unreadable};

    const SENT: NhsNumber = NhsNumber::constant(9_990_000_018);
    const OTHER: NhsNumber = NhsNumber::constant(9_990_010_013);

    fn row(code: Code, matched: MatchedNumber, algorithm: Option<Algorithm>) -> ResponseRow {
        ResponseRow {
            line: 2,
            reference: "r-1".parse().unwrap(),
            code,
            matched,
            requested: None,
            repeats: false,
            unreadable: Unreadable::default(),
            algorithm,
            confidence: None,
            scores: FieldScores::default(),
            sensitivity: None,
            death: None,
            person: Demographics::default(),
        }
    }

    fn every_code() -> impl Iterator<Item = Code> {
        let formats = FormatError::ALL.into_iter().map(Code::Format);
        Code::PDS.into_iter().chain(Code::DBS).chain(formats).chain([Code::Other])
    }

    const MATCHED: [MatchedNumber; 6] = [
        MatchedNumber::Number(SENT),
        MatchedNumber::Number(OTHER),
        MatchedNumber::NoMatch,
        MatchedNumber::Several,
        MatchedNumber::Blank,
        MatchedNumber::Unreadable,
    ];

    /// Every row that can be told apart, and whether a number was sent for it.
    fn every_row() -> impl Iterator<Item = (ResponseRow, Option<NhsNumber>)> {
        let pairs = every_code().flat_map(|code| MATCHED.map(|matched| (code, matched)));
        let rows = pairs.flat_map(|(code, matched)| {
            ANY.iter().map(move |algorithm| row(code, matched, *algorithm))
        });
        rows.flat_map(|row| [(row.clone(), Some(SENT)), (row, None)])
    }

    #[test]
    fn every_rule_applies_to_a_row() {
        for (at, rule) in RULES.iter().enumerate() {
            let reached = every_row().any(|(row, sent)| {
                let applies = |rule: &&Rule| {
                    let number = number(row.matched, sent);
                    rule.applies(row.code, number, row.algorithm, sent.is_some())
                };
                RULES.iter().find(applies).is_some_and(|found| std::ptr::eq(found, rule))
            });
            assert!(reached, "rule {at} never applies: {:?}", rule.meaning);
        }
    }

    #[test]
    fn a_match_has_a_number_and_a_code_of_success() {
        let success = [
            Code::Success,
            Code::Sensitive,
            Code::DbsFound,
            Code::DbsConfirmed,
            Code::DbsFailedFound,
            Code::DbsMerged,
        ];
        let mut found = 0;
        for (row, sent) in every_row() {
            let finding = row.finding(sent);
            assert!(row.clone().into_finding(sent) == finding);
            let (Finding::ByNumber(outcome) | Finding::BySearch(outcome)) = &finding else {
                continue;
            };
            let by = match outcome {
                Outcome::Found(found) => found.nhs_number,
                Outcome::Superseded { by, .. } => by.unwrap(),
                _ => continue,
            };
            found += 1;
            assert_eq!(row.matched, MatchedNumber::Number(by));
            assert!(success.contains(&row.code) || row.code == Code::Superseded);
            assert_ne!(row.algorithm, Some(Algorithm::None));
            assert_ne!(row.algorithm, Some(Algorithm::Other));
            // Only the number that was sent is confirmed. A replacement is another number.
            if matches!(finding, Finding::ByNumber(Outcome::Found(_))) {
                assert_eq!(sent, Some(by));
            }
            if row.code == Code::Superseded {
                assert_ne!(sent, Some(by));
            }
        }
        assert!(found > 50, "{found}");
    }

    #[test]
    fn only_a_cross_check_says_that_the_number_sent_was_replaced() {
        for algorithm in ANY {
            let replaced = row(Code::Superseded, MatchedNumber::Number(OTHER), *algorithm);
            let finding = replaced.finding(Some(SENT));
            let is_right = match algorithm {
                None | Some(Algorithm::CrossCheck) => {
                    matches!(&finding, Finding::ByNumber(Outcome::Superseded { .. }))
                }
                Some(Algorithm::Simple | Algorithm::Alphanumeric | Algorithm::Algorithmic) => {
                    matches!(&finding, Finding::BySearch(Outcome::Found(found)) if found.nhs_number == OTHER)
                }
                Some(Algorithm::None | Algorithm::Other) => finding == Finding::NotTraced,
            };
            assert!(is_right, "{algorithm:?}: {finding:?}");
        }
    }

    #[test]
    fn nothing_is_about_a_number_unless_one_was_sent() {
        for (row, sent) in every_row().filter(|(_, sent)| sent.is_none()) {
            assert!(!matches!(row.finding(sent), Finding::ByNumber(_)), "{:?}", row.code);
        }
    }

    #[test]
    fn a_contradiction_is_not_traced() {
        let number = MatchedNumber::Number(OTHER);
        let same = MatchedNumber::Number(SENT);
        let cross_check = Some(Algorithm::CrossCheck);
        for (code, matched, algorithm) in [
            (Code::Success, MatchedNumber::NoMatch, cross_check),
            (Code::Success, MatchedNumber::Several, None),
            (Code::Success, MatchedNumber::Blank, None),
            (Code::Success, MatchedNumber::Unreadable, cross_check),
            (Code::Success, same, Some(Algorithm::None)),
            (Code::Superseded, same, cross_check),
            (Code::Superseded, MatchedNumber::NoMatch, cross_check),
            (Code::Invalid, number, cross_check),
            (Code::NotFound, number, None),
            (Code::NotFound, MatchedNumber::Several, None),
            (Code::CloseMatches, number, None),
            (Code::NotEnoughFields, number, None),
            (Code::DbsConfirmed, MatchedNumber::Blank, None),
            (Code::DbsFailedFound, same, None),
            (Code::DbsMerged, same, None),
        ] {
            let finding = row(code, matched, algorithm).finding(Some(SENT));
            assert!(finding == Finding::NotTraced, "{code} {matched:?} {algorithm:?}");
        }
        // A cross-check of a number that was not sent.
        let finding = row(Code::Success, number, cross_check).finding(None);
        assert!(finding == Finding::NotTraced);
    }

    #[test]
    fn a_row_of_another_request_is_not_traced() {
        let mut row = row(Code::Success, MatchedNumber::Number(SENT), None);
        assert!(matches!(row.finding(Some(SENT)), Finding::ByNumber(_)));
        row.requested = Some(OTHER);
        assert!(row.finding(Some(SENT)) == Finding::NotTraced);
        assert!(row.finding(None) == Finding::NotTraced);
        row.requested = Some(SENT);
        assert!(matches!(row.finding(Some(SENT)), Finding::ByNumber(_)));
        row.sensitivity = Some(Sensitivity::Invalid);
        assert!(row.finding(Some(SENT)) == Finding::NotTraced);
        (row.sensitivity, row.requested, row.repeats) = (None, None, true);
        assert!(matches!(row.finding(Some(SENT)), Finding::ByNumber(_)), "it is the number sent");
        let (code, confirmed) = (row.code, row.matched);
        for matched in [MatchedNumber::Number(OTHER), MatchedNumber::NoMatch] {
            (row.code, row.matched) = (Code::NotFound, matched);
            assert!(row.finding(Some(SENT)) == Finding::NotTraced, "blank in a column of its own");
        }
        (row.code, row.matched) = (code, confirmed);
        (row.repeats, row.unreadable.requested) = (false, true);
        assert!(row.finding(Some(SENT)) == Finding::NotTraced);
        assert!(row.finding(None) == Finding::NotTraced);
    }

    #[test]
    fn restricted_by_its_code_or_by_its_flag() {
        let restriction = |row: &ResponseRow| match row.finding(Some(SENT)) {
            Finding::ByNumber(Outcome::Found(found)) => found.restriction,
            other => panic!("{other:?}"),
        };
        let mut row = row(Code::Success, MatchedNumber::Number(SENT), None);
        assert_eq!(restriction(&row), Restriction::NotStated);
        row.sensitivity = Some(Sensitivity::Sensitive);
        assert_eq!(restriction(&row), Restriction::Restricted);
        (row.code, row.sensitivity) = (Code::Sensitive, None);
        assert_eq!(restriction(&row), Restriction::Restricted);
    }

    #[test]
    fn every_code_is_read_from_its_digits() {
        for code in every_code().filter(|code| *code != Code::Other) {
            let text = code.as_str().as_bytes();
            let is_dbs = Code::DBS.contains(&code);
            assert_eq!(Code::of_pds(text), if is_dbs { Code::Other } else { code });
            assert_eq!(Code::of_dbs(text), if is_dbs { code } else { Code::Other });
        }
        assert_eq!(Code::of_pds(b"0"), Code::Success);
        for text in [&b""[..], b"000", b"-1", b"99", b"9x", b" 0"] {
            assert_eq!(Code::of_pds(text), Code::Other, "{text:?}");
        }
    }
}
