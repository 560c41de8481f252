-- The records as of the last fact, one text for each address. They follow from the facts and are made anew
-- from them whenever the seal in `head` does not fit.
CREATE TABLE records (
    address text COLLATE "C" PRIMARY KEY,
    record  text NOT NULL
);
ALTER TABLE head
    ADD COLUMN records_version text,
    ADD COLUMN records_seal    text,
    -- The journal that this one is being filled from. Until that is done nothing else can use it.
    ADD COLUMN filling         text;

-- Plans are shared by nobody any more.
DROP TABLE steps, plans;
ALTER TABLE runners DROP COLUMN plan;

-- How often the run renewed its lease. A run whose lease seems to be over by the server's clock is believed
-- to be dead only when this has stood still for long enough by the clock of whoever watches it: no clock
-- that somebody sets shortens a lease.
ALTER TABLE runners ADD COLUMN beats bigint NOT NULL DEFAULT 0;

-- A run may write until another one has declared it dead.
CREATE OR REPLACE FUNCTION facts_follow() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_facts n LEFT JOIN facts p ON p.seq = n.seq - 1
        WHERE n.seq > 1 AND p.hash IS DISTINCT FROM n.previous
    ) THEN
        RAISE EXCEPTION 'a fact holds the hash of the one before it';
    END IF;
    IF EXISTS (
        SELECT 1 FROM new_facts n WHERE NOT EXISTS (
            SELECT 1 FROM runners r WHERE r.id = n.runner AND r.ended IS NULL
        )
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'CP001', MESSAGE = 'the lease of the run is over';
    END IF;
    RETURN NULL;
END;
$$;

-- Who may add facts may keep the records.
DO $$
DECLARE
    who text;
BEGIN
    FOR who IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = 'certplan' AND table_name = 'facts' AND privilege_type = 'INSERT'
            AND grantee <> current_user AND grantee <> 'PUBLIC'
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON records TO %I', who);
    END LOOP;
    FOR who IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = 'certplan' AND table_name = 'facts' AND privilege_type = 'SELECT'
            AND grantee <> current_user AND grantee <> 'PUBLIC'
    LOOP
        EXECUTE format('GRANT SELECT ON records TO %I', who);
    END LOOP;
END;
$$;
