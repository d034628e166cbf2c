-- create_link --
INSERT INTO sign_in_links (hash, team_id, expires_at)
VALUES (%(hash)s, %(team)s, now() + make_interval(secs => %(seconds)s))

-- use_link --
DELETE FROM sign_in_links WHERE hash = %(hash)s AND expires_at > now() RETURNING team_id

-- lock_team --
SELECT id FROM teams WHERE id = %(team)s FOR UPDATE

-- web_key --
SELECT id FROM api_keys
WHERE team_id = %(team)s AND name = %(name)s AND scopes @> %(scopes)s AND revoked_at IS NULL
ORDER BY created_at LIMIT 1

-- create --
INSERT INTO sessions (hash, key_id, expires_at)
VALUES (%(hash)s, %(key)s, now() + make_interval(secs => %(seconds)s))

-- session --
SELECT session.expires_at, key.id AS key_id, key.team_id, key.scopes
FROM sessions AS session JOIN api_keys AS key ON key.id = session.key_id
WHERE session.hash = %(hash)s AND session.expires_at > now() AND key.revoked_at IS NULL

-- team_name --
SELECT name FROM teams WHERE id = %(team)s

-- end --
DELETE FROM sessions WHERE hash = %(hash)s

-- drop_sessions --
DELETE FROM sessions USING api_keys AS key
WHERE key.id = sessions.key_id AND (sessions.expires_at < now() OR key.revoked_at IS NOT NULL)

-- drop_links --
DELETE FROM sign_in_links WHERE expires_at < now()
