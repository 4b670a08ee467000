//! The settings of a worker: its service, its speed, and its rules. They are options of a command, and the JSON object
//! of a tenant, whose keys are the names of the options.

use super::by_batch::ByBatch;
use super::rules::Rules;
use crate::console::Failed;
use crate::service::{Reached, Service};
use clap::Args;
use nhs_pds::process::tenants::{Tenant, TenantSettings};
use nhs_pds::resilience::RateLimit;
use nhs_pds::tenant::TenantName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

/// The settings of a worker. Secrets are references.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// A file for the heads of the audit trail, for `audit verify --anchors`. Choose a place where the users
    /// who can write the database can only append.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anchors: Option<PathBuf>,
    /// How many questions may be open at the same time. [default: 1]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<NonZeroUsize>,
    /// The rate limit in questions a second. [default: 5, and 1000 to the simulator]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<NonZeroU32>,
    /// How many questions may be sent at once after a quiet time. [default: as many as a second]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<NonZeroU32>,
    /// PostgreSQL: the name of the rate limit. All tenants with this name share one. [default: of the service and the
    /// API key]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allowance: Option<TenantName>,
    /// The number of attempts for a question before its case waits for the next run. [default: 4]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<NonZeroU32>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) service: Service,
    /// The commands that trace by file have these options beside the others.
    #[arg(skip)]
    #[serde(flatten)]
    pub(crate) by_batch: ByBatch,
}

/// The names of all settings.
const NAMES: [&str; 35] = [
    "allowance",
    "anchors",
    "attempts",
    "batch",
    "burst",
    "client-certificate",
    "client-id",
    "client-key",
    "fhir",
    "folder",
    "history",
    "in-flight",
    "key",
    "key-id",
    "mailbox",
    "mesh",
    "mesh-client-certificate",
    "mesh-client-key",
    "mesh-password",
    "mesh-received",
    "mesh-roots",
    "mesh-settling",
    "mesh-shared-key",
    "per-second",
    "recipient",
    "register",
    "reverify",
    "risk-limit",
    "roots",
    "scope",
    "service",
    "surnames",
    "token-url",
    "wildcards-assessed",
    "workflow",
];

/// The settings that a worker of all tenants may take from its command line: they are about the program.
pub(crate) const RATE_OPTIONS: [&str; 2] = ["attempts", "in-flight"];

/// The settings of the PDS FHIR API, which exclude `service`.
const OF_THE_API: [&str; 5] = ["client-id", "fhir", "key", "key-id", "token-url"];

impl Settings {
    /// The settings of a tenant.
    pub(crate) fn of(tenant: &Tenant) -> Result<Self, Failed> {
        let settings = Self::from_map(map_of(&tenant.settings)?)?;
        let service = settings.service.of_tenant(&tenant.name, &tenant.organisation);
        Ok(Self { service, ..settings })
    }

    /// These settings, with those of batches.
    pub(crate) fn with_batches(&self, by_batch: &ByBatch) -> Self {
        Self { by_batch: by_batch.clone(), ..self.clone() }
    }

