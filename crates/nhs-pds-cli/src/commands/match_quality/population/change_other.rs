//! Differences in birth, home and gender, and several differences at once.

use super::change_name::nickname;
use super::household::{date, day};
use super::kind::Kind;
use super::scene::Scene;
use super::text::typo;
use crate::simulated::OtherAddressUse;
use nhs_pds::demographics::{Gender, PartialDate};

/// The pseudo-postcode for no fixed abode.
const NO_FIXED_ABODE: &str = "ZZ99 3VZ";

pub(super) fn birth(kind: Kind, scene: &mut Scene<'_>) {
    let born = scene.person().birth;
    let (year, month, day_of) = (born.year(), born.month().unwrap_or(6), born.day().unwrap_or(15));
    let wrong = match kind {
        Kind::BirthSwapped => {
            // The record gets a day that is also a month, and differs from its month.
            let month = 1 + scene.dice.below(12) as u8;
            let day_of = 1 + ((month as usize + scene.dice.below(11)) % 12) as u8;
            scene.record(|person| person.birth = date(year, month, day_of));
            date(year, day_of, month)
        }
        Kind::BirthDay => other_day(born, scene),
        Kind::BirthMonth => {
            let other = 1 + ((month as usize + scene.dice.below(11)) % 12) as u8;
            date(year, other, day_of.min(28))
        }
        Kind::BirthYear => {
            let units = year % 10;
            let other = (units + 1 + scene.dice.below(9) as u16) % 10;
            date((year - units + other).min(2025), month, day_of.min(28))
        }
        Kind::BirthDecade => {
            let other = if year >= 1950 { year - 10 } else { year + 10 };
            date(other, month, day_of.min(28))
        }
        Kind::BirthEstimate => date(year, 1, 1),
        Kind::BirthPartial => {
            scene.local.birth = year.to_string();
            return;
        }
        _ => {
            let other = year - 5 + scene.dice.below(10) as u16;
            day(other.min(2025), scene.dice)
        }
    };
    scene.local.birth = wrong.to_string();
}

/// The same month, and another day with one digit changed.
fn other_day(born: PartialDate, scene: &mut Scene<'_>) -> PartialDate {
    let day_of = born.day().unwrap_or(15);
    let (tens, units) = (day_of / 10, day_of % 10);
    loop {
        let other = match scene.dice.below(2) {
            0 => tens * 10 + scene.dice.below(10) as u8,
            _ => scene.dice.below(3) as u8 * 10 + units,
        };
        if other != day_of && (1..=28).contains(&other) {
            return date(born.year(), born.month().unwrap_or(6), other);
        }
    }
}

pub(super) fn home(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::MovedKnown => {
            scene.local.former_postcodes.push(scene.local.postcode.clone());
            scene.move_away();
        }
        Kind::MovedBefore => lived(scene, OtherAddressUse::Former),
        Kind::TemporaryHome => lived(scene, OtherAddressUse::Temporary),
        Kind::CorrespondenceHome => lived(scene, OtherAddressUse::Correspondence),
        Kind::PostcodeTypo => scene.local.postcode = wrong_postcode(scene),
        Kind::PostcodeMissing => scene.local.postcode.clear(),
        Kind::PostcodeMalformed => {
            let text = scene.dice.word(&["NFA", "unknown", "see notes", "L0NDON"]);
            text.clone_into(&mut scene.local.postcode);
        }
        Kind::NoFixedAbode => {
            scene.local.lines = ["No fixed abode", "", "", "", ""].map(str::to_owned);
            NO_FIXED_ABODE.clone_into(&mut scene.local.postcode);
        }
        // The new address, or an old one that PDS does not have.
        _ => scene.move_away(),
    }
}

/// The case has an address that PDS has beside the usual one.
fn lived(scene: &mut Scene<'_>, of: OtherAddressUse) {
    let other = scene.new_home();
    scene.lived_at(&other, of);
    scene.local.live_at(&other);
}

/// One character of the last three is wrong, so that the text still has the form of a postcode.
fn wrong_postcode(scene: &mut Scene<'_>) -> String {
    let mut letters: Vec<char> = scene.local.postcode.chars().collect();
    let (last, before) = (letters.len() - 1, letters.len());
    let at = before - 3 + scene.dice.below(3);
    let others: &[char] = if at == last || at == last - 1 {
        &['A', 'B', 'D', 'E', 'H', 'L', 'N', 'P', 'R', 'S', 'T', 'W']
    } else {
        &['1', '2', '3', '4', '5', '6', '7', '8', '9']
    };
    if let Some(letter) = letters.get_mut(at) {
        let now = *letter;
        while *letter == now {
            *letter = scene.dice.pick(others).copied().unwrap_or('X');
        }
    }
    letters.into_iter().collect()
}

pub(super) fn gender(kind: Kind, scene: &mut Scene<'_>) {
    let (other, mine) = if scene.me().is_female() {
        (Gender::Male, Gender::Female)
    } else {
        (Gender::Female, Gender::Male)
    };
    match kind {
        Kind::GenderMissing => scene.local.gender = Some(Gender::NotKnown),
        Kind::GenderFormer => {
            scene.person().former_genders.push(mine);
            scene.person().gender = other;
            scene.local.gender = Some(mine);
        }
        _ => scene.local.gender = Some(other),
    }
}

pub(super) fn several(kind: Kind, scene: &mut Scene<'_>) {
    match kind {
        Kind::TypoBoth | Kind::MarriedTypo => {
            scene.local.given = typo(&scene.local.given, scene.dice);
            scene.local.family = if kind == Kind::TypoBoth {
                typo(&scene.local.family, scene.dice)
            } else {
                scene.other_family()
            };
        }
        Kind::FamiliarBirth => {
            scene.local.given = scene.familiar();
            birth(Kind::BirthDay, scene);
        }
        Kind::MovedTypo => {
            if scene.dice.chance(0.5) {
                scene.local.given = typo(&scene.local.given, scene.dice);
            } else {
                scene.local.family = typo(&scene.local.family, scene.dice);
            }
        }
        Kind::MovedFamiliar => {
            let short = scene.familiar();
            // PDS has a few of the familiar forms.
            if scene.dice.chance(0.1) {
                nickname(scene, &short);
            }
            scene.local.given = short;
        }
        Kind::MovedMarried => scene.local.family = scene.other_family(),
        Kind::MovedFormer => {
            let former = scene.other_family();
            scene.was_called(&former);
            scene.local.family = former;
        }
        Kind::MovedBirth => birth(Kind::BirthSwapped, scene),
        _ => scene.local.gender = Some(Gender::NotKnown),
    }
    let moves = !matches!(kind, Kind::TypoBoth | Kind::MarriedTypo | Kind::FamiliarBirth);
    if moves {
        scene.move_away();
    }
}
