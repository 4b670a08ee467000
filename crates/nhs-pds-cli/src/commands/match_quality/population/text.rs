//! Errors of the hand and of the ear in a text.

use super::dice::Dice;

/// Neighbours on a keyboard, for the commonest letters.
const NEAR: [(&str, &str); 12] = [
    ("a", "sqz"),
    ("e", "wrd"),
    ("i", "uok"),
    ("o", "ipl"),
    ("n", "bmh"),
    ("s", "adw"),
    ("t", "ryg"),
    ("r", "etf"),
    ("l", "kop"),
    ("h", "gjn"),
    ("m", "njk"),
    ("d", "sfe"),
];

/// One letter left out, doubled, or replaced by its neighbour on the keyboard; not the first letter.
pub(crate) fn typo(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 3 {
        letters.push('e');
        return letters.into_iter().collect();
    }
    loop {
        let mut changed = letters.clone();
        let at = 1 + dice.below(letters.len() - 1);
        let Some(letter) = letters.get(at).copied() else { continue };
        match dice.below(4) {
            0 => {
                changed.remove(at);
            }
            1 => changed.insert(at, letter),
            _ => {
                let near =
                    NEAR.iter().find(|(key, _)| key.starts_with(letter.to_ascii_lowercase()));
                let near: Vec<char> = near.map_or("aeiou", |(_, near)| near).chars().collect();
                if let (Some(place), Some(other)) = (changed.get_mut(at), dice.pick(&near)) {
                    *place = *other;
                }
            }
        }
        let changed: String = changed.into_iter().collect();
        if !changed.eq_ignore_ascii_case(text) && changed.chars().all(|c| c != ' ') {
            return changed;
        }
    }
}

/// Two letters that follow each other, swapped.
pub(crate) fn transposed(text: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = text.chars().collect();
    for _ in 0..20 {
        if letters.len() < 3 {
            break;
        }
        let at = 1 + dice.below(letters.len() - 2);
        let mut changed = letters.clone();
        changed.swap(at, at + 1);
        if changed != letters {
            return changed.into_iter().collect();
        }
    }
    typo(text, dice)
}

/// Another spelling of one sound: sexes of forenames, and surnames.
pub(crate) const FEMALE_SPELLINGS: [(&str, &str); 14] = [
    ("Sarah", "Sara"),
    ("Catherine", "Katherine"),
    ("Ann", "Anne"),
    ("Claire", "Clare"),
    ("Lesley", "Leslie"),
    ("Elizabeth", "Elisabeth"),
    ("Teresa", "Theresa"),
    ("Rachel", "Rachael"),
    ("Hannah", "Hanna"),
    ("Sophia", "Sofia"),
    ("Gillian", "Jillian"),
    ("Aisha", "Ayesha"),
    ("Caroline", "Carolyn"),
    ("Kerry", "Kerrie"),
];
pub(crate) const MALE_SPELLINGS: [(&str, &str); 14] = [
    ("Stephen", "Steven"),
    ("John", "Jon"),
    ("Mohammed", "Muhammad"),
    ("Philip", "Phillip"),
    ("Geoffrey", "Jeffrey"),
    ("Graham", "Graeme"),
    ("Alan", "Allan"),
    ("Brian", "Bryan"),
    ("Nicholas", "Nicolas"),
    ("Aidan", "Aiden"),
    ("Mohammed", "Mohamed"),
    ("Neil", "Neal"),
    ("Sean", "Shaun"),
    ("Connor", "Conor"),
];
pub(crate) const FAMILY_SPELLINGS: [(&str, &str); 16] = [
    ("Clark", "Clarke"),
    ("Smith", "Smyth"),
    ("Brown", "Browne"),
    ("Reid", "Reed"),
    ("Thompson", "Thomson"),
    ("Davis", "Davies"),
    ("Phillips", "Philips"),
    ("Matthews", "Mathews"),
    ("Stephens", "Stevens"),
    ("Johnson", "Johnston"),
    ("Cook", "Cooke"),
    ("Allen", "Allan"),
    ("Hussain", "Hussein"),
    ("Ahmed", "Ahmad"),
    ("Shepherd", "Sheppard"),
    ("McDonald", "MacDonald"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_changes_a_name_and_keeps_its_first_letter() {
        let mut dice = Dice::new(4);
        for name in ["Smith", "Ng", "Zoë", "O'Brien", "Eee", "Annabel"] {
            for _ in 0..50 {
                for wrong in [typo(name, &mut dice), transposed(name, &mut dice)] {
                    assert_ne!(wrong, name);
                    assert_eq!(wrong.chars().next(), name.chars().next());
                }
            }
        }
    }
}
