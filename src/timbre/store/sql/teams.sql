-- create_team --
INSERT INTO teams (id, name) VALUES (%(id)s, %(name)s) ON CONFLICT (name) DO NOTHING

-- team --
SELECT id, name, budget_seconds FROM teams WHERE name = %(name)s

-- teams --
SELECT id, name, budget_seconds FROM teams ORDER BY name

-- set_budget --
UPDATE teams SET budget_seconds = %(seconds)s WHERE id = %(team)s

-- create_key --
INSERT INTO api_keys (id, team_id, name, hash, hint, scopes)
VALUES (%(id)s, %(team)s, %(name)s, %(hash)s, %(hint)s, %(scopes)s)

-- keys --
SELECT key.id, key.name, key.hint, key.scopes, key.created_at, key.revoked_at, key.issuer, team.name AS team
FROM api_keys AS key JOIN teams AS team ON team.id = key.team_id
WHERE %(team)s::text IS NULL OR team.name = %(team)s
ORDER BY team.name, key.created_at

-- keys_of --
SELECT id, name, hint, scopes, created_at, revoked_at, issuer FROM api_keys
WHERE team_id = %(team)s ORDER BY created_at DESC, id DESC

-- revoke_of --
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s AND team_id = %(team)s
RETURNING id, name, hint, scopes, created_at, revoked_at

-- any_key --
SELECT EXISTS (SELECT 1 FROM api_keys) AS found

-- revoke --
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id::text = %(key)s OR hint = %(key)s OR hash = %(hash)s
RETURNING id, name

-- caller --
SELECT id, team_id, scopes FROM api_keys WHERE hash = %(hash)s AND revoked_at IS NULL
