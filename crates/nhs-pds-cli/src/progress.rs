//! Progress bars. They appear on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::time::Duration;

/// A bar that counts `total` cases.
pub(crate) fn cases(total: u64) -> ProgressBar {
    styled(total, "{wide_bar} {pos}/{len} cases, {eta} to go")
}

/// A bar that counts `total` rows, which are then `done`, such as "written".
pub(crate) fn rows(total: u64, done: &str) -> ProgressBar {
    styled(total, &format!("{{wide_bar}} {{pos}}/{{len}} rows {done}, {{eta}} to go"))
}

/// A bar that counts `total` numbers.
pub(crate) fn numbers(total: u64) -> ProgressBar {
    styled(total, "{wide_bar} {pos}/{len} numbers, {eta} to go")
}

/// A sign that work goes on, for work without a known end.
pub(crate) fn waiting(message: String) -> ProgressBar {
    spinner(message, "{spinner} {msg} ({elapsed})")
}

/// A bar that counts rows, of which it is not known how many there are.
pub(crate) fn counting(message: String) -> ProgressBar {
    spinner(message, "{spinner} {msg}: {pos} rows ({elapsed})")
}

fn spinner(message: String, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, target()).with_message(message);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}

fn styled(total: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), target());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Standard error, unless it or standard output goes elsewhere than to a terminal.
fn target() -> ProgressDrawTarget {
    if io::stdout().is_terminal() && io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    }
}
