use crate::index::recorded as form;
use crate::sound::folded;

/// A text of a request that a record must equal. `*` stands for any characters.
///
/// A wildcard may come after two characters or more (SMSP, alphanumeric traces; FHIR, the rules of
/// `family`, `given` and `address-postalcode`). Letter case is ignored.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Pattern {
    text: String,
    ignores_accents: bool,
}

impl Pattern {
    /// Reads the text. Returns `None` when it is blank, or when a wildcard comes too early.
    pub(super) fn new(text: &str) -> Option<Self> {
        let start = text.split('*').next().unwrap_or_default();
        let fits = !text.is_empty() && (start == text || start.chars().count() >= 2);
        fits.then(|| Self { text: text.to_lowercase(), ignores_accents: false })
    }

    /// The pattern that also matches texts with other accents.
    pub(super) fn ignoring_accents(self) -> Self {
        Self { text: folded(&self.text), ignores_accents: true }
    }

    /// Returns whether there is a wildcard, so that the request is an advanced trace.
    pub(super) fn is_wild(&self) -> bool {
        self.text.contains('*')
    }

    /// The text, in lower case.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the recorded text matches. The recorded text is compared in its normal form, however
    /// the register has it; the requested text is compared as it was sent.
    pub(super) fn fits(&self, recorded: &str) -> bool {
        self.fits_form(&form(recorded))
    }

    /// The text before the first wildcard, in lower case.
    pub(super) fn start(&self) -> &str {
        self.text.split('*').next().unwrap_or_default()
    }

    /// Returns whether a recorded text matches that is already in its normal form and in lower case.
    pub(super) fn fits_form(&self, recorded: &str) -> bool {
        if self.ignores_accents && !recorded.is_ascii() {
            return self.is_like(&folded(recorded));
        }
        self.is_like(recorded)
    }

    fn is_like(&self, recorded: &str) -> bool {
        let Some((start, rest)) = self.text.split_once('*') else { return self.text == recorded };
        let Some(mut left) = recorded.strip_prefix(start) else { return false };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        for piece in middle.split('*') {
            match left.split_once(piece) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        left.ends_with(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_after_two_characters() {
        for (pattern, recorded, fits) in [
            ("SMITH", "smith", true),
            ("Smith", "Smithson", false),
            ("SM*", "Smithson", true),
            ("Sm*n", "Smithson", true),
            ("Sm*th*n", "Smithson", true),
            ("Sm*x*n", "Smithson", false),
            ("Smithson*", "Smithson", true),
            ("Smiths*sson", "Smithson", false),
            ("ZO*", "Zoë", true),
            ("Zoë", "Zoe\u{308}", true),
            ("O'Brien", "O\u{2019}Brien", true),
            ("O\u{2019}Brien", "O\u{2019}Brien", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().fits(recorded), fits, "{pattern} {recorded}");
        }
        for text in ["", "*", "S*", "S*mith", "É*"] {
            assert!(Pattern::new(text).is_none(), "{text}");
        }
        assert!(Pattern::new("ÉE*").is_some());
    }
}
