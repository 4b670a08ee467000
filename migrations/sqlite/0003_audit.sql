-- The audit trail. Each row is chained to the one before by its hash, which covers every column as it is
-- stored; see the module `audit` for the bytes. There are no triggers against changes: see docs/design.md.
CREATE TABLE audit_event (
    seq INTEGER NOT NULL PRIMARY KEY,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    -- Microseconds since 1970-01-01T00:00:00Z.
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    role TEXT,
    organisation TEXT,
    authority TEXT,
    device TEXT,
    message_id TEXT,
    -- JSON: a list of pairs of key and value; nothing of a patient.
    details TEXT NOT NULL,
    -- Whom it is about: a name made up for it, and the particulars sealed under a key of audit_subject.
    subject BLOB,
    sealed BLOB
) STRICT;

CREATE INDEX audit_event_by_user ON audit_event (user_id);
CREATE INDEX audit_event_by_authority ON audit_event (authority) WHERE authority IS NOT NULL;
CREATE INDEX audit_event_by_message ON audit_event (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX audit_event_by_subject ON audit_event (subject) WHERE subject IS NOT NULL;

-- The last event, written together with it, so that a tail that was cut off is missed.
CREATE TABLE audit_anchor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

INSERT INTO audit_anchor (id, seq, hash) VALUES (1, 0, zeroblob(32));

-- Who the subjects are, and the keys of what is sealed about them. To forget one is to delete its rows.
CREATE TABLE audit_subject (
    subject BLOB NOT NULL PRIMARY KEY,
    key BLOB NOT NULL,
    -- A case, or a person of whom only the NHS Number (ten digits) is known.
    case_id TEXT,
    person TEXT
) STRICT;

CREATE UNIQUE INDEX audit_subject_by_case ON audit_subject (case_id) WHERE case_id IS NOT NULL;
CREATE UNIQUE INDEX audit_subject_by_person ON audit_subject (person) WHERE person IS NOT NULL;

CREATE TABLE audit_subject_number (
    number TEXT NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (number, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_subject_number_by_subject ON audit_subject_number (subject);
