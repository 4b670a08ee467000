//! A report on data quality (MSCA-DQ-05).

mod builder;
mod duplicates;
mod figures;
mod write;

pub use builder::{ReportBuilder, report};
pub use figures::{Figures, history, keep, last};

use crate::case::{AlertKind, CaseId, NumberStatus, ReviewReason, ReviewState};
use chrono::{DateTime, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// The quality of the local data, and the match rate (MSCA-DQ-05).
///
/// For a council's data-quality officer. All figures are for active cases, unless a field says
/// otherwise. Groups of duplicates contain case ids, which identify people: `Debug` omits them, but
/// the written forms (serde, [`csv`](Self::csv), [`text`](Self::text)) do not.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, serde::Serialize)]
pub struct Report {
    /// The time of the report, from which ages are calculated.
    pub at: DateTime<Utc>,
    /// The number of cases.
    pub cases: CaseCounts,
    /// The number of cases of each record type, by its text.
    pub record_types: BTreeMap<String, u64>,
    /// NHS Numbers, by source and by status. Combinations that do not occur are left out.
    pub numbers: Vec<NumberCount>,
    /// How many cases have a number in doubt because name, date of birth or gender have changed
    /// since it was confirmed ([`Case::person_changed`](crate::case::Case::person_changed)).
    pub person_changed: u64,
    /// How many cases have each field recorded.
    pub completeness: Completeness,
    /// Cases that may be of one person.
    pub duplicates: Duplicates,
    /// Open review items.
    pub review: ReviewCounts,
    /// How many people were matched.
    pub matches: MatchCounts,
    /// Alerts that are not yet delivered, also of cases that are not active. Kinds that do not
    /// occur are left out.
    pub undelivered_alerts: BTreeMap<AlertKind, u64>,
}

impl Report {
    /// Creates a builder for a report at the time `now`. Add the cases to it.
    #[must_use]
    pub fn builder(now: DateTime<Utc>) -> ReportBuilder {
        ReportBuilder::new(now)
    }

    /// How many cases have a number.
    #[must_use]
    pub fn with_number(&self) -> u64 {
        self.numbers.iter().map(|numbers| numbers.count).sum()
    }
}

/// Shows only the number of record types, because their names are text of the local system.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("at", &self.at)
            .field("cases", &self.cases)
            .field("record_types", &self.record_types.len())
            .field("numbers", &self.numbers)
            .field("person_changed", &self.person_changed)
            .field("completeness", &self.completeness)
            .field("duplicates", &self.duplicates)
            .field("review", &self.review)
            .field("matches", &self.matches)
            .field("undelivered_alerts", &self.undelivered_alerts)
            .finish()
    }
}

/// The number of cases, active or not.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct CaseCounts {
    /// All cases.
    pub all: u64,
    /// Active cases.
    pub in_use: u64,
    /// Deleted cases, which can be undeleted.
    pub deleted: u64,
    /// Cases merged into another.
    pub merged: u64,
    /// Cases erased by order of a court.
    pub erased: u64,
    /// Cases that cannot be read. No other figure counts them
    /// ([`CaseStore::unreadable`](crate::case::CaseStore::unreadable) lists them).
    pub unreadable: u64,
}

/// The number of cases whose number has one source and one status.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct NumberCount {
    /// Where the numbers come from.
    pub source: SourceKind,
    /// Their status.
    #[serde(rename = "standing")]
    pub status: NumberStatus,
    /// The number of cases with such a number.
    pub count: u64,
}

/// The source of a number, in the categories of the report.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The Spine itself.
    Traced,
    /// A provider's own copy.
    ProviderCopy,
    /// The local system, without a record that the number was traced.
    Elsewhere,
}

