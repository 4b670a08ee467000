//! Records that are unusual, people who are easily mistaken, absent people, and numbers that cases have.

use super::change_name::{first_letters, given};
use super::change_other;
use super::kind::Kind;
use super::place::Home;
use super::scene::Scene;
use super::text::typo;
use crate::simulated::Sensitivity;
use nhs_pds::demographics::PartialDate;

pub(super) fn plain(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::ExactFurther => {
            if scene.person().other_given.is_empty() {
                let other = scene.other_given();
                scene.record(|person| person.other_given = other);
            }
            scene.local.other_given = scene.person().other_given.clone();
        }
        Kind::ExactTwin => {
            scene.twin();
        }
        Kind::ExactParent => {
            scene.name_parent();
        }
        Kind::ExactNamesake => {
            let home = scene.maker.places.anywhere(scene.dice);
            scene.namesake(&home);
        }
        _ => {}
    }
}

pub(super) fn record(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::Restricted => scene.person().sensitivity = Sensitivity::Restricted,
        Kind::RestrictedMoved => {
            scene.person().sensitivity = Sensitivity::Restricted;
            scene.move_away();
        }
        Kind::Deceased => {
            let died = PartialDate::new(2025, Some(11), Some(3)).ok();
            scene.person().death = died;
        }
        Kind::Replaced => replaced(scene),
        // The same person as in an earlier case: this case has another address.
        _ => scene.move_away(),
    }
}

/// Adds an older record of the person, and returns its number.
fn replaced(scene: &mut Scene<'_>) {
    let mut old = scene.me().clone();
    old.person.superseded_by = Some(old.person.nhs_number);
    old.person.nhs_number = scene.maker.number();
    scene.add(old);
}

pub(super) fn close(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::NamesakeMoved => {
            let home = scene.new_home();
            scene.namesake(&home);
            scene.move_away();
        }
        Kind::NamesakeBare => {
            let home = scene.maker.places.anywhere(scene.dice);
            scene.namesake(&home);
            scene.local.postcode.clear();
        }
        Kind::TwinInitial => {
            scene.twin();
            scene.local.given = first_letters(&scene.local.given, 1);
        }
        Kind::TwinNoGiven => {
            scene.twin();
            scene.local.given.clear();
        }
        Kind::TwinFamiliar => {
            scene.local.given = scene.familiar();
            scene.twin();
        }
        Kind::TwinMoved => {
            scene.twin();
            scene.move_away();
        }
        Kind::TwinTypo => {
            let twin = scene.twin();
            let (mine, other) = alike(scene);
            // With the name of the twin, the case would be the twin's: nothing could tell the two apart.
            let mut typed = typo(&mine, scene.dice);
            while typed == other {
                typed = typo(&mine, scene.dice);
            }
            scene.local.given = typed;
            if let Some(twin) = scene.people.get_mut(twin) {
                twin.person.given = other;
            }
        }
        Kind::SiblingBirth => {
            let sibling = scene.sibling();
            if let Some(birth) = scene.birth_of(sibling) {
                scene.local.birth = birth.to_string();
            }
        }
        _ => {
            scene.name_parent();
            change_other::birth(Kind::BirthWrong, scene);
        }
    }
}

/// Gives the person a forename that differs from another forename in one letter. Returns both.
fn alike(scene: &mut Scene<'_>) -> (String, String) {
    let names: &[(&str, &str)] = if scene.me().is_female() {
        &[("Ellie", "Millie"), ("Hannah", "Hanna"), ("Kayla", "Kyla"), ("Mia", "Maia")]
    } else {
        &[("Jayden", "Hayden"), ("Aiden", "Jaiden"), ("Dan", "Ian"), ("Harry", "Barry")]
    };
    let (one, other) = scene.dice.pick(names).copied().unwrap_or(("Jayden", "Hayden"));
    scene.record(|person| one.clone_into(&mut person.given));
    (one.to_owned(), other.to_owned())
}

