//! The mailboxes and their messages.

use super::call::MeshCall;
use super::fault::Faults;
use super::message::Message;
use super::report::MeshReport;
use super::sent::MeshStatus;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::ids::Ids;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// How long a message waits for its recipient.
pub(super) const KEPT: TimeDelta = TimeDelta::days(5);

/// Everything that MESH has.
#[derive(Default)]
pub(super) struct State {
    passwords: HashMap<String, String>,
    pub(super) workflows: BTreeSet<String>,
    messages: Vec<Message>,
    places: HashMap<String, usize>,
    /// The messages of each mailbox, in the order in which they were accepted.
    inboxes: HashMap<String, Vec<usize>>,
    tokens: HashSet<String>,
    pub(super) faults: Faults,
    counts: HashMap<MeshCall, u64>,
    /// Requests to PDS that are not answered.
    pub(super) waiting: VecDeque<String>,
}

impl State {
    pub(super) fn add_mailbox(&mut self, mailbox: &str, password: &str) {
        self.passwords.insert(mailbox.to_uppercase(), password.to_owned());
    }

    pub(super) fn password(&self, mailbox: &str) -> Option<&str> {
        self.passwords.get(mailbox).map(String::as_str)
    }

    /// Returns whether this is the first use of the token.
    pub(super) fn use_token(&mut self, token: String) -> bool {
        self.tokens.insert(token)
    }

    pub(super) fn count(&mut self, call: MeshCall) {
        for counted in [call, MeshCall::Any] {
            *self.counts.entry(counted).or_default() += 1;
        }
    }

    pub(super) fn counted(&self, call: MeshCall) -> u64 {
        self.counts.get(&call).copied().unwrap_or_default()
    }

    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub(super) fn message(&self, id: &str) -> Option<&Message> {
        self.messages.get(*self.places.get(id)?)
    }

    pub(super) fn message_mut(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.get_mut(*self.places.get(id)?)
    }

    /// An identifier that no message has: the time, and six characters.
    pub(super) fn new_id(&self, ids: &dyn Ids, now: DateTime<Utc>) -> String {
        loop {
            let drawn = ids.next().simple().to_string().to_uppercase();
            let id = format!("{}_{}", now.format("%Y%m%d%H%M%S%3f"), drawn.get(26..).unwrap_or(""));
            if !self.places.contains_key(&id) {
                return id;
            }
        }
    }

    /// Adds a message. If it is complete, it is in the mailbox of its recipient.
    pub(super) fn add(&mut self, message: Message) {
        let place = self.messages.len();
        self.places.insert(message.id.clone(), place);
        if message.status == MeshStatus::Accepted {
            self.inboxes.entry(message.to.clone()).or_default().push(place);
        }
        self.messages.push(message);
    }

    /// Puts a message whose last chunk has come into the mailbox of its recipient.
    pub(super) fn accept(&mut self, id: &str) {
        let Some(place) = self.places.get(id).copied() else { return };
        if let Some(message) = self.messages.get_mut(place) {
            message.status = MeshStatus::Accepted;
            self.inboxes.entry(message.to.clone()).or_default().push(place);
        }
    }

    /// All messages that ever were in a mailbox, oldest first.
    pub(super) fn inbox(&self, mailbox: &str) -> Vec<&Message> {
        let places = self.inboxes.get(mailbox).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.messages.get(*place)).collect()
    }

    /// Puts a report into a mailbox. The message that it names, and that is not acknowledged, is undeliverable.
    pub(super) fn report(
        &mut self,
        mailbox: &str,
        report: MeshReport,
        ids: &dyn Ids,
        now: DateTime<Utc>,
    ) -> String {
        for message in &mut self.messages {
            let is_linked = report.linked_message.as_ref() == Some(&message.id);
            let is_local = message.from == mailbox
                && report.local_id.is_some()
                && message.local_id == report.local_id;
            if (is_linked || is_local) && message.status != MeshStatus::Acknowledged {
                message.status = MeshStatus::Undeliverable;
            }
        }
        let id = self.new_id(ids, now);
        self.add(Message {
            id: id.clone(),
            from: String::new(),
            to: mailbox.to_owned(),
            workflow: report.workflow.clone(),
            local_id: report.local_id.clone(),
            subject: Some("NDR".into()),
            partner_id: None,
            file_name: None,
            checksum: None,
            content_type: None,
            is_gzip: false,
            total: 0,
            chunks: BTreeMap::new(),
            status: MeshStatus::Accepted,
            at: now,
            report: Some(report),
        });
        id
    }

    /// Reports the messages that were not collected in time to their senders.
    pub(super) fn expire(&mut self, ids: &dyn Ids, now: DateTime<Utc>) {
        let is_late = |message: &&Message| {
            message.report.is_none()
                && message.status == MeshStatus::Accepted
                && now - message.at > KEPT
        };
        let late: Vec<(String, MeshReport)> = self
            .messages
            .iter()
            .filter(is_late)
            .map(|message| {
                let text = "Message not collected by recipient after 5 days";
                let mut report = MeshReport::new("14", text);
                report.linked_message = Some(message.id.clone());
                report.local_id.clone_from(&message.local_id);
                report.workflow.clone_from(&message.workflow);
                (message.from.clone(), report)
            })
            .collect();
        for (sender, report) in late {
            self.report(&sender, report, ids, now);
        }
    }
}
