//! The judge and the strategies.

use super::cases::asked;
use super::{exchange, person, us};
use crate::privacy::person::{ADDRESS, BORN, FAMILY, FORMER_FAMILY, GIVEN, NUMBER, POSTCODE};
use crate::privacy::walk::Shown;
use nhs_pds::case::{Candidate, Heard, KnownSoFar, TraceState};
use nhs_pds::matching::{
    Judge, Local, LocalRecord, NameTables, NamesError, Risk, RiskLimit, Veto, relate,
};
use nhs_pds::process::{Policy, Settings, Strategy};
use nhs_pds::trace::{Breadth, ScriptedTracer};

pub(super) fn candidate() -> Candidate {
    let (families, address) = ([FORMER_FAMILY.to_owned()], ADDRESS.map(str::to_owned));
    let mut local = Local::default();
    (local.family, local.given) = (Some(FAMILY), Some(GIVEN));
    (local.former_families, local.address) = (&families, &address);
    local.birth = Some(BORN.parse().unwrap());
    local.postcode = Some(POSTCODE.parse().unwrap());
    let relations = relate(&local, &person(), &NameTables::shipped());
    let vetoes = vec![Veto::AnotherCandidate];
    Candidate::new(NUMBER, person(), relations, Risk::of(0.01), vetoes, "exact", exchange())
}

pub(super) fn known() -> KnownSoFar {
    let heard = vec![Heard::person(candidate()), Heard::several("exact".into())];
    KnownSoFar::new("exact", asked(), heard, exchange().sent_at)
}

pub(super) fn show(shown: &mut Shown) {
    let candidate = candidate();
    shown.value(&candidate);
    shown.value(&candidate.relations);
    shown.value(&candidate.risk);
    shown.value(&Heard::person(candidate));
    shown.value(&known());
    let mut state = TraceState::default();
    (state.asked, state.known) = (Some(asked()), Some(known()));
    shown.value(&state);
    let (families, address) = ([FORMER_FAMILY.to_owned()], ADDRESS.map(str::to_owned));
    let mut local = Local::default();
    (local.family, local.given) = (Some(FAMILY), Some(GIVEN));
    (local.former_families, local.other_given) = (&families, &families);
    (local.address, local.telephones, local.emails) = (&address, &families, &families);
    local.birth = Some(BORN.parse().unwrap());
    local.postcode = Some(POSTCODE.parse().unwrap());
    local.former_postcodes = vec![POSTCODE.parse().unwrap()];
    shown.value(&local);
    let mut record = LocalRecord::default();
    (record.surname, record.forename) = (Some(FAMILY.into()), Some(GIVEN.into()));
    let names = NameTables::shipped().with_caseload(vec![record; 20]);
    shown.value(&names);
    let judge = Judge::default().with_names(names).with_wildcards_assessed();
    shown.value(&judge);
    shown.value(&RiskLimit::default());
    let policy = Policy::default().with_judge(judge);
    let strategy = Strategy::smsp();
    shown.value(&strategy);
    shown.value(&Strategy::fhir().checked_for(&ScriptedTracer::new([])).unwrap_err());
    shown.value(&Breadth::Fuzzy);
    let policy = policy.with_strategy(strategy, &ScriptedTracer::new([])).unwrap();
    shown.value(&policy);
    shown.value(&Settings::new(us_caller()).with_policy(policy));
    let table =
        format!("name,per_million,obs,source,per_million_without_staff\n{FAMILY},x,1,f,1\n");
    shown.error(&NameTables::shipped().with_surnames(table.as_bytes()).unwrap_err());
    let unreadable = std::io::Error::other("device");
    shown.error(&NamesError::Read(unreadable));
    shown.error(&NamesError::TooLong { limit: 9 });
}

fn us_caller() -> nhs_pds::trace::Caller {
    nhs_pds::trace::Caller::System(us())
}
