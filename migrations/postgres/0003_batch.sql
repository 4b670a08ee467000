-- The batch of which a case waits for a row, and the unique reference of that row. No case waits before.
ALTER TABLE nhs_pds.case_search
    ADD COLUMN batch text COLLATE "C",
    ADD COLUMN reference text COLLATE "C";

CREATE INDEX case_search_by_batch ON nhs_pds.case_search (tenant, batch, case_id, is_live) WHERE batch IS NOT NULL;
CREATE INDEX case_search_by_reference ON nhs_pds.case_search (tenant, reference, case_id, is_live)
    WHERE reference IS NOT NULL;
