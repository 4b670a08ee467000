//! Who may do what: one table of rights by role, for functions and for fields (HAV-12, MSCA-IG-01).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a user is to the organisation. A role has the rights of its columns in [`Right::roles`].
///
/// ```
/// use nhs_pds_admin::{Right, Role};
///
/// let auditor: Role = "auditor".parse()?;
/// assert!(auditor.may(Right::ViewAudit));
/// assert!(!auditor.may(Right::ViewCase));
/// # Ok::<(), nhs_pds_admin::UnknownRole>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Manages the process and the users, and corrects errors and mismatches (HAV-6, HAV-7).
    Administrator,
    /// Works on the worklist and searches for people (HAV-8).
    DataQuality,
    /// Sees the cases with which the user is involved, and comments on their items (HAV-12).
    FrontLine,
    /// Sees the audit trail and nothing else (MSCA-IG-01).
    Auditor,
}

/// The text is not the name of a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a role is administrator, data-quality, front-line or auditor")]
pub struct UnknownRole;

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] =
        [Self::Administrator, Self::DataQuality, Self::FrontLine, Self::Auditor];

    /// A stable word: `administrator`, `data-quality`, `front-line` or `auditor`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::DataQuality => "data-quality",
            Self::FrontLine => "front-line",
            Self::Auditor => "auditor",
        }
    }

    /// The name of the role on screens.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Administrator => "System administrator",
            Self::DataQuality => "Data quality",
            Self::FrontLine => "Front-line worker",
            Self::Auditor => "Auditor",
        }
    }

    /// Whether the role has `right`.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        right.roles().contains(&self)
    }

    /// Whether the role sees the fields of `group`.
    #[must_use]
    pub fn sees(self, group: FieldGroup) -> bool {
        group.roles().contains(&self)
    }

    /// Whether the role sees only the cases with which the user is involved (HAV-12).
    #[must_use]
    pub const fn needs_involvement(self) -> bool {
        matches!(self, Self::FrontLine)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(UnknownRole)
    }
}