impl SourceKind {
    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Traced => "traced",
            Self::ProviderCopy => "provider_copy",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// The number of active cases in which a field is recorded. In the other cases it is not.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Completeness {
    /// A surname that is not blank.
    pub surname: u64,
    /// A forename that is not blank.
    pub forename: u64,
    /// A full date of birth.
    pub date_of_birth_full: u64,
    /// A date of birth without day, or without day and month.
    pub date_of_birth_partial: u64,
    /// A gender, "not specified" included.
    pub gender: u64,
    /// A gender of "not known".
    pub gender_not_known: u64,
    /// Any line of an address.
    pub address: u64,
    /// A postcode of the right shape that is not a pseudo-postcode.
    pub postcode_valid: u64,
    /// A pseudo-postcode (`ZZ99`).
    pub postcode_pseudo: u64,
    /// A text that does not have the shape of a postcode.
    pub postcode_unreadable: u64,
    /// Data that contradict themselves about who the person is; counted in addition to all other
    /// figures.
    pub contradicted: u64,
    /// A placeholder surname, such as `UNKNOWN`; also counted as a surname.
    pub surname_placeholder: u64,
    /// A placeholder forename, such as `Baby`; also counted as a forename.
    pub forename_placeholder: u64,
    /// A date of birth in the future or more than 125 years ago; also counted as full or partial.
    pub date_of_birth_implausible: u64,
    /// A date of death in the future, before the birth, or more than 125 years ago.
    pub date_of_death_implausible: u64,
}

/// Cases that may be of one person, in groups of two or more, by their ids (MSCA-DQ-01).
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Duplicates {
    /// Cases with the same number.
    pub by_number: Vec<Vec<CaseId>>,
    /// Cases with the same family name, full date of birth, gender and initial of the first given
    /// name, in any spelling. These are likely duplicates, found before each has a number.
    /// Groups in which each case has a traced number of its own are left out, because these are
    /// different people. Twins with the same initial are included until both are traced.
    pub by_particulars: Vec<Vec<CaseId>>,
}

/// Open review items.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct ReviewCounts {
    /// By reason and by state, in that order. Combinations that do not occur are left out.
    pub open: Vec<ReviewCount>,
    /// By how long they have been open.
    pub ages: ReviewAges,
    /// When the oldest open item was opened.
    pub oldest: Option<DateTime<Utc>>,
}

/// The number of open review items for one reason in one state.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct ReviewCount {
    /// Why a person must look.
    pub reason: ReviewReason,
    /// The state, which says who has the item.
    pub state: ReviewState,
    /// The number of items.
    pub count: u64,
}

/// Open review items by age, in whole days of 24 hours.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct ReviewAges {
    /// Less than one day.
    pub under_1_day: u64,
    /// One to seven days.
    pub days_1_to_7: u64,
    /// Eight to thirty days.
    pub days_8_to_30: u64,
    /// Thirty-one to ninety days.
    pub days_31_to_90: u64,
    /// More than ninety days.
    pub over_90_days: u64,
}

/// How many people were matched, now and over time.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct MatchCounts {
    /// Cases that must be traced by HAV-2 and HAV-4: the record type is in scope, an allocation has
    /// no end, and no plausible date of death is recorded. Of these, the matched cases have a
    /// traced number with a usable status. CP-IS requires 95 %.
    pub in_scope: MatchRate,
    /// By month in UTC, as `YYYY-MM`: the cases that were traced, and of these the cases whose
    /// number was confirmed. A case keeps only its last trace and the last confirmation of its
    /// number, so it counts in at most two months. A month's figures fall when its cases are traced
    /// again. The audit trail has every query.
    pub by_month: BTreeMap<String, MatchRate>,
}

/// The number of matched cases out of a total.
///
/// The serde form also contains the rate, as `per_mille`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MatchRate {
    /// The total number of cases.
    pub of: u64,
    /// The number of matched cases.
    pub matched: u64,
}

impl MatchRate {
    /// The rate in thousandths, rounded down, so that 94.96 % does not become 95 %; `None` when
    /// there are no cases.
    #[must_use]
    pub fn per_mille(self) -> Option<u64> {
        self.matched.saturating_mul(1000).checked_div(self.of)
    }

    const fn count(&mut self, matched: bool) {
        self.of += 1;
        if matched {
            self.matched += 1;
        }
    }
}