    /// Settings with these rules alone.
    pub(crate) fn of_rules(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Reads settings. An error names a key, and not its value.
    pub(crate) fn from_map(map: Map<String, Value>) -> Result<Self, Failed> {
        for (key, value) in &map {
            if !is_name(key) {
                return Err(format!(
                    "the setting {key} is not known: a newer version of nhs-pds has written it, so update this program"
                )
                .into());
            }
            let alone = Map::from_iter([(key.clone(), value.clone())]);
            serde_json::from_value::<Self>(alone.into())
                .map_err(|_| format!("the setting {key} cannot be read: set it again"))?;
        }
        let settings = serde_json::from_value(map.into());
        settings.map_err(|_| "the settings cannot be read: set them again".into())
    }

    /// The settings that are set, by their names.
    pub(crate) fn set(&self) -> Result<Map<String, Value>, Failed> {
        match serde_json::to_value(self)? {
            Value::Object(map) => Ok(map),
            _ => Err("the settings are no object".into()),
        }
    }

    /// What the directory stores.
    pub(crate) fn stored(&self) -> Result<TenantSettings, Failed> {
        Ok(serde_json::to_string(&self.set()?)?.parse()?)
    }

    /// These settings, with those that are set in `given` in their place, and without `removed`.
    pub(crate) fn changed(&self, given: &Self, removed: &[String]) -> Result<Self, Failed> {
        let (mut map, given_map) = (self.set()?, given.set()?);
        let excluded: &[&str] = if given_map.contains_key("service") {
            &OF_THE_API
        } else if given_map.contains_key("fhir") {
            &["service"]
        } else {
            &[]
        };
        for name in removed.iter().map(String::as_str).chain(excluded.iter().copied()) {
            map.remove(name);
        }
        map.extend(given_map);
        let mut changed = Self::from_map(map)?;
        changed.service.keep_names_of(&self.service);
        Ok(changed)
    }

    /// Refuses what a tenant cannot have, whether or not its files can be read here.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        self.check_single()?;
        self.by_batch.check_of_tenant()?;
        are_whole(self.by_batch.files())
    }

    /// The same without the settings of batches: a tenant traces singly without them.
    pub(crate) fn check_single(&self) -> Result<(), Failed> {
        if !self.service.is_named() {
            return Err("give --service with the address of the Spine Mini Service, or --fhir; --service smsp and \
                        --service fhir are the simulator, which knows invented people only"
                .into());
        }
        if let Some(address) = self.service.address()
            && (!address.username().is_empty() || address.password().is_some())
        {
            return Err("the address of the service must not contain a user or a password".into());
        }
        let own =
            [("anchors", self.anchors.as_deref()), ("surnames", self.rules.surnames.as_deref())];
        let own = own.into_iter().filter_map(|(name, path)| path.map(|path| (name, path)));
        are_whole(self.service.files().into_iter().chain(own))
    }

    /// Reads everything that a worker needs of files, variables and tables.
    pub(crate) async fn try_out(&self) -> Result<(), Failed> {
        self.rules.policy()?;
        if self.by_batch.mesh.is_set() {
            self.by_batch.mesh.mailbox(self.service.labels())?;
        }
        self.service.reach().await.map(drop)
    }

    pub(crate) fn in_flight(&self) -> NonZeroUsize {
        self.in_flight.unwrap_or(NonZeroUsize::MIN)
    }

    pub(crate) fn attempts(&self) -> NonZeroU32 {
        self.attempts.unwrap_or(NonZeroU32::MIN.saturating_add(3))
    }

    /// The rate limit of a provider, or the speed of the simulator.
    pub(crate) fn rate_limit(&self, reached: &Reached) -> RateLimit {
        let limit = self.limit(reached.is_simulator());
        limit.with_in_flight(NonZeroU32::try_from(self.in_flight()).unwrap_or(NonZeroU32::MAX))
    }

    /// Rate and burst.
    pub(super) fn limit(&self, is_simulator: bool) -> RateLimit {
        let usual = if is_simulator { 1_000 } else { RateLimit::default().per_second.get() };
        let per_second = self.per_second.or(NonZeroU32::new(usual)).unwrap_or(NonZeroU32::MIN);
        RateLimit::per_second(per_second).with_burst(self.burst.unwrap_or(per_second))
    }
}

/// Refuses paths that depend on the folder in which a program runs.
fn are_whole<'a>(paths: impl IntoIterator<Item = (&'static str, &'a Path)>) -> Result<(), Failed> {
    for (name, path) in paths {
        if !path.is_absolute() || path.to_str().is_none() {
            return Err(format!(
                "--{name}: give the whole path, from / on: workers run in other folders"
            )
            .into());
        }
    }
    Ok(())
}

/// The object of a tenant's settings.
fn map_of(settings: &TenantSettings) -> Result<Map<String, Value>, Failed> {
    serde_json::from_str(settings.as_str()).map_err(|_| "the settings cannot be read".into())
}

