-- What screens find cases and review items by. The documents are what is shown; these tables only say
-- which to read, so that a page takes no longer because there are more cases.

-- The review items of active cases, settled or not.
CREATE TABLE case_item (
    case_id TEXT NOT NULL,
    item INTEGER NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    assignee TEXT,
    PRIMARY KEY (case_id, item)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_item_by_open ON case_item (is_open, case_id);
CREATE INDEX case_item_by_reason ON case_item (is_open, reason, case_id);
CREATE INDEX case_item_by_state ON case_item (state, case_id);
CREATE INDEX case_item_by_state_and_reason ON case_item (state, reason, case_id);
CREATE INDEX case_item_by_assignee ON case_item (assignee, is_open, case_id) WHERE assignee IS NOT NULL;

-- Demographic fields in the form in which they are compared. The row of an erased case is empty.
CREATE TABLE case_search (
    case_id TEXT NOT NULL PRIMARY KEY,
    is_live INTEGER NOT NULL CHECK (is_live IN (0, 1)),
    nhs_number TEXT,
    surname TEXT,
    date_of_birth TEXT,
    postcode TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX case_search_by_nhs_number ON case_search (nhs_number, case_id) WHERE nhs_number IS NOT NULL;
CREATE INDEX case_search_by_surname ON case_search (surname, is_live, case_id) WHERE surname IS NOT NULL;
CREATE INDEX case_search_by_date_of_birth ON case_search (date_of_birth, is_live, case_id) WHERE date_of_birth IS NOT NULL;
CREATE INDEX case_search_by_postcode ON case_search (postcode, is_live, case_id) WHERE postcode IS NOT NULL;

-- The last case that is in these tables, while not all are. The forms cannot be computed in SQL: the
-- first list or search does it.
CREATE TABLE case_search_pending (
    after TEXT NOT NULL
) STRICT;

INSERT INTO case_search_pending (after) SELECT '' WHERE EXISTS (SELECT 1 FROM cases);