impl Serialize for MatchRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("MatchRate", 3)?;
        fields.serialize_field("of", &self.of)?;
        fields.serialize_field("matched", &self.matched)?;
        fields.serialize_field("per_mille", &self.per_mille())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{
        Alert, Allocation, Case, CaseStore, Deletion, DeletionKind, Evidence, MemoryStore,
        NumberSource, Provenance, RecordType, RecordedNumber, ReviewItem, TraceRecord,
    };
    use crate::demographics::{Field, Gender};
    use crate::nhs_number::NhsNumber;
    use crate::trace::{Exchange, Freshness};

    const SHARED: NhsNumber = NhsNumber::constant(9_434_765_919);
    const OTHER: NhsNumber = NhsNumber::constant(9_449_304_424);
    const THIRD: NhsNumber = NhsNumber::constant(9_990_000_077);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        at("2026-11-24T12:00:00Z")
    }

    fn case(id: &str, record_type: RecordType, change: impl FnOnce(&mut Case)) -> Case {
        let mut case = Case::new(id.parse().unwrap(), record_type);
        change(&mut case);
        case
    }

    fn person(case: &mut Case, forename: &str, surname: &str, born: &str, gender: Gender) {
        case.forename = Some(forename.into());
        case.surname = Some(surname.into());
        case.date_of_birth = Some(born.parse().unwrap());
        case.gender = Some(gender);
        case.allocations = vec![Allocation::new("worker 7")];
    }

    fn traced(number: NhsNumber, freshness: Freshness, sent_at: &str) -> Option<RecordedNumber> {
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", at(sent_at));
        let provenance = Provenance::new(exchange, freshness, "exact");
        Some(RecordedNumber::new(number, NumberSource::Traced(provenance)))
    }

    fn imported(number: NhsNumber, text: &str, status: NumberStatus) -> Option<RecordedNumber> {
        let source = NumberSource::Imported(Some(text.into()));
        Some(RecordedNumber { status, ..RecordedNumber::new(number, source) })
    }

    fn asked(sent_at: &str) -> Option<TraceRecord> {
        Some(TraceRecord::new(at(sent_at), "found", None))
    }

    fn item(reason: ReviewReason, state: ReviewState, opened_at: &str) -> ReviewItem {
        ReviewItem {
            number: 1,
            reason,
            state,
            opened_at: at(opened_at),
            assignee: None,
            evidence: Evidence::default(),
            history: Vec::new(),
        }
    }

    fn out_of_use(id: &str, how: DeletionKind) -> Case {
        case(id, RecordType::Review, |case| {
            person(case, "Zoe", "O'Brien", "1943-05-19", Gender::Female);
            case.nhs_number = imported(SHARED, "GP letter", NumberStatus::Usable);
            case.review =
                vec![item(ReviewReason::Defect, ReviewState::Open, "2020-01-01T00:00:00Z")];
            case.last_trace = asked("2026-10-05T10:00:00Z");
            case.undelivered = vec![Alert::new("A-1", AlertKind::Deceased, now())];
            case.deleted = Some(Deletion::new(now(), "user 1", how));
        })
    }

    /// Both are traced, so they are not duplicates.
    fn twins() -> [Case; 2] {
        [
            case("RXX:5", "Carer, \"young\"".parse().unwrap(), |case| {
                person(case, "Tom", "Twin", "2001-01-01", Gender::Male);
                case.nhs_number = imported(OTHER, "smsp", NumberStatus::Usable);
                case.review = vec![item(
                    ReviewReason::Discrepancy,
                    ReviewState::WithGp,
                    "2026-10-24T11:00:00Z",
                )];
            }),
            case("RXX:6", RecordType::AdultCase, |case| {
                person(case, "Tim", "Twin", "2001-01-01", Gender::Male);
                case.date_of_death = Some("2026-11".parse().unwrap());
                case.nhs_number = traced(
                    NhsNumber::constant(9_990_000_093),
                    Freshness::Live,
                    "2026-08-15T10:00:00Z",
                );
                case.last_trace = asked("2026-11-10T10:00:00Z");
                case.review =
                    vec![item(ReviewReason::NoMatch, ReviewState::Open, "2026-08-25T11:00:00Z")];
            }),
        ]
    }

    fn caseload() -> Vec<Case> {
        let mut cases = vec![
            case("RXX:1", RecordType::AdultCase, |case| {
                person(case, "Zoë", "O’Brien", "1943-05-19", Gender::Female);
                case.address = ["", "1 High Street", "", "", ""].map(str::to_owned);
                case.postcode = Some("kt171na".into());
                case.nhs_number = traced(SHARED, Freshness::Live, "2026-10-31T23:59:59Z");
                case.last_trace = asked("2026-10-31T23:59:59Z");
            }),
            case("RXX:2", RecordType::AdultCase, |case| {
                person(case, "Zara Ann", "OBRIEN (Mrs)", "1943-05-19", Gender::Female);
                case.postcode = Some("ZZ99 3VZ".into());
                case.last_trace = asked("2026-11-01T00:00:00Z");
                case.review = vec![
                    item(ReviewReason::NoMatch, ReviewState::Open, "2026-11-23T12:00:01Z"),
                    item(ReviewReason::Ambiguous, ReviewState::Dismissed, "2019-01-01T00:00:00Z"),
                    item(ReviewReason::Ambiguous, ReviewState::Resolved, "2019-01-01T00:00:00Z"),
                ];
            }),
            case("RXX:3", RecordType::HomeCare, |case| {
                case.surname = Some(" ".into());
                case.date_of_birth = Some("1950".parse().unwrap());
                case.gender = Some(Gender::NotKnown);
                case.postcode = Some("nowhere".into());
                case.allocations =
                    vec![Allocation::new("w").with_end("2027-01-01".parse().unwrap())];
                case.nhs_number = traced(THIRD, Freshness::Stale, "2026-09-30T10:00:00Z");
                case.last_trace = asked("2026-09-30T10:00:00Z");
            }),
            case("RXX:4", RecordType::HomeCare, |case| {
                case.surname = Some("Unknown".into());
                case.allocations = vec![Allocation::new("w")];
                case.contradicted = true;
                case.nhs_number = imported(SHARED, "GP letter", NumberStatus::NotVerified);
                case.review = vec![
                    item(
                        ReviewReason::Duplicate,
                        ReviewState::WithNationalBackOffice,
                        "2026-11-16T12:00:00Z",
                    ),
                    item(
                        ReviewReason::Differs(Field::Given),
                        ReviewState::WithFrontLine,
                        "2026-11-16T12:00:01Z",
                    ),
                    item(ReviewReason::NoMatch, ReviewState::Open, "2026-11-23T12:00:00Z"),
                ];
                case.undelivered = vec![Alert::new("A-2", AlertKind::Duplicate, now())];
            }),
        ];
        cases.extend(twins());
        cases.extend([
            out_of_use("RXX:7", DeletionKind::Logical),
            out_of_use("RXX:8", DeletionKind::MergedInto("RXX:1".parse().unwrap())),
            out_of_use("RXX:9", DeletionKind::Erased),
        ]);
        cases
    }

    fn counted(cases: &[Case]) -> Report {
        let mut builder = Report::builder(now());
        assert_eq!(format!("{builder:?}"), "ReportBuilder(redacted)");
        cases.iter().for_each(|case| builder.add(case));
        builder.finish()
    }

    const CSV: &str = r#"section,key,value
