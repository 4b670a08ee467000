//! SVG drawing for both symbols.

use std::fmt::Write as _;

/// A rectangle of dark modules; coordinates from the top left, in modules.
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Text below a symbol: its content, and the baseline and size of its letters, in modules.
pub(super) struct Text<'a> {
    pub(super) content: &'a str,
    pub(super) baseline: usize,
    pub(super) size: usize,
}

/// An SVG document of `width` by `height` modules, white where nothing dark is drawn.
///
/// `label` and the text are not escaped, so they must not contain characters that XML requires to
/// be escaped. One path draws all areas: separate shapes may show gaps between neighbours.
pub(super) fn document(
    (width, height): (usize, usize),
    label: &str,
    areas: impl Iterator<Item = Area>,
    text: Option<Text<'_>>,
) -> String {
    let mut path = String::new();
    for Area { x, y, width, height } in areas {
        // Writing to a `String` does not fail.
        let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
    }
    let text = text.map(|Text { content, baseline, size }| {
        format!(
            "<text x=\"50%\" y=\"{baseline}\" font-family=\"sans-serif\" font-size=\"{size}\" \
             text-anchor=\"middle\">{content}</text>"
        )
    });
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"{label}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{width}v{height}h-{width}z\"/>\
         <path d=\"{path}\"/>{}</svg>",
        text.unwrap_or_default()
    )
}
