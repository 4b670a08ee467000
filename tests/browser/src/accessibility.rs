//! axe-core on the page as it is shown, and what axe-core does not see: pages that are wider than the window.

use crate::setting;
use crate::watch::devtools;
use fantoccini::Client;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// WCAG 2.2 A and AA, and the practices that axe-core recommends.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

static AXE: LazyLock<String> = LazyLock::new(|| {
    let path = setting("AXE");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
});

/// How a page is shown.
#[derive(Clone, Copy, Debug)]
pub enum State {
    /// In a window of 1280 x 900.
    Wide,
    /// In a window of 320 CSS pixels, which is also 400 % zoom on a desktop (WCAG 1.4.10).
    Narrow,
    /// With text of 200 % (WCAG 1.4.4).
    LargeText,
}

impl State {
    pub(crate) const ALL: [Self; 3] = [Self::Narrow, Self::LargeText, Self::Wide];

    async fn show(self, client: &Client) {
        let (width, height, size) = match self {
            Self::Wide => (1280, 900, ""),
            Self::Narrow => (320, 640, ""),
            Self::LargeText => (1280, 900, "200%"),
        };
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        devtools(client, "Emulation.setDeviceMetricsOverride", metrics).await.expect("a size");
        client
            .execute("document.documentElement.style.fontSize = arguments[0]", vec![size.into()])
            .await
            .expect("a size of text");
    }
}

/// What is wrong with the page in each state.
pub(crate) async fn faults(client: &Client) -> Vec<String> {
    let mut faults = Vec::new();
    for state in State::ALL {
        state.show(client).await;
        if let Some(too_wide) = too_wide(client).await {
            faults.push(format!("{state:?}: {too_wide}"));
        }
        for fault in axe(client).await {
            faults.push(format!("{state:?}: {fault}"));
        }
    }
    faults
}

/// Shows the page in one state until the next navigation.
pub(crate) async fn show(client: &Client, state: State) {
    state.show(client).await;
}

/// What reaches out of the page to the right.
async fn too_wide(client: &Client) -> Option<String> {
    let script = "
        const root = document.documentElement;
        if (root.scrollWidth <= root.clientWidth) return null;
        const out = [...document.body.querySelectorAll('*')].filter(
            each => each.getBoundingClientRect().right > root.clientWidth + 1
                && !each.closest('.screens-scroll, .nhsuk-u-visually-hidden'));
        const names = out.slice(0, 3).map(each => each.outerHTML.slice(0, 120));
        return `the page is ${root.scrollWidth} wide in ${root.clientWidth}: ${names.join(' | ')}`;
    ";
    let found = client.execute(script, vec![]).await.expect("the page runs the check");
    found.as_str().map(str::to_owned)
}

/// The violations that axe-core finds, each with the first elements.
async fn axe(client: &Client) -> Vec<String> {
    let script = "
        const done = arguments[arguments.length - 1];
        axe.run(document, { runOnly: { type: 'tag', values: arguments[0] } }).then(
            found => done(found.violations.map(each =>
                each.id + ': ' + each.help + ': '
                + each.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | '))),
            error => done([String(error)]));
    ";
    let is_there = client.execute("return !!window.axe", vec![]).await.expect("the page answers");
    if is_there != Value::Bool(true) {
        client.execute(&AXE, vec![]).await.expect("axe-core loads");
    }
    let found = client.execute_async(script, vec![json!(RULES)]).await.expect("axe-core runs");
    let found = found.as_array().expect("a list of violations").clone();
    found.iter().map(|each| each.as_str().unwrap_or_default().to_owned()).collect()
}
