//! Invented demographic fields that only the FHIR API returns, for every person of a register.

use crate::simulated::{
    DeathNotification, NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register,
    RelatedPerson,
};
use nhs_pds::demographics::PartialDate;

/// Types of related people, as the API's specification lists them.
const RELATIONSHIPS: [&str; 6] = ["MTH", "SPS", "CHILD", "Carer", "Guardian", "Agent"];
const REMOVALS: [&str; 7] = ["DEA", "EMB", "SCT", "NIT", "TRA", "ORR", "LDN"];
const LANGUAGES: [&str; 6] = ["cy", "en", "fr", "pa", "q4", "ur"];
const FORMATS: [&str; 3] = ["11", "12", "13"];

/// The register with full records. They depend only on each person's place in the register.
///
/// # Errors
///
/// When two people have the same number.
pub(crate) fn filled(register: &Register) -> Result<Register, crate::simulated::Error> {
    let mut all = Register::default();
    let people: Vec<&Person> = register.iter().collect();
    for (place, person) in people.iter().enumerate() {
        let relative = people.get((place + 1) % people.len()).copied();
        let mut person = (*person).clone();
        fill(&mut person, place, relative);
        all.insert(person)?;
    }
    Ok(all)
}

/// The entry of `list` for this place; the list repeats.
fn entry<'a>(list: &[&'a str], place: usize) -> &'a str {
    list.get(place % list.len()).copied().unwrap_or_default()
}

fn fill(person: &mut Person, place: usize, relative: Option<&Person>) {
    person.version = u32::try_from(place % 9 + 1).unwrap_or(1);
    let year = |text: &str| text.parse::<PartialDate>().ok();
    let mut maiden = OtherName::new(NameUse::Maiden, "Formerly");
    (maiden.from, maiden.to) = (year("1990"), year("2001-02"));
    let mut nickname = OtherName::new(NameUse::Nickname, "");
    nickname.given = "Sunny".into();
    person.other_names = vec![maiden, nickname];
    let lines = ["", "The Lodge", "", "1 Station Approach", ""].map(str::to_owned);
    let mut stay = OtherAddress::new(OtherAddressUse::Temporary, lines, "LS2 9JT");
    stay.text = "Respite Care Address".into();
    let letters = OtherAddress::new(OtherAddressUse::Correspondence, Default::default(), "LS1 6AE");
    person.other_addresses = vec![stay, letters];
    person.telecoms.push("textphone:01632960100".into());
    let mut known = RelatedPerson::new(entry(&RELATIONSHIPS, place));
    known.nhs_number = relative.map(|relative| relative.nhs_number);
    known.next_of_kin = place.is_multiple_of(2);
    let mut unknown = RelatedPerson::new(entry(&RELATIONSHIPS, place + 1));
    (unknown.given, unknown.family) = ("Olive".into(), "Keeper".into());
    unknown.address = ["", "7 Mill Lane", "", "Leeds", ""].map(str::to_owned);
    unknown.postcode = "LS1 6AF".into();
    unknown.telecoms = vec!["tel:07700900100".into(), "mailto:olive@example.org".into()];
    person.related = vec![known, unknown];
    let further = &mut person.further;
    further.death_notification = match place % 3 {
        0 => DeathNotification::Informal,
        1 => DeathNotification::Formal,
        _ => DeathNotification::Removed,
    };
    if person.death.is_some() && further.death_notification == DeathNotification::Removed {
        further.death_notification = DeathNotification::Informal;
    }
    further.multiple_birth = u8::try_from(place % 9 + 1).ok();
    further.birth_city = "Leeds".into();
    further.birth_country = "GBR".into();
    further.language = entry(&LANGUAGES, place).into();
    further.interpreter = place % 2 == 1;
    further.contact_method = (place % 8 + 1).to_string();
    further.written_format = entry(&FORMATS, place).into();
    further.contact_times = "Not after 7pm".into();
    further.removal = entry(&REMOVALS, place).into();
    further.removed_on = year("2024-03");
    further.pharmacy = "Y12345".into();
    further.emergency_telecoms = vec!["tel:01632960999".into(), "fax:01632960998".into()];
}
