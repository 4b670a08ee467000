-- Cases, trail and alerts of many tenants. Times are microseconds since 1970, UTC, as the program counts them:
-- `timestamptz` would not return them equal. Texts are compared by their bytes, whatever the database's collation.
--
-- Row-level security: a statement sees the rows of the tenant that its transaction has named, and none without a
-- name. FORCE applies it to the owner of the tables too. Only a superuser or a role with BYPASSRLS sees all rows; the
-- program refuses to run as one.

CREATE FUNCTION nhs_pds.current_tenant() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('nhs_pds.tenant', true), '')::integer;

-- The tenants. Nothing of a person. `settings` is JSON of the program; it names secrets and contains none.
CREATE TABLE nhs_pds.tenant (
    tenant integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,62}$'),
    organisation text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'paused')),
    weight integer NOT NULL CHECK (weight BETWEEN 1 AND 100),
    schedule text NOT NULL,
    settings text NOT NULL,
    version bigint NOT NULL CHECK (version > 0)
);

CREATE TABLE nhs_pds.cases (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    case_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    -- Ten digits; NULL where the case has none or is not active.
    nhs_number text COLLATE "C",
    -- The case as JSON. `text` and not `jsonb`: the same bytes come back.
    document text NOT NULL,
    PRIMARY KEY (tenant, case_id)
);

CREATE INDEX cases_by_nhs_number ON nhs_pds.cases (tenant, nhs_number) WHERE nhs_number IS NOT NULL;

-- When a worker looks at a case next, and which worker has it now. A table of its own, so that a lease does not write
-- the document again. Rows stay on their page when only a lease changes and there is space.
CREATE TABLE nhs_pds.case_due (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    case_id text COLLATE "C" NOT NULL,
    -- The version of the case for which it was planned.
    version bigint NOT NULL,
    -- 0: a user waits. 1: new or changed. 2: routine. 3: verified again.
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    at bigint NOT NULL,
    -- The worker that has the case, and until when; empty and 0 when it is free.
    owner text COLLATE "C" NOT NULL DEFAULT '',
    until bigint NOT NULL DEFAULT 0,
    -- Whether a claim could not read the case. It is not claimed again until it is saved.
    damaged boolean NOT NULL DEFAULT false,
    -- Whether the case is active and has an open review item.
    to_review boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, case_id)
) WITH (fillfactor = 80);

-- Each index has only the rows that its question is about.
CREATE INDEX case_due_free ON nhs_pds.case_due (tenant, priority, at, case_id) WHERE owner = '' AND NOT damaged;
CREATE INDEX case_due_leased ON nhs_pds.case_due (tenant, until, owner) WHERE owner <> '';
CREATE INDEX case_due_damaged ON nhs_pds.case_due (tenant) WHERE damaged;
CREATE INDEX case_due_to_review ON nhs_pds.case_due (tenant) WHERE to_review;

-- What screens find cases and review items by. The documents are what is shown.
CREATE TABLE nhs_pds.case_item (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    case_id text COLLATE "C" NOT NULL,
    item bigint NOT NULL,
    is_open boolean NOT NULL,
    state text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    assignee text COLLATE "C",
    PRIMARY KEY (tenant, case_id, item)
);

CREATE INDEX case_item_by_open ON nhs_pds.case_item (tenant, is_open, case_id);
CREATE INDEX case_item_by_reason ON nhs_pds.case_item (tenant, is_open, reason, case_id);
CREATE INDEX case_item_by_state ON nhs_pds.case_item (tenant, state, case_id);
CREATE INDEX case_item_by_state_and_reason ON nhs_pds.case_item (tenant, state, reason, case_id);
CREATE INDEX case_item_by_assignee ON nhs_pds.case_item (tenant, assignee, is_open, case_id)
    WHERE assignee IS NOT NULL;

-- Demographic fields in the form in which they are compared. The row of an erased case is empty.
CREATE TABLE nhs_pds.case_search (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    case_id text COLLATE "C" NOT NULL,
    is_live boolean NOT NULL,
    nhs_number text COLLATE "C",
    surname text COLLATE "C",
    date_of_birth text COLLATE "C",
    postcode text COLLATE "C",
    PRIMARY KEY (tenant, case_id)
);

CREATE INDEX case_search_by_nhs_number ON nhs_pds.case_search (tenant, nhs_number, case_id)
    WHERE nhs_number IS NOT NULL;
CREATE INDEX case_search_by_surname ON nhs_pds.case_search (tenant, surname, is_live, case_id)
    WHERE surname IS NOT NULL;
CREATE INDEX case_search_by_date_of_birth ON nhs_pds.case_search (tenant, date_of_birth, is_live, case_id)
    WHERE date_of_birth IS NOT NULL;
CREATE INDEX case_search_by_postcode ON nhs_pds.case_search (tenant, postcode, is_live, case_id)
    WHERE postcode IS NOT NULL;

