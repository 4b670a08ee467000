use crate::matching::normalise::normalised_name;

/// The key of a name in the tables: the letters A to Z of its normalised form, in upper case. Empty
/// for a name without these letters.
pub(super) fn name_key(text: &str) -> String {
    normalised_name(text).chars().filter(char::is_ascii_uppercase).collect()
}

/// The keys under which a name is looked up: the whole name, then each of its words with at least
/// two letters, when it has several.
pub(super) fn name_keys(text: &str) -> Vec<String> {
    let form = normalised_name(text);
    let letters = |word: &str| word.chars().filter(char::is_ascii_uppercase).collect::<String>();
    let mut keys = vec![letters(&form)];
    if form.contains(' ') {
        keys.extend(form.split(' ').map(letters).filter(|key| key.len() > 1));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_only_the_letters_a_to_z() {
        for (text, expected) in [
            ("O'Brien", "OBRIEN"),
            ("Mc Donald", "MCDONALD"),
            ("Zoë", "ZOE"),
            ("Smith-Jones (née Brown)", "SMITHJONES"),
            ("Łukasz", "LUKASZ"),
            ("Νίκος", ""),
            ("?", ""),
        ] {
            assert_eq!(name_key(text), expected, "{text}");
        }
    }

    #[test]
    fn a_double_name_is_looked_up_whole_and_in_parts() {
        assert_eq!(name_keys("Smith-Jones"), ["SMITHJONES", "SMITH", "JONES"]);
        assert_eq!(name_keys("Mary J"), ["MARYJ", "MARY"]);
        assert_eq!(name_keys("Smith"), ["SMITH"]);
    }
}