/// The person of the case leaves the register: their record becomes that of the other person.
pub(super) fn absent(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::AbsentInvalid => scene.person().sensitivity = Sensitivity::Invalidated,
        Kind::AbsentNamesake => namesake(scene, false),
        Kind::AbsentNamesakeNear => namesake(scene, true),
        Kind::AbsentNamesakeForm => {
            namesake(scene, false);
            let form = if scene.dice.chance(0.5) { Kind::GivenFamiliar } else { Kind::GivenTypo };
            let local = scene.local.clone();
            given(form, scene);
            let changed = std::mem::replace(&mut scene.local, local);
            scene.local.given = changed.given;
        }
        Kind::AbsentNamesakeBare => {
            namesake(scene, false);
            scene.local.postcode.clear();
        }
        Kind::AbsentTwinNoGiven => scene.local.given.clear(),
        Kind::AbsentTwin => {
            let mine = scene.other_given();
            scene.local.given = mine;
        }
        Kind::AbsentTwinAlike => {
            let (_, other) = alike(scene);
            scene.local.given = other;
        }
        Kind::AbsentSibling => {
            scene.local.given = scene.other_given();
            scene.local.birth = years_apart(scene, 1, 6);
        }
        Kind::AbsentParent => scene.local.birth = years_apart(scene, 19, 36),
        Kind::AbsentFamilyBirth => {
            scene.local.given = scene.other_given();
            elsewhere(scene);
        }
        Kind::AbsentGivenBirth => {
            scene.local.family = scene.other_family();
            let home = same_district(scene);
            scene.local.live_at(&home);
        }
        _ => scene.local = without_record(scene),
    }
    // Mobile numbers and e-mail addresses are of one person. People of one home share its landline.
    let one_home = matches!(
        kind,
        Kind::AbsentTwin
            | Kind::AbsentTwinNoGiven
            | Kind::AbsentTwinAlike
            | Kind::AbsentSibling
            | Kind::AbsentParent
    );
    if !matches!(kind, Kind::AbsentInvalid | Kind::Absent) {
        if !one_home || scene.local.telephone.starts_with("07") {
            scene.local.telephone.clear();
        }
        scene.local.email.clear();
    }
    scene.truth = None;
}

/// A case of a person who has no record.
fn without_record(scene: &mut Scene<'_>) -> super::local::Local {
    let origin = scene.maker.names.origin(scene.dice);
    let family = scene.maker.family(origin, scene.dice);
    let home = scene.maker.places.next(scene.dice);
    let (female, born) = (scene.dice.chance(0.5), 1935 + scene.dice.below(90) as u16);
    let absent = scene.maker.member(&family, female, born, origin, &home, scene.dice);
    super::local::Local::of(&absent)
}

fn namesake(scene: &mut Scene<'_>, near: bool) {
    if near {
        let home = same_district(scene);
        scene.local.live_at(&home);
    } else {
        elsewhere(scene);
    }
}

fn elsewhere(scene: &mut Scene<'_>) {
    let home = scene.maker.places.anywhere(scene.dice);
    scene.local.live_at(&home);
}

/// Another home in the district of the person on PDS.
fn same_district(scene: &mut Scene<'_>) -> Home {
    let mut home = scene.new_home();
    let outward = scene.me().home.outward().to_owned();
    if let Some((_, inward)) = home.postcode.split_once(' ') {
        home.postcode = format!("{outward} {inward}");
    }
    home
}

fn years_apart(scene: &mut Scene<'_>, from: u16, to: u16) -> String {
    let born = scene.person().birth;
    let apart = from + scene.dice.below(usize::from(to - from)) as u16;
    let year = if born.year() > 1975 { born.year() - apart } else { born.year() + apart };
    super::household::day(year.min(2025), scene.dice).to_string()
}

pub(super) fn held(kind: Kind, scene: &mut Scene<'_>) {
    scene.local.number = Some(scene.number());
    match kind {
        Kind::HeldMoved => scene.move_away(),
        Kind::HeldMarried => scene.local.family = scene.other_family(),
        Kind::HeldFamiliar => scene.local.given = scene.familiar(),
        Kind::HeldBirth => change_other::birth(Kind::BirthDay, scene),
        Kind::HeldNamesake => {
            let home = scene.maker.places.anywhere(scene.dice);
            let other = scene.namesake(&home);
            scene.local.number = scene.number_of(other);
        }
        Kind::HeldTwin => {
            let twin = scene.twin();
            scene.local.number = scene.number_of(twin);
        }
        Kind::HeldParent => {
            let parent = scene.name_parent();
            scene.local.number = scene.number_of(parent);
        }
        Kind::HeldSibling => {
            let sibling = scene.sibling();
            scene.local.number = scene.number_of(sibling);
        }
        Kind::HeldOther => {
            let other = scene.dice.below(scene.people.len());
            scene.local.number = scene.number_of(other);
        }
        Kind::HeldUnknown => scene.local.number = Some(scene.maker.number()),
        Kind::HeldReplaced => {
            replaced(scene);
            let last = scene.people.len() - 1;
            scene.local.number = scene.number_of(last);
        }
        Kind::HeldInvalid => {
            let mut invalid = scene.me().clone();
            invalid.person.nhs_number = scene.maker.number();
            invalid.person.sensitivity = Sensitivity::Invalidated;
            let place = scene.add(invalid);
            scene.local.number = scene.number_of(place);
        }
        _ => {}
    }
}
