PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE cases (
    -- Compared by bytes, which is the order of pages.
    case_id TEXT NOT NULL PRIMARY KEY CHECK (case_id <> ''),
    version INTEGER NOT NULL CHECK (version > 0),
    -- Ten digits; text, because numbers may begin with zeros.
    nhs_number TEXT CHECK (length(nhs_number) = 10 AND nhs_number NOT GLOB '*[^0-9]*'),
    document TEXT NOT NULL
) STRICT;
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
INSERT INTO audit_event VALUES(1,X'0000000000000000000000000000000000000000000000000000000000000000',X'e2abf07347b0abe8876e4dab85de929e5769e35f156dac751497f4760c28cd17',0,'signed_in','urn:nhs-uk:identity:ods:RHM:us','Get NHS Number',NULL,NULL,NULL,NULL,NULL,'[]',NULL,NULL);
INSERT INTO audit_event VALUES(2,X'e2abf07347b0abe8876e4dab85de929e5769e35f156dac751497f4760c28cd17',X'91a9c3739ce6f36bb250fe1240fc14050e9eb5f1e3fac71d10fa450322ff8fe0',0,'case_changed','urn:nhs-uk:identity:ods:RHM:us','Get NHS Number',NULL,NULL,NULL,NULL,NULL,'[]',X'0000000000000002cd2c64e616507a12',X'0a9b79efd25c6f4bbe3157302bc0dc81699e3ca1cc649c0114baaaeb6868434ba4c648d18cefa18738c623af5de5cdad73c2f98443137b03b2da17016705861d6b88ca2038596d6a309d7bd3625a81d15294e6cbe66f9c9e28445c8323993fd2b988f7e75ca941f21dbd69786a1eba9e5f70ce2c3a36fc19cd209b7f1b4fb5f79580663d73bb9fa45ff786a30f55c8d747b1c6ef2a191832e8166e8b8104464c44ebfe5bcbe21133e3f55db353835c1b23d4a45e36a284b84bc8fdce8fd55e1166b8b1a6c1605e98b384b9d4f6b1a080d4c5c1a6b2aa781a548aae7a6bfb5317e4d15e0409c83d25a7f52e082c5c69d8b2b09769764993a47cbe11b9b5');
INSERT INTO audit_event VALUES(3,X'91a9c3739ce6f36bb250fe1240fc14050e9eb5f1e3fac71d10fa450322ff8fe0',X'922da0a9c43699adae36202874e99e076d0ca68309072f9c17d21f24c0dc876a',0,'case_viewed','urn:nhs-uk:identity:ods:RHM:us','Get NHS Number',NULL,NULL,NULL,NULL,NULL,'[["item","1"]]',X'0000000000000002cd2c64e616507a12',X'd7db6024ce19f276440d431ebac44427ab2ae3895ae8f6e84dc1daa6917f365d9cee4d295ac847a58a4f6ea0b233466b8bc2966cd4c123baa6d40b');
INSERT INTO audit_event VALUES(4,X'922da0a9c43699adae36202874e99e076d0ca68309072f9c17d21f24c0dc876a',X'd351f25500c8e11e4d568e1d0b5ac1d192cf7999c10520255968be037f0693cb',0,'audit_queried','urn:nhs-uk:identity:ods:RHM:us','Get NHS Number',NULL,NULL,NULL,NULL,NULL,'[]',X'00000000000000048fcc5c80258abfec',X'aaf59856e003ebea85d26c358fa34d4c145d9e21c2b348c68d0e23f8a29e94059cab674767c2372e535b');
CREATE TABLE audit_anchor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_anchor VALUES(1,4,X'd351f25500c8e11e4d568e1d0b5ac1d192cf7999c10520255968be037f0693cb');
CREATE TABLE audit_subject (
    subject BLOB NOT NULL PRIMARY KEY,
    key BLOB NOT NULL,
    -- A case, or a person of whom only the NHS Number (ten digits) is known.
    case_id TEXT,
    person TEXT
) STRICT;
INSERT INTO audit_subject VALUES(X'0000000000000002cd2c64e616507a12',X'29cd11897963ae304252a57c901c2976923d0a542faaa53c6e3d342b6e5f9ba2','CASE-77',NULL);
INSERT INTO audit_subject VALUES(X'00000000000000048fcc5c80258abfec',X'f5bb645d81f8e0c5a6c34e67e71a77ee802ee892249dff2b48249c09a999240f',NULL,'9434765919');
CREATE TABLE audit_subject_number (
    number TEXT NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (number, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO audit_subject_number VALUES('9434765919',X'0000000000000002cd2c64e616507a12');
INSERT INTO audit_subject_number VALUES('9434765919',X'00000000000000048fcc5c80258abfec');
CREATE TABLE case_lease (
    case_id TEXT NOT NULL PRIMARY KEY,
    -- Empty when nobody has it.
    owner TEXT NOT NULL,
    until INTEGER NOT NULL,
    -- When it was last asked about, answered or not.
    asked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE alert (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- The alert as JSON.
    document TEXT NOT NULL
) STRICT;
CREATE INDEX cases_by_nhs_number ON cases (nhs_number, case_id) WHERE nhs_number IS NOT NULL;
CREATE INDEX audit_event_by_user ON audit_event (user_id);
CREATE INDEX audit_event_by_authority ON audit_event (authority) WHERE authority IS NOT NULL;
CREATE INDEX audit_event_by_message ON audit_event (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX audit_event_by_subject ON audit_event (subject) WHERE subject IS NOT NULL;
CREATE UNIQUE INDEX audit_subject_by_case ON audit_subject (case_id) WHERE case_id IS NOT NULL;
CREATE UNIQUE INDEX audit_subject_by_person ON audit_subject (person) WHERE person IS NOT NULL;
CREATE INDEX audit_subject_number_by_subject ON audit_subject_number (subject);
CREATE INDEX case_lease_by_owner ON case_lease (owner) WHERE owner <> '';
COMMIT;
PRAGMA user_version = 4;
