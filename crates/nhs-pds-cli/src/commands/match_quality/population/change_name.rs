//! Differences in forename and surname.

use super::kind::Kind;
use super::names::ACCENTED;
use super::scene::Scene;
use super::text::{FAMILY_SPELLINGS, FEMALE_SPELLINGS, MALE_SPELLINGS, transposed, typo};
use crate::simulated::{NameUse, OtherName};

/// Apostrophes and spaces that PDS has in a surname, and the surname without them.
const PUNCTUATED: [(&str, &str); 6] = [
    ("O'Brien", "OBrien"),
    ("O'Neill", "O Neill"),
    ("O'Connor", "OConnor"),
    ("D'Souza", "DSouza"),
    ("O'Sullivan", "OSullivan"),
    ("D'Arcy", "Darcy"),
];
const SPACED: [(&str, &str); 5] = [
    ("McDonald", "Mc Donald"),
    ("McCarthy", "Mc Carthy"),
    ("MacLeod", "Mac Leod"),
    ("Delacruz", "De La Cruz"),
    ("Vandyke", "Van Dyke"),
];
const DOUBLE_GIVEN: [(&str, &str); 6] = [
    ("Anne", "Marie"),
    ("Mary", "Jane"),
    ("Sarah", "Jane"),
    ("Lily", "Mae"),
    ("Ellie", "May"),
    ("Amelia", "Rose"),
];
const DOUBLE_GIVEN_MALE: [(&str, &str); 4] =
    [("Jean", "Paul"), ("John", "Paul"), ("Alfie", "Lee"), ("Tommy", "Lee")];

pub(super) fn given(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::GivenTypo => scene.local.given = typo(&scene.local.given, scene.dice),
        Kind::GivenTransposed => scene.local.given = transposed(&scene.local.given, scene.dice),
        Kind::GivenSpelling => spelled(scene),
        Kind::GivenFamiliar => scene.local.given = scene.familiar(),
        Kind::GivenFormal => {
            let short = scene.familiar();
            let formal = scene.person().given.clone();
            scene.record(|person| person.given = short);
            scene.local.given = formal;
        }
        Kind::GivenMiddle | Kind::GivenTwo | Kind::GivenSwapped => two_names(kind, scene),
        Kind::GivenInitial => scene.local.given = first_letters(&scene.local.given, 1),
        Kind::GivenShort => {
            let letters = 3.max(scene.local.given.chars().count() / 2);
            scene.local.given = first_letters(&scene.local.given, letters);
        }
        Kind::GivenHyphen | Kind::GivenHalf => double_given(kind, scene),
        Kind::GivenAccent => {
            let (plain, accented) = scene.dice.pick(&ACCENTED).copied().unwrap_or(("Zoe", "Zoë"));
            scene.record(|person| accented.clone_into(&mut person.given));
            plain.clone_into(&mut scene.local.given);
        }
        Kind::GivenNote => {
            let short = scene.familiar();
            scene.local.given = format!("{} ({short})", scene.local.given);
        }
        Kind::GivenPlaceholder => {
            scene.dice.word(&["Baby", "Twin 1", "Unborn"]).clone_into(&mut scene.local.given);
        }
        _ => scene.local.given.clear(),
    }
}

