//! The machine that an example runs on, for the audit trail (MSCA-AUD-03).

use std::fs;

/// The machine's name; `unnamed machine` where nothing tells it.
pub(crate) fn name() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let set = || ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = told.or_else(set).map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "unnamed machine".to_owned())
}
