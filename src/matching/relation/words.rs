/// The texts of each variant: the stable word, and the words for a reviewer.
macro_rules! relation_words {
    ($type:ident: $($variant:ident => $word:literal, $text:literal;)+) => {
        impl $type {
            /// All variants, the strongest agreement first, as far as they can be ordered.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// A stable word: the variant's name in lower case, joined by `_`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The relation in words for a reviewer. The wording may change.
            #[must_use]
            pub const fn in_words(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use relation_words;
