-- When each team last had a turn in each lane: numbers that only rise.
CREATE TABLE turns (
    lane text NOT NULL,
    team text NOT NULL,  -- its id; empty for what belongs to none
    taken bigint NOT NULL,
    PRIMARY KEY (lane, team)
);
CREATE SEQUENCE turn_numbers;

CREATE FUNCTION team_of(entry procrastinate_jobs) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(entry.args ->> 'team', '');
$$;
CREATE INDEX entries_by_team ON procrastinate_jobs (queue_name, coalesce(args ->> 'team', ''), priority DESC, id)
    WHERE status = 'todo';

-- Take the entry whose turn it is: of the teams that wait and hold less than their share of this worker's places, the
-- one whose last turn was the longest ago.
CREATE FUNCTION take_turn(lane text, worker bigint, most integer) RETURNS procrastinate_jobs LANGUAGE plpgsql AS $$
DECLARE
    waiting text;
    taken procrastinate_jobs;
BEGIN
    FOR waiting IN
        WITH RECURSIVE teams (team) AS (  -- one look at the index a team, however much of it waits
            SELECT min(coalesce(args ->> 'team', '')) FROM procrastinate_jobs
            WHERE status = 'todo' AND queue_name = lane
            UNION ALL
            SELECT (SELECT min(coalesce(args ->> 'team', '')) FROM procrastinate_jobs
                    WHERE status = 'todo' AND queue_name = lane AND coalesce(args ->> 'team', '') > teams.team)
            FROM teams WHERE teams.team IS NOT NULL
        )
        SELECT teams.team FROM teams LEFT JOIN turns ON turns.lane = take_turn.lane AND turns.team = teams.team
        WHERE teams.team IS NOT NULL
          AND (SELECT count(*) FROM procrastinate_jobs AS held
               WHERE held.worker_id = worker AND held.status = 'doing' AND team_of(held) = teams.team) < most
        ORDER BY coalesce(turns.taken, 0), teams.team
    LOOP
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker
        WHERE id = (SELECT first.id FROM procrastinate_jobs AS first
                    WHERE first.status = 'todo' AND first.queue_name = lane
                      AND coalesce(first.args ->> 'team', '') = waiting
                      AND (first.scheduled_at IS NULL OR first.scheduled_at <= now())
                    ORDER BY first.priority DESC, first.id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING * INTO taken;
        IF FOUND THEN
            INSERT INTO turns (lane, team, taken) VALUES (take_turn.lane, waiting, nextval('turn_numbers'))
            ON CONFLICT ON CONSTRAINT turns_pkey DO UPDATE SET taken = EXCLUDED.taken;
            RETURN taken;
        END IF;
    END LOOP;
    RETURN NULL;
END;
$$;

-- A worker that could take nothing, as a team held its share, looks again when an entry has ended.
CREATE FUNCTION notify_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = OLD.queue_name) THEN
        PERFORM pg_notify('procrastinate_queue_v1#' || OLD.queue_name,
                          json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text);
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER entry_ended AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing') EXECUTE FUNCTION notify_ended();

ALTER TABLE jobs ADD COLUMN object_bytes bigint;  -- of what was fetched; counts as the team's while it is kept
