-- No run writes a pause or a lease that ends more than 16 minutes from now (the longest pause is 15). What
-- does comes from another program or a damaged row, and holds nobody.

CREATE OR REPLACE FUNCTION budget_enter(which text, OUT budget budgets, OUT moment bigint) LANGUAGE plpgsql
SET search_path = certplan, pg_temp AS $$
DECLARE
    far CONSTANT bigint := 960000000;
    lapsed bigint;
BEGIN
    -- For this transaction alone: what is lost with a server that breaks down is older than most windows
    -- when it is back, and a session may be a pooler's.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO budget FROM budgets b WHERE b.key = which FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO budgets (key) VALUES (which) ON CONFLICT DO NOTHING;
        SELECT * INTO budget FROM budgets b WHERE b.key = which FOR UPDATE;
    END IF;
    -- Not before: ends are in the order of their numbers because nobody else reads the clock now.
    moment := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    IF budget.paused_until - moment >= far THEN
        UPDATE budgets b SET paused_until = 0 WHERE b.key = which;
        budget.paused_until := 0;
    END IF;
    IF budget.ended > moment THEN
        -- The server's clock was set back: who cannot be believed counts as ended just now.
        UPDATE budget_calls c SET ended = moment WHERE c.key = which AND c.ended > moment;
        budget.ended := moment;
    END IF;
    FOR lapsed IN
        WITH gone AS (
            DELETE FROM budget_flights f
            WHERE f.key = which AND (f.lease_until <= moment OR f.lease_until >= moment + far)
            RETURNING f.lease_until
        )
        SELECT g.lease_until FROM gone g ORDER BY g.lease_until
    LOOP
        budget := budget_append(budget, greatest(budget.ended, least(lapsed, moment)));
    END LOOP;
    UPDATE budgets b SET number = budget.number, ended = budget.ended
    WHERE b.key = which AND (b.number, b.ended) IS DISTINCT FROM (budget.number, budget.ended);
END;
$$;
