-- When a worker looks at a case next, and which worker has it now. Times are microseconds since 1970, UTC.
-- A case without a row is not found by a claim, until it is saved or planned.
CREATE TABLE case_due (
    case_id TEXT NOT NULL PRIMARY KEY,
    -- 0: a user waits. 1: new or changed. 2: routine. 3: verified again.
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    at INTEGER NOT NULL,
    -- The worker that has the case, and until when; empty and 0 when it is free.
    owner TEXT NOT NULL DEFAULT '',
    until INTEGER NOT NULL DEFAULT 0,
    -- Whether a claim could not read the case. It is not claimed again until it is saved.
    damaged INTEGER NOT NULL DEFAULT 0 CHECK (damaged IN (0, 1)),
    -- Whether the case is active and has an open review item.
    to_review INTEGER NOT NULL DEFAULT 0 CHECK (to_review IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Each index has only the rows that its question is about, so that a claim with nothing due reads a few
-- pages, whatever the number of cases.
CREATE INDEX case_due_free ON case_due (priority, at) WHERE owner = '' AND damaged = 0;
CREATE INDEX case_due_leased ON case_due (until, owner) WHERE owner <> '';
CREATE INDEX case_due_damaged ON case_due (damaged) WHERE damaged = 1;

-- Every case is due at once: the first worker plans it.
INSERT INTO case_due (case_id, priority, at, to_review)
SELECT case_id, 1, 0, CASE
    WHEN NOT json_valid(document) THEN 0
    WHEN coalesce(json_type(document, '$.deleted'), 'null') <> 'null' THEN 0
    WHEN json_type(document, '$.review') IS NOT 'array' THEN 0
    ELSE EXISTS (
        SELECT 1 FROM json_each(document, '$.review') AS item
        WHERE CASE
            WHEN item.type = 'object'
            THEN coalesce(json_extract(item.value, '$.state'), '') NOT IN ('resolved', 'dismissed')
            ELSE 0
        END
    )
END
FROM cases;

-- How many cases are to be reviewed. To count their rows, each pass with nothing due would read all of them.
CREATE TABLE case_count (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    to_review INTEGER NOT NULL
) STRICT;
INSERT INTO case_count (id, to_review) SELECT 1, count(*) FROM case_due WHERE to_review = 1;
CREATE TRIGGER case_due_inserted AFTER INSERT ON case_due WHEN NEW.to_review = 1 BEGIN
    UPDATE case_count SET to_review = to_review + 1;
END;
CREATE TRIGGER case_due_updated AFTER UPDATE OF to_review ON case_due
WHEN NEW.to_review <> OLD.to_review BEGIN
    UPDATE case_count SET to_review = to_review + NEW.to_review - OLD.to_review;
END;
CREATE TRIGGER case_due_deleted AFTER DELETE ON case_due WHEN OLD.to_review = 1 BEGIN
    UPDATE case_count SET to_review = to_review - 1;
END;

-- Replaced by the columns `owner` and `until`. Leases that a worker had are free.
DROP TABLE case_lease;

-- Values that the programs on the file share, such as whether the process is paused. Nothing of a
-- person, but a case id while cases are planned again.
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