report,at,2026-11-24T12:00:00Z
cases,all,9
cases,in_use,6
cases,deleted,1
cases,merged,1
cases,erased,1
cases,unreadable,0
record_types,"Carer, ""young""",1
record_types,adult case,3
record_types,home care,2
numbers,with,5
numbers,without,1
numbers,traced:usable,3
numbers,provider_copy:usable,1
numbers,elsewhere:not_verified,1
numbers,person_changed,0
completeness,surname,5
completeness,forename,4
completeness,date_of_birth:full,4
completeness,date_of_birth:partial,1
completeness,gender,4
completeness,gender:not_known,1
completeness,address,1
completeness,postcode:valid,1
completeness,postcode:pseudo,1
completeness,postcode:unreadable,1
completeness,contradicted,1
completeness,surname:placeholder,3
completeness,forename:placeholder,0
completeness,date_of_birth:implausible,0
completeness,date_of_death:implausible,0
duplicates_by_number,groups,1
duplicates_by_number,1,RXX:1
duplicates_by_number,1,RXX:4
duplicates_by_particulars,groups,1
duplicates_by_particulars,1,RXX:1
duplicates_by_particulars,1,RXX:2
review,open,6
review,differs:given:with_front_line,1
review,duplicate:with_national_back_office,1
review,none:open,3
review,discrepancy:with_gp,1
review_ages,under_1_day,1
review_ages,days_1_to_7,2
review_ages,days_8_to_30,1
review_ages,days_31_to_90,1
review_ages,over_90_days,1
review_ages,oldest,2026-08-25T11:00:00Z
match_rate,in_scope:cases,3
match_rate,in_scope:matched,1
match_rate,in_scope:percent,33.3
match_rate,2026-08:asked,1
match_rate,2026-08:matched,1
match_rate,2026-08:percent,100.0
match_rate,2026-09:asked,1
match_rate,2026-09:matched,0
match_rate,2026-09:percent,0.0
match_rate,2026-10:asked,1
match_rate,2026-10:matched,1
match_rate,2026-10:percent,100.0
match_rate,2026-11:asked,2
match_rate,2026-11:matched,0
match_rate,2026-11:percent,0.0
undelivered_alerts,all,4
undelivered_alerts,duplicate,1
undelivered_alerts,deceased,3
"#;

    #[test]
    fn every_figure() {
        let report = counted(&caseload());
        assert_eq!(report.csv(), CSV);
        let mut backwards = caseload();
        backwards.reverse();
        assert_eq!(
            counted(&backwards),
            report,
            "the report does not depend on the order of the cases"
        );
    }

    #[tokio::test]
    async fn a_report_on_a_store() {
        let store = MemoryStore::new();
        store.insert_all(caseload()).await.unwrap();
        assert_eq!(super::report(&store, now()).await.unwrap(), counted(&caseload()));
        // More than a page.
        let many = (0..1_234).map(|n| case(&format!("N{n}"), RecordType::Review, |_| ()));
        store.insert_all(many.collect()).await.unwrap();
        let report = super::report(&store, now()).await.unwrap();
        assert_eq!((report.cases.all, report.record_types["review"]), (1_243, 1_234));
    }

    const TEXT: &str = "\
report
  at                         2026-11-24T12:00:00Z

