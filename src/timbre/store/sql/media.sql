-- add --
INSERT INTO media (id, team_id, key, object, bytes, expires_at)
VALUES (%(id)s, %(team)s, %(key)s, %(object)s, %(bytes)s, now() + make_interval(secs => %(seconds)s))

-- versions --
-- The newest that is known to be here, and those that links were given for; links that nobody used are no obstacle.
(SELECT id, object, bytes FROM media
 WHERE team_id = %(team)s AND key = %(key)s AND expires_at > now() AND bytes IS NOT NULL
 ORDER BY id DESC LIMIT 1)
UNION ALL
(SELECT id, object, bytes FROM media
 WHERE team_id = %(team)s AND key = %(key)s AND expires_at > now() AND bytes IS NULL
 ORDER BY id DESC LIMIT 100)
ORDER BY id DESC

-- get --
SELECT id, object, bytes FROM media WHERE id = %(id)s

-- seen --
UPDATE media SET bytes = %(bytes)s WHERE id = %(id)s

-- kept_bytes --
SELECT coalesce((SELECT sum(bytes) FROM media WHERE team_id = %(team)s), 0)::bigint
     + coalesce((SELECT sum(object_bytes) FROM jobs WHERE team_id = %(team)s AND object IS NOT NULL), 0)::bigint AS bytes
