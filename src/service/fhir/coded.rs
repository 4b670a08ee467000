//! Codes that stand for something: known ones by name, others by their text.

/// What an enumeration of codes needs besides its variants, of which `Other` has the codes that nobody
/// knows.
macro_rules! coded {
    ($name:ident { $($variant:ident = $code:literal,)+ }) => {
        impl $name {
            /// The code.
            #[must_use]
            pub fn code(&self) -> &str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Other(code) => code,
                }
            }
        }

        impl From<&str> for $name {
            fn from(code: &str) -> Self {
                match code {
                    $($code => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        $crate::demographics::redacted_debug!($name);
    };
}
pub(in crate::service::fhir) use coded;
