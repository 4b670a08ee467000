-- Worklists in the order of age, their counts, and the cases of a worker.

-- Rows are written again from the documents, by the first list or search.
DROP TABLE case_item;

-- The review items of active cases, settled or not. Times are microseconds since 1970, UTC.
CREATE TABLE case_item (
    case_id TEXT NOT NULL,
    item INTEGER NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    assignee TEXT,
    opened_at INTEGER NOT NULL,
    -- Whether the case has an NHS Number.
    has_number INTEGER NOT NULL CHECK (has_number IN (0, 1)),
    PRIMARY KEY (case_id, item)
) STRICT, WITHOUT ROWID;

-- The last columns are for conditions that select many rows: they are checked without reading the table.
CREATE INDEX case_item_by_age ON case_item (is_open, opened_at, case_id, item, has_number, assignee);
CREATE INDEX case_item_by_reason ON case_item (is_open, reason, opened_at, case_id, item, has_number, assignee);
CREATE INDEX case_item_by_state ON case_item (state, opened_at, case_id, item, has_number, assignee);
CREATE INDEX case_item_by_state_and_reason ON case_item (state, reason, opened_at, case_id, item, has_number, assignee);
CREATE INDEX case_item_by_assignee ON case_item (assignee, is_open, opened_at, case_id, item, has_number)
    WHERE assignee IS NOT NULL;

-- How many open items there are of each kind. To count their rows, each page would read all of them.
CREATE TABLE case_item_count (
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    has_number INTEGER NOT NULL,
    is_assigned INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (state, reason, has_number, is_assigned)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER case_item_inserted AFTER INSERT ON case_item WHEN NEW.is_open = 1 BEGIN
    INSERT INTO case_item_count (state, reason, has_number, is_assigned, n)
    VALUES (NEW.state, NEW.reason, NEW.has_number, NEW.assignee IS NOT NULL, 1)
    ON CONFLICT (state, reason, has_number, is_assigned) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER case_item_deleted AFTER DELETE ON case_item WHEN OLD.is_open = 1 BEGIN
    UPDATE case_item_count SET n = n - 1
    WHERE state = OLD.state AND reason = OLD.reason AND has_number = OLD.has_number
        AND is_assigned = (OLD.assignee IS NOT NULL);
END;

-- The workers to whom cases are allocated, without an end date.
CREATE TABLE case_worker (
    case_id TEXT NOT NULL,
    worker TEXT NOT NULL,
    PRIMARY KEY (case_id, worker)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_worker_by_worker ON case_worker (worker, case_id);

CREATE INDEX case_search_without_number ON case_search (is_live, case_id) WHERE nhs_number IS NULL;

DELETE FROM case_search_pending;
INSERT INTO case_search_pending (after) SELECT '' WHERE EXISTS (SELECT 1 FROM cases);
