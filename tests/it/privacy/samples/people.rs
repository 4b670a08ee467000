//! `demographics`, `nhs_number`, `secret` and other values.

use crate::privacy::person::{
    ADDRESS, BORN, DIED, FAMILY, GIVEN, MAIL, NOTE, NUMBER, OTHER_GIVEN, POSTCODE, PRACTICE,
    PRACTICE_NAME, TELEPHONE,
};
use crate::privacy::walk::Shown;
use nhs_pds::demographics::{
    Address, AddressUse, Demographics, FullDate, Gender, GpPractice, NameUse, PartialDate,
    PersonName, Postcode, Recorded, Telecom, TelecomUse, UsablePeriod,
};
use nhs_pds::ids::CountingIds;
use nhs_pds::matching::{Local, LocalRecord, NameTables, relate};
use nhs_pds::nhs_number::{self, Synthetic};
use nhs_pds::secret::{RawBody, Secret};

/// Every field of a person that a service can return.
pub(in crate::privacy) fn person() -> Demographics {
    let mut person = Demographics::default();
    let mut name = PersonName::new(GIVEN, FAMILY);
    name.given.push(OTHER_GIVEN.into());
    name.prefix = Recorded::Known(NOTE.into());
    name.suffix = Recorded::Known(NOTE.into());
    name.usage = Some(NameUse::Other(NOTE.into()));
    name.period = Some(period());
    person.other_names = vec![name.clone()];
    person.name = Some(name);
    person.gender = Gender::Female.into();
    person.date_of_birth = BORN.parse::<PartialDate>().unwrap().into();
    person.date_of_death = DIED.parse::<PartialDate>().unwrap().into();
    person.addresses = vec![address()];
    person.telecoms = vec![telecom(TELEPHONE), telecom(MAIL)];
    person.gp_practice = Some(practice());
    person
}

fn address() -> Address {
    let mut address = Address::default();
    address.usage = Some(AddressUse::Other(NOTE.into()));
    address.lines = Some(ADDRESS.map(str::to_owned));
    address.postcode = Recorded::Known(POSTCODE.parse().unwrap());
    address.kind = Some(NOTE.into());
    address.period = Some(period());
    address.uprn = Some(NOTE.into());
    address.paf_key = Some(NOTE.into());
    address
}

fn telecom(value: &str) -> Telecom {
    let mut telecom = Telecom::default();
    telecom.usage = Some(TelecomUse::Other(NOTE.into()));
    telecom.value = Recorded::Known(value.into());
    telecom.usable_periods = vec![period()];
    telecom
}

fn period() -> UsablePeriod {
    let mut period = UsablePeriod::default();
    period.low = Recorded::Known(BORN.parse().unwrap());
    period.high = Recorded::Unrecognised(DIED.into());
    period
}

fn practice() -> GpPractice {
    let mut practice = GpPractice::default();
    practice.ods_code = Recorded::Known(PRACTICE.parse().unwrap());
    practice.name = Recorded::Known(PRACTICE_NAME.into());
    practice.address = Some(address());
    practice.telecom = Some(telecom(TELEPHONE));
    practice.period = Some(period());
    practice
}

pub(super) fn show(shown: &mut Shown) {
    let person = person();
    shown.value(&person);
    shown.value(person.name.as_ref().unwrap());
    shown.value(&address());
    shown.value(&AddressUse::Other(NOTE.into()));
    shown.value(&NameUse::Other(NOTE.into()));
    shown.value(&telecom(MAIL));
    shown.value(&TelecomUse::Other(NOTE.into()));
    shown.value(&period());
    shown.value(&practice());
    shown.value(&BORN.parse::<FullDate>().unwrap());
    shown.value(&BORN.parse::<PartialDate>().unwrap());
    shown.value(&POSTCODE.parse::<Postcode>().unwrap());
    shown.value(&Recorded::Known(FAMILY));
    shown.value(&Recorded::<String>::Unrecognised(FAMILY.into()));

    shown.value(&NUMBER);
    shown.value(&NUMBER.digits());
    shown.value(&nhs_number::lines(b"5990000014\n599 000 0014\n"));
    shown.value(&Synthetic::from_seed(NUMBER.value()));
    shown.value(&CountingIds::default());

    shown.value(&Secret::new(FAMILY.to_owned()));
    shown.value(&Secret::new(FAMILY.as_bytes().to_vec()));
    shown.value(&RawBody::from(FAMILY));
    show_relations(shown);
}

/// What matching compares, and the names of a caseload.
fn show_relations(shown: &mut Shown) {
    let texts = [OTHER_GIVEN, FAMILY, TELEPHONE, MAIL].map(str::to_owned);
    let lines = ADDRESS.map(str::to_owned);
    let postcode: Option<Postcode> = POSTCODE.parse().ok();
    let mut local = Local::default();
    local.family = Some(FAMILY);
    local.former_families = &texts[1..2];
    local.given = Some(GIVEN);
    local.other_given = &texts[..1];
    local.birth = BORN.parse().ok();
    local.gender = Some(Gender::Female);
    local.postcode = postcode;
    local.former_postcodes = postcode.into_iter().collect();
    local.address = &lines;
    local.telephones = &texts[2..3];
    local.emails = &texts[3..];
    shown.value(&local);

    let mut record = LocalRecord::default();
    record.surname = Some(FAMILY.into());
    record.forename = Some(GIVEN.into());
    let names = NameTables::shipped().with_caseload(std::iter::repeat_n(record, 20));
    shown.value(&names);
    shown.value(&relate(&local, &person(), &names));
    let table = format!("{FAMILY},{GIVEN}\n");
    shown.error(&names.with_surnames(table.as_bytes()).unwrap_err());
    let header = "name,per_million,obs,source,per_million_without_staff\n";
    let row = format!("{header}{table}");
    shown.error(&names.with_surnames(row.as_bytes()).unwrap_err());
    let invalid = [table.as_bytes(), b"\xff"].concat();
    shown.error(&names.with_surnames(&*invalid).unwrap_err());
    let unreadable = [b"\xff", table.as_bytes()].concat();
    shown.error(&names.with_surnames(&*unreadable).unwrap_err());
}

/// A document of the wrong shape describes itself without quoting its values.
#[test]
fn read_errors_do_not_quote_the_input() {
    use crate::privacy::person::assert_silent;
    use nhs_pds::case::{Case, CaseId};
    use nhs_pds::nhs_number::NhsNumber;
    let named = format!("\"{FAMILY}\"");
    for said in [
        serde_json::from_str::<PartialDate>("19840229").unwrap_err(),
        serde_json::from_str::<PartialDate>(&named).unwrap_err(),
        serde_json::from_str::<FullDate>(&named).unwrap_err(),
        serde_json::from_str::<Gender>(&named).unwrap_err(),
        serde_json::from_str::<Recorded<PartialDate>>("19840229").unwrap_err(),
        serde_json::from_str::<NhsNumber>("5990000014").unwrap_err(),
        serde_json::from_str::<NhsNumber>(&named).unwrap_err(),
        serde_json::from_str::<Postcode>(&named).unwrap_err(),
        serde_json::from_str::<CaseId>("\"\"").unwrap_err(),
        serde_json::from_str::<Case>("{}").unwrap_err(),
    ] {
        assert_silent("a reading error", &format!("{said} {said:?}"));
    }
}