pub(super) fn first_letters(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// The person gets a forename that has two spellings.
fn spelled(scene: &mut Scene<'_>) {
    let pairs = if scene.me().is_female() { &FEMALE_SPELLINGS } else { &MALE_SPELLINGS };
    let (one, other) = scene.dice.pick(pairs).copied().unwrap_or(("Ann", "Anne"));
    let (pds, local) = if scene.dice.chance(0.7) { (one, other) } else { (other, one) };
    scene.record(|person| pds.clone_into(&mut person.given));
    local.clone_into(&mut scene.local.given);
}

fn two_names(kind: Kind, scene: &mut Scene<'_>) {
    if scene.person().other_given.is_empty() {
        let other = scene.other_given();
        scene.record(|person| person.other_given = other);
    }
    let (first, second) = (scene.person().given.clone(), scene.person().other_given.clone());
    scene.local.given = match kind {
        Kind::GivenMiddle => second,
        Kind::GivenTwo => format!("{first} {second}"),
        _ => format!("{second} {first}"),
    };
}

fn double_given(kind: Kind, scene: &mut Scene<'_>) {
    let names: &[(&str, &str)] =
        if scene.me().is_female() { &DOUBLE_GIVEN } else { &DOUBLE_GIVEN_MALE };
    let (first, second) = scene.dice.pick(names).copied().unwrap_or(("Anne", "Marie"));
    scene.record(|person| person.given = format!("{first}-{second}"));
    scene.local.given = match kind {
        Kind::GivenHalf => first.to_owned(),
        _ if scene.dice.chance(0.5) => format!("{first} {second}"),
        _ => format!("{first}{}", second.to_lowercase()),
    };
}

pub(super) fn family(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::FamilyTypo => scene.local.family = typo(&scene.local.family, scene.dice),
        Kind::FamilyTransposed => scene.local.family = transposed(&scene.local.family, scene.dice),
        Kind::FamilySpelling => {
            let pair = scene.dice.pick(&FAMILY_SPELLINGS).copied();
            let (one, other) = pair.unwrap_or(("Clark", "Clarke"));
            let (pds, local) = if scene.dice.chance(0.5) { (one, other) } else { (other, one) };
            recorded(scene, pds, local);
        }
        Kind::FamilyHalf | Kind::FamilyDoubled | Kind::FamilyJoined => double_family(kind, scene),
        Kind::FamilyApostrophe => punctuated(scene, &PUNCTUATED),
        Kind::FamilySpace => punctuated(scene, &SPACED),
        Kind::FamilyNote => {
            let note = match scene.dice.below(3) {
                0 => "(known as)".to_owned(),
                1 => "(DNU)".to_owned(),
                _ => format!("(nee {})", scene.other_family()),
            };
            scene.local.family = format!("{} {note}", scene.local.family);
        }
        Kind::FamilyKaurSingh => {
            let title = if scene.me().is_female() { "Kaur" } else { "Singh" };
            scene.record(|person| title.clone_into(&mut person.other_given));
            title.clone_into(&mut scene.local.family);
        }
        Kind::FamilyFormer => {
            let former = scene.other_family();
            scene.was_called(&former);
            scene.local.family = former;
        }
        Kind::FamilyMarried => scene.local.family = scene.other_family(),
        Kind::FamilyMarriedKnown => married_known(scene),
        _ => std::mem::swap(&mut scene.local.given, &mut scene.local.family),
    }
}

/// The case has a new surname, and the one that PDS has as a former one.
fn married_known(scene: &mut Scene<'_>) {
    scene.local.former_families.push(scene.local.family.clone());
    scene.local.family = scene.other_family();
}

/// The record has one surname and the case another.
fn recorded(scene: &mut Scene<'_>, pds: &str, local: &str) {
    scene.record(|person| pds.clone_into(&mut person.family));
    local.clone_into(&mut scene.local.family);
}

fn punctuated(scene: &mut Scene<'_>, names: &[(&str, &str)]) {
    let (pds, local) = scene.dice.pick(names).copied().unwrap_or(("O'Brien", "OBrien"));
    let (pds, local) = if scene.dice.chance(0.75) { (pds, local) } else { (local, pds) };
    recorded(scene, pds, local);
}

fn double_family(kind: Kind, scene: &mut Scene<'_>) {
    let mine = scene.person().family.clone();
    let first = mine.split('-').next().unwrap_or_default().to_owned();
    let second = scene.other_family();
    let second = second.split('-').next().unwrap_or_default();
    let double = format!("{first}-{second}");
    let half = if scene.dice.chance(0.5) { &first } else { second };
    match kind {
        Kind::FamilyHalf => recorded(scene, &double, half),
        Kind::FamilyDoubled => recorded(scene, half, &double),
        _ => recorded(scene, &double, &double.replace('-', " ")),
    }
}

/// PDS has a nickname beside the usual name.
pub(super) fn nickname(scene: &mut Scene<'_>, short: &str) {
    let mut name = OtherName::new(NameUse::Nickname, "");
    short.clone_into(&mut name.given);
    scene.person().other_names.push(name);
}