cases
  all                                           2
  in_use                                        2
  deleted                                       0
  merged                                        0
  erased                                        0
  unreadable                                    0

record types
  Young\\u{1b}[2J                                1
  adult case                                    1

numbers
  with                                          1
  without                                       1
  traced:usable                                 1
  person_changed                                0

completeness
  surname                                       2
  forename                                      2
  date_of_birth:full                            2
  date_of_birth:partial                         0
  gender                                        2
  gender:not_known                              0
  address                                       1
  postcode:valid                                1
  postcode:pseudo                               1
  postcode:unreadable                           0
  contradicted                                  0
  surname:placeholder                           0
  forename:placeholder                          0
  date_of_birth:implausible                     0
  date_of_death:implausible                     0

duplicates by number
  groups                                        0

duplicates by particulars
  groups                                        1
  1                                         RXX:1
  1                                         RXX:2

review
  open                                          1
  none:open                                     1

review ages
  under_1_day                                   1
  days_1_to_7                                   0
  days_8_to_30                                  0
  days_31_to_90                                 0
  over_90_days                                  0
  oldest                     2026-11-23T12:00:01Z

match rate
  in_scope:cases                                1
  in_scope:matched                              1
  in_scope:percent                          100.0
  2026-10:asked                                 1
  2026-10:matched                               1
  2026-10:percent                           100.0
  2026-11:asked                                 1
  2026-11:matched                               0
  2026-11:percent                             0.0

undelivered alerts
  all                                           0
";

    #[test]
    fn the_text_form() {
        let mut cases = caseload();
        cases.truncate(2);
        cases[1].record_type = "Young\u{1b}[2J".parse().unwrap();
        assert_eq!(counted(&cases).text(), TEXT);
    }

    #[test]
    fn the_written_forms_name_cases_and_debug_does_not() {
        let report = counted(&caseload());
        assert!(!format!("{report:?} {report:#?}").contains("RXX"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["duplicates"]["by_number"][0][1], "RXX:4");
        assert_eq!(json["matches"]["in_scope"]["per_mille"], 333);
        assert_eq!(json["matches"]["by_month"]["2026-11"]["of"], 2);
        assert_eq!(json["numbers"][1]["source"], "provider_copy");
        assert_eq!(json["review"]["open"][0]["reason"], "differs:given");
        assert_eq!(json["undelivered_alerts"]["deceased"], 3);
        for name in ["Brien", "BRIEN", "Twin", "9434765919"] {
            assert!(!json.to_string().contains(name) && !report.csv().contains(name));
        }
    }

    #[test]
    fn rates_are_rounded_down() {
        let rate = |of, matched| MatchRate { of, matched }.per_mille();
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(10_000, 9_499), Some(949));
        assert_eq!(rate(2_000, 1_900), Some(950));
        assert_eq!(rate(3, 3), Some(1000));
    }

    #[test]
    fn cases_that_may_be_one_person() {
        let group = |change: fn(&mut Case, &mut Case)| {
            let person = |id| {
                case(id, RecordType::Review, |case| {
                    person(case, "Tim", "Twin", "2001-01-01", Gender::Male);
                })
            };
            let (mut a, mut b) = (person("A"), person("B"));
            change(&mut a, &mut b);
            counted(&[b, a]).duplicates.by_particulars
        };
        assert_eq!(group(|_, _| ()), [["A".parse().unwrap(), "B".parse().unwrap()]]);
        let is_one = |change| group(change).len() == 1;
        assert!(is_one(|_, b| b.surname = Some("TWIN (formerly Doe)".into())));
        assert!(
            is_one(|_, b| b.forename = Some("Thomas".into())),
            "twins are listed until both are traced"
        );
        assert!(is_one(|a, b| (a.forename, b.forename) = (None, None)));
        assert!(!is_one(|_, b| b.forename = Some("Jim".into())));
        assert!(!is_one(|_, b| b.gender = Some(Gender::Female)));
        assert!(!is_one(|_, b| b.date_of_birth = Some("2001-01-02".parse().unwrap())));
        assert!(!is_one(|a, b| {
            let year = Some("2001".parse().unwrap());
            (a.date_of_birth, b.date_of_birth) = (year, year);
        }));
        assert!(!is_one(|a, b| (a.surname, b.surname) = (Some("-".into()), Some("-".into()))));
        assert!(is_one(|a, _| a.nhs_number = imported(OTHER, "SMSP", NumberStatus::Usable)));
        assert!(!is_one(|a, b| {
            a.nhs_number = imported(OTHER, "SMSP", NumberStatus::Usable);
            b.nhs_number = imported(THIRD, "SMSP", NumberStatus::Usable);
        }));
        assert!(is_one(|a, b| {
            a.nhs_number = imported(OTHER, "SMSP", NumberStatus::Usable);
            b.nhs_number = imported(THIRD, "SMSP", NumberStatus::Invalid);
        }));
        assert!(is_one(|a, b| {
            a.nhs_number = imported(OTHER, "SMSP", NumberStatus::Usable);
            b.nhs_number = imported(THIRD, "GP letter", NumberStatus::Usable);
        }));
    }

    #[test]
    fn placeholders_and_dates_that_cannot_be_right_are_counted() {
        let mut faulty = case("1", RecordType::AdultCase, |case| {
            person(case, "Baby", "N/A", "1066-10-14", Gender::Female);
            case.date_of_death = Some("2030".parse().unwrap());
        });
        let report = counted(std::slice::from_ref(&faulty));
        let complete = report.completeness;
        let names = [complete.surname_placeholder, complete.forename_placeholder];
        let dates = [complete.date_of_birth_implausible, complete.date_of_death_implausible];
        assert_eq!((names, dates), ([1, 1], [1, 1]));
        assert_eq!(report.matches.in_scope.of, 1, "an implausible death does not exclude a case");
        faulty.date_of_death = Some("2026-11-24".parse().unwrap());
        assert_eq!(counted(std::slice::from_ref(&faulty)).matches.in_scope.of, 0);
        (faulty.date_of_death, faulty.allocations) = (None, vec![Allocation::new("NULL")]);
        assert_eq!(
            counted(&[faulty]).matches.in_scope.of,
            0,
            "a worker called NULL is not an allocation"
        );
    }

    #[test]
    fn other_record_types_may_be_in_scope() {
        let mut builder =
            Report::builder(now()).with_record_types(["CARER, \"YOUNG\"".parse().unwrap()]);
        caseload().iter().for_each(|case| builder.add(case));
        let rate = builder.finish().matches.in_scope;
        assert_eq!((rate.of, rate.matched), (1, 1));
    }
}
