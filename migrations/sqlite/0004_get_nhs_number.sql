-- Who is asking about a case, so that nobody else does. Times are microseconds since 1970, UTC.
CREATE TABLE case_lease (
    case_id TEXT NOT NULL PRIMARY KEY,
    -- Empty when nobody has it.
    owner TEXT NOT NULL,
    until INTEGER NOT NULL,
    -- When it was last asked about, answered or not.
    asked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX case_lease_by_owner ON case_lease (owner) WHERE owner <> '';

-- The document may now say when a case is asked about again (`asking`), what somebody has to look at
-- (`review`), which alerts have still to be delivered (`undelivered`), that the case is not in use
-- (`deleted`), and so on; saying nothing is "nothing of that". A case that is not in use has no number in
-- its column. The new version keeps a program that does not know all this from the file.

-- Alerts that were delivered to this file, each once.
CREATE TABLE alert (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- The alert as JSON.
    document TEXT NOT NULL
) STRICT;
