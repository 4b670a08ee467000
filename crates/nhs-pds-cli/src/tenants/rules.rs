//! The rules by which a worker decides. A batch decides by the same ones.

use crate::console::{self, Failed, about};
use clap::Args;
use nhs_pds::case::RecordType;
use nhs_pds::matching::{Judge, NameTables, RiskLimit};
use nhs_pds::process::{Policy, Scope};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is traced, and when a number may be written.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Rules {
    /// Verify each number again after this number of days.
    #[arg(long, value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reverify: Option<u32>,
    /// Write a number only if the risk of a wrong person is below 1 in this number; at least 100000. [default:
    /// 100000]
    #[arg(long, value_name = "NUMBER", value_parser = risk_limit)]
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_limit: Option<u64>,
    /// Also write numbers that a search with wildcards found. Only after your organisation has assessed the
    /// safety of such searches (MSCA-PDS-07).
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    wildcards_assessed: bool,
    /// Also trace records of this type, beside those of HAV-4. May be repeated.
    #[arg(long, value_name = "TYPE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scope: Vec<RecordType>,
    /// A table with more surnames, as CSV with the columns name, per_million, obs and source.
    #[arg(long, value_name = "CSV")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) surnames: Option<PathBuf>,
}

impl Rules {
    pub(crate) fn scope(&self) -> Scope {
        let types = self.scope.iter().cloned();
        types.fold(Scope::default(), Scope::with_record_type)
    }

    pub(crate) fn policy(&self) -> Result<Policy, Failed> {
        let limit = self.risk_limit.map(RiskLimit::one_in).transpose()?.unwrap_or_default();
        let mut judge = Judge::default().with_limit(limit);
        if self.wildcards_assessed {
            judge = judge.with_wildcards_assessed();
        }
        if let Some(file) = &self.surnames {
            let names = NameTables::shipped().with_surnames(console::open(file)?);
            judge = judge.with_names(names.map_err(|error| about(file, &error))?);
        }
        let policy = Policy::default().with_judge(judge);
        Ok(match self.reverify {
            Some(days) => policy.with_reverification(chrono::TimeDelta::days(days.into())),
            None => policy,
        })
    }
}

fn risk_limit(text: &str) -> Result<u64, String> {
    let number = text.parse().map_err(|_| "a whole number is required".to_owned())?;
    RiskLimit::one_in(number).map(|_| number).map_err(|error| error.to_string())
}
