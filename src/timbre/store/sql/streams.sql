-- create --
INSERT INTO streams (id, team_id, key_id, token_hash, input, asked, expires_at)
VALUES (%(id)s, %(team)s, %(key)s, %(hash)s, %(input)s, %(asked)s, now() + make_interval(secs => %(seconds)s))

-- get --
SELECT id, input, started_at, seconds,
       CASE WHEN status = 'running' AND alive_at < now() - make_interval(secs => %(silence)s) THEN 'error'
            WHEN status = 'created' AND expires_at < now() THEN 'error'
            ELSE status END AS status,
       CASE WHEN status = 'running' AND alive_at < now() - make_interval(secs => %(silence)s) THEN alive_at
            WHEN status = 'created' AND expires_at < now() THEN expires_at
            ELSE completed_at END AS completed_at,
       CASE WHEN status = 'running' AND alive_at < now() - make_interval(secs => %(silence)s)
            THEN 'The process that heard it died'
            WHEN status = 'created' AND expires_at < now() THEN 'Nobody connected in time'
            ELSE error END AS error,
       (SELECT job.id FROM jobs AS job WHERE job.id = streams.id AND job.team_id = streams.team_id) AS job
FROM streams WHERE id = %(id)s AND team_id = %(team)s

-- running --
SELECT count(*) AS total FROM streams
WHERE team_id = %(team)s AND status = 'running' AND alive_at > now() - make_interval(secs => %(silence)s)

-- find --
SELECT id, team_id, status, expires_at < now() AS expired FROM streams WHERE token_hash = %(hash)s

-- one_at_a_time --
SELECT pg_advisory_xact_lock(hashtextextended(%(team)s::text, 11))

-- open --
UPDATE streams SET status = 'running', started_at = now(), alive_at = now(), asked = NULL
FROM (SELECT id, asked FROM streams WHERE token_hash = %(hash)s FOR UPDATE) AS before
WHERE streams.id = before.id AND status = 'created' AND expires_at > now()
RETURNING streams.id, streams.team_id, streams.key_id, before.asked

-- beat --
UPDATE streams SET alive_at = now(), seconds = %(seconds)s WHERE id = %(id)s AND status = 'running'

-- end --
UPDATE streams
SET status = CASE WHEN %(error)s::text IS NULL THEN 'done' ELSE 'error' END, error = %(error)s,
    completed_at = now(), alive_at = now(), seconds = %(seconds)s
WHERE id = %(id)s AND status = 'running'
RETURNING team_id, key_id, 'live' AS type

-- drop --
DELETE FROM streams WHERE created_at < now() - make_interval(secs => %(seconds)s)

-- forget_unopened --
UPDATE streams SET asked = NULL WHERE asked IS NOT NULL AND expires_at < now()
