-- make_secret --
INSERT INTO server_secrets (name, value) VALUES (%(name)s, %(value)s) ON CONFLICT DO NOTHING

-- secret --
SELECT value FROM server_secrets WHERE name = %(name)s

-- workers --
SELECT count(*) AS total FROM procrastinate_workers
WHERE last_heartbeat > now() - make_interval(secs => %(seconds)s)

-- people --
SELECT count(*) AS total FROM speakers WHERE team_id = %(team)s

-- waiting --
SELECT queue_name AS lane, count(*) AS total FROM procrastinate_jobs WHERE status = 'todo' GROUP BY queue_name
