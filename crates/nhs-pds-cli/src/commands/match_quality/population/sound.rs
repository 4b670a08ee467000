//! How a name sounds.

/// American Soundex of the ASCII letters, packed into one number. 0 without letters.
pub(crate) fn soundex(name: &str) -> u32 {
    let mut letters = name.bytes().filter(u8::is_ascii_alphabetic).map(|l| l.to_ascii_uppercase());
    let Some(first) = letters.next() else { return 0 };
    let (mut code, mut count, mut last) = (u32::from(first), 0, digit(first));
    for letter in letters {
        let next = digit(letter);
        // H and W do not separate equal digits; vowels do.
        if next == 7 {
            continue;
        }
        if next != last && next != 0 && count < 3 {
            code = code * 8 + next;
            count += 1;
        }
        last = next;
    }
    code * 8_u32.pow(3 - count)
}

const fn digit(letter: u8) -> u32 {
    match letter {
        b'B' | b'F' | b'P' | b'V' => 1,
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => 2,
        b'D' | b'T' => 3,
        b'L' => 4,
        b'M' | b'N' => 5,
        b'R' => 6,
        b'H' | b'W' => 7,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_alike_have_one_code() {
        for (one, other) in [("Smith", "Smythe"), ("Robert", "Rupert"), ("Ashcraft", "Ashcroft")] {
            assert_eq!(soundex(one), soundex(other), "{one} {other}");
        }
        assert_ne!(soundex("Smith"), soundex("Jones"));
        assert_eq!(soundex("'"), 0);
    }
}
