-- Worklists in the order of age, their counts, and the cases of a worker.

-- The rows are written again from the documents, by the first list or search of each tenant: the setting says how far.
-- Reads and writes of older programs fail from here on.
TRUNCATE nhs_pds.case_item;

DROP INDEX nhs_pds.case_item_by_open;
DROP INDEX nhs_pds.case_item_by_reason;
DROP INDEX nhs_pds.case_item_by_state;
DROP INDEX nhs_pds.case_item_by_state_and_reason;
DROP INDEX nhs_pds.case_item_by_assignee;

ALTER TABLE nhs_pds.case_item
    ADD COLUMN opened_at bigint NOT NULL,
    -- Whether the case has an NHS Number.
    ADD COLUMN has_number boolean NOT NULL;

-- The included columns are for conditions that select many rows: they are checked without reading the table.
CREATE INDEX case_item_by_age ON nhs_pds.case_item (tenant, is_open, opened_at, case_id, item)
    INCLUDE (has_number, assignee);
CREATE INDEX case_item_by_reason ON nhs_pds.case_item (tenant, is_open, reason, opened_at, case_id, item)
    INCLUDE (has_number, assignee);
CREATE INDEX case_item_by_state ON nhs_pds.case_item (tenant, state, opened_at, case_id, item)
    INCLUDE (has_number, assignee);
CREATE INDEX case_item_by_state_and_reason ON nhs_pds.case_item (tenant, state, reason, opened_at, case_id, item)
    INCLUDE (has_number, assignee);
CREATE INDEX case_item_by_assignee ON nhs_pds.case_item (tenant, assignee, is_open, opened_at, case_id, item)
    INCLUDE (has_number) WHERE assignee IS NOT NULL;

-- How many open items there are of each kind: the sum of `n`. Each save adds rows and changes none, so that saves do not
-- wait for each other. From time to time, one save puts all rows of a tenant together.
CREATE TABLE nhs_pds.case_item_count (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    state text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    has_number boolean NOT NULL,
    is_assigned boolean NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- The workers to whom cases are allocated, without an end date.
CREATE TABLE nhs_pds.case_worker (
    tenant integer NOT NULL DEFAULT nhs_pds.current_tenant(),
    case_id text COLLATE "C" NOT NULL,
    worker text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, case_id, worker)
);

CREATE INDEX case_worker_by_worker ON nhs_pds.case_worker (tenant, worker, case_id);

CREATE INDEX case_search_without_number ON nhs_pds.case_search (tenant, is_live, case_id) WHERE nhs_number IS NULL;

DO $$
DECLARE
    name text;
    one integer;
BEGIN
    FOREACH name IN ARRAY ARRAY['case_item_count', 'case_worker']
    LOOP
        EXECUTE format('ALTER TABLE nhs_pds.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE nhs_pds.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON nhs_pds.%I USING (tenant = nhs_pds.current_tenant())', name);
    END LOOP;
    -- The owner of the tables too sees the rows of the tenant only that the transaction has named.
    FOR one IN SELECT tenant FROM nhs_pds.tenant
    LOOP
        PERFORM set_config('nhs_pds.tenant', one::text, true);
        INSERT INTO nhs_pds.setting (name, version, value) VALUES ('case_index', 1, 'after:');
    END LOOP;
    PERFORM set_config('nhs_pds.tenant', '', true);
END
$$;