/// A function of the screens that only some roles may use.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Right {
    /// View the state of the process.
    ViewProcess,
    /// Run, pause and resume the process, and change its schedule.
    ControlProcess,
    /// View the worklist and its items.
    ViewWorklist,
    /// Note, assign, pass on and pass back an item.
    AnnotateItem,
    /// Decide an item, and undo a decision.
    DecideItem,
    /// Search the local cases.
    SearchCases,
    /// Search PDS with a basic trace.
    SearchPds,
    /// Search PDS with wildcards and partial dates (HAV-7).
    SearchPdsAdvanced,
    /// View a case and its history.
    ViewCase,
    /// Trace a case at once (MSCA-PDS-05).
    RefreshCase,
    /// Print the number of a case on a letter.
    PrintLetter,
    /// Import a caseload.
    Import,
    /// Trace cases by file: write and download requests, import responses, release batches.
    Batches,
    /// View the data-quality report.
    ViewQuality,
    /// Query and verify the audit trail.
    ViewAudit,
    /// Export everything about one person (MSCA-ORG-04).
    ExportSubject,
    /// Add and change users, their roles and their sessions.
    ManagePeople,
    /// Use one's own account: password, second factor, sessions.
    OwnAccount,
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 18] = [
        Self::ViewProcess,
        Self::ControlProcess,
        Self::ViewWorklist,
        Self::AnnotateItem,
        Self::DecideItem,
        Self::SearchCases,
        Self::SearchPds,
        Self::SearchPdsAdvanced,
        Self::ViewCase,
        Self::RefreshCase,
        Self::PrintLetter,
        Self::Import,
        Self::Batches,
        Self::ViewQuality,
        Self::ViewAudit,
        Self::ExportSubject,
        Self::ManagePeople,
        Self::OwnAccount,
    ];

    /// The roles that have the right. This is the table; nothing else decides.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Administrator, Auditor, DataQuality, FrontLine};
        match self {
            Self::ViewProcess
            | Self::DecideItem
            | Self::SearchPds
            | Self::Import
            | Self::Batches
            | Self::ViewQuality => &[Administrator, DataQuality],
            Self::ControlProcess | Self::SearchPdsAdvanced | Self::ManagePeople => &[Administrator],
            Self::ViewWorklist
            | Self::AnnotateItem
            | Self::SearchCases
            | Self::ViewCase
            | Self::RefreshCase
            | Self::PrintLetter => &[Administrator, DataQuality, FrontLine],
            Self::ViewAudit | Self::ExportSubject => &[Auditor],
            Self::OwnAccount => &[Administrator, DataQuality, FrontLine, Auditor],
        }
    }

    /// Whether a form of this function may take long, or asks a service: the forms of one user are limited.
    pub(crate) const fn is_costly(self) -> bool {
        matches!(
            self,
            Self::SearchCases
                | Self::SearchPds
                | Self::SearchPdsAdvanced
                | Self::RefreshCase
                | Self::PrintLetter
                | Self::Import
                | Self::Batches
                | Self::ViewQuality
                | Self::ViewAudit
                | Self::ExportSubject
        )
    }

    /// A stable word for the audit trail: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ViewProcess => "view_process",
            Self::ControlProcess => "control_process",
            Self::ViewWorklist => "view_worklist",
            Self::AnnotateItem => "annotate_item",
            Self::DecideItem => "decide_item",
            Self::SearchCases => "search_cases",
            Self::SearchPds => "search_pds",
            Self::SearchPdsAdvanced => "search_pds_advanced",
            Self::ViewCase => "view_case",
            Self::RefreshCase => "refresh_case",
            Self::PrintLetter => "print_letter",
            Self::Import => "import",
            Self::Batches => "batches",
            Self::ViewQuality => "view_quality",
            Self::ViewAudit => "view_audit",
            Self::ExportSubject => "export_subject",
            Self::ManagePeople => "manage_people",
            Self::OwnAccount => "own_account",
        }
    }

    /// What the right allows, for the table of rights.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ViewProcess => "see the state of the process",
            Self::ControlProcess => "run, pause and resume the process, and change its schedule",
            Self::ViewWorklist => "see the worklist and its items",
            Self::AnnotateItem => "note, assign, pass on and pass back an item",
            Self::DecideItem => "decide an item, and undo a decision",
            Self::SearchCases => "search the local cases",
            Self::SearchPds => "search PDS with a basic trace",
            Self::SearchPdsAdvanced => "search PDS with wildcards and partial dates",
            Self::ViewCase => "see a case and its history",
            Self::RefreshCase => "trace a case at once",
            Self::PrintLetter => "print the number of a case on a letter",
            Self::Import => "import a caseload",
            Self::Batches => "trace cases by file: requests, responses, and what waits for them",
            Self::ViewQuality => "see the data-quality report",
            Self::ViewAudit => "query and verify the audit trail",
            Self::ExportSubject => "export everything about one person",
            Self::ManagePeople => "add and change users, their roles and their sessions",
            Self::OwnAccount => "use the own account: password, second factor, sessions",
        }
    }
}

/// Fields of a page that only some roles see.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FieldGroup {
    /// NHS Number, names, date of birth, gender, date of death of a case.
    Identity,
    /// Addresses, postcodes, telephone numbers and e-mail addresses of a case.
    Contact,
    /// The values of the people whom PDS returned. Other roles see only how they agree.
    Candidates,
}

impl FieldGroup {
    /// All groups.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Contact, Self::Candidates];

    /// The roles that see the fields. This is the table; nothing else decides.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Administrator, DataQuality, FrontLine};
        match self {
            Self::Identity | Self::Contact => &[Administrator, DataQuality, FrontLine],
            Self::Candidates => &[Administrator, DataQuality],
        }
    }

    /// What the group contains, for the table of rights.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Identity => "number, names, dates and gender of a case",
            Self::Contact => "addresses and contacts of a case",
            Self::Candidates => "values of the people whom PDS returned",
        }
    }
}
