//! The name of this machine, for the audit trail (MSCA-AUD-03).

use std::fs;

/// The machine's name, or `unnamed machine` when the operating system does not give one.
pub(crate) fn name() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let set = || ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = kernel.or_else(set).map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "unnamed machine".to_owned())
}
