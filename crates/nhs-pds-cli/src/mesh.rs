//! The options of a MESH mailbox.

use crate::api::web_address;
use crate::console::{Failed, warn};
use crate::reference::{self, Reference};
use clap::Args;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::mesh::{Config, Mailbox, MailboxId};
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use std::time::Duration;
use url::Url;

/// How long before its end the client certificate is reported.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A mailbox, and how to connect to it.
#[derive(Args, Clone, Default)]
pub(crate) struct Mesh {
    /// The address of MESH, such as `https://mesh-sync.spineservices.nhs.uk`.
    #[arg(
        long, value_name = "URL", value_parser = address,
        requires_all = ["mailbox", "recipient", "mesh_password", "mesh_shared_key"]
    )]
    mesh: Option<Url>,
    /// Your mailbox.
    #[arg(long, value_name = "MAILBOX", requires = "mesh")]
    mailbox: Option<MailboxId>,
    /// The mailbox of PDS, which the service's team gives.
    #[arg(long, value_name = "MAILBOX", requires = "mesh")]
    recipient: Option<MailboxId>,
    /// The workflow of requests, and of responses without --mesh-received. [default: SPINE_PDS_MESH_V1]
    #[arg(long, value_name = "WORKFLOW", requires = "mesh")]
    workflow: Option<String>,
    /// A workflow of responses, such as `SPINE_MPT_RESPONSE`. May be repeated. The workflow of requests is then received only if
    /// it is named too. Messages of other workflows stay in the mailbox.
    #[arg(long, value_name = "WORKFLOW", requires = "mesh")]
    mesh_received: Vec<String>,
    /// How long a message may take to appear after its request was lost. A file whose fate is not known is looked for
    /// twice, this long apart, before it is sent again. [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = crate::tenants::duration, requires = "mesh")]
    mesh_settling: Option<Duration>,
    /// The password of your mailbox: a file, or `env:NAME` for an environment variable.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh")]
    mesh_password: Option<Reference>,
    /// The shared key of the MESH environment: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh")]
    mesh_shared_key: Option<Reference>,
    /// The client certificate chain of your mailbox, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires_all = ["mesh", "mesh_client_key"])]
    mesh_client_certificate: Option<Reference>,
    /// The private key of that certificate, as PEM: a file, or `env:NAME`.
    #[arg(
        long, value_name = "FILE", value_parser = reference::parser(),
        requires_all = ["mesh", "mesh_client_certificate"]
    )]
    mesh_client_key: Option<Reference>,
    /// The only certificate authorities to trust for MESH, as PEM; without this option, those of this machine.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "mesh")]
    mesh_roots: Option<Reference>,
}

impl Mesh {
    /// The mailbox. Sends nothing.
    pub(crate) fn mailbox(&self) -> Result<Mailbox, Failed> {
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
        let mut config =
            Config::new(url.clone(), mailbox.clone(), password, key, recipient.clone());
        if let Some(workflow) = &self.workflow {
            config =
                config.with_workflow(workflow).map_err(|error| format!("--workflow: {error}"))?;
        }
        for workflow in &self.mesh_received {
            let received = config.with_received(workflow);
            config = received.map_err(|error| format!("--mesh-received: {error}"))?;
        }
        if let Some(time) = self.mesh_settling {
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
            warn(format!("MESH: {warning}"));
        }
        Ok(Mailbox::over_http(config, http)?)
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
