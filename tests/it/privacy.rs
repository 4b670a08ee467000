//! `Debug` of the public types tells nothing about a person.

use nhs_pds::demographics::{Demographics, FullDate, Gender, PersonName, Postcode};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{
    Answer, Candidate, Exchange, FetchDetails, FindPerson, LocalIdentifier, Match, Outcome,
    Question, VerifyNumber,
};

/// In a range from which nobody has numbers, but not in the one for test people, which may be shown.
const NUMBER: NhsNumber = NhsNumber::constant(5_990_000_014);

fn person() -> Demographics {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new("ARABELLA", "QUENTINSSON"));
    person.date_of_birth =
        nhs_pds::demographics::PartialDate::from("1984-02-29".parse::<FullDate>().unwrap()).into();
    person
}

#[test]
fn questions_and_answers_do_not_show_the_person() {
    let born: FullDate = "1984-02-29".parse().unwrap();
    let postcode: Postcode = "KT17 1NA".parse().unwrap();
    let local = LocalIdentifier::new("1.2.3", "CASE77").unwrap();
    let name = |text: &str| text.parse::<nhs_pds::trace::NameText>().unwrap();
    let questions: [Question; 3] = [
        VerifyNumber::new(NUMBER, born).with_given(name("Arabella")).into(),
        FindPerson::new(name("Quentinsson"), Gender::Female, born)
            .with_postcode(postcode)
            .with_local_identifier(local.clone())
            .into(),
        FetchDetails::new(NUMBER, born).with_family(name("Quentinsson")).into(),
    ];
    let mut found = Match::new(NUMBER).with_person(person());
    found.local_identifier = Some(local);
    let mut candidate = Candidate::new("5990000014");
    candidate.person = Some(person());
    let exchange = Exchange::new("SMSP", "getNHSNumber", "1", chrono::DateTime::UNIX_EPOCH);
    let answers = [
        Outcome::Found(Box::new(found)),
        Outcome::Ambiguous(vec![candidate]),
        Outcome::Superseded { by: Some(NUMBER), person: Some(Box::new(person())) },
    ]
    .map(|outcome| Answer::new(outcome, exchange.clone()));
    let shown = format!("{questions:?} {answers:?}").to_uppercase();
    for value in ["5990000014", "599 000 0014", "ARABELLA", "QUENTINSSON", "1984", "KT17", "CASE77"]
    {
        assert!(!shown.contains(value), "{value} in {shown}");
    }
}

#[test]
fn what_people_do_about_a_case_does_not_show_the_person() {
    use nhs_pds::case::{Case, CaseId, RecordType};
    use nhs_pds::review::{Changed, Context, Corrections, ItemFilter, ItemId, Resolution, Step};
    let id: CaseId = "CASE77".parse().unwrap();
    let mut case = Case::new(id.clone(), RecordType::Review);
    case.surname = Some("Quentinsson".into());
    let mut corrections = Corrections::default();
    corrections.surname = Some("Quentinsson".into());
    let resolutions = [
        Resolution::AcceptNumber(NUMBER),
        Resolution::CorrectAndAskAgain(corrections.clone()),
        Resolution::Merge { absorbed: id.clone() },
    ];
    let others = [case.clone()];
    let context = Context::new("j.doe", chrono::DateTime::UNIX_EPOCH).with_others(&others);
    let deleted: Vec<Changed> = nhs_pds::review::delete(&case, &context).unwrap();
    let note = Step::Note("Arabella rang.".into());
    let filter = ItemFilter::default().with_assignee("Arabella");
    let item = ItemId::new(id, 1);
    let shown = format!(
        "{resolutions:?} {corrections:?} {context:?} {deleted:?} {note:?} {filter:?} {item:?}"
    );
    for value in ["5990000014", "599 000 0014", "ARABELLA", "QUENTINSSON", "CASE77"] {
        assert!(!shown.to_uppercase().contains(value), "{value} in {shown}");
    }
}

/// What a document of the wrong shape says about itself does not repeat the values.
#[test]
fn reading_errors_do_not_repeat_what_was_read() {
    use nhs_pds::demographics::{Held, PartialDate};
    let said = [
        serde_json::from_str::<PartialDate>("19840229").unwrap_err().to_string(),
        serde_json::from_str::<PartialDate>("\"QUENTINSSON\"").unwrap_err().to_string(),
        serde_json::from_str::<Held<PartialDate>>("19840229").unwrap_err().to_string(),
        serde_json::from_str::<NhsNumber>("5990000014").unwrap_err().to_string(),
    ];
    for value in ["1984", "QUENTINSSON", "5990000014"] {
        assert!(!said.iter().any(|said| said.contains(value)), "{said:?}");
    }
}
