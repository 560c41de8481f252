-- The rate budgets of API keys, shared by every host. Times are microseconds since 1970 on the server's
-- clock, read by whoever holds the budget's row.

-- One row for each key; locked by each draw. `number` and `ended` are those of the last ended call.
CREATE TABLE budgets (
    key          text   PRIMARY KEY,
    number       bigint NOT NULL DEFAULT 0,
    ended        bigint NOT NULL DEFAULT 0,
    paused_until bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- The slots in flight, each with the end of its lease.
CREATE TABLE budget_flights (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text   NOT NULL,
    lease_until bigint NOT NULL
);
CREATE INDEX budget_flights_by_key ON budget_flights (key, lease_until);

-- The ended calls, numbered without gaps in the order of their ends.
CREATE TABLE budget_calls (
    key    text   NOT NULL,
    number bigint NOT NULL,
    ended  bigint NOT NULL,
    PRIMARY KEY (key, number)
);

-- Adds an ended call.
CREATE FUNCTION budget_append(INOUT budget budgets, ended_at bigint) LANGUAGE plpgsql
SET search_path = certplan, pg_temp AS $$
BEGIN
    budget.number := budget.number + 1;
    budget.ended := ended_at;
    INSERT INTO budget_calls VALUES (budget.key, budget.number, ended_at);
    DELETE FROM budget_calls c WHERE c.key = budget.key AND c.number = budget.number - 100000;
END;
$$;

-- Locks the budget of a key until the transaction ends, and makes ended calls of slots whose lease is over.
CREATE FUNCTION budget_enter(which text, OUT budget budgets, OUT moment bigint) LANGUAGE plpgsql
SET search_path = certplan, pg_temp AS $$
DECLARE
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
    IF budget.ended > moment THEN
        -- The server's clock was set back: who cannot be believed counts as ended just now.
        UPDATE budget_calls c SET ended = moment WHERE c.key = which AND c.ended > moment;
        budget.ended := moment;
    END IF;
    FOR lapsed IN
        WITH gone AS (
            DELETE FROM budget_flights f
            WHERE f.key = which AND (f.lease_until <= moment OR f.lease_until > moment + 3600000000)
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

-- Gives a slot for a lease (microseconds) under these windows (requests, microseconds), or says how many
-- microseconds to wait.
CREATE FUNCTION budget_take(
    which text, requests bigint[], lengths bigint[], lease bigint, OUT flight bigint, OUT wait bigint
) LANGUAGE plpgsql SET search_path = certplan, pg_temp AS $$
DECLARE
    entered record;
    in_flight bigint;
    room bigint;
    until bigint;
    left_at bigint;
BEGIN
    SELECT * INTO entered FROM budget_enter(which);
    until := entered.moment;
    IF (entered.budget).paused_until - entered.moment < 3600000000 THEN
        until := greatest(until, (entered.budget).paused_until);
    END IF;
    SELECT count(*) INTO in_flight FROM budget_flights f WHERE f.key = which;
    FOR at IN 1 .. coalesce(array_length(requests, 1), 0) LOOP
        room := requests[at] - in_flight;
        IF room <= 0 THEN
            until := greatest(until, entered.moment + 20000);
        ELSE
            SELECT c.ended + lengths[at] INTO left_at FROM budget_calls c
            WHERE c.key = which AND c.number = (entered.budget).number - room + 1;
            IF FOUND THEN
                until := greatest(until, left_at);
            END IF;
        END IF;
    END LOOP;
    IF until > entered.moment THEN
        wait := least(until - entered.moment, 1000000);
        RETURN;
    END IF;
    INSERT INTO budget_flights (key, lease_until) VALUES (which, entered.moment + lease)
    RETURNING id INTO flight;
END;
$$;

-- Takes a slot back; one whose call was sent is an ended call from now on.
CREATE FUNCTION budget_finish(which text, flight bigint, was_sent boolean) RETURNS void LANGUAGE plpgsql
SET search_path = certplan, pg_temp AS $$
DECLARE
    entered record;
    budget budgets;
BEGIN
    SELECT * INTO entered FROM budget_enter(which);
    DELETE FROM budget_flights f WHERE f.id = flight AND f.key = which;
    IF was_sent THEN
        budget := budget_append(entered.budget, entered.moment);
        UPDATE budgets b SET number = budget.number, ended = budget.ended WHERE b.key = which;
    END IF;
END;
$$;

-- Nobody is given a slot for this long (microseconds).
CREATE FUNCTION budget_pause(which text, length bigint) RETURNS void LANGUAGE plpgsql
SET search_path = certplan, pg_temp AS $$
DECLARE
    entered record;
BEGIN
    SELECT * INTO entered FROM budget_enter(which);
    UPDATE budgets b SET paused_until = entered.moment + length
    WHERE b.key = which
        AND (b.paused_until < entered.moment + length OR b.paused_until >= entered.moment + 3600000000);
END;
$$;
