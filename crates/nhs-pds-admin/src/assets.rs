//! Style sheets, scripts and icons, served with the hash of their content in the name.

use crate::app::App;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file with the hash of its content in the name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// An icon has no hash in its name, because the style sheet names it.
const FOR_A_DAY: &str = "public, max-age=86400";

const SYSTEM_CSS: &str = include_str!("../assets/nhsuk/nhsuk-frontend.css");
const SYSTEM_JS: &str = include_str!("../assets/nhsuk/nhsuk-frontend.js");
const OWN_CSS: &str = include_str!("../assets/screens.css");
const OWN_JS: &str = include_str!("../assets/screens.js");

/// The name under which the own script imports that of the design system.
const IMPORTED: &str = "nhsuk-frontend.js";

/// The icons that the style sheet of the design system names.
const ICONS: [(&str, &str); 4] = [
    ("nhsuk-icon-arrow-down.svg", include_str!("../assets/nhsuk/nhsuk-icon-arrow-down.svg")),
    ("nhsuk-icon-arrow-up.svg", include_str!("../assets/nhsuk/nhsuk-icon-arrow-up.svg")),
    ("nhsuk-icon-arrow-up-down.svg", include_str!("../assets/nhsuk/nhsuk-icon-arrow-up-down.svg")),
    ("nhsuk-icon-cross.svg", include_str!("../assets/nhsuk/nhsuk-icon-cross.svg")),
];

/// The files by the names under which they are served.
pub(crate) struct Assets {
    by_name: BTreeMap<String, Asset>,
    css: Vec<String>,
    js: String,
}

struct Asset {
    kind: &'static str,
    cache: &'static str,
    content: Bytes,
}

impl fmt::Debug for Assets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_name.keys()).finish()
    }
}

impl Assets {
    /// The files of the crate, and the vendor's style sheet behind them.
    pub(crate) fn new(theme: Option<&str>) -> Self {
        let mut assets = Self { by_name: BTreeMap::new(), css: Vec::new(), js: String::new() };
        let sheets = [("nhsuk", SYSTEM_CSS), ("screens", OWN_CSS)];
        for (stem, content) in sheets.into_iter().chain(theme.map(|theme| ("theme", theme))) {
            let served = assets.add(stem, "css", CSS, content);
            assets.css.push(served);
        }
        let system = assets.add("nhsuk", "js", JS, SYSTEM_JS);
        assets.js = assets.add("screens", "js", JS, &OWN_JS.replace(IMPORTED, &system));
        for (name, content) in ICONS {
            let content = Bytes::from_static(content.as_bytes());
            let icon = Asset { kind: SVG, cache: FOR_A_DAY, content };
            assets.by_name.insert(name.to_owned(), icon);
        }
        assets
    }

    fn add(&mut self, stem: &str, end: &str, kind: &'static str, content: &str) -> String {
        let hash = Sha256::digest(content);
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let served = format!("{stem}-{hash}.{end}");
        let content = Bytes::from(content.to_owned());
        self.by_name.insert(served.clone(), Asset { kind, cache: FOR_EVER, content });
        served
    }

    pub(crate) fn css(&self) -> &[String] {
        &self.css
    }

    pub(crate) fn js(&self) -> &str {
        &self.js
    }
}

/// Serves one file.
pub(crate) async fn serve(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let Some(asset) = app.assets.by_name.get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, asset.cache)];
    (headers, asset.content.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tools/vendor_nhsuk.py` has written, by the names in its list.
    const SUMS: &str = include_str!("../assets/nhsuk/SHA256SUMS");

    #[test]
    fn vendored_files_are_those_of_the_script() {
        let mut files = vec![
            ("nhsuk-frontend.css", SYSTEM_CSS),
            ("nhsuk-frontend.js", SYSTEM_JS),
            ("LICENSE", include_str!("../assets/nhsuk/LICENSE")),
        ];
        files.extend(ICONS);
        assert_eq!(SUMS.lines().count(), files.len());
        for (name, content) in files {
            let sum: String =
                Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(SUMS.contains(&format!("{sum}  {name}\n")), "{name} was changed by hand");
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_the_restricted_font_is_gone() {
        for text in [SYSTEM_CSS, SYSTEM_JS, OWN_CSS, OWN_JS] {
            for forbidden in ["http:", "https:", "Frutiger", "url(/", "//assets"] {
                assert!(!text.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn the_own_script_imports_the_served_name() {
        let assets = Assets::new(Some("a { color: red }"));
        assert_eq!(assets.css().len(), 3);
        let own = &assets.by_name[assets.js()].content;
        let own = String::from_utf8_lossy(own);
        assert!(
            assets.by_name.keys().any(|name| name.ends_with(".js") && own.contains(name.as_str()))
        );
    }
}
