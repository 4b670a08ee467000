//! Codes that stand for something: known ones by name, others by their text.

/// The methods of an enumeration of codes. Its variant `Other` has the unknown codes.
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
