-- make_secret --
INSERT INTO server_secrets (name, value) VALUES (%(name)s, %(value)s) ON CONFLICT DO NOTHING

-- secret --
SELECT value FROM server_secrets WHERE name = %(name)s

-- workers --
SELECT name, lanes, model, device, version, started_at FROM workers
WHERE alive_at > now() - make_interval(secs => %(seconds)s)
ORDER BY name

-- note_worker --
WITH gone AS (DELETE FROM workers WHERE alive_at < now() - interval '1 day')
INSERT INTO workers (name, lanes, model, device, version)
VALUES (%(name)s, %(lanes)s, %(model)s, %(device)s, %(version)s)
ON CONFLICT (name) DO UPDATE
SET lanes = excluded.lanes, model = excluded.model, device = excluded.device, version = excluded.version,
    alive_at = now(),
    started_at = CASE WHEN %(starting)s THEN now() ELSE workers.started_at END

-- forget_worker --
DELETE FROM workers WHERE name = %(name)s

-- people --
SELECT count(*) AS total FROM speakers WHERE team_id = %(team)s

-- waiting --
-- How many, and how long the one that was put there first has waited; what is for later does not wait yet.
SELECT lane, total, extract(epoch FROM now() - greatest(entry.scheduled_at, deferred.at)) AS seconds
FROM (SELECT queue_name AS lane, count(*) AS total, min(id) AS first FROM procrastinate_jobs
      WHERE status = 'todo' AND coalesce(scheduled_at <= now(), true) GROUP BY queue_name) AS waiting
JOIN procrastinate_jobs AS entry ON entry.id = waiting.first
CROSS JOIN LATERAL (SELECT min(event.at) AS at FROM procrastinate_events AS event
                    WHERE event.job_id = entry.id) AS deferred
