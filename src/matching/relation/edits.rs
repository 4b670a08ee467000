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
/// letters, two edits in names of eight or more.
pub(super) fn is_near(a: &str, b: &str) -> bool {
    let (length_a, length_b) = (a.chars().count(), b.chars().count());
    let allowed = match length_a.max(length_b) {
        8.. => 2,
        _ if length_a.min(length_b) >= 3 => 1,
        _ => 0,
    };
    edits(a, b) <= allowed
}