/// Whether a setting has this name.
pub(crate) fn is_name(name: &str) -> bool {
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::limits::allowance;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        by_batch: ByBatch,
    }

    fn given(text: &str) -> Settings {
        let words = std::iter::once("x").chain(text.split_whitespace());
        let Command { settings, by_batch } = Command::try_parse_from(words).unwrap();
        settings.with_batches(&by_batch)
    }

    fn stored(settings: &Settings) -> String {
        settings.stored().unwrap().as_str().to_owned()
    }

    fn read(text: &str) -> Result<Settings, String> {
        let map = serde_json::from_str(text).unwrap();
        Settings::from_map(map).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_is_a_setting_and_is_read_back() {
        let all = "--fhir production --token-url https://a.example/t --client-id id --key-id k --key env:K \
                   --client-certificate /c --client-key env:C --roots /r --anchors /a --in-flight 8 --per-second 4 \
                   --burst 2 --allowance ours --attempts 3 --reverify 90 --risk-limit 200000 --wildcards-assessed \
                   --surnames /s --scope carer --scope adoption --batch first-load,at-least=5 --folder /b \
                   --mesh https://mesh.example --mailbox X26ABC1 --recipient X26ABC2 --workflow W --mesh-received A --mesh-settling 90s \
                   --mesh-password /p --mesh-shared-key env:M --mesh-client-certificate /mc --mesh-client-key /mk \
                   --mesh-roots /mr";
        let settings = given(all);
        let text = stored(&settings);
        assert_eq!(stored(&read(&text).unwrap()), text);
        let set = settings.set().unwrap();
        // A service and the people of the simulator exclude the API.
        let other = given("--service smsp --register /p --history /h").set().unwrap();
        let names: Vec<&String> = set.keys().chain(other.keys()).collect();
        for name in NAMES {
            assert!(names.iter().any(|set| *set == name), "{name} is not stored");
        }
        let command = Command::command();
        for argument in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(is_name(argument) || argument == "ods-code", "{argument} has no name");
        }
        assert_eq!(stored(&Settings::default()), "{}");
    }

    #[test]
    fn only_given_options_change_settings() {
        let before = given("--service https://smsp.example/ --per-second 4 --reverify 90");
        let after = before.changed(&given("--per-second 5"), &["reverify".to_owned()]).unwrap();
        let expected = read(r#"{"service":"https://smsp.example/","per-second":5}"#).unwrap();
        assert_eq!(stored(&after), stored(&expected));
        let api = "--fhir production --client-id id --key-id k --key /key";
        let moved = after.changed(&given(api), &[]).unwrap();
        assert!(!stored(&moved).contains("smsp.example"), "a tenant has one service");
        assert_eq!(allowance(&moved).unwrap().as_str(), "fhir-id");
        let back = moved.changed(&given("--service smsp"), &[]).unwrap();
        assert_eq!(stored(&back), r#"{"per-second":5,"service":"smsp"}"#);
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_named_without_its_value() {
        for (text, says) in [
            (r#"{"colour":"s3cret"}"#, "the setting colour is not known"),
            (r#"{"per-second":"s3cret"}"#, "the setting per-second cannot be read"),
            (r#"{"key":"-----BEGIN s3cret"}"#, "the setting key cannot be read"),
            (r#"{"fhir":"s3cret"}"#, "the setting fhir cannot be read"),
            (r#"{"service":7}"#, "the setting service cannot be read"),
            (r#"{"batch":"s3cret"}"#, "the setting batch cannot be read"),
            (r#"{"mesh":"s3cret"}"#, "the setting mesh cannot be read"),
            (r#"{"mesh-settling":"s3cret"}"#, "the setting mesh-settling cannot be read"),
        ] {
            let error = read(text).err().unwrap();
            assert!(error.contains(says) && !error.contains("s3cret"), "{error}");
        }
    }
}
