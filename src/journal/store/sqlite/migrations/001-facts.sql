-- The journal's first schema. Runs in one transaction together with user_version.
PRAGMA application_id = 1668312174;

-- lineage and created, set once; serial and tip, the number and the hash of the last fact, which
-- change with every commit; last_run.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each fact. `hash` covers `previous` and every column but `word`, which repeats a part
-- of `body` for people who read the table by hand.
CREATE TABLE facts (
    seq      INTEGER PRIMARY KEY CHECK (seq > 0),
    at       TEXT NOT NULL,
    run      TEXT NOT NULL,
    address  TEXT NOT NULL,
    account  TEXT NOT NULL,
    word     TEXT NOT NULL,
    body     TEXT NOT NULL CHECK (json_valid(body)),
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    hash     BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- What each account of the manifest was bound to. `seal` covers the other columns and the lineage.
CREATE TABLE bindings (
    account    TEXT PRIMARY KEY,
    provider   TEXT NOT NULL,
    endpoint   TEXT NOT NULL,
    account_id TEXT,
    seal       BLOB NOT NULL CHECK (length(seal) = 32)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER facts_are_never_changed BEFORE UPDATE ON facts
BEGIN
    SELECT RAISE(ABORT, 'a fact is never changed');
END;

CREATE TRIGGER facts_are_never_deleted BEFORE DELETE ON facts
BEGIN
    SELECT RAISE(ABORT, 'a fact is never deleted');
END;

CREATE TRIGGER facts_follow_each_other BEFORE INSERT ON facts
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM facts)
BEGIN
    SELECT RAISE(ABORT, 'the number of a fact follows the one before it');
END;

CREATE TRIGGER facts_are_chained BEFORE INSERT ON facts
WHEN EXISTS (SELECT 1 FROM facts WHERE seq = NEW.seq - 1 AND hash IS NOT NEW.previous)
BEGIN
    SELECT RAISE(ABORT, 'a fact holds the hash of the one before it');
END;
