-- alone --
SELECT pg_advisory_xact_lock(7595436)

-- running --
SELECT pack FROM model_pulls WHERE ended_at IS NULL AND alive_at > now() - make_interval(secs => %(silence)s)

-- begin --
INSERT INTO model_pulls (pack, id, machine) VALUES (%(pack)s, %(id)s, %(machine)s)
ON CONFLICT (pack) DO UPDATE
SET id = excluded.id, machine = excluded.machine, file = NULL, fraction = 0, error = NULL,
    started_at = now(), alive_at = now(), ended_at = NULL

-- report --
UPDATE model_pulls SET file = %(file)s, fraction = %(fraction)s, alive_at = now()
WHERE id = %(id)s AND ended_at IS NULL

-- end --
UPDATE model_pulls
SET error = %(error)s, fraction = CASE WHEN %(error)s::text IS NULL THEN 1 ELSE fraction END,
    alive_at = now(), ended_at = now()
WHERE id = %(id)s AND ended_at IS NULL

-- list --
SELECT pack, machine, file, fraction, started_at, ended_at, error,
       CASE WHEN ended_at IS NULL AND alive_at > now() - make_interval(secs => %(silence)s) THEN 'running'
            WHEN ended_at IS NULL THEN 'lost'
            WHEN error IS NULL THEN 'succeeded'
            ELSE 'failed' END AS state
FROM model_pulls
