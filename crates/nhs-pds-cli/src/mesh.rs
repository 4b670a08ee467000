//! The options of a MESH mailbox.

use crate::api::web_address;
use crate::as_text;
use crate::console::{Failed, warn};
use crate::reference::{self, Reference};
use clap::Args;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::mesh::{Config, Mailbox, MailboxId};
use nhs_pds::secret::Secret;
use nhs_pds::tenant::Labels;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

/// How long before its end the client certificate is reported.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A mailbox, and how to connect to it.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Mesh {
    /// The address of MESH, such as `https://mesh-sync.spineservices.nhs.uk`.
    #[arg(long, value_name = "URL", value_parser = address)]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    mesh: Option<Url>,
    /// Your mailbox.
    #[arg(long, value_name = "MAILBOX")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    mailbox: Option<MailboxId>,
    /// The mailbox of PDS, which the service's team gives.
    #[arg(long, value_name = "MAILBOX")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    recipient: Option<MailboxId>,
    /// The workflow of requests, and of responses without --mesh-received. [default: SPINE_PDS_MESH_V1]
    #[arg(long, value_name = "WORKFLOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
    /// A workflow of responses, such as `SPINE_MPT_RESPONSE`. May be repeated. The workflow of requests is then received only if
    /// it is named too. Messages of other workflows stay in the mailbox.
    #[arg(long, value_name = "WORKFLOW")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mesh_received: Vec<String>,
    /// How long a message may take to appear after its request was lost. A file whose fate is not known is looked for
    /// twice, this long apart, before it is sent again. [default: 5m]
    #[arg(long, value_name = "TIME")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    mesh_settling: Option<Settling>,
    /// The password of your mailbox: a file, or `env:NAME` for an environment variable.
    #[arg(long, value_name = "FILE", value_parser = reference::parser())]
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh_password: Option<Reference>,
    /// The shared key of the MESH environment: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser())]
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh_shared_key: Option<Reference>,
    /// The client certificate chain of your mailbox, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh_client_key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh_client_certificate: Option<Reference>,
    /// The private key of that certificate, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh_client_certificate")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh_client_key: Option<Reference>,
    /// The only certificate authorities to trust for MESH, as PEM; without this option, those of this machine.
    #[arg(long, value_name = "FILE", value_parser = reference::parser())]
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh_roots: Option<Reference>,
}

impl Mesh {
    /// These options, and those of `own` where this has none.
    pub(crate) fn or(&self, own: &Self) -> Self {
        let (this, own) = (self.clone(), own.clone());
        Self {
            mesh: this.mesh.or(own.mesh),
            mailbox: this.mailbox.or(own.mailbox),
            recipient: this.recipient.or(own.recipient),
            workflow: this.workflow.or(own.workflow),
            mesh_received: match this.mesh_received.is_empty() {
                true => own.mesh_received,
                false => this.mesh_received,
            },
            mesh_settling: this.mesh_settling.or(own.mesh_settling),
            mesh_password: this.mesh_password.or(own.mesh_password),
            mesh_shared_key: this.mesh_shared_key.or(own.mesh_shared_key),
            mesh_client_certificate: this.mesh_client_certificate.or(own.mesh_client_certificate),
            mesh_client_key: this.mesh_client_key.or(own.mesh_client_key),
            mesh_roots: this.mesh_roots.or(own.mesh_roots),
        }
    }

    /// Whether the address of MESH is set.
    pub(crate) const fn is_set(&self) -> bool {
        self.mesh.is_some()
    }

    /// Whether options of a mailbox are set, and not all that it needs.
    pub(crate) fn is_incomplete(&self) -> bool {
        let needed = [
            self.mesh.is_some(),
            self.mailbox.is_some(),
            self.recipient.is_some(),
            self.mesh_password.is_some(),
            self.mesh_shared_key.is_some(),
        ];
        let others = [
            self.workflow.is_some(),
            !self.mesh_received.is_empty(),
            self.mesh_settling.is_some(),
            self.mesh_client_certificate.is_some(),
            self.mesh_roots.is_some(),
        ];
        let is_any = needed.iter().chain(&others).any(|is_set| *is_set);
        is_any && needed.contains(&false)
    }

    /// The address and the mailbox, which no other tenant may have.
    pub(crate) fn place(&self) -> Option<(&Url, &MailboxId)> {
        self.mesh.as_ref().zip(self.mailbox.as_ref())
    }

    /// The files of the options, each with the name of its option.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all = [
            ("mesh-password", &self.mesh_password),
            ("mesh-shared-key", &self.mesh_shared_key),
            ("mesh-client-certificate", &self.mesh_client_certificate),
            ("mesh-client-key", &self.mesh_client_key),
            ("mesh-roots", &self.mesh_roots),
        ];
        all.into_iter().filter_map(|(name, reference)| Some((name, reference.as_ref()?.path()?)))
    }

    /// The mailbox. Sends nothing. `labels` are those of the metric of its certificate.
    pub(crate) fn mailbox(&self, labels: Labels) -> Result<Mailbox, Failed> {
        let (Some(url), Some(mailbox), Some(recipient), Some(password), Some(key)) = (
            &self.mesh,
            &self.mailbox,
            &self.recipient,
            &self.mesh_password,
            &self.mesh_shared_key,
        ) else {
            return Err("give --mesh with the address of MESH, and --mailbox, --recipient, --mesh-password and \
                        --mesh-shared-key"
                .into());
        };
        let (password, key) = (text(password)?, text(key)?);
        let whose = labels.tenant().map(|tenant| format!("{tenant}: ")).unwrap_or_default();
        let mut config =
            Config::new(url.clone(), mailbox.clone(), password, key, recipient.clone())
                .with_labels(labels.with_service("mesh"));
        if let Some(workflow) = &self.workflow {
            config =
                config.with_workflow(workflow).map_err(|error| format!("--workflow: {error}"))?;
        }
        for workflow in &self.mesh_received {
            let received = config.with_received(workflow);
            config = received.map_err(|error| format!("--mesh-received: {error}"))?;
        }
        if let Some(Settling(time)) = self.mesh_settling {
            config = config.with_settling(time);
        }
        let mut http = HttpConfig::new();
        if let (Some(chain), Some(key)) = (&self.mesh_client_certificate, &self.mesh_client_key) {
            http = http.with_client_certificate_pem(chain.read()?.expose().clone(), key.read()?);
        }
        if let Some(roots) = &self.mesh_roots {
            http = http.with_root_certificates_pem(roots.read()?.expose().clone());
        }
        let expiry = HttpTransport::new(&http)?.client_certificate_expiry();
        if let Some(warning) = expiry.and_then(|expiry| expiry.warning(SystemClock.now(), MONTH)) {
            warn(format!("{whose}MESH: {warning}"));
        }
        Ok(Mailbox::over_http(config, http)?)
    }
}

/// A time of `--mesh-settling`.
#[derive(Clone, Copy)]
struct Settling(Duration);

impl FromStr for Settling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        crate::tenants::duration(text).map(Self)
    }
}

impl fmt::Display for Settling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

fn address(text: &str) -> Result<Url, &'static str> {
    web_address(text).ok_or("write the address of MESH, which begins with https://")
}

/// A secret of one line. The end of a file's line does not belong to it.
fn text(reference: &Reference) -> Result<Secret<String>, Failed> {
    let bytes = reference.read()?;
    let text = str::from_utf8(bytes.expose());
    let text = text.map_err(|_| format!("{reference}: the secret is not UTF-8"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{reference}: the secret is empty").into());
    }
    Ok(Secret::new(text.to_owned()))
}
