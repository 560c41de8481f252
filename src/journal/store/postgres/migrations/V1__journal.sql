-- The journal's first schema in PostgreSQL. Runs with `certplan` alone on the search path.

-- How far the chain has come: one row. Whoever writes facts locks it first.
CREATE TABLE head (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    lineage text   NOT NULL,
    serial  bigint NOT NULL CHECK (serial >= 0),
    tip     bytea  NOT NULL CHECK (length(tip) = 32)
);

-- The runs that hold the journal. `id` is the fencing token: it rises with every run.
CREATE TABLE runners (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run      text NOT NULL,
    command  text NOT NULL,
    host     text NOT NULL,
    pid      bigint NOT NULL,
    -- The advisory lock that the run's own session holds while it lives.
    lock_key bigint NOT NULL,
    plan     bigint,
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires  timestamptz NOT NULL,
    ended    timestamptz
);
CREATE INDEX runners_alive ON runners (id) WHERE ended IS NULL;

-- One row for each fact. `hash` covers `previous` and every column but `word`, which repeats a part of
-- `body` for people who read the table by hand, and `runner`.
CREATE TABLE facts (
    seq      bigint PRIMARY KEY CHECK (seq > 0),
    at       text  NOT NULL,
    run      text  NOT NULL,
    address  text  NOT NULL,
    account  text  NOT NULL,
    word     text  NOT NULL,
    body     text  NOT NULL,
    previous bytea NOT NULL CHECK (length(previous) = 32),
    hash     bytea NOT NULL CHECK (length(hash) = 32),
    runner   bigint NOT NULL REFERENCES runners (id)
);

-- What each account of the manifest was bound to. `seal` covers the other columns and the lineage.
CREATE TABLE bindings (
    account    text PRIMARY KEY,
    provider   text NOT NULL,
    endpoint   text NOT NULL,
    account_id text,
    seal       bytea NOT NULL CHECK (length(seal) = 32)
);

-- Plans that runs share. `version` rises with each step that ends.
CREATE TABLE plans (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id   text NOT NULL,
    manifest  text NOT NULL,
    document  text NOT NULL,
    version   bigint NOT NULL DEFAULT 0,
    published timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed    timestamptz
);

-- The steps of a shared plan that have something to do, and who has them.
CREATE TABLE steps (
    plan     bigint NOT NULL REFERENCES plans (id),
    position integer NOT NULL CHECK (position >= 0),
    runner   bigint REFERENCES runners (id),
    outcome  text,
    version  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (plan, position)
);
CREATE INDEX steps_news ON steps (plan, version) WHERE version > 0;

CREATE FUNCTION facts_stay() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'a fact is never changed or deleted';
END;
$$;

CREATE TRIGGER facts_are_never_changed BEFORE UPDATE OR DELETE ON facts
    FOR EACH ROW EXECUTE FUNCTION facts_stay();
CREATE TRIGGER facts_are_never_truncated BEFORE TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION facts_stay();

-- Facts follow each other without a gap, each holds the hash of the one before it, and only a run whose
-- lease lasts may write one.
CREATE FUNCTION facts_follow() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_facts n LEFT JOIN facts p ON p.seq = n.seq - 1
        WHERE n.seq > 1 AND p.hash IS DISTINCT FROM n.previous
    ) THEN
        RAISE EXCEPTION 'a fact holds the hash of the one before it';
    END IF;
    IF EXISTS (
        SELECT 1 FROM new_facts n WHERE NOT EXISTS (
            SELECT 1 FROM runners r
            WHERE r.id = n.runner AND r.ended IS NULL AND r.expires > clock_timestamp()
        )
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'CP001', MESSAGE = 'the lease of the run is over';
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER facts_are_chained_and_fenced AFTER INSERT ON facts
    REFERENCING NEW TABLE AS new_facts
    FOR EACH STATEMENT EXECUTE FUNCTION facts_follow();
