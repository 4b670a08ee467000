-- Cases. Columns are what is searched by; the document is the whole case as JSON.
-- A change of the document's shape is a migration of its own, so that no older program reads it.
CREATE TABLE cases (
    -- Compared by bytes, which is the order of pages.
    case_id TEXT NOT NULL PRIMARY KEY CHECK (case_id <> ''),
    version INTEGER NOT NULL CHECK (version > 0),
    -- Ten digits; text, because numbers may begin with zeros.
    nhs_number TEXT CHECK (length(nhs_number) = 10 AND nhs_number NOT GLOB '*[^0-9]*'),
    document TEXT NOT NULL
) STRICT;

-- Who else holds a number, before it is written.
CREATE INDEX cases_by_nhs_number ON cases (nhs_number, case_id) WHERE nhs_number IS NOT NULL;
