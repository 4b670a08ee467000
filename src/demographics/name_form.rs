use unicode_normalization::UnicodeNormalization;

/// A name in the one form in which it is sent and compared.
///
/// * Unicode normalisation form C: an accent typed as a separate character becomes part of its
///   letter.
/// * Typographic apostrophes, hyphens and spaces become `'`, `-` and the ASCII space. White space
///   becomes one space between words and is removed around the name.
/// * Characters without a width, and characters that change the direction of writing, are removed.
///   So are the soft hyphen, variation selectors and tags.
///
/// Letters, accents, upper and lower case stay unchanged. Control characters also stay, although no
/// request may carry them. Applying the function again changes nothing.
///
/// ```
/// use nhs_pds::demographics::name_form;
///
/// assert_eq!(name_form(" Zoe\u{308}\u{a0}O\u{2019}Brien\u{2010}Smith\u{200b}"), "Zoë O'Brien-Smith");
/// ```
#[must_use]
pub fn name_form(text: &str) -> String {
    // Removed first, because a character without a width may be between a letter and its accent.
    let kept = text.chars().filter(|&c| !is_invisible(c));
    let ascii = kept.nfc().map(|c| match c {
        _ if is_apostrophe(c) => '\'',
        _ if is_hyphen(c) => '-',
        _ if c.is_whitespace() && !c.is_control() => ' ',
        _ => c,
    });
    let ascii: String = ascii.collect();
    ascii.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether two names have the same [form](name_form), ignoring case.
///
/// Accents, nicknames and other spellings count as differences.
///
/// ```
/// use nhs_pds::demographics::is_same_form;
///
/// assert!(is_same_form("O\u{2019}BRIEN", "o'brien"));
/// assert!(!is_same_form("Zoë", "Zoe"));
/// ```
#[must_use]
pub fn is_same_form(a: &str, b: &str) -> bool {
    // Upper case, because `ß` and the two small sigmas have one upper case form each.
    let words = |name: &str| -> Vec<String> {
        name_form(name).split_whitespace().map(str::to_uppercase).collect()
    };
    words(a) == words(b)
}

/// Characters that show nothing: they have no width, only set the direction of writing, or select a
/// variant of the previous character. The soft hyphen shows only at the end of a broken line.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{E0000}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}'
    )
}

/// Apostrophes and what is used for them.
pub(crate) const fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '´' | '\u{2B9}'..='\u{2BF}' | '\u{2C8}' | '\u{2CA}' | '\u{2CB}' | '\u{2018}'
            ..='\u{201B}' | '\u{2032}' | '\u{2035}' | '\u{A78C}' | '\u{FF07}' | '\u{FF40}' | '\u{1FBD}'
            | '\u{1FBF}' | '\u{1FEF}' | '\u{1FFD}' | '\u{1FFE}' | '\u{374}' | '\u{384}' | '\u{55A}'
    )
}

pub(crate) const fn is_hyphen(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'
            ..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_sent_in_one_form() {
        for (typed, form) in [
            ("  Ann\u{A0}\u{2003} Marie ", "Ann Marie"),
            ("Zoe\u{308}", "Zoë"),
            ("O\u{2019}Brien", "O'Brien"),
            ("O`Brien", "O'Brien"),
            ("O\u{B4}Brien", "O'Brien"),
            ("O\u{2BC}Brien", "O'Brien"),
            ("O\u{FF07}Brien", "O'Brien"),
            ("Smith\u{2013}Jones", "Smith-Jones"),
            ("Smith\u{2011}Jones", "Smith-Jones"),
            ("Smith\u{2212}Jones", "Smith-Jones"),
            ("\u{FEFF}Smi\u{200B}th\u{202C}", "Smith"),
            ("\u{202E}Smith", "Smith"),
            ("e\u{200D}\u{301}", "é"),
            ("Smith\u{AD}son", "Smithson"),
            ("\u{AD}Smi\u{AD}\u{AD}th\u{AD}-\u{AD}Jones", "Smith-Jones"),
            ("\u{845B}\u{E0100}\u{57CE}\u{FE00}", "\u{845B}\u{57CE}"),
            ("Smith\u{FE0F}\u{E0041}\u{E007F}", "Smith"),
            ("e\u{AD}\u{301}", "é"),
            ("Smith\tJones", "Smith\tJones"),
            ("", ""),
            ("\u{200B} ", ""),
        ] {
            assert_eq!(name_form(typed), form, "{typed:?}");
        }
    }

    #[test]
    fn letters_and_accents_stay_unchanged() {
        for (a, b) in
            [("Zoë", "Zoe"), ("Łukasz", "Lukasz"), ("Bob", "Robert"), ("Mary Ann", "Maryann")]
        {
            assert!(!is_same_form(a, b), "{a} {b}");
        }
        for (a, b) in
            [("Zoë", "ZOE\u{308}"), ("Strauß", "STRAUSS"), ("Νίκος", "ΝΊΚΟΣ"), ("a\tb", "A B")]
        {
            assert!(is_same_form(a, b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn name_form_is_idempotent(text in "[\\PC\u{300}-\u{310}\u{200B}-\u{200F}\u{AD}\u{FE0F}\u{E0041}'’ \u{A0}-]{0,12}") {
            let form = name_form(&text);
            prop_assert_eq!(name_form(&form), &*form);
            prop_assert!(is_same_form(&text, &form));
        }
    }
}
