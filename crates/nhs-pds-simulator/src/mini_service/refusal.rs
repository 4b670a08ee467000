use std::borrow::Cow;

/// The reason why a message is refused with a SOAP fault.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    /// The toolkit's error code.
    pub(super) code: &'static str,
    /// The place and what is wrong there, never a value.
    pub(super) diagnostic: Cow<'static, str>,
}

impl Refusal {
    /// 1000: the message cannot be processed.
    pub(super) fn message(diagnostic: impl Into<Cow<'static, str>>) -> Self {
        Self { code: "1000", diagnostic: diagnostic.into() }
    }

    /// 3000: access denied, or credentials missing.
    pub(super) fn credentials(diagnostic: impl Into<Cow<'static, str>>) -> Self {
        Self { code: "3000", diagnostic: diagnostic.into() }
    }
}
