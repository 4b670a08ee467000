//! The memory of this process, on Linux; not available on other systems.

use std::fs;

/// The resident memory now and at its highest, in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Resident {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

/// Reads the resident memory.
pub(crate) fn resident() -> Option<Resident> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Resident { now: field("VmRSS")?, peak: field("VmHWM")? })
}

/// The rise of a series from one value to the next, by least squares.
pub(crate) fn slope(series: &[u64]) -> f64 {
    let values: Vec<f64> = series.iter().map(|value| *value as f64).collect();
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / count;
    let sums = values.iter().zip(0_u32..).map(|(value, place)| {
        let off = f64::from(place) - middle;
        (off * (value - mean), off * off)
    });
    let (rise, run) = sums.fold((0.0, 0.0), |(rise, run), (a, b)| (rise + a, run + b));
    if run > 0.0 { rise / run } else { 0.0 }
}
