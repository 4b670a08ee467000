/// How many letters must be added, removed, replaced or exchanged with their neighbour to turn one
/// text into the other.
pub(super) fn edits(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

/// The text without the second of two equal letters.
pub(super) fn without_doubles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars() {
        if !kept.ends_with(letter) {
            kept.push(letter);
        }
    }
    kept
}

/// Whether two names may be one name with a typing error: one edit in names of at least three
/// letters; two edits in names of eight letters or more that begin with the same letter, so that
/// Donald is not McDonald.
pub(super) fn is_near(a: &str, b: &str) -> bool {
    let (length_a, length_b) = (a.chars().count(), b.chars().count());
    let allowed = match length_a.max(length_b) {
        8.. if a.chars().next() == b.chars().next() => 2,
        _ if length_a.min(length_b) >= 3 => 1,
        _ => 0,
    };
    edits(a, b) <= allowed
}

/// Whether the only difference is that two neighbouring letters are exchanged.
pub(super) fn is_exchange(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    edits(a, b) == 1 && sorted(a) == sorted(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        for (a, b, expected) in [
            ("SMITH", "SMIHT", true),
            ("SMITH", "SMTH", true),
            ("SMITH", "SMYTHE", false),
            ("TOM", "TIM", true),
            ("LI", "LE", false),
            ("NG", "NGO", false),
            ("ROBINSON", "ROBBINSEN", true),
            ("MCDONALD", "DONALD", false),
            ("MCDONALD", "CDONALD", true),
        ] {
            assert_eq!(is_near(a, b), expected, "{a} {b}");
            assert_eq!(is_near(b, a), expected, "{b} {a}");
        }
        assert!(is_exchange("SMITH", "SMIHT") && !is_exchange("SMITH", "SMYTH"));
        assert!(!is_exchange("SMITH", "SMITH") && !is_exchange("SMITH", "HMITS"));
        assert_eq!(without_doubles("MOHAMMEDD"), "MOHAMED");
    }
}
