use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

/// A QR code as the path of an SVG image.
pub(crate) struct Qr {
    /// The width and height in modules, with the quiet zone.
    pub(crate) size: usize,
    /// The dark modules.
    pub(crate) path: String,
}

/// The modules without content around a code.
const QUIET: usize = 4;

impl Qr {
    /// The code of `text`; `None` if the text is too long for one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                // A text takes every line that is written to it.
                let _ = write!(path, "M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
            }
        }
        Some(Self { size: width + 2 * QUIET, path })
    }
}
