-- create_link --
INSERT INTO sign_in_links (hash, team_id, expires_at)
VALUES (%(hash)s, %(team)s, now() + make_interval(secs => %(seconds)s))

-- use_link --
DELETE FROM sign_in_links WHERE hash = %(hash)s AND expires_at > now() RETURNING team_id

-- create_person_link --
INSERT INTO person_links (hash, key_id, expires_at)
VALUES (%(hash)s, %(key)s, now() + make_interval(secs => %(seconds)s))

-- use_person_link --
DELETE FROM person_links AS link USING api_keys AS key
WHERE link.hash = %(hash)s AND link.expires_at > now() AND key.id = link.key_id AND key.revoked_at IS NULL
RETURNING key.id, key.team_id

-- person --
UPDATE api_keys SET name = %(name)s, scopes = %(scopes)s
WHERE team_id = %(team)s AND issuer = %(issuer)s AND subject = %(subject)s AND revoked_at IS NULL
RETURNING id

-- create_person --
INSERT INTO api_keys (id, team_id, name, hash, hint, scopes, issuer, subject)
VALUES (%(id)s, %(team)s, %(name)s, %(hash)s, %(hint)s, %(scopes)s, %(issuer)s, %(subject)s)

-- leave_other_teams --
UPDATE api_keys SET revoked_at = now()
WHERE issuer = %(issuer)s AND subject = %(subject)s AND team_id <> %(team)s AND revoked_at IS NULL

-- lock_team --
SELECT id FROM teams WHERE id = %(team)s FOR UPDATE

-- web_key --
SELECT id FROM api_keys
WHERE team_id = %(team)s AND name = %(name)s AND scopes @> %(scopes)s AND revoked_at IS NULL AND issuer IS NULL
ORDER BY created_at LIMIT 1

-- create --
INSERT INTO sessions (hash, key_id, expires_at)
VALUES (%(hash)s, %(key)s, now() + make_interval(secs => %(seconds)s))

-- session --
SELECT session.expires_at, key.id AS key_id, key.team_id, key.scopes, key.name, key.issuer
FROM sessions AS session JOIN api_keys AS key ON key.id = session.key_id
WHERE session.hash = %(hash)s AND session.expires_at > now() AND key.revoked_at IS NULL
  AND (key.issuer IS NULL OR key.issuer IN ('link', %(issuer)s))

-- team_name --
SELECT name FROM teams WHERE id = %(team)s

-- end --
DELETE FROM sessions AS session USING api_keys AS key
WHERE session.hash = %(hash)s AND key.id = session.key_id
RETURNING key.id AS key_id, key.team_id, key.issuer

-- drop_sessions --
DELETE FROM sessions USING api_keys AS key
WHERE key.id = sessions.key_id AND (sessions.expires_at < now() OR key.revoked_at IS NOT NULL)

-- drop_links --
DELETE FROM sign_in_links WHERE expires_at < now()

-- drop_person_links --
DELETE FROM person_links WHERE expires_at < now()
