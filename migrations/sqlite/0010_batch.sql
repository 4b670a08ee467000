-- The batch of which a case waits for a row, and the unique reference of that row. No case of an older file waits.
ALTER TABLE case_search ADD COLUMN batch TEXT;
ALTER TABLE case_search ADD COLUMN reference TEXT;

CREATE INDEX case_search_by_batch ON case_search (batch, case_id, is_live) WHERE batch IS NOT NULL;
CREATE INDEX case_search_by_reference ON case_search (reference, case_id, is_live) WHERE reference IS NOT NULL;
