-- add --
INSERT INTO media (id, team_id, key, object, bytes, expires_at)
VALUES (%(id)s, %(team)s, %(key)s, %(object)s, %(bytes)s, now() + make_interval(secs => %(seconds)s))

-- versions --
SELECT id, object, bytes FROM media
WHERE team_id = %(team)s AND key = %(key)s AND expires_at > now()
ORDER BY id DESC LIMIT 10

-- get --
SELECT id, object, bytes FROM media WHERE id = %(id)s

-- seen --
UPDATE media SET bytes = %(bytes)s WHERE id = %(id)s