-- Values that the programs share, such as whether the process is paused. Nothing of a person but a case id.
CREATE TABLE nhs_pds.setting (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    -- A text as bytes: a text of PostgreSQL cannot contain every character.
    value bytea NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The audit trail, a chain for each tenant. Each row is chained to the one before by its hash; see the module `audit`
-- for the bytes. What comes from users is kept as bytes: a text of PostgreSQL cannot contain every character.
CREATE TABLE nhs_pds.audit_event (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    seq bigint NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    at bigint NOT NULL,
    kind bytea NOT NULL,
    user_id bytea NOT NULL,
    user_name bytea NOT NULL,
    role bytea,
    organisation bytea,
    authority bytea,
    device bytea,
    message_id bytea,
    -- JSON: a list of pairs of key and value; nothing of a patient.
    details bytea NOT NULL,
    -- The subject: a name generated for it, and what is encrypted under its key in audit_subject.
    subject bytea,
    sealed bytea,
    -- The beginnings of texts that users type, to search by: an index has no place for a long text.
    user_key bytea GENERATED ALWAYS AS (substring(user_id FROM 1 FOR 100)) STORED,
    authority_key bytea GENERATED ALWAYS AS (substring(authority FROM 1 FOR 100)) STORED,
    message_key bytea GENERATED ALWAYS AS (substring(message_id FROM 1 FOR 100)) STORED,
    PRIMARY KEY (tenant, seq)
);

CREATE INDEX audit_event_by_user ON nhs_pds.audit_event (tenant, user_key, seq);
CREATE INDEX audit_event_by_authority ON nhs_pds.audit_event (tenant, authority_key, seq) WHERE authority_key IS NOT NULL;
CREATE INDEX audit_event_by_message ON nhs_pds.audit_event (tenant, message_key, seq) WHERE message_key IS NOT NULL;
CREATE INDEX audit_event_by_subject ON nhs_pds.audit_event (tenant, subject, seq) WHERE subject IS NOT NULL;

-- The last event, written together with it, so that a removed tail is detected. Its row is the lock of the chain.
CREATE TABLE nhs_pds.audit_anchor (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant() PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 10);

-- The subjects, and the keys of what is encrypted about them. To forget one is to delete its rows.
CREATE TABLE nhs_pds.audit_subject (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    subject bytea NOT NULL,
    key bytea NOT NULL,
    -- A case, or a person of whom only the NHS Number (ten digits) is known.
    case_id text COLLATE "C",
    person text COLLATE "C",
    PRIMARY KEY (tenant, subject)
);

CREATE UNIQUE INDEX audit_subject_by_case ON nhs_pds.audit_subject (tenant, case_id) WHERE case_id IS NOT NULL;
CREATE UNIQUE INDEX audit_subject_by_person ON nhs_pds.audit_subject (tenant, person) WHERE person IS NOT NULL;

CREATE TABLE nhs_pds.audit_subject_number (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    number text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    PRIMARY KEY (tenant, number, subject)
);

CREATE INDEX audit_subject_number_by_subject ON nhs_pds.audit_subject_number (tenant, subject);

-- Alerts that were delivered to the inbox, each once, in the order of their arrival.
CREATE TABLE nhs_pds.alert (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    number bigint GENERATED ALWAYS AS IDENTITY,
    id text COLLATE "C" NOT NULL,
    -- The alert as JSON.
    document text NOT NULL,
    PRIMARY KEY (tenant, number),
    UNIQUE (tenant, id)
);

-- Row-level security of everything that belongs to one tenant.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['cases', 'case_due', 'case_item', 'case_search', 'setting', 'audit_event',
        'audit_anchor', 'audit_subject', 'audit_subject_number', 'alert']
    LOOP
        EXECUTE format('ALTER TABLE nhs_pds.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE nhs_pds.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON nhs_pds.%I USING (tenant = nhs_pds.current_tenant())', name);
    END LOOP;
END
$$;

-- The rate limit of one application at one provider. It holds the state only: rate and burst are parameters of the
-- statement. No personal data, so no row-level security. Times are by the clock of the database.
CREATE TABLE nhs_pds.rate_limit (
    allowance text COLLATE "C" PRIMARY KEY CHECK (allowance ~ '^[a-z][a-z0-9-]{0,62}$'),
    -- The theoretical arrival time of the next permit (generic cell rate algorithm).
    tat bigint NOT NULL DEFAULT 0,
    -- Permits for users while the background waited, less nine for each permit of the background.
    yielded bigint NOT NULL DEFAULT 0,
    -- Until then the background counts as waiting.
    background_waits_until bigint NOT NULL DEFAULT 0,
    -- Until `late_until`, permits may be used up to `late` after their time, and the rate is lower by as much.
    late bigint NOT NULL DEFAULT 0,
    late_until bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
