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

/// The files of the crate: the name, the type and the content.
const FILES: [(&str, &str, &[u8]); 2] = [
    ("screens.css", "text/css; charset=utf-8", include_bytes!("../assets/screens.css")),
    ("screens.js", "text/javascript; charset=utf-8", include_bytes!("../assets/screens.js")),
];

/// The style sheets of every page, in their order.
const CSS: [&str; 1] = ["screens.css"];

/// The script of every page.
const JS: &str = "screens.js";

/// The files by the names under which they are served.
pub(crate) struct Assets {
    by_name: BTreeMap<String, (&'static str, Bytes)>,
    css: Vec<String>,
    js: String,
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
        for (name, kind, content) in FILES {
            let served = assets.add(name, kind, Bytes::from_static(content));
            if CSS.contains(&name) {
                assets.css.push(served);
            } else if name == JS {
                assets.js = served;
            }
        }
        if let Some(theme) = theme {
            let served =
                assets.add("theme.css", "text/css; charset=utf-8", Bytes::from(theme.to_owned()));
            assets.css.push(served);
        }
        assets
    }

    fn add(&mut self, name: &str, kind: &'static str, content: Bytes) -> String {
        let hash: String =
            Sha256::digest(&content).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
        let served = format!("{stem}-{hash}.{end}");
        self.by_name.insert(served.clone(), (kind, content));
        served
    }

    pub(crate) fn css(&self) -> &[String] {
        &self.css
    }

    pub(crate) fn js(&self) -> &str {
        &self.js
    }
}

/// Serves one file. A new content has a new name, so browsers keep it for a year.
pub(crate) async fn serve(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let Some((kind, content)) = app.assets.by_name.get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, content.clone()).into_response()
}
